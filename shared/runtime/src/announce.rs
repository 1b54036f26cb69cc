//! Events about completed and failed passes on an event bus, so that other programs can follow up.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::run::{RunOutcome, RunReport};

/// `source` of all events.
pub const SOURCE: &str = "harvest-lake";

/// Event about a pass. It may be sent twice, but never before table and state are durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// `SyncCompleted` or `SyncFailed`.
    pub detail_type: &'static str,
    /// The document of the run, and the account.
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
}

/// Sender of events about passes.
#[async_trait]
pub trait Announcer: Send + Sync + core::fmt::Debug {
    /// Sends the event. A failure harms nothing and is only logged.
    async fn announce(&self, announcement: &Announcement);
}

/// Announcer that discards events, for a deployment without an event bus.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAnnouncer;

#[async_trait]
impl Announcer for NoAnnouncer {
    async fn announce(&self, _announcement: &Announcement) {}
}
