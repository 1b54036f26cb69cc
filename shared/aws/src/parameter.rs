//! The token of a deployment in a `SecureString` parameter of AWS Systems Manager, which costs nothing.
//!
//! `CloudFormation` cannot create such a parameter: the command that stores the token does. Until then
//! there is none, which counts as a secret without a value. The functions only read it, a person
//! writes it: a token that is replaced when it is used needs a secret of Secrets Manager.

use async_trait::async_trait;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::ProvideErrorMetadata as _;
use aws_sdk_ssm::types::ParameterType;
use engine::token::SecretVersion;
use runtime::credentials::{SecretText, Vault, VaultError};

use crate::secret::failed;

/// A parameter of Systems Manager.
#[derive(Clone, Debug)]
pub struct ParameterVault {
    client: Client,
    name: String,
    /// KMS key of what is written; `None`: that of AWS.
    key: Option<String>,
}

impl ParameterVault {
    /// Returns the vault of the parameter of this name. Sends no request yet.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into(), key: None }
    }

    /// Returns the vault whose texts are encrypted with this KMS key.
    #[must_use]
    pub fn with_key(self, key: Option<String>) -> Self {
        Self { key, ..self }
    }
}

#[async_trait]
impl Vault for ParameterVault {
    async fn read(&self) -> Result<SecretText, VaultError> {
        let get = self.client.get_parameter().name(&self.name).with_decryption(true);
        match get.send().await {
            Ok(found) => {
                let found = found.parameter;
                // A parameter that was deleted and made again begins with version 1.
                let version = found.as_ref().map(|found| {
                    let made = found.last_modified_date.map(|at| at.secs()).unwrap_or_default();
                    format!("{} {made}", found.version)
                });
                let version = version.unwrap_or_default();
                let text = found.and_then(|found| found.value).unwrap_or_default();
                // Before it is used, which would make it useless.
                if has_refresh_token(&text) {
                    return Err(VaultError::ReadOnly { name: self.name.clone() });
                }
                Ok(SecretText { text, version: SecretVersion(version) })
            }
            Err(error) if error.code() == Some("ParameterNotFound") => {
                Ok(SecretText { text: String::new(), version: SecretVersion::default() })
            }
            Err(error) => Err(failed(&self.name, &error)),
        }
    }

    async fn write(&self, text: &str) -> Result<(), VaultError> {
        if has_refresh_token(text) {
            return Err(VaultError::ReadOnly { name: self.name.clone() });
        }
        let put = self.client.put_parameter().name(&self.name).value(text).overwrite(true);
        let put = put.r#type(ParameterType::SecureString).set_key_id(self.key.clone());
        put.send().await.map(|_| ()).map_err(|error| failed(&self.name, &error))
    }
}

/// Whether the text is that of an OAuth application.
fn has_refresh_token(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text)
        .is_ok_and(|value| value.get("refresh_token").is_some())
}
