//! News about streams in trouble: document and text.

use std::collections::BTreeMap;

use engine::item::StreamItem;
use engine::runbook::Remedy;
use engine::trouble::{SYNC, StreamsInTrouble, TOKEN, TroubleNews, TroubleReason};
use serde_json::{Value, json};

use super::{Announcement, IN_TROUBLE};

/// Streams whose errors are told in the text of a mail; the others are only named.
const TOLD_AT_LENGTH: usize = 5;
/// Characters of an error in the text of a mail.
const LONGEST_ERROR: usize = 400;

/// Place whose streams are in trouble.
#[derive(Clone, Copy, Debug)]
pub enum TroublePlace<'a> {
    /// A stack, by the name of its orchestrator: stacks of one AWS account differ in it.
    Function(&'a str),
    /// A lake on somebody's machine, as it was given.
    Lake(&'a str),
}

/// Error that kept a whole sync from its work.
#[derive(Clone, Copy, Debug)]
pub struct SyncFailure<'a> {
    /// The error and its causes.
    pub error: &'a str,
    /// Code of the error.
    pub error_type: &'a str,
}

/// Streams in trouble as a tick of a deployment or a command finds them.
#[derive(Clone, Copy, Debug)]
pub struct TroubleReport<'a> {
    /// Harvest account.
    pub account: i64,
    /// Place of the streams.
    pub place: TroublePlace<'a>,
    /// Streams in trouble.
    pub now: &'a StreamsInTrouble,
    /// Changes since people were last told.
    pub news: &'a TroubleNews,
    /// Items of the streams.
    pub items: &'a BTreeMap<&'static str, StreamItem>,
    /// Error of the whole sync; `None` if it could begin.
    pub failure: Option<SyncFailure<'a>>,
}

impl Announcement {
    /// Returns the news about streams that came into trouble or are out of it.
    #[must_use]
    pub fn of_trouble(report: &TroubleReport<'_>) -> Self {
        let told = |(name, reason): (&String, &TroubleReason)| {
            let remedy = report.remedy(name, *reason);
            json!({
                "stream": name,
                "reason": reason,
                "error": report.error(name),
                "advice": remedy.advice,
                "runbook": remedy.heading.link(),
            })
        };
        let in_trouble = report.now.iter().map(told).collect();
        document(report.account, report.place, (in_trouble, report.news), &report.text())
    }

    /// Returns news of nothing, with which a person tries whether they arrive. `receiver`: the setting
    /// that names who hears them.
    #[must_use]
    pub fn of_trial(account: i64, place: TroublePlace<'_>, receiver: &str) -> Self {
        let nothing = TroubleNews { began: Vec::new(), ended: Vec::new() };
        let text = format!("{}: a trial of {receiver}, nothing has happened", place.title(account));
        document(account, place, (Vec::new(), &nothing), &text)
    }
}

fn document(
    account: i64,
    place: TroublePlace<'_>,
    (in_trouble, news): (Vec<Value>, &TroubleNews),
    text: &str,
) -> Announcement {
    let (function, lake) = match place {
        TroublePlace::Function(name) => (Some(name), None),
        TroublePlace::Lake(lake) => (None, Some(lake)),
    };
    let detail = json!({
        "account_id": account,
        "function": function,
        "lake": lake,
        "in_trouble": in_trouble,
        "began": news.began,
        "ended": news.ended,
        "text": text,
    });
    Announcement { detail_type: IN_TROUBLE, detail }
}

impl TroublePlace<'_> {
    /// Beginning of a text.
    fn title(self, account: i64) -> String {
        match self {
            Self::Function(place) | Self::Lake(place) => {
                format!("harvest-lake, account {account} ({place})")
            }
        }
    }
}

impl TroubleReport<'_> {
    /// Last error of a stream, or that of the whole sync, for people; `None` if nothing failed.
    fn error(&self, name: &str) -> Option<&str> {
        match self.items.get(name) {
            Some(item) => item.health.last_error.as_ref().map(|(_, error)| error.as_str()),
            None => self.failure.map(|failure| failure.error),
        }
    }

    fn remedy(&self, name: &str, reason: TroubleReason) -> Remedy {
        match (self.items.get(name), self.failure) {
            (None, Some(failure)) => Remedy::of(failure.error_type),
            (item, _) => reason.remedy(item),
        }
    }

    /// Returns the news as one line for a mail: quotes and line breaks would be shown as escapes.
    fn text(&self) -> String {
        let mut parts = vec![self.place.title(self.account)];
        for (place, name) in self.news.began.iter().enumerate() {
            let Some(reason) = self.now.get(name) else { continue };
            let subject = match name.as_str() {
                TOKEN => "the token",
                SYNC => "the sync",
                stream => stream,
            };
            if place >= TOLD_AT_LENGTH {
                parts.push(format!("{subject} {}", reason.words()));
                continue;
            }
            let error = self.error(name).map(|error| {
                let cut: String = error.chars().take(LONGEST_ERROR).collect();
                format!(" ({cut})")
            });
            let (error, remedy) = (error.unwrap_or_default(), self.remedy(name, *reason));
            let (words, advice, link) = (reason.words(), remedy.advice, remedy.heading.link());
            parts.push(format!("{subject} {words}: {advice}, see {link}{error}"));
        }
        if !self.news.ended.is_empty() {
            parts.push(format!("in order again: {}", self.news.ended.join(", ")));
        }
        if self.now.is_empty() {
            parts.push("no stream is in trouble any more".to_owned());
        }
        parts.join("; ").replace('"', "'").replace(['\n', '\r', '\\'], " ")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use engine::time::Timestamp;

    use super::*;

    #[test]
    fn a_mail_names_each_stream_its_error_and_what_to_do_in_one_line() {
        let mut failed = StreamItem::default();
        let error = "the table `clients` is damaged:\n\"x\" is missing".to_owned();
        failed.health.note_error(Timestamp::UNIX_EPOCH, error, Some("TableUnusable"));
        let items = BTreeMap::from([("clients", failed), ("tasks", StreamItem::default())]);
        let now = BTreeMap::from([
            ("clients".to_owned(), TroubleReason::Failing),
            ("tasks".to_owned(), TroubleReason::Late),
        ]);
        let told = BTreeSet::from(["tasks".to_owned(), "roles".to_owned()]);
        let news = TroubleNews::of(&told, &now).unwrap();
        let place = TroublePlace::Function("f");
        let report = TroubleReport {
            account: 7,
            place,
            now: &now,
            news: &news,
            items: &items,
            failure: None,
        };
        let announcement = Announcement::of_trouble(&report);
        assert_eq!(
            announcement.text(),
            format!(
                "harvest-lake, account 7 (f); clients fails: {}, see docs/runbook.md#a-damaged-table \
                 (the table `clients` is damaged: 'x' is missing); in order again: roles",
                Remedy::of("TableUnusable").advice
            )
        );
        assert_eq!(announcement.streams(), ["clients", "roles"]);
        let of = |at: usize, member: &str| announcement.detail["in_trouble"][at][member].clone();
        assert_eq!((of(0, "reason"), of(1, "reason")), (json!("failing"), json!("late")));
        assert_eq!(of(1, "error"), Value::Null);
        assert_eq!(of(1, "advice"), json!(Remedy::LATE.advice));
        assert_eq!(of(1, "runbook"), json!("docs/runbook.md#a-stream-that-is-too-old"));
    }

    #[test]
    fn a_sync_that_cannot_begin_is_told_with_its_error_and_place() {
        let now = BTreeMap::from([(SYNC.to_owned(), TroubleReason::NotRun)]);
        let news = TroubleNews::of(&BTreeSet::new(), &now).unwrap();
        let failure = SyncFailure { error: "the disk is full", error_type: "StoreFailed" };
        let announcement = Announcement::of_trouble(&TroubleReport {
            account: 7,
            place: TroublePlace::Lake("./lake"),
            now: &now,
            news: &news,
            items: &BTreeMap::new(),
            failure: Some(failure),
        });
        let begins = "harvest-lake, account 7 (./lake); the sync cannot begin, and nothing is read: \
                      look whether";
        assert!(announcement.text().starts_with(begins), "{}", announcement.text());
        assert!(announcement.text().ends_with(" (the disk is full)"), "{}", announcement.text());
        let runbook = &announcement.detail["in_trouble"][0]["runbook"];
        assert_eq!(*runbook, json!("docs/runbook.md#a-lake-that-cannot-be-read-or-written"));
    }
}
