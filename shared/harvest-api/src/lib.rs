//! HTTP edge to Harvest: trait, real implementation, scripted one.

mod base;
pub mod conformance;
mod credentials;
mod error;
mod faulty;
mod http;
mod loose;
mod oauth;
mod reply;
mod scripted;

use async_trait::async_trait;
use engine::pass::RequestTarget;
use engine::time::Timestamp;

pub use self::base::BaseUrl;
pub use self::credentials::{ApiCredentials, Token, TokenCell};
pub use self::error::{ApiError, SetupError};
pub use self::faulty::{ApiCall, ApiFault, FaultyApi};
pub use self::http::{ReqwestApi, TransferLimits};
pub use self::loose::{JsonLiteral, LooseObject};
pub use self::oauth::{OAuthEndpoint, TokenEndpoint, TokenRenewal};
pub use self::reply::ServerReply;
pub use self::scripted::{ScriptedApi, ScriptedReply, ScriptedRequest};

/// A successful answer: status 200, `Content-Type` JSON, complete body in valid UTF-8. Decoding
/// finds out whether the body is JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiAnswer {
    /// Decompressed body.
    pub body: String,
    /// Value of the server's `Date` header.
    pub date: Option<Timestamp>,
}

/// Sends one request, once. The caller handles retries, permits and waiting.
#[async_trait]
pub trait HarvestApi: Send + Sync + core::fmt::Debug {
    /// Sends a GET request for `target` below the base URL.
    async fn get(&self, target: &RequestTarget) -> Result<ApiAnswer, ApiError>;

    /// Sends all further requests over new connections. Existing ones may have been dropped
    /// silently while the process stood still.
    fn forget_connections(&self) {}
}
