//! An API in memory that answers by a script, for tests of its callers.

use core::fmt;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use engine::pass::Target;
use engine::retry::Failure;

use crate::base::shown;
use crate::{Answer, ApiError, BaseUrl, HarvestApi, Reply};

/// A request as the script sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Number of earlier requests.
    pub number: usize,
    /// Path below the base URL, such as `/clients`, also for a link.
    pub path: String,
    /// Query parameters, decoded, in order.
    pub query: Vec<(String, String)>,
}

impl Asked {
    /// First value of a query parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Treatment of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scripted {
    /// Sends this reply, which is judged as in the real implementation.
    Reply(Reply),
    /// Gives no answer, as after a time-out or without a connection.
    Break(Failure),
}

impl From<Reply> for Scripted {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

type Script = dyn Fn(&Asked) -> Scripted + Send + Sync;

/// API that answers by a script and records its requests. Refuses links out of its base URL as the
/// real implementation does, without recording them.
pub struct ScriptedApi {
    base: BaseUrl,
    script: Box<Script>,
    asked: Mutex<Vec<Asked>>,
}

impl ScriptedApi {
    /// API at `base` that answers with the result of `script`.
    #[must_use]
    pub fn new(base: BaseUrl, script: impl Fn(&Asked) -> Scripted + Send + Sync + 'static) -> Self {
        Self { base, script: Box::new(script), asked: Mutex::default() }
    }

    /// API at `base` that gives `answers` one after the other, then 404.
    #[must_use]
    pub fn queue(base: BaseUrl, answers: impl IntoIterator<Item = Scripted>) -> Self {
        let queue: Mutex<VecDeque<Scripted>> = Mutex::new(answers.into_iter().collect());
        Self::new(base, move |_| {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            next.unwrap_or_else(|| Reply::status(404, "text/html", "the script is over").into())
        })
    }

    /// Requests so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl HarvestApi for ScriptedApi {
    async fn get(&self, target: &Target) -> Result<Answer, ApiError> {
        let url = self.base.resolve(target)?;
        let asked = {
            let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let asked = Asked {
                number: all.len(),
                path: self.base.below(&url).to_owned(),
                query: url.query_pairs().into_owned().collect(),
            };
            all.push(asked.clone());
            asked
        };
        match (self.script)(&asked) {
            Scripted::Reply(reply) => reply.judge(&shown(&url)),
            Scripted::Break(failure) => Err(ApiError::new(failure, shown(&url))),
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
        let page = |body: &str| Scripted::from(Reply::json(body));
        let answers = [page("1"), Scripted::Break(Failure::TimedOut), page("2")];
        let api = ScriptedApi::queue(BaseUrl::HARVEST.parse().unwrap(), answers);
        let query = vec![("from".to_owned(), "2026-01-01".to_owned())];
        let target = Target::Path { path: "/expenses".to_owned(), query };
        assert_eq!(api.get(&target).await.unwrap().body, "1");
        assert_eq!(api.get(&target).await.unwrap_err().failure(), &Failure::TimedOut);
        let link = format!("{}/expenses?cursor=a%3Db", BaseUrl::HARVEST);
        assert_eq!(api.get(&Target::Link(link)).await.unwrap().body, "2");
        assert_eq!(api.get(&target).await.unwrap_err().failure(), &Failure::NotFound);
        let asked = api.requests();
        assert_eq!((asked.len(), asked[2].number, asked[2].path.as_str()), (4, 2, "/expenses"));
        assert_eq!(asked[2].param("cursor"), Some("a=b"));
        assert_eq!(asked[0].param("from"), Some("2026-01-01"));
        assert_eq!(asked[0].param("to"), None);
    }
}
