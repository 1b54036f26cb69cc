//! Input and output of a reading.

use std::collections::BTreeMap;

use super::super::compact::IdSet;
use super::super::pager::Pager;
use super::super::parents::ParkedParent;
use super::super::sweep::{MissingScope, halves_of};
use super::super::{AnswerEffect, PageRequest, Pass, StopReason};
use crate::cursor;
use crate::spec::{Listing, StreamSpec};
use crate::time::{Date, Timestamp};
use crate::window::{FixedFeeAmounts, Period};

/// Input of a reading.
#[derive(Clone, Debug)]
pub struct ReadingPlan {
    /// The stream.
    pub spec: &'static StreamSpec,
    /// The pass.
    pub pass: Pass,
    /// The stream's cursor; incremental passes read from a little before it.
    pub cursor: Option<Timestamp>,
    /// The first day of dated listings that full passes read; `None`: all history.
    pub start_date: Option<Date>,
    /// The report windows to read, in this order.
    pub windows: Vec<Period>,
    /// Amounts of fixed fees that time reports are asked for.
    pub fixed_fees: FixedFeeAmounts,
    /// Parents that failed in earlier runs.
    pub parked: BTreeMap<i64, ParkedParent>,
    /// Ids of records, or of parents of children, that the full pass before missed without proof
    /// that they are gone.
    pub absent: IdSet,
    /// Whether the listing omits records unless it is asked for its two halves.
    pub by_halves: bool,
    /// Whether a new full pass over a listing looks for rows that are gone: the table has rows.
    pub compares: bool,
    /// The part of a listing, or of the listing that names parents, to read; `None`: all of it.
    pub sample: Option<ListingSample>,
    /// Number of requests that may be under way at once.
    pub width: usize,
}

/// The part of a listing that is read to compare some of its records with the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListingSample {
    /// Number of records to read of each of `periods`, and of the whole listing.
    pub records: u32,
    /// Days within which as many records are read, beside the first ones of the listing; only for
    /// listings that can be asked for days.
    pub periods: Vec<Period>,
}

/// Next step of a reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadingStep {
    /// Send this request.
    Fetch(PageRequest),
    /// Pass the units of which the table holds rows to
    /// [`Reading::on_held`](super::Reading::on_held).
    Held,
    /// Pass the rows of the table within this scope that no page had to
    /// [`Reading::on_missing`](super::Reading::on_missing).
    Missing(MissingScope),
    /// Answers are awaited.
    Wait,
    /// The reading cannot go on now: all that is left of it failed.
    Stop(StopReason),
    /// Everything is read.
    Done,
}

/// Next step after a failed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// Go on; [`Reading::next_step`](super::Reading::next_step) returns the request again, perhaps
    /// for fewer records.
    GoOn(Vec<AnswerEffect>),
    /// The reading cannot go on now.
    Stop(StopReason),
}

/// Returns the filter of an incremental pass; none for a full pass, or without a cursor.
pub(super) fn since(plan: &ReadingPlan) -> Vec<(String, String)> {
    match (plan.pass, plan.cursor) {
        (Pass::Incremental, Some(cursor)) => {
            vec![("updated_since".to_owned(), cursor::read_from(cursor))]
        }
        (Pass::Incremental, None) | (Pass::Full, _) => Vec::new(),
    }
}

/// Pagers that read the first page of the listing at `path`, and of each period of the sample.
pub(super) fn sample_pagers(path: &str, sample: &ListingSample) -> Vec<Pager> {
    let days = |period: &Period| {
        vec![
            ("from".to_owned(), period.start.to_string()),
            ("to".to_owned(), period.end.to_string()),
        ]
    };
    let filters = core::iter::once(Vec::new()).chain(sample.periods.iter().map(days));
    filters.map(|filters| Pager::sample(path, filters, sample.records)).collect()
}

/// Returns the pagers of an incremental pass over a listing: the listing or its two halves, and the
/// records that change without moving `updated_at`.
pub(super) fn listing_pagers(
    spec: &StreamSpec,
    listing: &Listing,
    plan: &ReadingPlan,
) -> Vec<Pager> {
    let mut pagers = match listing.halves.filter(|_| plan.by_halves) {
        Some(filter) => halves_of(listing.paging, spec.path, &since(plan), filter).into(),
        None => vec![Pager::new(listing.paging, spec.path, since(plan), None)],
    };
    if let Some((name, value)) = listing.reread {
        let filter = vec![(name.to_owned(), value.to_owned())];
        pagers.push(Pager::new(listing.paging, spec.path, filter, None));
    }
    pagers
}
