//! New access tokens of an OAuth application: made by the orchestrator alone.
//!
//! The order is fixed: Harvest answers, the new refresh token is stored in the secret, the access
//! token in the account item, and only then it is used. Harvest may no longer take the old refresh
//! token from its answer on. So if the process dies between answer and secret, a person has to
//! authorise the application again.

use engine::account::refresh_is_due;
use engine::time::{SignedDuration, plus};
use engine::token::{AccessToken, OAuthItem};
use harvest_api::Token;

use super::keeper::{TokenKeeper, read};
use super::secret::{OAuthSecret, SecretCredentials};
use crate::context::Context;
use crate::error::{ACCOUNT, RunError};
use crate::records;

impl TokenKeeper {
    /// Whether the secret, as last read, is an OAuth application's.
    async fn keeps_oauth(&self) -> bool {
        let heard = self.heard.lock().await;
        heard.as_ref().is_some_and(|heard| matches!(heard.secret, SecretCredentials::OAuth(_)))
    }

    /// Reads the secret again and returns the application's credentials; `None` if it holds none.
    async fn oauth(&self, context: &Context) -> Result<Option<OAuthSecret>, RunError> {
        let Some(vault) = &self.vault else {
            return Ok(None);
        };
        // Read anew: a refresh with an old refresh token may invalidate the new one.
        let heard = read(&**vault, context.clock.now()).await?;
        let oauth = match &heard.secret {
            SecretCredentials::OAuth(oauth) => Some(oauth.clone()),
            SecretCredentials::Empty | SecretCredentials::Token(_) => None,
        };
        *self.heard.lock().await = Some(heard);
        Ok(oauth)
    }
}

/// Makes a new access token if the secret is an OAuth application's and the present token lasts for
/// less than 20 minutes. The caller holds the orchestrator's lease.
///
/// A worker starts within two minutes of its tick and runs for 15 minutes at most, so a token that
/// a tick finds good enough lasts for every worker that the tick invokes.
///
/// # Errors
/// Fails if Harvest refuses the refresh token, or secret or state cannot be written.
pub async fn refresh_if_due(context: &Context) -> Result<(), RunError> {
    let keeper = &context.tokens;
    let (Some(vault), Some(endpoint)) = (&keeper.vault, &keeper.endpoint) else {
        return Ok(());
    };
    if !keeper.keeps_oauth().await {
        return Ok(());
    }
    let state = |source| RunError::State { stream: ACCOUNT, source };
    let account = context.settings.account;
    let mut item =
        records::account(&*context.state, account, &context.present()).await.map_err(state)?;
    let now = context.clock.now();
    if !refresh_is_due(item.value.oauth.as_ref(), now) {
        return Ok(());
    }
    let Some(old) = keeper.oauth(context).await? else {
        return Ok(());
    };
    let renewal = endpoint
        .refresh(&old.client_id, &old.client_secret, &old.refresh_token)
        .await
        .map_err(|source| RunError::Refresh { source: Box::new(source) })?;
    if let Some(refresh_token) = renewal.refresh_token.filter(|new| *new != old.refresh_token) {
        let new = OAuthSecret { refresh_token, ..old };
        let text = serde_json::to_string(&new)
            .map_err(|error| RunError::Defect { stream: ACCOUNT, what: error.to_string() })?;
        vault.write(&text).await?;
        // The secret has a new version, which a later refusal has to name.
        keeper.oauth(context).await?;
    }
    let oauth = OAuthItem {
        access_token: AccessToken::new(renewal.access_token.clone()),
        expires_at: plus(now, SignedDuration::from_secs(renewal.expires_in_seconds)),
        made_at: Some(now),
    };
    let key = records::account_key(account);
    loop {
        item.value.oauth = Some(oauth.clone());
        if records::write(&*context.state, &key, &mut item).await.map_err(state)? {
            break;
        }
    }
    keeper.cell.set(Token::new(&renewal.access_token).ok());
    tracing::info!("a new access token was made");
    Ok(())
}
