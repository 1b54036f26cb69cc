//! The token that requests are sent with: given by the operator, or kept in a secret that may
//! change while this process lives.
//!
//! | credentials | place | renewed |
//! | --- | --- | --- |
//! | token given to the command line | memory | never |
//! | personal access token | secret | by a person; every process reads the secret again |
//! | OAuth application | secret: client, refresh token; account item: access token | `refresh` |
//! | login of this machine | file: token, or client, refresh and access token | by its vault |
//!
//! The API takes the token from a cell for each request, so a new token serves requests that were
//! planned before it. Only the orchestrator makes access tokens. Workers read them from the account
//! item, because a permission to write the secret is one function's alone.

mod keeper;
mod refresh;
mod secret;
mod vault;

use decode::HashKey;
use engine::time::{SignedDuration, between};
use engine::token::{RefusedToken, SecretVersion};
use harvest_api::Token;

pub use keeper::TokenKeeper;
use keeper::{LastSecret, read};
pub use refresh::refresh_if_due;
pub use secret::{OAuthSecret, SecretContent, SecretCredentials};
pub use vault::{MemoryVault, SecretText, Vault, VaultError};

use crate::context::Context;
use crate::error::{ACCOUNT, RunError};
use crate::records;
use crate::settings::ShortKey;

/// Age up to which the secret as last read is used: 5 minutes. A process serves many invocations,
/// and each of them loads the token.
const BELIEVED: SignedDuration = SignedDuration::from_mins(5);

/// Content of the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadedSecret {
    /// A token, or an OAuth application from which one is made. The version of the secret; `None`
    /// for a token that the operator gave.
    Ready(Option<SecretVersion>),
    /// No token yet.
    Empty,
}

impl TokenKeeper {
    /// Loads the token into the cell. The secret is read again if it was read five minutes ago or
    /// earlier, or has given no token yet. An application's access token is read from the account
    /// item each time.
    ///
    /// # Errors
    /// Fails if the secret cannot be read or is malformed.
    pub async fn load(&self, context: &Context) -> Result<LoadedSecret, RunError> {
        let Some(vault) = &self.vault else {
            return Ok(LoadedSecret::Ready(None));
        };
        let mut heard = self.heard.lock().await;
        let now = context.clock.now();
        let fresh = heard.as_ref().is_some_and(|heard| between(heard.at, now) < BELIEVED);
        if !fresh || self.cell.get().is_none() {
            *heard = Some(read(&**vault, now).await?);
        }
        self.take(context, heard.as_ref()).await
    }

    /// Reads the secret again after `refused` was refused. Returns whether there is another token
    /// now, with which the request is worth sending again.
    ///
    /// An operator who replaces a token revokes the old one. Requests under way with the old one
    /// are refused then, and none of them should fail its run.
    ///
    /// # Errors
    /// Fails if the secret cannot be read or is malformed.
    pub async fn renewed(
        &self,
        context: &Context,
        refused: Option<&Token>,
    ) -> Result<bool, RunError> {
        let Some(vault) = &self.vault else {
            return Ok(false);
        };
        let mut heard = self.heard.lock().await;
        // Another request of this process may have been here first.
        if self.cell.get().as_ref() == refused {
            if let Some(refused) = refused {
                vault.refused(refused).await?;
            }
            *heard = Some(read(&**vault, context.clock.now()).await?);
            self.take(context, heard.as_ref()).await?;
        }
        let token = self.cell.get();
        Ok(token.is_some() && token.as_ref() != refused)
    }

    /// Returns the key of the hashes from the secret; `None` where the secret has none, or there is
    /// no secret.
    ///
    /// # Errors
    /// Fails if the secret cannot be read or is malformed.
    pub(crate) async fn hash_key(
        &self,
        context: &Context,
    ) -> Result<Option<Result<HashKey, ShortKey>>, RunError> {
        self.load(context).await?;
        Ok(self.heard.lock().await.as_ref().and_then(|heard| heard.hash_key.clone()))
    }

    /// Like [`Self::renewed`], but returns `false` if the secret cannot be read.
    pub(crate) async fn is_renewed(&self, context: &Context, refused: Option<&Token>) -> bool {
        self.renewed(context, refused).await.unwrap_or_else(|error| {
            tracing::warn!(error = error.chain(), "the secret could not be read again");
            false
        })
    }

    /// Puts the token into the cell: that of `heard`, or for an OAuth application the access token
    /// that the orchestrator left in the account item.
    async fn take(
        &self,
        context: &Context,
        heard: Option<&LastSecret>,
    ) -> Result<LoadedSecret, RunError> {
        let Some(LastSecret { secret, version, .. }) = heard else {
            return Ok(LoadedSecret::Empty);
        };
        let token = match secret {
            SecretCredentials::Empty => {
                self.cell.set(None);
                return Ok(LoadedSecret::Empty);
            }
            SecretCredentials::Token(token) => Some(token.clone()),
            SecretCredentials::OAuth(_) => {
                let account = context.settings.account;
                let item = records::account(&*context.state, account, &context.present())
                    .await
                    .map_err(|source| RunError::State { stream: ACCOUNT, source })?;
                item.value.oauth.and_then(|oauth| Token::new(oauth.access_token.reveal()).ok())
            }
        };
        self.cell.set(token);
        Ok(LoadedSecret::Ready(Some(version.clone())))
    }
}

/// Records in the account item that Harvest refused the token, so that the orchestrator pauses the
/// account. An access token of an application is removed, so that another is made.
///
/// The version of the secret is recorded as well: once the secret changes, the pause is over. The
/// time of the first refusal stays over repeated ones. If the state store fails, nothing is
/// recorded, and the next run is refused in turn.
pub async fn note_refusal(context: &Context, error: &RunError) {
    let version = context.tokens.version().await;
    let account = context.settings.account;
    let key = records::account_key(account);
    let Ok(mut item) = records::account(&*context.state, account, &context.present()).await else {
        return;
    };
    loop {
        let now = context.clock.now();
        let since = item.value.refused.as_ref().map_or(now, |refused| refused.since);
        item.value.refused = Some(RefusedToken { since, probed_at: now, version: version.clone() });
        item.value.oauth = None;
        match records::write(&*context.state, &key, &mut item).await {
            Ok(true) => break,
            Ok(false) => {}
            Err(_) => return,
        }
    }
    tracing::error!(error = error.chain(), "the token was refused; the account is paused");
}
