//! Decodes pages of JSON into Arrow columns.
//!
//! A body is first read in one pass that puts each value into its column (`fast`). If anything
//! unusual comes up, these columns are dropped, and the body is cut into raw records that are read
//! one by one (`careful`). Both give the same rows. Values without a column stay in `extra_json`;
//! `odd` describes the form of their paths.

mod buffer;
mod careful;
mod compose;
mod convert;
mod derived;
mod envelope;
mod error;
mod fast;
pub mod fit;
mod form;
pub mod gather;
mod lift;
mod literal;
mod name;
mod observed;
mod odd;
mod parents;
mod path;
mod presence;
mod raw;
mod redact;
mod rows;
pub mod schema;
mod shape;
mod strict;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use engine::ids::AccountId;
use engine::key::Key;
use engine::pass::Parent;
use engine::privacy::PrivacyRules;
use engine::spec::PersonalFields;
use engine::spec::StreamSpec;
use engine::time::{Date, Timestamp};
use engine::window::Period;
use serde::de::IgnoredAny;

pub use self::envelope::PageEnvelope;
pub use self::error::PageError;
pub use self::lift::RowLifter;
pub use self::observed::MemberDeviations;
pub use self::parents::{ParentRecord, ParentsPage, created_year, parents};
pub use self::presence::PresenceCounts;
use self::redact::Redactor;
pub use self::redact::{HashKey, is_of_another};
use self::rows::{DecodedRows, RecordLayout};
use crate::schema::TableSchema;

/// Decodes the pages of one stream. Clones are cheap; threads may share one.
#[derive(Clone, Debug)]
pub struct Decoder {
    layout: Arc<RecordLayout>,
    redactor: Option<Arc<Redactor>>,
    rules: Arc<PrivacyRules>,
}

impl Decoder {
    /// Decoder for the declaration.
    #[must_use]
    pub fn new(spec: &'static StreamSpec) -> Self {
        let layout = Arc::new(RecordLayout::of(TableSchema::of(spec)));
        Self { layout, redactor: None, rules: Arc::default() }
    }

    /// Limits the decoder to data that `rules` allow. `key` is the key of the hashes; a member to
    /// be hashed is left out if there is none.
    #[must_use]
    pub fn with_privacy(self, rules: &PrivacyRules, key: Option<&HashKey>) -> Self {
        let redactor = (!rules.is_empty()).then(|| Arc::new(Redactor::of(rules, key)));
        Self { redactor, rules: Arc::new(rules.clone()), ..self }
    }

    /// Limits the decoder like [`Self::with_privacy`] and removes the personal data in records of
    /// `users`.
    #[must_use]
    pub fn with_erased(
        self,
        rules: &PrivacyRules,
        key: Option<&HashKey>,
        personal: &PersonalFields,
        users: BTreeSet<i64>,
    ) -> Self {
        if users.is_empty() {
            return self.with_privacy(rules, key);
        }
        let redactor = Redactor::of(rules, key).erasing(self.layout.schema.spec, personal, users);
        Self { redactor: Some(Arc::new(redactor)), rules: Arc::new(rules.clone()), ..self }
    }

    /// Decodes an answer of Harvest after removing data that must not be kept. Also returns the
    /// remaining body.
    ///
    /// # Errors
    /// The same as [`Self::page`].
    pub fn answer(&self, body: String, at: &ReadAt) -> Result<(DecodedPage, String), PageError> {
        let body = match &self.redactor {
            Some(redactor) => redactor.body(self.layout.schema.spec.records_key, &body)?,
            None => body,
        };
        Ok((self.page(&body, at)?, body))
    }

    /// Schema of the rows.
    #[must_use]
    pub fn schema(&self) -> &TableSchema {
        &self.layout.schema
    }

    /// Decodes a body as it is: a page of records, or the single record of a stream without a list.
    /// Answers of Harvest come through [`Self::answer`].
    ///
    /// Every record becomes a row or is quarantined. Every value is in its column, exactly, or raw
    /// in `extra_json`.
    ///
    /// # Errors
    /// When the body as a whole is not as the stream declares. None of its records counts then.
    pub fn page(&self, body: &str, at: &ReadAt) -> Result<DecodedPage, PageError> {
        self.layout.check(at)?;
        let (rows, envelope) = self.read(body)?;
        self.assemble(rows, envelope, at)
    }

    /// Checks whether a raw record could be a row.
    ///
    /// # Errors
    /// The reason if it could not.
    pub fn check_record(&self, raw: &str) -> Result<(), String> {
        let raw = raw::value(raw).map_err(|error| format!("not JSON: {error}"))?;
        careful::record(&self.layout, &mut self.layout.rows(), &mut odd::OddValues::default(), raw)
    }

    /// Presence of each declared member, by path (list indices as `[]`).
    #[must_use]
    pub fn declared(
        &self,
        presence: &PresenceCounts,
    ) -> BTreeMap<String, engine::drift::MemberPresence> {
        let mut declared = presence.by_path(&self.layout.shape);
        declared.retain(|path, _| !self.rules.excludes(path));
        declared
    }

    fn read(&self, body: &str) -> Result<(DecodedRows, PageEnvelope), PageError> {
        envelope::check_size(body)?;
        match fast::page(&self.layout, body) {
            Ok((rows, beside)) => Ok((rows, PageEnvelope::of(beside)?)),
            Err(_) => careful::page(&self.layout, body),
        }
    }

    fn assemble(
        &self,
        rows: DecodedRows,
        envelope: PageEnvelope,
        at: &ReadAt,
    ) -> Result<DecodedPage, PageError> {
        let keys = self.layout.keys(&rows, at)?;
        let dates = self.layout.dates(&rows);
        let DecodedRows { cells, extra, observed, quarantined } = rows;
        let rows = derived::batch(&self.layout, cells, extra, at)?;
        Ok(DecodedPage { rows, keys, dates, envelope, quarantined, observed })
    }
}

/// Returns `total_entries` of a first page whose records are under `records_key`. `None` if it is
/// not a number, or if it is less than the number of records that the page itself proves to exist.
///
/// # Errors
/// When the body is not a JSON object.
pub fn count(body: &str, records_key: Option<&str>) -> Result<Option<u64>, PageError> {
    let members = envelope::page_members(body)?;
    let envelope = PageEnvelope::of_members(&members)?;
    let records = records_key.and_then(|key| raw::member(&members, key));
    let shown = records.and_then(|list| serde_json::from_str::<Vec<IgnoredAny>>(list).ok());
    let shown = shown.map_or(0, |list| list.len() as u64);
    let goes_on = envelope.next.is_some() || envelope.next_page.is_some_and(|next| next > 1);
    let least = shown.saturating_add(u64::from(goes_on));
    Ok(envelope.total_entries.filter(|total| *total >= least))
}

/// Origin of a page, which its rows hold beside the records.
#[derive(Clone, Copy, Debug)]
pub struct ReadAt {
    /// The Harvest account.
    pub account: AccountId,
    /// Time of the page request.
    pub synced_at: Timestamp,
    /// Parent of the listed children (streams per parent).
    pub parent: Option<Parent>,
    /// Requested window (report streams).
    pub period: Option<Period>,
}

/// A decoded page.
#[derive(Debug)]
pub struct DecodedPage {
    /// Rows in the order of the answer, columns as `schema::TableSchema`.
    pub rows: RecordBatch,
    /// Primary key of each row.
    pub keys: Vec<Key>,
    /// Keyset date of each row; empty if the stream has another kind of paging.
    pub dates: Vec<Option<Date>>,
    /// Members of the answer beside its records.
    pub envelope: PageEnvelope,
    /// Records without a usable id, raw.
    pub quarantined: Vec<QuarantinedRecord>,
    /// Deviations of the records from the declaration.
    pub observed: MemberDeviations,
}

/// A record that cannot be a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinedRecord {
    /// The record as Harvest sent it.
    pub raw: String,
    /// Reason.
    pub reason: String,
}

#[cfg(test)]
mod tests;
