//! Forecast of runs: their time, their requests, and how long the rate budget makes them last.
//!
//! An estimate for people, from the requests of the last pass or the known number of records.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::budget::RequestLimit;
use crate::item::{PassState, StreamItem};
use crate::pass::{PER_PAGE, Pass};
use crate::plan::{Demand, PassSchedule, ripe};
use crate::present::Present;
use crate::room::{LONG_PASS_REQUESTS, RunWeight, weight};
use crate::spec::{RateClass, StreamKind, StreamSpec};
use crate::time::{SignedDuration, Timestamp, plus};

/// Reason for which a pass will run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassReason {
    /// First load: no record was read yet.
    FirstLoad,
    /// A pass that has begun and goes on.
    GoesOn,
    /// Records that changed, each interval.
    Changes,
    /// All records again, each interval.
    Snapshot,
    /// All records again: some may have been deleted or changed unseen.
    Sweep,
}

impl PassReason {
    /// Returns the reason as text for display.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::FirstLoad => "first load",
            Self::GoesOn => "goes on",
            Self::Changes => "changes",
            Self::Snapshot => "read whole each time",
            Self::Sweep => "sweep",
        }
    }
}

/// The next run of one pass of a stream.
#[derive(Clone, Copy, Debug)]
pub struct PlannedRun {
    /// The stream.
    pub spec: &'static StreamSpec,
    /// The pass.
    pub pass: Pass,
    /// Reason for the run.
    pub why: PassReason,
    /// Weight of the run: how long it holds its place.
    pub weight: RunWeight,
    /// Time at which it is due; never before the time of the forecast.
    pub begins: Timestamp,
    /// Requests that it takes, about; `None`: not known yet.
    pub requests: Option<u64>,
    /// Time at which the budget lets the last of them go; `None`: not known yet.
    pub ends: Option<Timestamp>,
}

/// Known sizes of streams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamSizes {
    /// Number of records by stream.
    pub records: BTreeMap<&'static str, u64>,
    /// Number of windows of a report: those of an incremental pass, and all of them, if that is
    /// known.
    pub windows: BTreeMap<&'static str, (u64, Option<u64>)>,
}

/// State of one budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetUse {
    /// Limit that we use.
    pub limit: RequestLimit,
    /// Number of permits that are given already.
    pub used: u32,
}

/// Returns the next run of each pass of each of these streams, in the order in which they begin.
#[must_use]
pub fn forecast(
    streams: &[(&'static StreamSpec, &StreamItem)],
    amounts: &StreamSizes,
    budget: impl Fn(RateClass) -> BudgetUse,
    interval: SignedDuration,
    now: Timestamp,
) -> Vec<PlannedRun> {
    let mut planned = Vec::new();
    for (spec, item) in streams {
        let PassSchedule { incremental, full } =
            ripe(spec, item, Demand::Schedule { interval }, Present::ours(now));
        let follows = !matches!(spec.kind, StreamKind::Snapshot(_));
        // New records come in beside a first load as soon as that has begun.
        let incremental =
            incremental.or_else(|| full.filter(|_| follows).map(|at| plus(at.max(now), interval)));
        for (pass, at) in [(Pass::Incremental, incremental), (Pass::Full, full)] {
            let Some(at) = at else { continue };
            let requests = requests(spec, item, pass, amounts);
            let weight = match weight(spec, Some(item), pass) {
                RunWeight::Light if requests.is_some_and(|many| many >= LONG_PASS_REQUESTS) => {
                    RunWeight::Long
                }
                known @ (RunWeight::Light | RunWeight::Long | RunWeight::Report) => known,
            };
            let (why, begins) = (why(spec, item, pass), at.max(now));
            planned.push(PlannedRun { spec, pass, why, weight, begins, requests, ends: None });
        }
    }
    planned.sort_by_key(|one| (one.begins, one.spec.name, one.pass));
    for class in [RateClass::General, RateClass::Reports] {
        spend(&mut planned, class, budget(class), interval, now);
    }
    planned
}

fn why(spec: &StreamSpec, item: &StreamItem, pass: Pass) -> PassReason {
    let state = item.position.pass(pass);
    match pass {
        _ if state.unfinished.is_some() => PassReason::GoesOn,
        Pass::Incremental => PassReason::Changes,
        Pass::Full if state.last_begun.is_none() => PassReason::FirstLoad,
        Pass::Full if matches!(spec.kind, StreamKind::Snapshot(_)) => PassReason::Snapshot,
        Pass::Full => PassReason::Sweep,
    }
}

/// Returns the requests that the next run of the pass takes, or the rest of the pass.
fn requests(
    spec: &StreamSpec,
    item: &StreamItem,
    pass: Pass,
    amounts: &StreamSizes,
) -> Option<u64> {
    let state: &PassState = item.position.pass(pass);
    let whole = Some(state.last_requests)
        .filter(|last| *last > 0)
        .or_else(|| by_amount(spec, pass, amounts));
    let Some(unfinished) = &state.unfinished else {
        return whole;
    };
    match unfinished.progress {
        (_, left) if left > 0 => Some(left),
        _ => whole.map(|whole| whole.saturating_sub(unfinished.requests).max(1)),
    }
}

fn by_amount(spec: &StreamSpec, pass: Pass, amounts: &StreamSizes) -> Option<u64> {
    let pages = |stream: &str| {
        let records = amounts.records.get(stream)?;
        Some(records.div_ceil(u64::from(PER_PAGE)).max(1))
    };
    match (&spec.kind, pass) {
        (StreamKind::ReportWindow(_), Pass::Incremental) => {
            amounts.windows.get(spec.name).map(|(recent, _)| *recent)
        }
        (StreamKind::ReportWindow(_), Pass::Full) => amounts.windows.get(spec.name)?.1,
        (StreamKind::Listing(_) | StreamKind::PerParent(_), Pass::Incremental)
        | (StreamKind::Snapshot(_), _) => Some(1),
        (StreamKind::Listing(_), Pass::Full) => pages(spec.name),
        (StreamKind::PerParent(parent), Pass::Full) => {
            // Several records of a trigger may belong to one parent.
            let records = amounts.records.get(parent.trigger.name)?;
            let parents = amounts.records.get(parent.parents()).unwrap_or(records).min(records);
            Some(pages(parent.trigger.name)?.saturating_add(*parents))
        }
    }
}

/// Largest number of windows that are simulated: 35 days of general requests, 5 years of reports. A
/// pass that needs more has no end in the plan.
const MOST_WINDOWS: u32 = 200_000;

/// Simulates the budget of `class` window by window: short passes first, long ones share the rest.
fn spend(
    planned: &mut [PlannedRun],
    class: RateClass,
    budget: BudgetUse,
    interval: SignedDuration,
    now: Timestamp,
) {
    let step = budget.limit.window().saturating_add(budget.limit.guard().total());
    let mut open: Vec<(usize, u64, bool)> = planned
        .iter()
        .enumerate()
        .filter(|(_, one)| one.spec.rate_class == class)
        .filter_map(|(at, one)| Some((at, one.requests?, one.weight != RunWeight::Light)))
        .collect();
    // Requests of passes that come again each interval beside a pass that lasts longer.
    let again: u64 = open
        .iter()
        .filter_map(|(at, requests, _)| planned.get(*at).map(|one| (one, *requests)))
        .filter(|(one, _)| matches!(one.why, PassReason::Changes | PassReason::Snapshot))
        .map(|(_, requests)| requests)
        .fold(0, u64::saturating_add);
    let mut at = now;
    let mut window_ends = plus(now, step);
    let mut next_round = plus(now, interval);
    let mut owed = 0_u64;
    let mut free = u64::from(budget.limit.requests().saturating_sub(budget.used));
    let mut windows = 0_u32;
    while !open.is_empty() && windows < MOST_WINDOWS {
        windows = windows.saturating_add(1);
        if at >= next_round {
            owed = owed.saturating_add(again);
            next_round = plus(next_round, interval.max(step));
        }
        // Half is left for the other passes, so that the loop ends even if there is no time for
        // them.
        let paid = owed.min(free / 2);
        (owed, free) = (owed.saturating_sub(paid), free.saturating_sub(paid));
        for long in [false, true] {
            free = share(planned, &mut open, long, at, free);
        }
        open.retain(|(_, left, _)| *left > 0);
        let begins = |(place, _, _): &(usize, u64, bool)| planned.get(*place).map(|one| one.begins);
        let arrival = open.iter().filter_map(begins).filter(|begins| *begins > at).min();
        let idle = !open.iter().filter_map(begins).any(|begins| begins <= at);
        match arrival {
            Some(arrival) if arrival < window_ends && free > 0 => at = arrival,
            Some(arrival) if idle && arrival >= window_ends => {
                // No pass needs permits until then: repeated passes of the meantime are done.
                (at, window_ends, free) =
                    (arrival, plus(arrival, step), u64::from(budget.limit.requests()));
                (next_round, owed) = (plus(at, interval), 0);
            }
            Some(_) | None => {
                at = window_ends;
                (window_ends, free) = (plus(at, step), u64::from(budget.limit.requests()));
            }
        }
    }
}

/// Gives `free` permits of the window that begins at `at` to the open passes of one weight, in
/// equal parts; returns the permits that are left.
fn share(
    planned: &mut [PlannedRun],
    open: &mut [(usize, u64, bool)],
    long: bool,
    at: Timestamp,
    mut free: u64,
) -> u64 {
    loop {
        let wants = |place: usize, left: u64, weight: bool, planned: &[PlannedRun]| {
            weight == long && left > 0 && planned.get(place).is_some_and(|one| one.begins <= at)
        };
        let many = open.iter().filter(|(place, left, w)| wants(*place, *left, *w, planned)).count();
        let Some(part) = free.checked_div(many as u64).filter(|_| free > 0) else {
            return free;
        };
        let part = part.max(1);
        for (place, left, weight) in open.iter_mut() {
            if free == 0 || !wants(*place, *left, *weight, planned) {
                continue;
            }
            let given = part.min(*left).min(free);
            (*left, free) = (left.saturating_sub(given), free.saturating_sub(given));
            if *left == 0
                && let Some(one) = planned.get_mut(*place)
            {
                one.ends = Some(at);
            }
        }
    }
}
