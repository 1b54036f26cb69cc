//! An API in memory that answers by a script, for tests of its callers.
//!
//! It shares the code that resolves targets and judges replies with the real implementation, so a
//! test cannot get an answer whose link, status or content type the real one would refuse.

use core::fmt;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use engine::pass::RequestTarget;
use engine::retry::RequestFailure;

use crate::base::shown;
use crate::{ApiAnswer, ApiError, BaseUrl, HarvestApi, ServerReply};

/// A request as the script sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptedRequest {
    /// Number of earlier requests.
    pub number: usize,
    /// Path below the base URL, such as `/clients`, also for a link. So a script need not know how
    /// the request was built.
    pub path: String,
    /// Query parameters, decoded, in order.
    pub query: Vec<(String, String)>,
}

impl ScriptedRequest {
    /// First value of a query parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Treatment of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptedReply {
    /// Sends this reply, which is judged as in the real implementation.
    Reply(ServerReply),
    /// Gives no answer, as after a time-out or without a connection.
    Break(RequestFailure),
}

impl From<ServerReply> for ScriptedReply {
    fn from(reply: ServerReply) -> Self {
        Self::Reply(reply)
    }
}

type ReplyScript = dyn Fn(&ScriptedRequest) -> ScriptedReply + Send + Sync;

/// API that answers by a script and records its requests. Refuses links out of its base URL as the
/// real implementation does, without recording them.
pub struct ScriptedApi {
    base: BaseUrl,
    script: Box<ReplyScript>,
    asked: Mutex<Vec<ScriptedRequest>>,
}

impl ScriptedApi {
    /// API at `base` that answers with the result of `script`.
    #[must_use]
    pub fn new(
        base: BaseUrl,
        script: impl Fn(&ScriptedRequest) -> ScriptedReply + Send + Sync + 'static,
    ) -> Self {
        Self { base, script: Box::new(script), asked: Mutex::default() }
    }

    /// API at `base` that gives `answers` one after the other, then 404.
    #[must_use]
    pub fn queue(base: BaseUrl, answers: impl IntoIterator<Item = ScriptedReply>) -> Self {
        let queue: Mutex<VecDeque<ScriptedReply>> = Mutex::new(answers.into_iter().collect());
        Self::new(base, move |_| {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            next.unwrap_or_else(|| {
                ServerReply::status(404, "text/html", "the script is over").into()
            })
        })
    }

    /// Requests so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<ScriptedRequest> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl HarvestApi for ScriptedApi {
    async fn get(&self, target: &RequestTarget) -> Result<ApiAnswer, ApiError> {
        let url = self.base.resolve(target)?;
        let asked = {
            let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let asked = ScriptedRequest {
                number: all.len(),
                path: self.base.below(&url).to_owned(),
                query: url.query_pairs().into_owned().collect(),
            };
            all.push(asked.clone());
            asked
        };
        match (self.script)(&asked) {
            ScriptedReply::Reply(reply) => reply.judge(&shown(&url)),
            ScriptedReply::Break(failure) => Err(ApiError::new(failure, shown(&url))),
        }
    }
}

impl fmt::Debug for ScriptedApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedApi").field("base", &self.base).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_come_in_order_and_requests_are_remembered() {
        let page = |body: &str| ScriptedReply::from(ServerReply::json(body));
        let answers = [page("1"), ScriptedReply::Break(RequestFailure::TimedOut), page("2")];
        let api = ScriptedApi::queue(BaseUrl::HARVEST.parse().unwrap(), answers);
        let query = vec![("from".to_owned(), "2026-01-01".to_owned())];
        let target = RequestTarget::Path { path: "/expenses".to_owned(), query };
        assert_eq!(api.get(&target).await.unwrap().body, "1");
        assert_eq!(api.get(&target).await.unwrap_err().failure(), &RequestFailure::TimedOut);
        let link = format!("{}/expenses?cursor=a%3Db", BaseUrl::HARVEST);
        assert_eq!(api.get(&RequestTarget::Link(link)).await.unwrap().body, "2");
        assert_eq!(api.get(&target).await.unwrap_err().failure(), &RequestFailure::NotFound);
        let asked = api.requests();
        assert_eq!((asked.len(), asked[2].number, asked[2].path.as_str()), (4, 2, "/expenses"));
        assert_eq!(asked[2].param("cursor"), Some("a=b"));
        assert_eq!(asked[0].param("from"), Some("2026-01-01"));
        assert_eq!(asked[0].param("to"), None);
    }
}
