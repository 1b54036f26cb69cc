//! A page of JSON, straight into Arrow columns.
//!
//! A body is first read in one pass, each value straight into its column (`fast`). Where that meets
//! anything odd, its columns are dropped and the body is cut into raw records that are read one by
//! one (`careful`). Both leave the same rows. What no column holds stays in `extra_json`; the form
//! of its paths is described in `odd`.

mod buffer;
mod careful;
mod compose;
mod convert;
mod derived;
mod envelope;
mod error;
mod fast;
mod form;
mod lift;
mod literal;
mod observed;
mod odd;
mod parents;
mod path;
mod presence;
mod raw;
mod redact;
mod rows;
mod shape;
mod strict;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use engine::ids::AccountId;
use engine::key::Key;
use engine::privacy::{Personal, Rules};
use engine::spec::StreamSpec;
use engine::time::{Date, Timestamp};
use engine::window::Period;
use serde::de::IgnoredAny;

pub use self::envelope::Envelope;
pub use self::error::PageError;
pub(crate) use self::lift::Lifter;
pub use self::observed::Observed;
pub use self::parents::{ParentRecord, ParentsPage, created_year, parents};
pub use self::presence::Presence;
use self::redact::Redactor;
pub use self::redact::{HashKey, is_of_another};
use self::rows::{Layout, Rows};
use crate::schema::TableSchema;

/// Decodes the pages of one stream. Clones are cheap, and threads may share one.
#[derive(Clone, Debug)]
pub struct Decoder {
    layout: Arc<Layout>,
    redactor: Option<Arc<Redactor>>,
    rules: Arc<Rules>,
}

impl Decoder {
    /// The decoder that follows from the declaration.
    #[must_use]
    pub fn new(spec: &'static StreamSpec) -> Self {
        let layout = Arc::new(Layout::of(TableSchema::of(spec)));
        Self { layout, redactor: None, rules: Arc::default() }
    }

    /// The same, that keeps only what `rules` allow; `key` is that of the hashes. A hash without a
    /// key is left out.
    #[must_use]
    pub fn with_privacy(self, rules: &Rules, key: Option<&HashKey>) -> Self {
        let redactor = (!rules.is_empty()).then(|| Arc::new(Redactor::of(rules, key)));
        Self { redactor, rules: Arc::new(rules.clone()), ..self }
    }

    /// The same as [`Self::with_privacy`], that also takes out of records of `users` what is their
    /// own.
    #[must_use]
    pub fn with_erased(
        self,
        rules: &Rules,
        key: Option<&HashKey>,
        personal: &Personal,
        users: BTreeSet<i64>,
    ) -> Self {
        if users.is_empty() {
            return self.with_privacy(rules, key);
        }
        let redactor = Redactor::of(rules, key).erasing(self.layout.schema.spec, personal, users);
        Self { redactor: Some(Arc::new(redactor)), rules: Arc::new(rules.clone()), ..self }
    }

    /// Decodes an answer of Harvest, less what may not be kept; returns also what is left of the
    /// body.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub fn answer(&self, body: String, at: &ReadAt) -> Result<(DecodedPage, String), PageError> {
        let body = match &self.redactor {
            Some(redactor) => redactor.body(self.layout.schema.spec.records_key, &body)?,
            None => body,
        };
        Ok((self.page(&body, at)?, body))
    }

    /// The schema of the rows.
    #[must_use]
    pub fn schema(&self) -> &TableSchema {
        &self.layout.schema
    }

    /// Decodes one body as it is: a page of records, or the one record where the stream has no
    /// list. What Harvest answers comes through [`Self::answer`].
    ///
    /// Every record becomes a row or is quarantined; every value is in its column, exactly, or raw
    /// in `extra_json`.
    ///
    /// # Errors
    /// When the body as a whole is not what the stream serves. Then nothing of it counts.
    pub fn page(&self, body: &str, at: &ReadAt) -> Result<DecodedPage, PageError> {
        self.layout.check(at)?;
        let (rows, envelope) = self.read(body)?;
        self.assemble(rows, envelope, at)
    }

    /// Whether one raw record could be a row.
    ///
    /// # Errors
    /// Why not.
    pub fn check_record(&self, raw: &str) -> Result<(), String> {
        let raw = raw::value(raw).map_err(|error| format!("not JSON: {error}"))?;
        careful::record(&self.layout, &mut self.layout.rows(), &mut odd::Odd::default(), raw)
    }

    /// What `presence` says of each declared member, by path (list indices as `[]`).
    #[must_use]
    pub fn declared(&self, presence: &Presence) -> BTreeMap<String, engine::drift::Presence> {
        let mut declared = presence.by_path(&self.layout.shape);
        declared.retain(|path, _| !self.rules.excludes(path));
        declared
    }

    fn read(&self, body: &str) -> Result<(Rows, Envelope), PageError> {
        envelope::check_size(body)?;
        match fast::page(&self.layout, body) {
            Ok((rows, beside)) => Ok((rows, Envelope::of(beside)?)),
            Err(_) => careful::page(&self.layout, body),
        }
    }

    fn assemble(
        &self,
        rows: Rows,
        envelope: Envelope,
        at: &ReadAt,
    ) -> Result<DecodedPage, PageError> {
        let keys = self.layout.keys(&rows, at)?;
        let dates = self.layout.dates(&rows);
        let Rows { cells, extra, observed, quarantined } = rows;
        let rows = derived::batch(&self.layout, cells, extra, at)?;
        Ok(DecodedPage { rows, keys, dates, envelope, quarantined, observed })
    }
}

/// `total_entries` of a first page with its records under `records_key`, and nothing else of it;
/// `None` where it is no number, or less than the page itself shows that there are.
///
/// # Errors
/// When the body is not a JSON object.
pub fn count(body: &str, records_key: Option<&str>) -> Result<Option<u64>, PageError> {
    let members = envelope::page_members(body)?;
    let envelope = Envelope::of_members(&members)?;
    let records = records_key.and_then(|key| raw::member(&members, key));
    let shown = records.and_then(|list| serde_json::from_str::<Vec<IgnoredAny>>(list).ok());
    let shown = shown.map_or(0, |list| list.len() as u64);
    let goes_on = envelope.next.is_some() || envelope.next_page.is_some_and(|next| next > 1);
    let least = shown.saturating_add(u64::from(goes_on));
    Ok(envelope.total_entries.filter(|total| *total >= least))
}

/// Where and when a page was read: what its rows hold beside the records.
#[derive(Clone, Copy, Debug)]
pub struct ReadAt {
    /// The Harvest account.
    pub account: AccountId,
    /// When the page was requested.
    pub synced_at: Timestamp,
    /// The parent whose list it is (per parent streams).
    pub parent: Option<Parent>,
    /// The window that was asked for (report streams).
    pub period: Option<Period>,
}

/// The parent of a list of children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its id.
    pub id: i64,
    /// Year of its `created_at` in UTC; `None` where that is null.
    pub created_year: Option<i64>,
}

/// A decoded page.
#[derive(Debug)]
pub struct DecodedPage {
    /// Rows in the order of the answer, columns as `schema::TableSchema`.
    pub rows: RecordBatch,
    /// The primary key of each row.
    pub keys: Vec<Key>,
    /// The value of the stream's keyset date of each row; empty where the paging is another.
    pub dates: Vec<Option<Date>>,
    /// What the answer says beside its records.
    pub envelope: Envelope,
    /// Records without a usable id, raw.
    pub quarantined: Vec<Quarantined>,
    /// What the records hold that is not as declared.
    pub observed: Observed,
}

/// A record that cannot be a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The record as Harvest sent it.
    pub raw: String,
    /// Why.
    pub reason: String,
}

#[cfg(test)]
mod tests;
