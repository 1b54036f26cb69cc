//! The secret of a deployment in AWS Secrets Manager.
//!
//! The template creates the secret without a value, and the operator sets it. The tick that renews
//! the token of an OAuth application writes the new refresh token back. Secrets Manager gives each
//! value an id, the version: a refused token is tried again at once if the version is another.

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use engine::token::SecretVersion;
use runtime::credentials::{SecretText, Vault, VaultError};

use crate::told::told;

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
}

/// Error of a call about the secret or parameter `name`, by the code of the answer. A secret under a
/// customer's own key also needs the use of that key (`DecryptionFailure`).
pub(crate) fn failed<E>(name: &str, error: SdkError<E>) -> VaultError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let name = name.to_owned();
    let code = error.code().map(str::to_owned);
    let source = told(&error).into();
    match code.as_deref() {
        Some("ResourceNotFoundException") => VaultError::Missing { name },
        Some("AccessDeniedException" | "DecryptionFailure") => VaultError::Denied { name, source },
        Some(_) | None => VaultError::Failed { name, source },
    }
}

#[async_trait]
impl Vault for SecretsManagerVault {
    async fn read(&self) -> Result<SecretText, VaultError> {
        match self.client.get_secret_value().secret_id(&self.name).send().await {
            Ok(found) => Ok(SecretText {
                text: found.secret_string().unwrap_or_default().to_owned(),
                version: SecretVersion(found.version_id().unwrap_or_default().to_owned()),
            }),
            // A secret without any value yet, as a template makes it, has no current version. The
            // code is that of a missing secret (`ResourceNotFoundException`); only the message,
            // which names the staging label `AWSCURRENT`, tells the two apart.
            Err(error) if error.message().is_some_and(|said| said.contains("staging label")) => {
                Ok(SecretText { text: String::new(), version: SecretVersion::default() })
            }
            Err(error) => Err(failed(&self.name, error)),
        }
    }

    async fn write(&self, text: &str) -> Result<(), VaultError> {
        let put = self.client.put_secret_value().secret_id(&self.name).secret_string(text);
        put.send().await.map(|_| ()).map_err(|error| failed(&self.name, error))
    }
}
