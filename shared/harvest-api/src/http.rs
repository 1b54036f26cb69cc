//! Sends requests to the real API over HTTPS.
//!
//! The client is stripped of everything that would act by itself. It follows no redirects (they
//! could lead the token elsewhere), repeats nothing (each request needs a permit), and sends no
//! `Referer`. It decompresses bodies in `body` instead of in the HTTP library, so that the limit of
//! the size applies to decompressed bytes, and few of them are in memory at a time.
//!
//! Harvest wants a `User-Agent` with the application's name and a contact, and answers 400 without
//! one (Harvest API v2, "Overview").

mod body;
mod client;
#[cfg(test)]
mod tests;

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use engine::key::first_id;
use engine::memory::DECODED_AT_ONCE;
use engine::pass::RequestTarget;
use engine::retry::RequestFailure;
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName, RETRY_AFTER,
};
use reqwest::{Client, Response};
use rustls::ClientConfig;
use tokio::sync::Semaphore;

use self::body::{AnswerBody, BodyError};
pub use self::client::trusted_roots;
pub(crate) use self::client::{bearer, user_agent};
use self::client::{client, headers};
use crate::base::shown;
use crate::error::SetupError;
use crate::{
    AnswerRoom, ApiAnswer, ApiCredentials, ApiError, BaseUrl, HarvestApi, ServerReply, TokenCell,
};

/// Size in bytes of the largest body read of an unsuccessful answer: enough for its message.
const LARGEST_REFUSAL: u64 = 16 * 1024;

/// Limits of one request. The defaults suit Harvest; tests use shorter ones.
///
/// Three limits of time are needed, because each failure evades the others: a host that is down
/// (`connect`), a connection that is lost without notice (`silence`), and a server that sends a
/// byte now and then for ever (`total`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferLimits {
    /// Longest time for name lookup, TCP and TLS.
    pub connect: Duration,
    /// Longest silence, before the answer and within it.
    pub silence: Duration,
    /// Longest time for the whole request.
    pub total: Duration,
    /// Size in bytes of the largest body, decompressed.
    pub largest_body: u64,
}

impl Default for TransferLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            silence: Duration::from_mins(1),
            total: Duration::from_secs(150),
            largest_body: 256 * 1024 * 1024,
        }
    }
}

/// Harvest over HTTPS (plain HTTP for loopback hosts). Follows no redirects and repeats no
/// requests.
pub struct ReqwestApi {
    base: BaseUrl,
    /// Token of each request, read when it is sent.
    token: TokenCell,
    tuning: TransferLimits,
    /// TLS configuration. Clients made one after the other share it, hence also its sessions.
    tls: ClientConfig,
    /// Headers of every request; the token is not among them.
    headers: HeaderMap,
    /// Room for unpacked answers. Each takes some until its [`ApiAnswer`] is dropped; others wait
    /// compressed.
    room: Arc<Semaphore>,
    /// Client with the open connections, replaced by `forget_connections`.
    http: RwLock<Client>,
}

impl ReqwestApi {
    /// API without any request sent yet. `contact` goes into the User-Agent: a mail address or URL
    /// under which Harvest can reach the operator.
    ///
    /// # Errors
    /// When the contact cannot be part of a header, or TLS does not start.
    pub fn new(
        base: BaseUrl,
        credentials: &ApiCredentials,
        contact: &str,
        tuning: TransferLimits,
    ) -> Result<Self, SetupError> {
        let (tls, headers) = (trusted_roots()?, headers(credentials, contact)?);
        let http = client(&base, tuning, &tls, &headers)
            .map_err(|source| SetupError::Tls(Box::new(source)))?;
        let token = credentials.token.clone();
        let room = Arc::new(Semaphore::new(DECODED_AT_ONCE));
        Ok(Self { base, token, tuning, tls, headers, room, http: RwLock::new(http) })
    }

    /// Reads an answer to its end, within the limits, and unpacks it once there is room. A body
    /// that breaks off or is too large is an error if the answer is a page, and is cut if it is a
    /// refusal.
    async fn read(
        &self,
        mut response: Response,
        request: &str,
    ) -> Result<(ServerReply, Option<AnswerRoom>), ApiError> {
        let mut reply = ServerReply {
            status: response.status().as_u16(),
            content_type: text(&response, &CONTENT_TYPE),
            date: text(&response, &DATE),
            retry_after: text(&response, &RETRY_AFTER),
            body: Vec::new(),
        };
        let wanted = reply.status == 200 && reply.is_json();
        let largest = if wanted { self.tuning.largest_body } else { LARGEST_REFUSAL };
        let announced = response.content_length().unwrap_or(0);
        // If even one record is too large, a person has to find and shorten it: its id helps.
        let too_large = |begun: &[u8]| {
            let record = first_id(begun).map(|id| format!(" and begins with record {id}"));
            let most = self.tuning.largest_body / 1_000_000;
            let record = record.unwrap_or_default();
            ApiError::new(RequestFailure::TooLarge, request)
                .with_detail(&format!("it is larger than {most} MB{record}"))
        };
        // Refused before it is read, if the server says the length. The length counts compressed
        // bytes, so the buffer still has to be watched.
        if announced > largest {
            return if wanted { Err(too_large(&[])) } else { Ok((reply, None)) };
        }
        let mut body = AnswerBody::new(text(&response, &CONTENT_ENCODING).as_deref(), largest);
        let ended = loop {
            match response.chunk().await {
                Ok(None) => break Ok(()),
                Ok(Some(chunk)) => match body.push(&chunk) {
                    Ok(()) => {}
                    Err(BodyError::TooLarge { begun }) => break Err(too_large(&begun)),
                    Err(BodyError::Broken(source)) => break Err(broken(request, source)),
                },
                Err(source) => break Err(broken(request, source.without_url())),
            }
        };
        // The status of a refusal says enough without its body. A 429 must count as a 429 even if
        // the connection broke during its body.
        if !wanted {
            reply.body = body.so_far();
            return Ok((reply, None));
        }
        ended?;
        // An error would mean that the semaphore is closed, which it never is.
        let room = Arc::clone(&self.room).acquire_owned().await.ok().map(AnswerRoom);
        reply.body = body.finish().map_err(|error| match error {
            BodyError::TooLarge { begun } => too_large(&begun),
            BodyError::Broken(source) => broken(request, source),
        })?;
        Ok((reply, room))
    }
}

#[async_trait]
impl HarvestApi for ReqwestApi {
    async fn get(&self, target: &RequestTarget) -> Result<ApiAnswer, ApiError> {
        let url = self.base.resolve(target)?;
        let request = shown(&url);
        let Some(token) = self.token.get() else {
            return Err(ApiError::new(RequestFailure::Unauthorized, request)
                .with_detail("there is no token yet; nothing was sent"));
        };
        let http = self.http.read().unwrap_or_else(PoisonError::into_inner).clone();
        let sending = http.get(url).header(AUTHORIZATION, bearer(&token)?);
        let response = match sending.send().await {
            Ok(response) => response,
            Err(source) => return Err(self.unanswered(source, &request)),
        };
        let (reply, room) = self.read(response, &request).await?;
        // A server that repeats the headers in its message would bring the token into the log.
        let answer = reply.judge(&request).map_err(|error| error.without(token.reveal()))?;
        Ok(ApiAnswer { room, ..answer })
    }

    fn forget_connections(&self) {
        // Building the client succeeded before; if it fails now, old connections are better than
        // none.
        if let Ok(new) = client(&self.base, self.tuning, &self.tls, &self.headers) {
            *self.http.write().unwrap_or_else(PoisonError::into_inner) = new;
        }
    }
}

impl ReqwestApi {
    /// Error of a request without an answer. `Unreachable` only if no connection came about, so
    /// that nothing was sent; otherwise Harvest may have counted the request. The cause loses its
    /// URL, which contains cursors.
    fn unanswered(&self, source: reqwest::Error, request: &str) -> ApiError {
        let error = if source.is_connect() {
            ApiError::new(RequestFailure::Unreachable, request)
                .with_detail(&format!("to {}", self.base))
        } else {
            ApiError::new(RequestFailure::TimedOut, request)
        };
        error.with_cause(&source.without_url())
    }
}

impl fmt::Debug for ReqwestApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestApi").field("base", &self.base).finish_non_exhaustive()
    }
}

/// Error of a body that ends early or cannot be decompressed. It counts as a time-out: the same
/// request may succeed.
fn broken(request: &str, source: impl std::error::Error + 'static) -> ApiError {
    ApiError::new(RequestFailure::TimedOut, request)
        .with_detail("it broke off in the middle of the body")
        .with_cause(&source)
}

/// Value of a header; `None` if it is missing or is not ASCII.
fn text(response: &Response, name: &HeaderName) -> Option<String> {
    let value = response.headers().get(name)?.to_str().ok()?;
    Some(value.to_owned())
}
