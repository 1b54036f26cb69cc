//! Vaults, which keep the secret.

use std::sync::Mutex;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use engine::account::SecretVersion;

/// Text of a secret and its version. `Debug` does not show the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept {
    /// The text; empty where none has been stored yet.
    pub text: String,
    /// Changes with every text that is stored.
    pub version: SecretVersion,
}

impl core::fmt::Debug for Kept {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Kept").field("version", &self.version).finish_non_exhaustive()
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
        "no permission for the secret `{name}`: allow secretsmanager:GetSecretValue on it (and \
         kms:Decrypt on its key), for OAuth PutSecretValue, too"
    )]
    Denied {
        /// Name or ARN.
        name: String,
        /// The answer of AWS.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The secret's text has no known form.
    #[error(
        "the secret is not of a form that is known: store {{\"access_token\": \"...\"}}, or \
         {{\"client_id\": \"...\", \"client_secret\": \"...\", \"refresh_token\": \"...\"}}; either may \
         have a \"hash_key\""
    )]
    Malformed,
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
    /// Reads the secret as it is now.
    async fn read(&self) -> Result<Kept, VaultError>;

    /// Replaces the text; durable on return.
    async fn write(&self, text: &str) -> Result<(), VaultError>;
}

/// A secret of AWS Secrets Manager.
#[derive(Clone, Debug)]
pub struct SecretsManagerVault {
    client: Client,
    name: String,
}

impl SecretsManagerVault {
    /// Returns the vault of the secret of this name or ARN. Sends no request yet.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }

    fn failed<E>(&self, error: SdkError<E>) -> VaultError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let name = self.name.clone();
        let code = error.code().map(str::to_owned);
        let source = format!("{}", DisplayErrorContext(error)).into();
        match code.as_deref() {
            Some("ResourceNotFoundException") => VaultError::Missing { name },
            Some("AccessDeniedException" | "DecryptionFailure") => {
                VaultError::Denied { name, source }
            }
            Some(_) | None => VaultError::Failed { name, source },
        }
    }
}

#[async_trait]
impl Vault for SecretsManagerVault {
    async fn read(&self) -> Result<Kept, VaultError> {
        match self.client.get_secret_value().secret_id(&self.name).send().await {
            Ok(found) => Ok(Kept {
                text: found.secret_string().unwrap_or_default().to_owned(),
                version: SecretVersion(found.version_id().unwrap_or_default().to_owned()),
            }),
            // A secret without any value yet, as a template makes it, has no current version.
            Err(error) if error.message().is_some_and(|said| said.contains("staging label")) => {
                Ok(Kept { text: String::new(), version: SecretVersion::default() })
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    async fn write(&self, text: &str) -> Result<(), VaultError> {
        let put = self.client.put_secret_value().secret_id(&self.name).secret_string(text);
        put.send().await.map(|_| ()).map_err(|error| self.failed(error))
    }
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
    async fn read(&self) -> Result<Kept, VaultError> {
        let kept = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(Kept { text: kept.0.clone(), version: SecretVersion(kept.1.to_string()) })
    }

    async fn write(&self, text: &str) -> Result<(), VaultError> {
        let mut kept = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *kept = (text.to_owned(), kept.1.wrapping_add(1));
        Ok(())
    }
}
