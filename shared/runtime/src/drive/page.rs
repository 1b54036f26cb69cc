//! Decoding of an answer, by what its request asked for.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use decode::{DecodedPage, Decoder, MemberDeviations, PageError, ReadAt};
use engine::ids::AccountId;
use engine::pass::{AnswerPurpose, PageFacts, Parent, ParentFound, RecordIds, Unit};
use engine::spec::{StreamKind, StreamSpec};
use engine::time::{SignedDuration, Timestamp};

use crate::hold::{PageRows, RunBuffer};

/// A decoded answer.
#[derive(Debug)]
pub(super) struct DecodedAnswer {
    pub(super) facts: PageFacts,
    pub(super) rows: Option<PageRows>,
    pub(super) observed: MemberDeviations,
    pub(super) date: Option<Timestamp>,
    /// Time from the request to its answer.
    pub(super) took: SignedDuration,
    /// Size of the decompressed answer, in bytes.
    pub(super) body_bytes: usize,
}

/// Decodes the answer to a request for `reads` that was sent at `requested_at`.
///
/// # Errors
/// Where the answer is not of the form that `reads` expects.
pub(super) fn decode(
    decoder: &Decoder,
    spec: &'static StreamSpec,
    reads: AnswerPurpose,
    account: AccountId,
    requested_at: Timestamp,
    body: String,
) -> Result<DecodedAnswer, PageError> {
    let bare = |facts| DecodedAnswer {
        facts,
        rows: None,
        observed: MemberDeviations::default(),
        date: None,
        took: SignedDuration::ZERO,
        body_bytes: 0,
    };
    let body = match (reads, spec.records_key) {
        // Wrapped as a list of one record, which the decoder reads.
        (AnswerPurpose::Record, Some(key)) => format!("{{\"{key}\":[{body}]}}"),
        _ => body,
    };
    match reads {
        AnswerPurpose::Records(_) | AnswerPurpose::Record => {
            let at = read_at(reads, account, requested_at);
            let (page, body) = decoder.answer(body, &at)?;
            let DecodedPage { rows, keys, dates, envelope, quarantined, observed } = page;
            let facts = PageFacts {
                samples: samples(spec, &rows),
                keys,
                dates,
                quarantined: quarantined.len() as u64,
                ..envelope.into()
            };
            let body = RunBuffer::keeps_bodies(spec).then_some(body);
            let rows = Some(PageRows { rows, quarantined, body });
            let bare = bare(PageFacts::default());
            Ok(DecodedAnswer { facts, rows, observed, ..bare })
        }
        AnswerPurpose::Parents => {
            let StreamKind::PerParent(parent) = &spec.kind else {
                return Ok(bare(PageFacts::default()));
            };
            let page = decode::parents(&body, parent.trigger, parent.parent_id)?;
            let quarantined = page.quarantined.len() as u64;
            let mut facts = PageFacts { quarantined, ..page.envelope.into() };
            for record in page.parents {
                facts.keys.push(record.key);
                facts.dates.push(record.date);
                facts
                    .parents
                    .push(ParentFound { parent: record.parent, roles: record.access_roles });
            }
            Ok(bare(facts))
        }
        AnswerPurpose::Count => {
            let total_entries = decode::count(&body, spec.records_key)?;
            Ok(bare(PageFacts { total_entries, ..PageFacts::default() }))
        }
        AnswerPurpose::Along => Ok(bare(PageFacts::default())),
        AnswerPurpose::Existence(parent) => {
            let found = ParentFound { parent: existing(parent, &body), roles: None };
            Ok(bare(PageFacts { parents: vec![found], ..PageFacts::default() }))
        }
    }
}

/// The first, the middle and the last record of a listing's page.
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

/// Values that rows have beside the fields of their record.
fn read_at(reads: AnswerPurpose, account: AccountId, requested_at: Timestamp) -> ReadAt {
    let (parent, period) = match reads {
        AnswerPurpose::Records(Unit::Parent(parent)) => (Some(parent), None),
        AnswerPurpose::Records(Unit::Window(period)) => (None, Some(period)),
        AnswerPurpose::Records(Unit::Stream)
        | AnswerPurpose::Record
        | AnswerPurpose::Along
        | AnswerPurpose::Parents
        | AnswerPurpose::Count
        | AnswerPurpose::Existence(_) => (None, None),
    };
    ReadAt { account, synced_at: requested_at, parent, period }
}

/// The parent with the year of its `created_at`, from its own record.
fn existing(parent: Parent, body: &str) -> Parent {
    Parent { id: parent.id, created_year: decode::created_year(body) }
}
