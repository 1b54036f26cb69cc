//! News for other programs and for people: completed and failed passes, and streams that need a
//! person. A deployment puts them on an event bus, a command on somebody's machine calls a webhook or
//! another command.

pub mod conformance;
mod memory;
mod trouble;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::run::{RunOutcome, RunReport};

pub use memory::MemoryAnnouncer;
pub use trouble::{SyncFailure, TroublePlace, TroubleReport};

/// `source` of all events.
pub const SOURCE: &str = "harvest-lake";
/// Kind of the news about streams in trouble.
pub(crate) const IN_TROUBLE: &str = "StreamsInTrouble";

/// Event. It may be sent twice; one about a pass is never sent before table and state are durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// `SyncCompleted`, `SyncFailed` or `StreamsInTrouble`.
    pub detail_type: &'static str,
    /// The document of the run, and the account; or that of the trouble.
    pub detail: Value,
}

impl Announcement {
    /// Returns the event of a finished run; `None` if it yielded, was busy or lost its lease.
    #[must_use]
    pub fn of(report: &RunReport, account: i64) -> Option<Self> {
        let detail_type = match &report.outcome {
            RunOutcome::Complete => "SyncCompleted",
            RunOutcome::Failed(crate::RunError::LostLease { .. })
            | RunOutcome::Yielded(_)
            | RunOutcome::Busy { .. } => return None,
            RunOutcome::Failed(_) => "SyncFailed",
        };
        let mut detail = report.document();
        if let Some(members) = detail.as_object_mut() {
            members.insert("account_id".to_owned(), json!(account));
        }
        Some(Self { detail_type, detail })
    }

    /// Returns the news in one line, for people; empty for news that are for programs alone.
    #[must_use]
    pub fn text(&self) -> &str {
        self.detail.get("text").and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the names of the streams that are told of: those in trouble, then those out of it.
    #[must_use]
    pub fn streams(&self) -> Vec<&str> {
        let of = |member| self.detail.get(member).and_then(Value::as_array).into_iter().flatten();
        of("began").chain(of("ended")).filter_map(Value::as_str).collect()
    }
}

/// Reason for which news did not arrive. It shows no secret: neither a command line nor more of a URL
/// than scheme and host.
#[derive(Debug, thiserror::Error)]
#[error("{place} {what}")]
pub struct AnnounceError {
    /// Receiver of the news.
    pub place: String,
    /// Failure, as the rest of a sentence about the receiver, and what to do about it.
    pub what: String,
}

/// Sender of news.
#[async_trait]
pub trait Announcer: Send + Sync + core::fmt::Debug {
    /// Sends the news, once.
    ///
    /// # Errors
    /// Fails if the receiver did not take it, or if it is not known whether it did.
    async fn announce(&self, announcement: &Announcement) -> Result<(), AnnounceError>;
}

/// Announcer that discards news, for a deployment without an event bus.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAnnouncer;

#[async_trait]
impl Announcer for NoAnnouncer {
    async fn announce(&self, _announcement: &Announcement) -> Result<(), AnnounceError> {
        Ok(())
    }
}
