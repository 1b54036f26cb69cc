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

mod answer;
mod begin;
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
mod plain;
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
use engine::pass::{PageFacts, Unit};
use engine::privacy::PrivacyRules;
use engine::spec::PersonalFields;
use engine::spec::StreamSpec;
use engine::time::Timestamp;

use self::envelope::PageEnvelope;
pub use self::error::PageError;
pub use self::lift::RowLifter;
pub use self::observed::MemberDeviations;
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

    /// Schema of the rows.
    #[must_use]
    pub fn schema(&self) -> &TableSchema {
        &self.layout.schema
    }

    /// Decodes a body as it is: a page of records, or the single record of a stream without a list.
    /// Answers of Harvest come through [`Self::decode`].
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
            Some((rows, beside)) => Ok((rows, PageEnvelope::of(beside)?)),
            None => careful::page(&self.layout, body),
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
        let rows = match &self.redactor {
            Some(redactor) => {
                redactor.rows(&self.layout.schema, rows).map_err(PageError::Columns)?
            }
            None => rows,
        };
        let quarantined_records = quarantined.len() as u64;
        let facts = PageFacts {
            keys,
            dates,
            quarantined: quarantined_records,
            ..PageFacts::from(envelope)
        };
        Ok(DecodedPage { facts, rows, quarantined, observed, body: None })
    }
}

/// Origin of a page, which its rows hold beside the records.
#[derive(Clone, Copy, Debug)]
pub struct ReadAt {
    /// The Harvest account.
    pub account: AccountId,
    /// Time of the page request.
    pub synced_at: Timestamp,
    /// The part of the stream that was asked for: the parent of listed children, or the window of a
    /// report.
    pub unit: Unit,
}

/// A decoded page: the one form that a page has between its answer and the rows of a run. `rows`,
/// `facts.keys` and, if not empty, `facts.dates` have one item per row, in the same order.
#[derive(Debug)]
pub struct DecodedPage {
    /// Facts by which the reading decides what comes next. They hold no record.
    pub facts: PageFacts,
    /// Rows in the order of the answer, columns as `schema::TableSchema`; none if the request asked
    /// for something other than records.
    pub rows: RecordBatch,
    /// Records without a usable id, raw.
    pub quarantined: Vec<QuarantinedRecord>,
    /// Deviations of the records from the declaration.
    pub observed: MemberDeviations,
    /// Text of the answer, after removal of data that must not be kept. Only of a report: if its
    /// answers contradict each other, they are kept raw. `None` for other streams, so that a page
    /// is not in memory twice.
    pub body: Option<String>,
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
