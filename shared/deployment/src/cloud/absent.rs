//! The parts in AWS, in a build without its SDKs: errors.

use std::sync::Arc;

use delta::store::ObjectStore;
use runtime::announce::Announcer;
use runtime::credentials::Vault;
use runtime::invoke::Invoker;
use state::StateStore;

use super::{CloudClients, WorkerNames};
use crate::config::ConfigError;

// Asynchronous as in a build with AWS, where the environment is read first.
#[expect(clippy::unused_async, reason = "the other build waits")]
impl CloudClients {
    /// Returns no clients.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::default()
    }

    /// Returns no store.
    ///
    /// # Errors
    /// Always.
    pub async fn store(
        &self,
        bucket: &str,
        _prefix: &str,
    ) -> Result<Arc<dyn ObjectStore>, ConfigError> {
        Err(absent(format!("the bucket `{bucket}`")))
    }

    /// Returns no state.
    ///
    /// # Errors
    /// Always.
    pub async fn state(&self, table: &str) -> Result<Arc<dyn StateStore>, ConfigError> {
        Err(absent(format!("the table `{table}` of DynamoDB")))
    }

    /// Returns no announcer.
    ///
    /// # Errors
    /// Always.
    pub async fn event_bus(&self, name: &str) -> Result<Arc<dyn Announcer>, ConfigError> {
        Err(absent(format!("the event bus `{name}`")))
    }

    /// Returns no invoker.
    ///
    /// # Errors
    /// Always.
    pub async fn invoker(&self, workers: WorkerNames) -> Result<Arc<dyn Invoker>, ConfigError> {
        Err(absent(format!("the function `{}`", workers.large)))
    }

    /// Returns no vault.
    ///
    /// # Errors
    /// Always.
    pub async fn parameter(
        &self,
        name: &str,
        _key: Option<String>,
    ) -> Result<Arc<dyn Vault>, ConfigError> {
        Err(absent(format!("the parameter `{name}`")))
    }

    /// Returns no vault.
    ///
    /// # Errors
    /// Always.
    pub async fn secret(&self, name: &str) -> Result<Arc<dyn Vault>, ConfigError> {
        Err(absent(format!("the secret `{name}`")))
    }

    /// Does nothing: there are no connections.
    pub fn forget_connections(&self) {}
}

fn absent(what: String) -> ConfigError {
    ConfigError::NoAws { what }
}
