//! Tells an event bus what became of passes, so that something can come after.

use async_trait::async_trait;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::DisplayErrorContext;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde_json::{Value, json};

use crate::run::{Outcome, RunReport};

/// `source` of all events.
pub const SOURCE: &str = "harvest-lake";

/// What became of a pass. It may be told twice, never before its table and state are durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// `SyncCompleted` or `SyncFailed`.
    pub detail_type: &'static str,
    /// Account, stream, pass, version, rows and counts; for a failure also what it was.
    pub detail: Value,
}

impl Announcement {
    /// What is to be told of a run; nothing of one that goes on, or that left the stream to another.
    #[must_use]
    pub fn of(report: &RunReport, account: i64) -> Option<Self> {
        let (detail_type, error) = match &report.outcome {
            Outcome::Complete => ("SyncCompleted", None),
            Outcome::Failed(crate::RunError::LostLease { .. })
            | Outcome::Yielded(_)
            | Outcome::Busy { .. } => return None,
            Outcome::Failed(error) => ("SyncFailed", Some(error)),
        };
        let mut detail = json!({
            "account_id": account,
            "stream": report.stream,
            "pass": report.pass.name(),
            "version": report.version,
            "rows": report.rows,
            "counts": report.counts,
            "began": report.began,
            "ended": report.ended,
        });
        if let (Some(error), Some(members)) = (error, detail.as_object_mut()) {
            members.insert("error_type".to_owned(), json!(error.error_type()));
            members.insert("error".to_owned(), json!(error.chain()));
        }
        Some(Self { detail_type, detail })
    }
}

/// Somebody who is told.
#[async_trait]
pub trait Announcer: Send + Sync + core::fmt::Debug {
    /// Tells it. That nobody could be told harms nothing: the failure is logged.
    async fn announce(&self, announcement: &Announcement);
}

/// Nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

#[async_trait]
impl Announcer for Nobody {
    async fn announce(&self, _announcement: &Announcement) {}
}

/// A bus of `EventBridge`.
#[derive(Clone, Debug)]
pub struct EventBus {
    client: Client,
    name: String,
}

impl EventBus {
    /// The bus of this name or ARN. Nothing is asked yet.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }
}

#[async_trait]
impl Announcer for EventBus {
    async fn announce(&self, announcement: &Announcement) {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(announcement.detail_type)
            .detail(announcement.detail.to_string())
            .build();
        let told = match self.client.put_events().entries(entry).send().await {
            Ok(told) => told,
            Err(error) => {
                let error = DisplayErrorContext(error).to_string();
                tracing::warn!(error, bus = self.name, "the event bus was not told");
                return;
            }
        };
        if let Some(refused) = told.entries().iter().find(|entry| entry.error_code().is_some()) {
            let error = refused.error_message().unwrap_or_default();
            tracing::warn!(error, bus = self.name, "the event bus refused an event");
        }
    }
}
