//! AWS: clients with one configuration, and the implementations of the project's boundaries that
//! use them. No other crate needs an SDK of AWS.
//!
//! The configuration is loaded when the first client is needed. So a command on a local lake never
//! looks for credentials or a region, which may take seconds on a machine without them.
//!
//! The traits belong to the crates that call them (`delta`, `state`, `runtime`). This crate decides
//! nothing: it translates calls into requests, and answers into the outcomes and errors of the
//! traits. Retries below one call are the SDK's (standard mode: a failed attempt is repeated after
//! a random, growing wait). An attempt whose answer is lost may have taken effect, so one call may
//! write twice; each implementation says what follows from that.

mod bus;
mod dynamo;
mod file_body;
mod invoker;
mod parameter;
mod s3;
mod s3_rules;
mod secret;
mod told;

use core::time::Duration;
use std::sync::{Arc, PoisonError, RwLock};

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_sdk_dynamodb::config::ConfigBag;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};
use tokio::sync::OnceCell;

pub use bus::EventBus;
pub use dynamo::DynamoStore;
pub use invoker::{LambdaInvoker, WorkerFunctions};
pub use parameter::ParameterVault;
pub use s3::S3Store;
pub use secret::SecretsManagerVault;

/// Time limit of a new connection: name lookup, TCP and TLS.
const CONNECT: Duration = Duration::from_secs(5);
/// Time limit of a silence within one attempt. A lost connection is noticed after this time.
const SILENCE: Duration = Duration::from_secs(30);
/// Time limit of one attempt, the sending of a partition file included: 20 MB in two minutes need
/// 1.3 Mbit/s.
const ATTEMPT: Duration = Duration::from_mins(2);
/// Number of attempts of one call, the first included.
const MOST_ATTEMPTS: u32 = 5;

/// Clients of AWS with region, credentials and endpoints of the environment, which is not read
/// before the first client is needed.
#[derive(Clone, Debug, Default)]
pub struct AwsClients {
    /// Configuration, once it is loaded. Clones share it.
    config: Arc<OnceCell<SdkConfig>>,
    /// Connections of all clients, also of those made before `forget_connections`.
    connections: AwsConnections,
    /// Whether the bucket is in the path of a URL instead of its host name.
    path_style: bool,
}

impl AwsClients {
    /// Returns AWS; `path_style`: with buckets in paths instead of host names, because an emulator
    /// on loopback has no host names for them.
    #[must_use]
    pub fn new(path_style: bool) -> Self {
        Self { path_style, ..Self::default() }
    }

    /// Returns AWS with this configuration, whose connections are `connections`.
    #[must_use]
    pub fn of(config: SdkConfig, connections: AwsConnections, path_style: bool) -> Self {
        Self { config: Arc::new(OnceCell::new_with(Some(config))), connections, path_style }
    }

    /// Returns the configuration that all clients share.
    pub async fn config(&self) -> &SdkConfig {
        self.config.get_or_init(|| settings(&self.connections).load()).await
    }

    /// Makes later calls use new connections: the present ones may be dead after the process was
    /// suspended. Lambda freezes a function between two invocations; the other side closes idle
    /// connections meanwhile, and the function does not hear of it. The first request over such a
    /// connection would wait for the limit of a silence.
    pub fn forget_connections(&self) {
        self.connections.forget();
    }

    /// Client for objects.
    pub async fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(self.config().await)
            .force_path_style(self.path_style)
            .retry_classifier(s3_rules::ConflictsPass)
            .interceptor(s3_rules::ChecksumsSigned)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// Client for the items of the state.
    pub async fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(self.config().await)
    }

    /// Client for invocations of the worker.
    pub async fn lambda(&self) -> aws_sdk_lambda::Client {
        aws_sdk_lambda::Client::new(self.config().await)
    }

    /// Client for the secret that holds the token.
    pub async fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(self.config().await)
    }

    /// Client for the parameter that holds the token.
    pub async fn parameters(&self) -> aws_sdk_ssm::Client {
        aws_sdk_ssm::Client::new(self.config().await)
    }

    /// Client for the event bus.
    pub async fn events(&self) -> aws_sdk_eventbridge::Client {
        aws_sdk_eventbridge::Client::new(self.config().await)
    }
}

/// Returns the settings of all clients: HTTP over rustls with ring, as for Harvest, and bounds on
/// each call. Region, credentials and endpoints are those of the environment.
#[must_use]
pub fn settings(connections: &AwsConnections) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .operation_attempt_timeout(ATTEMPT)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(connections.clone())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(MOST_ATTEMPTS))
}

/// Connections of all clients. The SDK keeps each for 90 seconds after its last use.
#[derive(Clone, Debug)]
pub struct AwsConnections(Arc<RwLock<SharedHttpClient>>);

impl AwsConnections {
    /// Replaces the connections. Calls under way keep the old ones until they end.
    fn forget(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = unconnected();
    }

    /// Connections in use from now on.
    fn current(&self) -> SharedHttpClient {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Default for AwsConnections {
    fn default() -> Self {
        Self(Arc::new(RwLock::new(unconnected())))
    }
}

/// The SDK takes the connector anew for each attempt of a call, so that an attempt after
/// `forget` uses new connections.
impl HttpClient for AwsConnections {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.current().http_connector(settings, components)
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        HttpClient::validate_base_client_config(&self.current(), components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        HttpClient::validate_final_config(&self.current(), components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.current().connector_metadata()
    }
}

/// HTTP client without any connection yet. Its TLS is the one of the Harvest client (rustls with
/// ring), so a binary contains one implementation.
fn unconnected() -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}
