//! Decodes an answer by the purpose of its request.
//!
//! Most requests ask for records. A few ask for facts alone: the parents that a list names, a total,
//! whether a record still exists. Their answers have no rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, Schema};
use engine::ids::AccountId;
use engine::pass::{AnswerPurpose, PageFacts, Parent, ParentFound, RecordIds, Unit};
use engine::spec::{StreamKind, StreamSpec};
use engine::time::Timestamp;
use serde::de::IgnoredAny;

use crate::envelope::{self, PageEnvelope};
use crate::{DecodedPage, Decoder, MemberDeviations, PageError, ReadAt, parents, raw};

impl Decoder {
    /// Decodes the answer to a request of `account` for `purpose` that was sent at `requested_at`,
    /// after removing data that must not be kept.
    ///
    /// Redaction comes first because decoding already copies parts of the body elsewhere: unknown
    /// members into `extra_json`, unusable records into the quarantine.
    ///
    /// # Errors
    /// When the body as a whole is not as `purpose` expects.
    pub fn decode(
        &self,
        purpose: AnswerPurpose,
        account: AccountId,
        requested_at: Timestamp,
        body: String,
    ) -> Result<DecodedPage, PageError> {
        let spec = self.layout.schema.spec;
        let at = |unit| ReadAt { account, synced_at: requested_at, unit };
        match purpose {
            AnswerPurpose::Records(unit) => self.records(body, &at(unit)),
            AnswerPurpose::Record => self.records(as_list(spec, body), &at(Unit::Stream)),
            AnswerPurpose::Parents => match &spec.kind {
                StreamKind::PerParent(parent) => {
                    Ok(without_rows(parents::page(&body, parent.trigger, parent.parent_id)?))
                }
                StreamKind::Listing(_) | StreamKind::Snapshot(_) | StreamKind::ReportWindow(_) => {
                    Ok(without_rows(PageFacts::default()))
                }
            },
            AnswerPurpose::Count => {
                let total_entries = count(&body, spec.records_key)?;
                Ok(without_rows(PageFacts { total_entries, ..PageFacts::default() }))
            }
            AnswerPurpose::Along => Ok(without_rows(PageFacts::default())),
            AnswerPurpose::Existence(parent) => {
                // The list that would tell the year did not name this parent.
                let parent = Parent { created_year: parents::created_year(&body), ..parent };
                let found = vec![ParentFound { parent, roles: None }];
                Ok(without_rows(PageFacts { parents: found, ..PageFacts::default() }))
            }
        }
    }

    fn records(&self, body: String, at: &ReadAt) -> Result<DecodedPage, PageError> {
        let spec = self.layout.schema.spec;
        let body = self.redacted(body)?;
        let mut page = self.page(&body, at)?;
        page.facts.samples = samples(spec, &page.rows);
        page.body = matches!(spec.kind, StreamKind::ReportWindow(_)).then_some(body);
        Ok(page)
    }

    /// Removes data that must not be kept from a body.
    pub(crate) fn redacted(&self, body: String) -> Result<String, PageError> {
        match &self.redactor {
            Some(redactor) => redactor.body(self.layout.schema.spec.records_key, &body),
            None => Ok(body),
        }
    }
}

fn without_rows(facts: PageFacts) -> DecodedPage {
    let rows = RecordBatch::new_empty(Arc::new(Schema::empty()));
    let observed = MemberDeviations::default();
    DecodedPage { facts, rows, quarantined: Vec::new(), observed, body: None }
}

/// Wraps a single record as a list of one, which the decoder reads.
fn as_list(spec: &StreamSpec, record: String) -> String {
    match spec.records_key {
        Some(key) => format!("{{\"{key}\":[{record}]}}"),
        None => record,
    }
}

/// The first, the middle and the last record of a listing's page. Their own URLs serve as controls
/// before a 404 counts as proof that a record is gone.
fn samples(spec: &StreamSpec, rows: &RecordBatch) -> Vec<RecordIds> {
    let StreamKind::Listing(listing) = &spec.kind else {
        return Vec::new();
    };
    let ints = |name: &str| rows.column_by_name(name)?.as_primitive_opt::<Int64Type>();
    let Some(ids) = spec.primary_key.first().and_then(|name| ints(name)) else {
        return Vec::new();
    };
    let along = listing.goes_with.and_then(|along| ints(along.column));
    let last = rows.num_rows().saturating_sub(1);
    let places: BTreeSet<usize> = [0, last / 2, last].into();
    let valid = |row: &usize| *row < ids.len() && ids.is_valid(*row);
    let sample = |row: usize| RecordIds {
        id: ids.value(row),
        along: along.filter(|along| along.is_valid(row)).map(|along| along.value(row)),
    };
    places.into_iter().filter(valid).map(sample).collect()
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
pub(crate) fn count(body: &str, records_key: Option<&str>) -> Result<Option<u64>, PageError> {
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
