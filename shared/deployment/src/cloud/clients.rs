//! The parts in AWS, in a build with its SDKs.

use std::sync::Arc;

use aws::{
    AwsClients, DynamoStore, EventBus, LambdaInvoker, ParameterVault, S3Store, SecretsManagerVault,
    WorkerFunctions,
};
use delta::store::ObjectStore;
use runtime::announce::Announcer;
use runtime::credentials::Vault;
use runtime::invoke::Invoker;
use runtime::random::SharedRandom;
use state::StateStore;

use super::{CloudClients, WorkerNames};
use crate::config::{ConfigError, has_own_s3_endpoint};

// All of these return a `Result` because a build without AWS has none of them.
impl CloudClients {
    /// Returns AWS as the environment describes it, which is not read yet.
    #[must_use]
    pub fn from_environment() -> Self {
        Self { aws: AwsClients::new(has_own_s3_endpoint()) }
    }

    /// Returns the store of the objects of `bucket` below `prefix`. Sends no request.
    ///
    /// # Errors
    /// Fails in a build without AWS.
    pub async fn store(
        &self,
        bucket: &str,
        prefix: &str,
    ) -> Result<Arc<dyn ObjectStore>, ConfigError> {
        Ok(Arc::new(S3Store::new(self.aws.s3().await, bucket, prefix)))
    }

    /// Returns the state in the `DynamoDB` table of this name. Sends no request.
    ///
    /// # Errors
    /// Fails in a build without AWS.
    pub async fn state(&self, table: &str) -> Result<Arc<dyn StateStore>, ConfigError> {
        let random = SharedRandom::from_system();
        let ids = move || random.next();
        Ok(Arc::new(DynamoStore::new(self.aws.dynamodb().await, table, ids)))
    }

    /// Returns the announcer of the event bus of this name or ARN. Sends no request.
    ///
    /// # Errors
    /// Fails in a build without AWS.
    pub async fn event_bus(&self, name: &str) -> Result<Arc<dyn Announcer>, ConfigError> {
        Ok(Arc::new(EventBus::new(self.aws.events().await, name)))
    }

    /// Returns the invoker of these functions. Sends no request.
    ///
    /// # Errors
    /// Fails in a build without AWS.
    pub async fn invoker(&self, workers: WorkerNames) -> Result<Arc<dyn Invoker>, ConfigError> {
        let WorkerNames { small, large } = workers;
        let workers = WorkerFunctions { small, large };
        Ok(Arc::new(LambdaInvoker::new(self.aws.lambda().await, workers)))
    }

    /// Returns the vault of the parameter of this name, whose texts are encrypted with this KMS key.
    /// Sends no request.
    ///
    /// # Errors
    /// Fails in a build without AWS.
    pub async fn parameter(
        &self,
        name: &str,
        key: Option<String>,
    ) -> Result<Arc<dyn Vault>, ConfigError> {
        let vault = ParameterVault::new(self.aws.parameters().await, name);
        Ok(Arc::new(vault.with_key(key)))
    }

    /// Returns the vault of the secret of this name or ARN. Sends no request.
    ///
    /// # Errors
    /// Fails in a build without AWS.
    pub async fn secret(&self, name: &str) -> Result<Arc<dyn Vault>, ConfigError> {
        Ok(Arc::new(SecretsManagerVault::new(self.aws.secrets().await, name)))
    }

    /// Makes later calls use new connections, as `AwsClients::forget_connections`.
    pub fn forget_connections(&self) {
        self.aws.forget_connections();
    }
}
