//! HTTP edge to Harvest: trait, real implementation, scripted one.
//!
//! One call is one request: nothing here waits, repeats, or follows a link by itself. Each request
//! costs a permit of the account's budget (100 requests in 15 seconds, for reports 100 in 15
//! minutes: Harvest API v2, "Overview"), and only the caller has permits. A hidden repetition
//! would be a request without a permit.
//!
//! The meaning of an answer is decided in `reply`, once for all implementations. What to do about a
//! failure is decided in `engine::retry`.
//!
//! The token is sent to the configured origin only: scheme, host and port. Links in answers
//! (`links.next`) are checked before they are followed.

mod base;
pub mod conformance;
mod credentials;
mod error;
mod http;
mod identity;
mod loose;
mod reply;
mod scripted;

use async_trait::async_trait;
use engine::pass::RequestTarget;
use engine::time::Timestamp;
use tokio::sync::OwnedSemaphorePermit;

pub use self::base::{BaseUrl, is_loopback};
pub use self::credentials::{ApiCredentials, Token, TokenCell};
pub use self::error::{ApiError, SetupError};
pub use self::http::{ReqwestApi, TransferLimits, trusted_roots};
pub use self::identity::{
    HarvestId, OAuthApplication, OpenAccount, TokenEndpoint, TokenGrant, TokenHolder,
};
pub use self::loose::{JsonLiteral, LooseObject};
pub use self::reply::ServerReply;
pub use self::scripted::{ScriptedApi, ScriptedReply, ScriptedRequest};

/// A successful answer: status 200, `Content-Type` JSON, complete body in valid UTF-8. Decoding
/// finds out whether the body is JSON.
#[derive(Debug)]
pub struct ApiAnswer {
    /// Decompressed body.
    pub body: String,
    /// Room that the body takes; `None` where it is not limited. Keep it as long as the body.
    pub room: Option<AnswerRoom>,
    /// Value of the server's `Date` header, to the second. Cursors come from it, because the clock
    /// of this machine may differ from Harvest's. `None` if it is missing or unreadable.
    pub date: Option<Timestamp>,
}

/// Share of the room for unpacked answers, free again when dropped.
#[derive(Debug)]
pub struct AnswerRoom(
    #[expect(dead_code, reason = "held, and never looked at")] OwnedSemaphorePermit,
);

/// Sends one request, once. The caller handles retries, permits and waiting.
#[async_trait]
pub trait HarvestApi: Send + Sync + core::fmt::Debug {
    /// Sends a GET request for `target` below the base URL. Dropping the future abandons the
    /// request, which Harvest may have counted.
    async fn get(&self, target: &RequestTarget) -> Result<ApiAnswer, ApiError>;

    /// Sends all further requests over new connections. Existing ones may have been dropped
    /// silently while the process stood still.
    fn forget_connections(&self) {}
}
