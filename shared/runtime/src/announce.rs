//! Events on an event bus: about completed and failed passes, so that other programs can follow up,
//! and about streams that need a person.

use std::collections::BTreeMap;

use async_trait::async_trait;
use engine::item::StreamItem;
use engine::trouble::{TOKEN, TroubleNews, TroubleReason};
use serde_json::{Value, json};

use crate::run::{RunOutcome, RunReport};

/// `source` of all events.
pub const SOURCE: &str = "harvest-lake";

/// Streams whose errors are told in the text of a mail; the others are only named.
const TOLD_AT_LENGTH: usize = 5;
/// Characters of an error in the text of a mail.
const LONGEST_ERROR: usize = 400;

/// Event. It may be sent twice; one about a pass is never sent before table and state are durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// `SyncCompleted`, `SyncFailed` or `StreamsInTrouble`.
    pub detail_type: &'static str,
    /// The document of the run, and the account; or that of the trouble.
    pub detail: Value,
}

/// Streams in trouble as a tick of a deployment finds them.
#[derive(Clone, Copy, Debug)]
pub struct TroubleReport<'a> {
    /// Harvest account.
    pub account: i64,
    /// Name of the function, by which stacks of one AWS account are told apart.
    pub function: &'a str,
    /// Streams in trouble.
    pub now: &'a BTreeMap<String, TroubleReason>,
    /// Changes since people were last told.
    pub news: &'a TroubleNews,
    /// Items of the streams.
    pub items: &'a BTreeMap<&'static str, StreamItem>,
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

    /// Returns the event about streams that came into trouble or are out of it.
    #[must_use]
    pub fn of_trouble(report: &TroubleReport<'_>) -> Self {
        let TroubleReport { account, function, now, news, items } = *report;
        let told = |(name, reason): (&String, &TroubleReason)| {
            json!({
                "stream": name,
                "reason": reason,
                "error": error_of(items, name),
                "runbook": format!("docs/runbook.md#{}", reason.anchor()),
            })
        };
        let detail = json!({
            "account_id": account,
            "function": function,
            "in_trouble": now.iter().map(told).collect::<Vec<Value>>(),
            "began": news.began,
            "ended": news.ended,
            "text": text(report),
        });
        Self { detail_type: "StreamsInTrouble", detail }
    }
}

/// Last error of a stream, for people; `None` if its last run did not fail.
fn error_of<'a>(items: &'a BTreeMap<&'static str, StreamItem>, stream: &str) -> Option<&'a str> {
    items.get(stream)?.health.last_error.as_ref().map(|(_, error)| error.as_str())
}

/// Returns the news as one line for a mail: quotes and line breaks would be shown as escapes.
fn text(report: &TroubleReport<'_>) -> String {
    let TroubleReport { account, function, now, news, items } = *report;
    let mut parts = vec![format!("harvest-lake, account {account} ({function})")];
    for (place, name) in news.began.iter().enumerate() {
        let Some(reason) = now.get(name) else { continue };
        let subject = if name == TOKEN { "the token" } else { name };
        if place >= TOLD_AT_LENGTH {
            parts.push(format!("{subject} {}", reason.words()));
            continue;
        }
        let error = error_of(items, name).map(|error| {
            let cut: String = error.chars().take(LONGEST_ERROR).collect();
            format!(" ({cut})")
        });
        let (error, anchor) = (error.unwrap_or_default(), reason.anchor());
        parts.push(format!("{subject} {}{error}: see docs/runbook.md#{anchor}", reason.words()));
    }
    if !news.ended.is_empty() {
        parts.push(format!("in order again: {}", news.ended.join(", ")));
    }
    if now.is_empty() {
        parts.push("no stream is in trouble any more".to_owned());
    }
    parts.join("; ").replace('"', "'").replace(['\n', '\r', '\\'], " ")
}

/// Sender of events.
#[async_trait]
pub trait Announcer: Send + Sync + core::fmt::Debug {
    /// Sends the event, and returns whether the bus took it. A failure is logged.
    async fn announce(&self, announcement: &Announcement) -> bool;
}

/// Announcer that discards events, for a deployment without an event bus.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAnnouncer;

#[async_trait]
impl Announcer for NoAnnouncer {
    async fn announce(&self, _announcement: &Announcement) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use engine::time::Timestamp;

    use super::*;

    #[test]
    fn a_mail_names_each_stream_its_error_and_what_to_read_in_one_line() {
        let mut failed = StreamItem::default();
        let error = "the table `clients` is damaged:\n\"x\" is missing".to_owned();
        failed.health.last_error = Some((Timestamp::UNIX_EPOCH, error));
        let items = BTreeMap::from([("clients", failed), ("tasks", StreamItem::default())]);
        let now = BTreeMap::from([
            ("clients".to_owned(), TroubleReason::Failing),
            ("tasks".to_owned(), TroubleReason::Late),
        ]);
        let told = BTreeSet::from(["tasks".to_owned(), "roles".to_owned()]);
        let news = TroubleNews::of(&told, &now).unwrap();
        let report =
            TroubleReport { account: 7, function: "f", now: &now, news: &news, items: &items };
        let announcement = Announcement::of_trouble(&report);
        assert_eq!(
            announcement.detail["text"],
            "harvest-lake, account 7 (f); clients fails again and again (the table `clients` is \
             damaged: 'x' is missing): see docs/runbook.md#a-stream-that-fails-again-and-again; in \
             order again: roles"
        );
        let of = |at: usize, member: &str| announcement.detail["in_trouble"][at][member].clone();
        assert_eq!((of(0, "reason"), of(1, "reason")), (json!("failing"), json!("late")));
        assert_eq!(of(1, "error"), Value::Null);
    }
}
