//! An API in memory that answers as a script says: for tests of what stands behind it.

use core::fmt;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use engine::pass::Target;
use engine::retry::Failure;

use crate::base::shown;
use crate::error::SetupError;
use crate::{Answer, ApiError, BaseUrl, HarvestApi, Reply};

/// A request as the script sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// How many requests came before.
    pub number: usize,
    /// Path below the base URL, such as `/clients`, of a link too.
    pub path: String,
    /// Query parameters, decoded, in order.
    pub query: Vec<(String, String)>,
}

impl Asked {
    /// The first value of a query parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scripted {
    /// This is answered, and judged as the real implementation judges it.
    Reply(Reply),
    /// No answer: a time-out, no connection.
    Break(Failure),
}

impl From<Reply> for Scripted {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

type Script = dyn Fn(&Asked) -> Scripted + Send + Sync;

/// Answers by a script and remembers what it was asked. Links out of its base URL are refused as
/// the real implementation refuses them, and are not remembered.
pub struct ScriptedApi {
    base: BaseUrl,
    script: Box<Script>,
    asked: Mutex<Vec<Asked>>,
}

impl ScriptedApi {
    /// An API at Harvest's base URL whose answers a function gives.
    pub fn new(
        script: impl Fn(&Asked) -> Scripted + Send + Sync + 'static,
    ) -> Result<Self, SetupError> {
        let base = BaseUrl::HARVEST.parse()?;
        Ok(Self {
            base,
            script: Box::new(script),
            asked: Mutex::default(),
        })
    }

    /// An API that gives these answers one after the other, then 404.
    pub fn queue(answers: impl IntoIterator<Item = Scripted>) -> Result<Self, SetupError> {
        let queue: Mutex<VecDeque<Scripted>> = Mutex::new(answers.into_iter().collect());
        Self::new(move |_| {
            let next = queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front();
            next.unwrap_or_else(|| Reply::status(404, "text/html", "the script is over").into())
        })
    }

    /// What was asked so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Asked> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
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
        f.debug_struct("ScriptedApi")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}
