//! New access tokens of an OAuth application.

use core::fmt;
use core::time::Duration;

use async_trait::async_trait;
use engine::retry::Failure;
use reqwest::Client;
use serde::Deserialize;

use crate::error::SetupError;
use crate::http::tls;
use crate::{ApiError, BaseUrl};

/// Where Harvest makes access tokens.
const TOKEN_URL: &str = "https://id.getharvest.com/api/v2/oauth2/token";
/// How long a token lasts where the answer does not say: Harvest's usual 14 days less a wide margin.
const ASSUMED_SECONDS: i64 = 17 * 60 * 60;
const PATIENCE: Duration = Duration::from_secs(30);

/// What a refresh brought. `Debug` shows no token.
#[derive(Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The new access token.
    pub access_token: String,
    /// The refresh token to use next; `None`: the old one.
    pub refresh_token: Option<String>,
    /// How long the access token lasts.
    pub expires_in_seconds: i64,
}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewal")
            .field("expires_in_seconds", &self.expires_in_seconds)
            .finish_non_exhaustive()
    }
}

/// Makes access tokens.
#[async_trait]
pub trait TokenEndpoint: Send + Sync + fmt::Debug {
    /// Trades a refresh token for a new access token. Sent once: Harvest may take a refresh token
    /// only once, so a repetition could be refused although the first was not.
    async fn refresh(
        &self,
        client_id: &str,
        client_secret: &str,
        refresh_token: &str,
    ) -> Result<Renewal, ApiError>;
}

/// Harvest's endpoint, or that of a fake Harvest on loopback.
pub struct OAuthEndpoint {
    url: String,
    http: Client,
}

impl fmt::Debug for OAuthEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthEndpoint").field("url", &self.url).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    expires_in: Option<i64>,
}

impl OAuthEndpoint {
    /// The endpoint that belongs to `base`: Harvest's own, unless `base` is on loopback.
    ///
    /// # Errors
    /// TLS does not start.
    pub fn new(base: &BaseUrl) -> Result<Self, SetupError> {
        let url = base.beside("/api/v2/oauth2/token").unwrap_or_else(|| TOKEN_URL.to_owned());
        let http = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .https_only(!base.is_plain())
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            // Days lie between two calls, and one that is lost on the way may use the refresh token up.
            .pool_max_idle_per_host(0)
            .timeout(PATIENCE)
            .build()
            .map_err(|source| SetupError::Tls(Box::new(source)))?;
        Ok(Self { url, http })
    }
}

#[async_trait]
impl TokenEndpoint for OAuthEndpoint {
    async fn refresh(
        &self,
        client_id: &str,
        client_secret: &str,
        refresh_token: &str,
    ) -> Result<Renewal, ApiError> {
        let request = "POST of the refresh token";
        let question = serde_json::json!({
            "grant_type": "refresh_token",
            "client_id": client_id,
            "client_secret": client_secret,
            "refresh_token": refresh_token,
        });
        let answer = self.http.post(&self.url).json(&question).send().await.map_err(|source| {
            ApiError::new(Failure::Unreachable, request).with_source(source.without_url())
        })?;
        let status = answer.status().as_u16();
        if status != 200 {
            // Its body is not shown: it could repeat what was sent.
            let failure = match status {
                400 | 401 | 403 | 422 => Failure::Unauthorized,
                500.. => Failure::Server(status),
                _ => Failure::Unexpected(status),
            };
            return Err(ApiError::new(failure, request));
        }
        let granted: Granted = answer.json().await.map_err(|_| {
            ApiError::new(Failure::Malformed, request).with_detail("it is no token's answer")
        })?;
        Ok(Renewal {
            access_token: granted.access_token,
            refresh_token: granted.refresh_token,
            expires_in_seconds: granted.expires_in.unwrap_or(ASSUMED_SECONDS),
        })
    }
}
