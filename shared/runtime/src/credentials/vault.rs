//! Vaults, which keep the secret. `aws` implements the trait over Secrets Manager and over parameters
//! of Systems Manager, `deployment` over a file of this machine; the memory vault is for tests.
//!
//! A secret's text is in no error, no log event and no `Debug` output: these are read by more
//! people than the secret is.

use std::sync::Mutex;

use async_trait::async_trait;
use engine::token::SecretVersion;
use harvest_api::{ApiError, Token};

/// Text of a secret and its version. `Debug` does not show the text.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText {
    /// The text; empty where none has been stored yet.
    pub text: String,
    /// Changes with every text that is stored.
    pub version: SecretVersion,
}

impl core::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SecretText").field("version", &self.version).finish_non_exhaustive()
    }
}

/// Reason for which the secret cannot be used. Never contains any of its text.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no such secret.
    #[error("there is no secret `{name}`: deploy the stack, or set HARVEST_SECRET_ARN to one")]
    Missing {
        /// Name or ARN.
        name: String,
    },
    /// The permission is missing.
    #[error(
        "no permission for the secret `{name}`: allow secretsmanager:GetSecretValue on it, or \
         ssm:GetParameter on a parameter (and kms:Decrypt on its key), for OAuth PutSecretValue, too"
    )]
    Denied {
        /// Name or ARN.
        name: String,
        /// The answer of AWS.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The place cannot keep a token that is replaced when it is used.
    #[error(
        "the parameter `{name}` is only read, and the refresh token of an OAuth application is \
         replaced with each use: keep it in a secret (parameter OAuth of the stack)"
    )]
    ReadOnly {
        /// Name of the parameter.
        name: String,
    },
    /// The secret's text has no known form.
    #[error(
        "the secret is not of a form that is known: store {{\"access_token\": \"...\"}}, or \
         {{\"client_id\": \"...\", \"client_secret\": \"...\", \"refresh_token\": \"...\"}}; either may \
         have a \"hash_key\""
    )]
    Malformed,
    /// The login of this machine cannot be read or written.
    #[error("the login `{file}` cannot be used: run `harvest-lake login` again")]
    LoginFile {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Harvest gives no new access token for the login of this machine.
    #[error(
        "no new access token for the login `{file}`: where Harvest refuses the refresh token, run \
         `harvest-lake login --oauth CLIENT_ID` again"
    )]
    LoginRefresh {
        /// The file.
        file: String,
        /// The answer.
        #[source]
        source: Box<ApiError>,
    },
    /// Any other failure; the same call may succeed later.
    #[error("the secret `{name}` cannot be read or written now")]
    Failed {
        /// Name or ARN.
        name: String,
        /// The answer of AWS.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Keeps one secret.
#[async_trait]
pub trait Vault: Send + Sync + core::fmt::Debug {
    /// Reads the secret as it is now. A secret without a text is no error: its text is empty.
    async fn read(&self) -> Result<SecretText, VaultError>;

    /// Replaces the text; durable on return.
    async fn write(&self, text: &str) -> Result<(), VaultError>;

    /// Key of the hashes as it is stored, which stays when other credentials are stored: with another
    /// key the same text has another hash. Makes no token.
    async fn hash_key(&self) -> Result<Option<String>, VaultError> {
        Ok(hash_key(&self.read().await?.text))
    }

    /// Takes note that Harvest refused `token`, which was read from here. A vault that makes tokens
    /// itself makes another one for the next `read`.
    async fn refused(&self, _token: &Token) -> Result<(), VaultError> {
        Ok(())
    }
}

/// Member `hash_key` of a secret's text; `None` where there is none.
fn hash_key(text: &str) -> Option<String> {
    let members: serde_json::Value = serde_json::from_str(text).ok()?;
    members.get("hash_key")?.as_str().map(str::to_owned)
}

/// A secret in memory.
#[derive(Default)]
pub struct MemoryVault(Mutex<(String, u64)>);

impl core::fmt::Debug for MemoryVault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("MemoryVault(…)")
    }
}

#[async_trait]
impl Vault for MemoryVault {
    async fn read(&self) -> Result<SecretText, VaultError> {
        let kept = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(SecretText { text: kept.0.clone(), version: SecretVersion(kept.1.to_string()) })
    }

    async fn write(&self, text: &str) -> Result<(), VaultError> {
        let mut kept = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *kept = (text.to_owned(), kept.1.wrapping_add(1));
        Ok(())
    }
}
