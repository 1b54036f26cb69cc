//! Plan of due work: streams, their pass, and the order.

mod windows;
mod wish;

use self::wish::{TimedDemand, held_until, ready, stale};
use crate::item::{AccountItem, StreamItem, StreamPosition};
use crate::pass::Pass;
use crate::present::Present;
use crate::room::{RunWeight, weight};
use crate::spec::{StreamKind, StreamSpec, SweepCadence};
use crate::time::{SignedDuration, Timestamp, between, plus};

pub use windows::{ReportHistory, is_about, report_windows};

/// Requests of the last full pass below which sweeps run daily, otherwise weekly.
const DAILY_SWEEP_REQUESTS: u64 = 100;
const DAY: SignedDuration = SignedDuration::from_hours(24);
const WEEK: SignedDuration = SignedDuration::from_hours(168);
/// Time from a first load whose answers contradict each other to the next try.
const DOUBT: SignedDuration = SignedDuration::from_hours(1);

/// Reason for which the plan is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// A tick of the schedule.
    Schedule {
        /// Time between incremental passes.
        interval: SignedDuration,
    },
    /// A request that every stream be up to date as of `asked_at`.
    Now {
        /// Instant before which a pass that began does not count.
        asked_at: Timestamp,
        /// The pass to run; `None`: the pass that each stream needs.
        pass: Option<Pass>,
    },
}

/// A stream that is to run.
#[derive(Clone, Copy, Debug)]
pub struct DueRun {
    /// The stream.
    pub spec: &'static StreamSpec,
    /// The pass to work on.
    pub pass: Pass,
    /// Weight of the pass: how long it holds its place.
    pub weight: RunWeight,
    /// Lower is more urgent: incremental passes, unfinished full passes, then the most overdue.
    rank: (u8, bool, i64),
}

/// Whether a stream may run in this account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamStanding {
    /// It runs when due.
    Open,
    /// Its module is off in this account.
    Skipped,
}

/// Whether the account has the module of the stream.
#[must_use]
pub fn standing(spec: &StreamSpec, account: &AccountItem) -> StreamStanding {
    let off = spec
        .module
        .is_some_and(|module| account.modules_off.iter().any(|name| name == module.feature()));
    if off { StreamStanding::Skipped } else { StreamStanding::Open }
}

/// Times at which each pass of a stream is to begin or to go on. `None`: not as things stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassSchedule {
    /// The incremental pass.
    pub incremental: Option<Timestamp>,
    /// The full pass.
    pub full: Option<Timestamp>,
}

/// Due at once.
const AT_ONCE: Timestamp = Timestamp::MIN;

/// Returns the times at which the passes of `spec` are due for `demand`, as its item stands.
#[must_use]
pub fn ripe(
    spec: &StreamSpec,
    item: &StreamItem,
    demand: Demand,
    present: Present,
) -> PassSchedule {
    let never = PassSchedule { incremental: None, full: None };
    let wish = TimedDemand { demand, present };
    let Some(free) = held_until(&item.health, wish) else {
        return never;
    };
    let from = |at: Option<Timestamp>, pass| {
        Some(at?.max(free).max(ready(item.position.pass(pass), wish)))
    };
    PassSchedule {
        incremental: from(incremental_at(spec, item, wish), Pass::Incremental),
        full: from(full_at(spec, item, wish), Pass::Full),
    }
}

/// Whether an incremental pass has a cursor or earlier reading to go on from.
#[must_use]
pub fn goes_incrementally(spec: &StreamSpec, position: &StreamPosition) -> bool {
    let StreamPosition { full, incremental, cursor, .. } = position;
    let reports = matches!(spec.kind, StreamKind::ReportWindow(_));
    !matches!(spec.kind, StreamKind::Snapshot(_))
        && match &full.unfinished {
            _ if full.last_begun.is_some() => true,
            Some(_) => cursor.is_some() || reports,
            // The budget of reports is small: the recent windows of all come before the old ones of
            // any.
            None => reports && incremental.last_begun.is_none(),
        }
}

fn incremental_at(spec: &StreamSpec, item: &StreamItem, wish: TimedDemand) -> Option<Timestamp> {
    let forced_full = matches!(wish.demand, Demand::Now { pass: Some(Pass::Full), .. });
    if forced_full || !goes_incrementally(spec, &item.position) {
        return None;
    }
    let StreamPosition { full, incremental, .. } = &item.position;
    let possible = match &full.unfinished {
        // New records keep coming in beside an unfinished backfill.
        Some(backfill) if full.last_begun.is_none() => stale(Some(backfill.begun), wish),
        Some(_) | None => Some(AT_ONCE),
    };
    let newest = incremental.last_begun.max(full.last_begun);
    let wanted = if incremental.unfinished.is_some() { Some(AT_ONCE) } else { stale(newest, wish) };
    Some(possible?.max(wanted?))
}

fn full_at(spec: &StreamSpec, item: &StreamItem, wish: TimedDemand) -> Option<Timestamp> {
    let full = &item.position.full;
    let forced = match wish.demand {
        Demand::Schedule { .. } => None,
        Demand::Now { pass, .. } => pass,
    };
    // A stream that was never read whole has nothing to go on from: its full pass is due whatever
    // is asked for.
    let Some(begun) = full.last_begun else {
        return Some(full.doubted.map_or(AT_ONCE, |at| after_doubt(at, DOUBT, wish.demand)));
    };
    if forced == Some(Pass::Incremental) {
        return None;
    }
    if full.unfinished.is_some() {
        return Some(AT_ONCE);
    }
    let swept = sweep_period(spec.sweep, full.last_requests).map_or_else(
        || stale(Some(begun), wish),
        |period| sweep_at(spec, begun, period, wish.demand),
    );
    let swept = match forced {
        Some(Pass::Full) => stale(Some(begun), wish).or(swept),
        Some(Pass::Incremental) | None => swept,
    };
    let doubt = full.doubted.map_or(AT_ONCE, |at| after_doubt(at, DAY, wish.demand));
    swept.map(|at| at.max(doubt))
}

/// Time at which a full pass whose answers contradicted each other runs again; on demand at once.
fn after_doubt(at: Timestamp, pause: SignedDuration, demand: Demand) -> Timestamp {
    match demand {
        Demand::Schedule { .. } => plus(at, pause),
        Demand::Now { .. } => AT_ONCE,
    }
}

/// Time from one full pass to the next; `None`: the full pass runs each time.
#[must_use]
pub fn sweep_period(sweep: SweepCadence, last_requests: u64) -> Option<SignedDuration> {
    match sweep {
        SweepCadence::Always => None,
        SweepCadence::Daily => Some(DAY),
        SweepCadence::ByCost if last_requests < DAILY_SWEEP_REQUESTS => Some(DAY),
        SweepCadence::ByCost => Some(WEEK),
    }
}

/// Returns the time of the sweep after a full pass. Each stream has its own moment in the day or
/// the week, so that sweeps do not all come at once, as first loads do. The first sweep comes
/// between a quarter of the period and five quarters after the first load.
fn sweep_at(
    spec: &StreamSpec,
    begun: Timestamp,
    period: SignedDuration,
    demand: Demand,
) -> Option<Timestamp> {
    let earliest = plus(begun, period / 4).as_second();
    let period = period.as_secs().max(1);
    let offset = i64::try_from(moment(spec.name)).unwrap_or(0).checked_rem(period).unwrap_or(0);
    let into = earliest.saturating_sub(offset).checked_rem_euclid(period).unwrap_or(0);
    let slot = Timestamp::from_second(earliest.saturating_add(period).saturating_sub(into)).ok();
    match demand {
        Demand::Schedule { .. } => slot,
        // An operator who syncs once a day by hand may never hit the stream's moment.
        Demand::Now { .. } => {
            let aged = plus(begun, SignedDuration::from_secs(period.saturating_mul(3) / 4));
            slot.map(|slot| slot.min(aged))
        }
    }
}

/// Returns a fixed number of the stream (FNV-1a of its name), below 2^31.
fn moment(name: &str) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash >> 33
}

/// Returns the pass of `spec` that is due now, if any.
#[must_use]
pub fn due(
    spec: &'static StreamSpec,
    item: &StreamItem,
    demand: Demand,
    present: Present,
) -> Option<DueRun> {
    let now = present.now();
    let ripe = ripe(spec, item, demand, present);
    let is_due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
    let pass = if is_due(ripe.incremental) {
        Pass::Incremental
    } else if is_due(ripe.full) {
        Pass::Full
    } else {
        return None;
    };
    Some(DueRun {
        spec,
        pass,
        weight: weight(spec, Some(item), pass),
        rank: rank(spec, item, pass, now),
    })
}

fn rank(spec: &StreamSpec, item: &StreamItem, pass: Pass, now: Timestamp) -> (u8, bool, i64) {
    // Reports wait for a budget of their own anyway.
    let reports = matches!(spec.kind, StreamKind::ReportWindow(_));
    let full = &item.position.full;
    let since_full = full.last_begun.map_or(i64::MAX, |full| between(full, now).as_secs());
    match pass {
        Pass::Incremental => (0, reports, 0),
        // A snapshot's full pass is as small and as frequent as an incremental one.
        Pass::Full if matches!(spec.kind, StreamKind::Snapshot(_)) => {
            (0, reports, since_full.saturating_neg())
        }
        Pass::Full => match &full.unfinished {
            // Long passes take turns.
            Some(unfinished) => (1, reports, unfinished.tried_at.as_second()),
            None => (2, reports, since_full.saturating_neg()),
        },
    }
}

/// Sorts due passes, most urgent first.
pub fn order(due: &mut [DueRun]) {
    // Long passes first: they may take few places, and leave the rest to all others.
    due.sort_by_key(|due| {
        let (class, reports, overdue) = due.rank;
        (class, reports, due.weight != RunWeight::Long, overdue, due.spec.name)
    });
}

#[cfg(test)]
pub(crate) mod tests;
