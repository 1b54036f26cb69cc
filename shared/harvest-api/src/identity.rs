//! Harvest ID, the server that people log in at: tokens of OAuth applications, and the accounts that
//! a token opens.
//!
//! Harvest's access tokens end after about 14 days; a refresh token gives a new pair (Harvest API
//! v2, "Authentication"). Harvest ID is another host than the API. The caller decides when to
//! renew, and stores the new pair before it uses it.

mod answer;

use core::fmt;
use core::time::Duration;

use async_trait::async_trait;
use engine::retry::RequestFailure;
use reqwest::header::AUTHORIZATION;
use reqwest::{Client, Response};
use url::Url;

use crate::error::SetupError;
use crate::http::{bearer, trusted_roots, user_agent};
use crate::{ApiError, BaseUrl, ServerReply, Token};
pub use answer::{OpenAccount, TokenGrant, TokenHolder};
use answer::{granted, holder};

/// URL of Harvest ID.
const HARVEST_ID: &str = "https://id.getharvest.com";
/// Advice where an answer to a refresh token may be lost.
const UNCERTAIN: &str = "run again; if Harvest then refuses the refresh token, log in again with \
                         `harvest-lake login --oauth CLIENT_ID`";
/// Advice for an application that Harvest refuses.
const APPLICATION: &str =
    "compare client id and client secret with those on id.getharvest.com/developers";
/// Longest time of a token request: 30 s.
const PATIENCE: Duration = Duration::from_secs(30);

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
    ) -> Result<TokenGrant, ApiError>;
}

/// OAuth application: what a person registered with Harvest. `Debug` hides the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct OAuthApplication {
    /// Client id.
    pub id: String,
    /// Client secret.
    pub secret: String,
    /// Redirect URL, to which the browser comes back.
    pub redirect: String,
}

impl fmt::Debug for OAuthApplication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, secret: _, redirect } = self;
        f.debug_struct("OAuthApplication")
            .field("id", id)
            .field("redirect", redirect)
            .finish_non_exhaustive()
    }
}

/// Harvest ID, or a fake one on loopback.
pub struct HarvestId {
    base: Url,
    http: Client,
}

impl fmt::Debug for HarvestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HarvestId").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl HarvestId {
    /// The server that belongs to `base`: Harvest's own, unless `base` is on loopback. `contact` goes
    /// into the User-Agent of each request.
    ///
    /// # Errors
    /// When the contact cannot be part of a header, or TLS does not start.
    pub fn new(base: &BaseUrl, contact: &str) -> Result<Self, SetupError> {
        let url = base.beside("/").unwrap_or_else(|| HARVEST_ID.to_owned());
        let base_url = |_| SetupError::BaseUrl { url: url.clone(), why: "it is no URL" };
        let id = Url::parse(&url).map_err(base_url)?;
        let http = Client::builder()
            .tls_backend_preconfigured(trusted_roots()?)
            .user_agent(user_agent(contact)?)
            .https_only(!base.is_plain())
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            // Calls are days apart, and a call lost on a stale connection may use up the refresh
            // token.
            .pool_max_idle_per_host(0)
            .timeout(PATIENCE)
            .build()
            .map_err(|source| SetupError::Tls(Box::new(source)))?;
        Ok(Self { base: id, http })
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    /// URL at which a person lets the application in. `state` comes back with the code, so that a
    /// code that another page sends is told apart.
    #[must_use]
    pub fn authorization(&self, application: &OAuthApplication, state: &str) -> Url {
        let mut url = self.url("/oauth2/authorize");
        url.query_pairs_mut()
            .append_pair("client_id", &application.id)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", &application.redirect)
            .append_pair("state", state);
        url
    }

    /// Exchanges the code that came back for tokens. Sends the request once, because a code is good
    /// for one use.
    ///
    /// # Errors
    /// `Unauthorized` where Harvest refuses the application or the code.
    pub async fn exchange(
        &self,
        application: &OAuthApplication,
        code: &str,
    ) -> Result<TokenGrant, ApiError> {
        let question = serde_json::json!({
            "grant_type": "authorization_code",
            "client_id": application.id,
            "client_secret": application.secret,
            "redirect_uri": application.redirect,
            "code": code,
        });
        self.grant(&question, "POST of the code").await
    }

    /// Asks whose token it is and which accounts it opens.
    ///
    /// # Errors
    /// `Unauthorized` where Harvest does not accept the token.
    pub async fn holder(&self, token: &Token) -> Result<TokenHolder, ApiError> {
        let request = "GET of the accounts of the token";
        let get = self.http.get(self.url("/api/v2/accounts"));
        let get = get.header(AUTHORIZATION, bearer(token)?);
        let answer = get.send().await.map_err(|source| unanswered(source, request))?;
        let reply = reply(answer, request).await?;
        let malformed = || {
            ApiError::new(RequestFailure::Malformed, request).with_detail("it lists no accounts")
        };
        holder(&reply.judge(request)?.body).ok_or_else(malformed)
    }

    /// Posts a question with secrets, and reads the tokens of the answer.
    async fn grant(
        &self,
        question: &serde_json::Value,
        request: &str,
    ) -> Result<TokenGrant, ApiError> {
        let answer = self.http.post(self.url("/api/v2/oauth2/token")).json(question).send().await;
        let answer = answer.map_err(|source| unanswered(source, request))?;
        let status = answer.status().as_u16();
        if status != 200 {
            // The body is not shown, because it could repeat the secrets that were sent.
            return Err(refused(status, request));
        }
        let malformed = || {
            ApiError::new(RequestFailure::Malformed, request).with_detail("it is no token's answer")
        };
        let body = answer.text().await.map_err(|_| malformed())?;
        granted(&body).ok_or_else(malformed)
    }
}

#[async_trait]
impl TokenEndpoint for HarvestId {
    async fn refresh(
        &self,
        client_id: &str,
        client_secret: &str,
        refresh_token: &str,
    ) -> Result<TokenGrant, ApiError> {
        let question = serde_json::json!({
            "grant_type": "refresh_token",
            "client_id": client_id,
            "client_secret": client_secret,
            "refresh_token": refresh_token,
        });
        // Shown in errors instead of the URL and body, which contain secrets.
        let granted = self.grant(&question, "POST of the refresh token").await;
        granted.map_err(|error| match error.failure() {
            RequestFailure::TimedOut | RequestFailure::Server(_) => {
                error.with_advice(UNCERTAIN.to_owned())
            }
            RequestFailure::Malformed => {
                let proxy = "see whether a proxy or a login page answers instead";
                error.with_advice(format!("{proxy}, and {UNCERTAIN}"))
            }
            RequestFailure::Unreachable
            | RequestFailure::RateLimited { .. }
            | RequestFailure::TooLarge
            | RequestFailure::Unauthorized
            | RequestFailure::Forbidden
            | RequestFailure::NotFound
            | RequestFailure::Invalid(_)
            | RequestFailure::Unexpected(_)
            | RequestFailure::ForeignLink => error,
        })
    }
}

/// Reads a whole answer.
async fn reply(answer: Response, request: &str) -> Result<ServerReply, ApiError> {
    let header = |name| {
        let value = answer.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let mut reply = ServerReply {
        status: answer.status().as_u16(),
        content_type: header("content-type"),
        date: header("date"),
        retry_after: header("retry-after"),
        body: Vec::new(),
    };
    let body = answer.bytes().await.map_err(|source| unanswered(source, request))?;
    reply.body = body.into();
    Ok(reply)
}

/// Error of a request without an answer. `Unreachable` only if no connection came about, so that
/// nothing was sent.
fn unanswered(source: reqwest::Error, request: &str) -> ApiError {
    let error = if source.is_connect() {
        ApiError::new(RequestFailure::Unreachable, request)
    } else {
        ApiError::new(RequestFailure::TimedOut, request)
            .with_detail("Harvest may have taken it all the same")
    };
    error.with_cause(&source.without_url())
}

/// Error of a request for tokens that was answered with `status`.
fn refused(status: u16, request: &str) -> ApiError {
    let error = ApiError::new(refusal(status), request);
    match status {
        400 => {
            let advice = "it may have been used already, or the permission was taken back";
            error.refused_with(status).with_advice(advice.to_owned())
        }
        401 | 403 | 422 => error.refused_with(status).with_advice(APPLICATION.to_owned()),
        429 => error.with_advice("run again later".to_owned()),
        _ => error,
    }
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
        for status in [400, 401, 403, 429] {
            let told = refused(status, "POST").to_string();
            assert!(told.contains(&format!("({status})")), "{told}");
            assert!(!told.contains("new token") && !told.contains("budget"), "{told}");
        }
    }

    #[tokio::test]
    async fn a_request_that_was_sent_is_not_said_to_have_reached_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base: BaseUrl = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let endpoint = HarvestId::new(&base, "tests").unwrap();
        let silent = async {
            let (mut connection, _) = listener.accept().await.unwrap();
            connection.read_u8().await.unwrap();
        };
        let (asked, ()) = tokio::join!(endpoint.refresh("id", "secret", "refresh"), silent);
        let asked = asked.unwrap_err();
        assert_eq!(asked.failure(), &RequestFailure::TimedOut);
        let told = asked.to_string();
        assert!(told.contains("login --oauth") && !told.contains("nothing is lost"), "{told}");
        drop(listener);
        let error = endpoint.refresh("id", "secret", "refresh").await.unwrap_err();
        assert_eq!(error.failure(), &RequestFailure::Unreachable);
    }

    #[test]
    fn the_person_agrees_at_harvest_and_comes_back_with_the_state() {
        let server = HarvestId::new(&BaseUrl::HARVEST.parse().unwrap(), "tests").unwrap();
        let application = OAuthApplication {
            id: "a b&c".to_owned(),
            secret: "hush".to_owned(),
            redirect: "http://localhost:8/".to_owned(),
        };
        assert_eq!(
            server.authorization(&application, "s=t").as_str(),
            "https://id.getharvest.com/oauth2/authorize?client_id=a+b%26c&response_type=code\
             &redirect_uri=http%3A%2F%2Flocalhost%3A8%2F&state=s%3Dt",
        );
        assert!(!format!("{application:?}").contains("hush"));
    }
}
