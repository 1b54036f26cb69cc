//! Renews the access tokens of an OAuth application.
//!
//! Harvest's access tokens end after about 14 days; a refresh token gives a new pair (Harvest API
//! v2, "Authentication"). The endpoint is on another host than the API and gets no access token.
//! The caller decides when to renew, and stores the new pair before it uses it.

use core::fmt;
use core::time::Duration;

use async_trait::async_trait;
use engine::retry::RequestFailure;
use reqwest::Client;

use crate::error::SetupError;
use crate::http::tls;
use crate::loose::{JsonLiteral, LooseObject};
use crate::{ApiError, BaseUrl};

/// URL of Harvest's token endpoint.
const TOKEN_URL: &str = "https://id.getharvest.com/api/v2/oauth2/token";
/// Assumed lifetime of a token in seconds if the answer gives none: 17 hours, far below Harvest's
/// usual 14 days. Too short costs a renewal; too long would end in a refused request.
const ASSUMED_SECONDS: i64 = 17 * 60 * 60;
/// Longest time of a token request: 30 s.
const PATIENCE: Duration = Duration::from_secs(30);

/// Result of a refresh. `Debug` hides the tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenRenewal {
    /// The new access token.
    pub access_token: String,
    /// Refresh token to use next; `None` if the old one stays valid.
    pub refresh_token: Option<String>,
    /// Lifetime of the access token in seconds.
    pub expires_in_seconds: i64,
}

impl fmt::Debug for TokenRenewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRenewal")
            .field("expires_in_seconds", &self.expires_in_seconds)
            .finish_non_exhaustive()
    }
}

/// Issues access tokens.
#[async_trait]
pub trait TokenEndpoint: Send + Sync + fmt::Debug {
    /// Exchanges a refresh token for a new access token. Sends the request once: Harvest may accept
    /// a refresh token only once, so a repetition could be refused although the first request
    /// succeeded.
    async fn refresh(
        &self,
        client_id: &str,
        client_secret: &str,
        refresh_token: &str,
    ) -> Result<TokenRenewal, ApiError>;
}

/// Token endpoint of Harvest, or of a fake Harvest on loopback.
pub struct OAuthEndpoint {
    url: String,
    http: Client,
}

impl fmt::Debug for OAuthEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthEndpoint").field("url", &self.url).finish_non_exhaustive()
    }
}

impl OAuthEndpoint {
    /// Endpoint that belongs to `base`: Harvest's own, unless `base` is on loopback.
    ///
    /// # Errors
    /// When TLS does not start.
    pub fn new(base: &BaseUrl) -> Result<Self, SetupError> {
        let url = base.beside("/api/v2/oauth2/token").unwrap_or_else(|| TOKEN_URL.to_owned());
        let http = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .https_only(!base.is_plain())
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            // Calls are days apart, and a call lost on a stale connection may use up the refresh
            // token.
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
    ) -> Result<TokenRenewal, ApiError> {
        // Shown in errors instead of the URL and body, which contain secrets.
        let request = "POST of the refresh token";
        let question = serde_json::json!({
            "grant_type": "refresh_token",
            "client_id": client_id,
            "client_secret": client_secret,
            "refresh_token": refresh_token,
        });
        let answer = self.http.post(&self.url).json(&question).send().await;
        let answer = answer.map_err(|source| unanswered(source, request))?;
        let status = answer.status().as_u16();
        if status != 200 {
            // The body is not shown, because it could repeat the secrets that were sent.
            return Err(ApiError::new(refusal(status), request));
        }
        let malformed = || {
            ApiError::new(RequestFailure::Malformed, request).with_detail("it is no token's answer")
        };
        let body = answer.text().await.map_err(|_| malformed())?;
        granted(&body).ok_or_else(malformed)
    }
}

/// Error of a request without an answer. `Unreachable` only if no connection came about, so that
/// nothing was sent.
fn unanswered(source: reqwest::Error, request: &str) -> ApiError {
    let error = if source.is_connect() {
        ApiError::new(RequestFailure::Unreachable, request)
    } else {
        ApiError::new(RequestFailure::TimedOut, request)
            .with_detail("Harvest may have taken the refresh token all the same")
    };
    error.with_source(source.without_url())
}

/// Failure of a request that was answered with `status`. OAuth 2.0 answers 400 to a used or revoked
/// refresh token and 401 to wrong credentials of the application (RFC 6749, section 5.2). In both
/// cases a person has to act.
const fn refusal(status: u16) -> RequestFailure {
    match status {
        400 | 401 | 403 | 422 => RequestFailure::Unauthorized,
        408 => RequestFailure::TimedOut,
        429 => RequestFailure::RateLimited { retry_after: None },
        500.. => RequestFailure::Server(status),
        _ => RequestFailure::Unexpected(status),
    }
}

/// Parses an answer that grants tokens. A token must be text; the lifetime may be any form of a
/// positive number of seconds.
fn granted(body: &str) -> Option<TokenRenewal> {
    let body = LooseObject::read(body)?;
    let token =
        |member| body.get(member).filter(|value| value.is_text()).and_then(JsonLiteral::text);
    let lasts =
        body.get("expires_in").and_then(JsonLiteral::integer).filter(|seconds| *seconds > 0);
    Some(TokenRenewal {
        access_token: token("access_token").filter(|token| !token.is_empty())?,
        refresh_token: token("refresh_token").filter(|token| !token.is_empty()),
        expires_in_seconds: lasts.unwrap_or(ASSUMED_SECONDS),
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn a_status_that_passes_is_not_blamed_on_the_token_or_the_base_url() {
        for (status, failure) in [
            (400, RequestFailure::Unauthorized),
            (401, RequestFailure::Unauthorized),
            (408, RequestFailure::TimedOut),
            (429, RequestFailure::RateLimited { retry_after: None }),
            (503, RequestFailure::Server(503)),
            (302, RequestFailure::Unexpected(302)),
        ] {
            assert_eq!(refusal(status), failure, "{status}");
        }
    }

    #[tokio::test]
    async fn a_request_that_was_sent_is_not_said_to_have_reached_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base: BaseUrl = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let endpoint = OAuthEndpoint::new(&base).unwrap();
        let silent = async {
            let (mut connection, _) = listener.accept().await.unwrap();
            connection.read_u8().await.unwrap();
        };
        let (asked, ()) = tokio::join!(endpoint.refresh("id", "secret", "refresh"), silent);
        assert_eq!(asked.unwrap_err().failure(), &RequestFailure::TimedOut);
        drop(listener);
        let error = endpoint.refresh("id", "secret", "refresh").await.unwrap_err();
        assert_eq!(error.failure(), &RequestFailure::Unreachable);
    }

    #[test]
    fn an_answer_of_the_token_endpoint_is_read_as_far_as_it_matters() {
        let check = |members: &str, lasts| {
            let body = format!(r#"{{"access_token":"a","refresh_token":"r"{members}}}"#);
            let renewal = granted(&body).unwrap();
            assert_eq!(renewal.access_token, "a", "{members}");
            assert_eq!(renewal.refresh_token.as_deref(), Some("r"), "{members}");
            assert_eq!(renewal.expires_in_seconds, lasts, "{members}");
        };
        check("", ASSUMED_SECONDS);
        check(r#","expires_in":60"#, 60);
        check(r#","expires_in":60.0"#, 60);
        check(r#","expires_in":"60""#, 60);
        check(r#","expires_in":null,"scope":["\ud800"],"token_type":5"#, ASSUMED_SECONDS);
        check(r#","expires_in":-1"#, ASSUMED_SECONDS);
        check(r#","expires_in":{}"#, ASSUMED_SECONDS);
        for none in ["[]", "{}", r#"{"access_token":5}"#, r#"{"access_token":""}"#, "x"] {
            assert_eq!(granted(none), None, "{none}");
        }
        let kept = granted(r#"{"access_token":"a","refresh_token":null}"#).unwrap();
        assert_eq!(kept.refresh_token, None);
    }
}
