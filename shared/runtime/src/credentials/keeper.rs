//! Keeper of the token: one for each process, shared by all of its requests.

use std::sync::Arc;

use decode::HashKey;
use engine::time::Timestamp;
use engine::token::SecretVersion;
use harvest_api::{Token, TokenCell, TokenEndpoint};
use tokio::sync::Mutex;

use super::secret::{SecretContent, SecretCredentials};
use super::vault::{SecretText, Vault, VaultError};
use crate::settings::ShortKey;

/// Keeper of the token, which it renews from the vault.
#[derive(Debug)]
pub struct TokenKeeper {
    /// The token that the API sends; empty until one is loaded.
    pub(super) cell: TokenCell,
    /// The vault of the secret; `None`: the operator gave the token.
    pub(super) vault: Option<Arc<dyn Vault>>,
    /// Harvest's endpoint for access tokens; `None`: no access token is ever made.
    pub(super) endpoint: Option<Arc<dyn TokenEndpoint>>,
    /// The secret as last read. The lock is held while it is read, so that many refused requests
    /// read it once.
    pub(super) heard: Mutex<Option<LastSecret>>,
}

/// The secret as last read, and when.
#[derive(Clone, Debug)]
pub(super) struct LastSecret {
    pub(super) at: Timestamp,
    pub(super) secret: SecretCredentials,
    pub(super) hash_key: Option<Result<HashKey, ShortKey>>,
    pub(super) version: SecretVersion,
}

impl TokenKeeper {
    /// Returns a keeper of a token that does not change.
    #[must_use]
    pub fn fixed(token: Token) -> Self {
        let (cell, heard) = (TokenCell::new(token), Mutex::default());
        Self { cell, vault: None, endpoint: None, heard }
    }

    /// Returns a keeper of the token in `vault`; `endpoint` makes new ones where the secret is an
    /// OAuth application's.
    #[must_use]
    pub fn kept(vault: Arc<dyn Vault>, endpoint: Option<Arc<dyn TokenEndpoint>>) -> Self {
        Self { cell: TokenCell::default(), vault: Some(vault), endpoint, heard: Mutex::default() }
    }

    /// The cell that the API takes its token from.
    #[must_use]
    pub fn cell(&self) -> TokenCell {
        self.cell.clone()
    }

    /// Version of the secret that the token is from; `None` where the operator gave the token.
    pub(super) async fn version(&self) -> Option<SecretVersion> {
        self.heard.lock().await.as_ref().map(|heard| heard.version.clone())
    }
}

/// Reads the secret at `now`.
pub(super) async fn read(vault: &dyn Vault, now: Timestamp) -> Result<LastSecret, VaultError> {
    let SecretText { text, version } = vault.read().await?;
    let SecretContent { token: secret, hash_key } = SecretContent::parse(&text)?;
    Ok(LastSecret { at: now, secret, hash_key, version })
}
