//! Decodes pages of JSON into Arrow columns.
//!
//! A body is first read in one pass that puts each value into its column (`fast`). If anything
//! unusual comes up, these columns are dropped, and the body is cut into raw records that are read
//! one by one (`careful`). Both give the same rows. Values without a column stay in `extra_json`;
//! `odd` describes the form of their paths.
//!
//! Each value of a record takes one of these ways:
//!
//! | value | column | `extra_json` | counted as |
//! | --- | --- | --- | --- |
//! | of the declared type and form | holds it | | |
//! | of another form, convertible without loss (`"5"` for an integer) | holds it | | converted |
//! | a number with more decimal places than the column | null | holds it | finer |
//! | any other value that the column cannot hold | null | holds it | misfit |
//! | of a member that no declaration has | none | holds it | unknown |
//!
//! So no value is lost and none is rounded. A record without a usable id cannot be a row, because
//! nothing could find that row again. Such a record is quarantined, and the other records of its
//! page still become rows.
//!
//! The crate does no IO, reads no clock and knows nothing of requests: the caller passes the text
//! of an answer and the facts that are not in it ([`ReadAt`]).

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
    /// Facts that follow from the declaration, derived once and shared by clones.
    layout: Arc<RecordLayout>,
    /// Removes data from bodies; `None` if there are no rules and no erased users.
    redactor: Option<Arc<Redactor>>,
    /// Rules of the redactor, for members whose absence is no news.
    rules: Arc<PrivacyRules>,
}

impl Decoder {
    /// Decoder for the declaration.
    #[must_use]
    pub fn new(spec: &'static StreamSpec) -> Self {
        let layout = Arc::new(RecordLayout::of(TableSchema::of(spec)));
        Self { layout, redactor: None, rules: Arc::default() }
    }

    /// Limits the decoder to data that `rules` allow. `key` is the key of the hashes. Without a
    /// key, members that should be hashed are left out: plain text must not reach the lake because
    /// a secret is missing.
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
    /// Callers that store or report anything of the answer use the returned body, never their own
    /// copy. Redaction comes first because decoding already copies parts of the body elsewhere:
    /// unknown members into `extra_json`, unusable records into the quarantine.
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
        // Fails before any work: a missing parent or period is a mistake of the caller, whatever
        // the body.
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

    /// Presence of each declared member, by path (list indices as `[]`). Excluded members are left
    /// out: redaction removed them, so their absence says nothing about Harvest.
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
        // A failure of `fast` says nothing about its cause. `careful` finds either the same
        // failure, with a proper error, or rows.
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
        // Keys and dates come from the buffers: `derived::batch` consumes these.
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
/// Example: a body has `total_entries` 0 but shows one record and a `links.next`. At least two
/// records exist, so the total is wrong and the result is `None`. The caller then assumes nothing
/// about the size of the list.
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
    // One record more than those shown, because a next page holds at least one.
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

/// A decoded page. `rows`, `keys` and, if not empty, `dates` have one item per row, in the same
/// order.
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
///
/// The raw record is kept so that it can be decoded again after the declaration was corrected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinedRecord {
    /// The record as Harvest sent it.
    pub raw: String,
    /// Reason.
    pub reason: String,
}

#[cfg(test)]
mod tests;
