//! What is due: which streams run which pass, and in which order.

use crate::item::{AccountItem, Health, Position, StreamItem};
use crate::pass::Pass;
use crate::room::{Weight, weight};
use crate::spec::{Kind, ReportWindow, StreamSpec, Sweep};
use crate::time::{Date, SignedDuration, Timestamp, between, next_day, plus, utc_day};
use crate::window::{Grid, Period};

/// Sweeps that cost fewer requests run daily, others weekly.
const DAILY_SWEEP_REQUESTS: u64 = 100;
const DAY: SignedDuration = SignedDuration::from_hours(24);
const WEEK: SignedDuration = SignedDuration::from_hours(168);

/// Why the plan is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// A tick of the schedule.
    Schedule {
        /// How often incremental passes run.
        interval: SignedDuration,
    },
    /// Somebody wants every stream to be up to date as of `asked_at`.
    Now {
        /// Passes that began before this do not count.
        asked_at: Timestamp,
        /// The pass to run; `None`: what each stream needs.
        pass: Option<Pass>,
    },
}

/// A stream that is to run.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// Which.
    pub spec: &'static StreamSpec,
    /// The pass to work on.
    pub pass: Pass,
    /// How long it will hold its place.
    pub weight: Weight,
    /// Lower is more urgent: incrementals, unfinished full passes, then what is most overdue.
    rank: (u8, bool, i64),
}

/// What keeps a stream from running at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It runs when due.
    Open,
    /// Its module is off in this account.
    Skipped,
}

/// Whether the account has the module of the stream.
#[must_use]
pub fn standing(spec: &StreamSpec, account: &AccountItem) -> Standing {
    let off = spec
        .module
        .is_some_and(|module| account.modules_off.iter().any(|name| name == module.feature()));
    if off { Standing::Skipped } else { Standing::Open }
}

/// The pass of `spec` that is due now, if any.
#[must_use]
pub fn due(
    spec: &'static StreamSpec,
    item: &StreamItem,
    demand: Demand,
    now: Timestamp,
) -> Option<Due> {
    let begun = |pass| item.position.pass(pass).last_begun;
    if held_back(&item.health, demand, now) {
        return None;
    }
    let ready = |pass| {
        item.position.pass(pass).unfinished.as_ref().is_none_or(|unfinished| {
            let untried = matches!(demand, Demand::Now { asked_at, .. }
                if unfinished.tried_at < asked_at);
            untried || unfinished.waits_until.is_none_or(|until| until <= now)
        })
    };
    let full = begun(Pass::Full);
    let unfinished = item.position.full.unfinished.is_some();
    let snapshot = matches!(spec.kind, Kind::Snapshot(_));
    let since_full = full.map_or(i64::MAX, |full| between(full, now).as_secs());
    let (fresh, forced) = match demand {
        Demand::Schedule { interval } => (plus(now, interval.checked_neg()?), None),
        Demand::Now { asked_at, pass } => (asked_at, pass),
    };
    let stale = |begun: Option<Timestamp>| begun.is_none_or(|begun| begun < fresh);
    let newest = begun(Pass::Incremental).max(full);
    // Beside an unfinished backfill, what is new keeps coming in.
    let beside = item.position.full.unfinished.as_ref().is_some_and(|backfill| {
        backfill.begun < fresh
            && (item.position.cursor.is_some() || matches!(spec.kind, Kind::ReportWindow(_)))
    });
    // The budget of reports is small: the recent windows of all come before the old ones of any.
    let reports = matches!(spec.kind, Kind::ReportWindow(_));
    let first_look = reports && begun(Pass::Incremental).is_none() && !unfinished;
    let incremental = !snapshot
        && forced != Some(Pass::Full)
        && (full.is_some() || beside || first_look)
        && (item.position.incremental.unfinished.is_some() || stale(newest))
        && ready(Pass::Incremental);
    if incremental {
        let (pass, rank) = (Pass::Incremental, (0, reports, 0));
        return Some(Due { spec, pass, weight: weight(spec, Some(item), pass), rank });
    }
    let sweep = match spec.sweep {
        Sweep::Always => stale(full),
        Sweep::Daily => full.is_none_or(|full| plus(full, DAY) <= now),
        Sweep::ByCost => {
            let daily = item.position.full.last_requests < DAILY_SWEEP_REQUESTS;
            full.is_none_or(|full| plus(full, if daily { DAY } else { WEEK }) <= now)
        }
    };
    let wanted = match forced {
        None => unfinished || sweep,
        Some(Pass::Full) => unfinished || sweep || stale(full),
        // A stream that was never read whole has nothing to go on from.
        Some(Pass::Incremental) => full.is_none(),
    };
    (wanted && ready(Pass::Full)).then(|| Due {
        spec,
        pass: Pass::Full,
        weight: weight(spec, Some(item), Pass::Full),
        // A snapshot's full pass is as small and as frequent as an incremental one.
        rank: (
            if snapshot {
                0
            } else if unfinished {
                1
            } else {
                2
            },
            // Reports wait for a budget of their own anyway.
            reports,
            since_full.saturating_neg(),
        ),
    })
}

/// All that is due, most urgent first.
pub fn order(due: &mut [Due]) {
    // Long ones first: they have few places, and what they leave is for all others.
    due.sort_by_key(|due| {
        let (class, reports, overdue) = due.rank;
        (class, reports, due.weight != Weight::Long, overdue, due.spec.name)
    });
}

/// A failing stream backs off by itself; a refused one is tried daily. On demand each is tried once.
fn held_back(health: &Health, demand: Demand, now: Timestamp) -> bool {
    let Some((at, _)) = &health.last_error else {
        return false;
    };
    match demand {
        Demand::Now { asked_at, .. } => *at >= asked_at,
        Demand::Schedule { .. } => {
            let minutes = 1_i64 << health.failures.min(6);
            let pause = if health.refused { DAY } else { SignedDuration::from_mins(minutes) };
            now < plus(*at, pause)
        }
    }
}

/// The windows that a pass over a report reads, newest first.
#[must_use]
pub fn report_windows(
    report: &ReportWindow,
    grid: Grid,
    pass: Pass,
    account: &AccountItem,
    held: Option<(Date, Date)>,
    start_date: Option<Date>,
    now: Timestamp,
) -> Vec<Period> {
    let today = utc_day(now);
    if pass == Pass::Incremental {
        return grid.recent(today);
    }
    let extent = account.extent.as_ref();
    let spent = extent.and_then(|extent| extent.spent);
    let issued = extent.and_then(|extent| extent.issued).filter(|_| report.includes_issue_date);
    let days = [spent, issued, held].into_iter().flatten();
    let recent = grid.recent(today).last().map_or(today, |window| window.start);
    let oldest = days.clone().map(|(first, _)| first).fold(recent, Date::min);
    let newest = days.map(|(_, last)| last).fold(next_day(today), Date::max);
    let oldest = start_date.map_or(oldest, |start| start.max(oldest).min(recent));
    grid.windows(oldest, newest)
}

/// Whether a first full pass sets the cursor right away: new changes then come in while a long
/// backfill goes on.
#[must_use]
pub fn claims_cursor_at_once(spec: &StreamSpec, position: &Position) -> bool {
    position.cursor.is_none() && matches!(spec.kind, Kind::Listing(_) | Kind::PerParent(_))
}

#[cfg(test)]
pub(crate) mod tests;
