//! Clients of AWS: one configuration, read when the first of them is needed.

use core::time::Duration;
use std::sync::Arc;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use tokio::sync::OnceCell;

/// Name, TCP and TLS.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest silence within one attempt.
const SILENCE: Duration = Duration::from_secs(30);
/// One attempt, the sending of a partition file included.
const ATTEMPT: Duration = Duration::from_mins(2);
/// Attempts of one call, the first included.
const MOST_ATTEMPTS: u32 = 5;

/// AWS as region, credentials and endpoints of the environment say. Nothing is read before the
/// first client is asked for.
#[derive(Clone, Debug, Default)]
pub struct Aws {
    config: Arc<OnceCell<SdkConfig>>,
    path_style: bool,
}

impl Aws {
    /// AWS, with buckets in paths instead of host names where `path_style` says so: an emulator on
    /// loopback has no host names for them.
    #[must_use]
    pub fn new(path_style: bool) -> Self {
        Self { config: Arc::default(), path_style }
    }

    /// AWS as `config` says.
    #[must_use]
    pub fn of(config: SdkConfig, path_style: bool) -> Self {
        Self { config: Arc::new(OnceCell::new_with(Some(config))), path_style }
    }

    /// The configuration that all clients share.
    pub async fn config(&self) -> &SdkConfig {
        self.config.get_or_init(load).await
    }

    /// Objects.
    pub async fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(self.config().await)
            .force_path_style(self.path_style)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// Items of the state.
    pub async fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(self.config().await)
    }

    /// Invocations of the worker.
    pub async fn lambda(&self) -> aws_sdk_lambda::Client {
        aws_sdk_lambda::Client::new(self.config().await)
    }

    /// The secret that holds the token.
    pub async fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(self.config().await)
    }

    /// The event bus.
    pub async fn events(&self) -> aws_sdk_eventbridge::Client {
        aws_sdk_eventbridge::Client::new(self.config().await)
    }
}

async fn load() -> SdkConfig {
    settings().load().await
}

/// How AWS is spoken to: HTTP over rustls with ring, as to Harvest, and bounds on each call. Region,
/// credentials and endpoints are those of the environment.
#[must_use]
pub fn settings() -> ConfigLoader {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .operation_attempt_timeout(ATTEMPT)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(MOST_ATTEMPTS))
}
