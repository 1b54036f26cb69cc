//! The HTTP edge to Harvest: trait, real implementation, scripted one.

use async_trait::async_trait;
use engine::pass::Target;
use engine::time::Timestamp;

/// A successful answer: status 200, `Content-Type` JSON, a whole body of valid UTF-8. Whether the
/// body *is* JSON shows when it is decoded.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The body, decompressed.
    pub body: String,
    /// The server's `Date` header.
    pub date: Option<Timestamp>,
}

/// Sends one request, once. Retries, permits and waiting are the caller's.
#[async_trait]
pub trait HarvestApi: Send + Sync + core::fmt::Debug {
    /// GETs `target` below the base URL.
    async fn get(&self, target: &Target) -> Result<Answer, ApiError>;
}

/// Why a request brought no usable answer. Never contains the token.
#[derive(Debug, thiserror::Error)]
#[error("placeholder")]
pub struct ApiError {}
