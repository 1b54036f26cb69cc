//! Ledger of runs: what each run did, until it is a row of the table `_runs`.
//!
//! A run leaves its record in the item of its stream, with the same write that gives the lease back.
//! One writer files the records of all streams later: 33 streams that commit to one table would get
//! in each other's way. The item of the ledger notes for each stream the newest record that is
//! filed, so whoever reads the items knows what is left to do without a request.
//!
//! A record that is filed twice is one row, because its key is the run's id. So no order of the
//! writes loses a record, and none doubles one.

use std::collections::BTreeMap;

use crate::item::StreamItem;
use crate::run_record::{FiledRuns, RunRecord};
use crate::time::{SignedDuration, Timestamp, between};

/// Most records that an item keeps for the ledger. A stream has about one run a minute at most, and
/// records are filed every [`LONGEST_DELAY`].
pub const KEPT: usize = 32;
/// Age of a record from which a tick that reads the items files it: 15 minutes.
pub const LONGEST_DELAY: SignedDuration = SignedDuration::from_mins(15);
/// Number of records of one stream from which they are filed at once.
const MANY: usize = KEPT / 2;

/// Adds the record of a run that ends. Beyond [`KEPT`] records the oldest is dropped, and the next
/// one tells of it.
pub fn add_record(item: &mut StreamItem, record: RunRecord) {
    item.runs.push(record);
    while item.runs.len() > KEPT {
        let oldest = item.runs.remove(0);
        if let Some(next) = item.runs.first_mut() {
            next.dropped = next.dropped.saturating_add(oldest.dropped).saturating_add(1);
        }
    }
}

/// Returns the records of `runs` that are still to be filed. `filed`: the newest one that is; a
/// record that the item does not have says nothing about those that it has.
#[must_use]
pub fn unfiled(runs: &[RunRecord], filed: Option<Timestamp>) -> &[RunRecord] {
    let place = runs.iter().rposition(|run| Some(run.began) == filed);
    place.and_then(|place| runs.get(place.saturating_add(1)..)).unwrap_or(runs)
}

/// Removes the records that are filed.
pub fn forget_filed(runs: &mut Vec<RunRecord>, filed: Option<Timestamp>) {
    let kept = unfiled(runs, filed).len();
    runs.drain(..runs.len().saturating_sub(kept));
}

/// Whether records are to be filed at `now`: if one is [`LONGEST_DELAY`] old, or a stream has many.
/// One commit then serves the runs of a whole hour; each commit costs a dozen requests.
#[must_use]
pub fn filing_is_due(
    items: &BTreeMap<&'static str, StreamItem>,
    filed: &FiledRuns,
    now: Timestamp,
) -> bool {
    items.iter().map(|(name, item)| unfiled(&item.runs, filed.get(*name).copied())).any(|left| {
        let old = |run: &RunRecord| between(run.ended, now) >= LONGEST_DELAY;
        left.first().is_some_and(|oldest| left.len() >= MANY || old(oldest))
    })
}

/// Whether a record is not filed yet.
#[must_use]
pub fn has_unfiled(items: &BTreeMap<&'static str, StreamItem>, filed: &FiledRuns) -> bool {
    let newest = |name: &str| filed.get(name).copied();
    items.iter().any(|(name, item)| !unfiled(&item.runs, newest(name)).is_empty())
}

/// Number of gaps between syncs that tell how often somebody syncs.
const GAPS: usize = 10;
/// Longest interval that is learnt: 7 days. Data of a lake that nobody syncs any more is late at
/// some time.
const LONGEST_USUAL: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Returns the interval between the syncs of a stream, as its last runs tell: the median of the last
/// ten gaps, at least `set` and at most a week. `began`: starts of its runs, in any order. Runs that
/// began less than half of `set` after the first of a sync belong to that sync.
///
/// A person who syncs once a day by hand has set nothing, and the data is not late at noon.
#[must_use]
pub fn usual_interval(began: &[Timestamp], set: SignedDuration) -> SignedDuration {
    let mut began = began.to_vec();
    began.sort_unstable();
    began.dedup_by(|at, first| between(*first, *at) < set / 2);
    let gaps = began.windows(2).filter_map(|pair| match pair {
        [before, at] => Some(between(*before, *at)),
        _ => None,
    });
    let mut gaps: Vec<SignedDuration> = gaps.collect();
    let mut last = gaps.split_off(gaps.len().saturating_sub(GAPS));
    last.sort_unstable();
    let median = last.get(last.len() / 2).copied().unwrap_or(set);
    median.min(LONGEST_USUAL).max(set)
}

#[cfg(test)]
mod tests;
