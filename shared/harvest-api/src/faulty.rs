//! An API that fails on demand, to test how callers handle failures.
//!
//! The difference between the two kinds of faults is the budget: a request that the server has seen
//! is counted by it, whatever the caller got.

use core::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use engine::pass::RequestTarget;
use engine::retry::RequestFailure;

use crate::{ApiAnswer, ApiError, HarvestApi};

/// A call as the script sees it.
#[derive(Clone, Copy, Debug)]
pub struct ApiCall<'a> {
    /// Number of earlier calls on this API.
    pub number: u64,
    /// Requested target.
    pub target: &'a RequestTarget,
}

/// Treatment of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiFault {
    /// Passes the call on.
    None,
    /// Fails before the server sees the request.
    Before(RequestFailure),
    /// Fails after the server has received and counted the request.
    After(RequestFailure),
}

type ApiScript = dyn Fn(ApiCall<'_>) -> ApiFault + Send + Sync;

/// An API whose calls fail as a script decides. The script sees the target, so it can fail one
/// stream, or one page of it.
pub struct FaultyApi {
    inner: Arc<dyn HarvestApi>,
    script: Box<ApiScript>,
    calls: AtomicU64,
}

impl FaultyApi {
    /// Wraps `inner` with the faults of `script`.
    pub fn new(
        inner: Arc<dyn HarvestApi>,
        script: impl Fn(ApiCall<'_>) -> ApiFault + Send + Sync + 'static,
    ) -> Self {
        Self { inner, script: Box::new(script), calls: AtomicU64::new(0) }
    }

    /// Number of calls so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl HarvestApi for FaultyApi {
    async fn get(&self, target: &RequestTarget) -> Result<ApiAnswer, ApiError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        match (self.script)(ApiCall { number, target }) {
            ApiFault::None => self.inner.get(target).await,
            ApiFault::Before(failure) => Err(injected(failure, target)),
            ApiFault::After(failure) => match self.inner.get(target).await {
                Ok(_) | Err(_) => Err(injected(failure, target)),
            },
        }
    }

    fn forget_connections(&self) {
        self.inner.forget_connections();
    }
}

impl fmt::Debug for FaultyApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyApi").field("inner", &self.inner).finish_non_exhaustive()
    }
}

/// Scripted error. A link is not shown, as in real errors, because it contains a cursor.
fn injected(failure: RequestFailure, target: &RequestTarget) -> ApiError {
    let request = match target {
        RequestTarget::Path { path, .. } => format!("GET {path}"),
        RequestTarget::Link(_) => "the link to the next page".to_owned(),
    };
    ApiError::new(failure, request).with_detail("injected")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ScriptedApi, ServerReply};

    #[tokio::test]
    async fn a_call_fails_before_or_after_the_server_saw_it() {
        let base = crate::BaseUrl::HARVEST.parse().unwrap();
        let server = Arc::new(ScriptedApi::new(base, |_| ServerReply::json("{}").into()));
        let api =
            FaultyApi::new(Arc::clone(&server) as Arc<dyn HarvestApi>, |call| match call.number {
                0 => ApiFault::Before(RequestFailure::TimedOut),
                1 => ApiFault::After(RequestFailure::Server(500)),
                _ => ApiFault::None,
            });
        let target = RequestTarget::Path { path: "/clients".to_owned(), query: Vec::new() };
        assert_eq!(api.get(&target).await.unwrap_err().failure(), &RequestFailure::TimedOut);
        assert_eq!(server.requests().len(), 0);
        assert_eq!(api.get(&target).await.unwrap_err().failure(), &RequestFailure::Server(500));
        assert_eq!(server.requests().len(), 1);
        assert_eq!(api.get(&target).await.unwrap().body, "{}");
        assert_eq!((api.calls(), server.requests().len()), (3, 2));
    }
}
