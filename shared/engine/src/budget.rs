//! The rate budget as arithmetic: a log of due times of permits, shared by all workers.
//!
//! Reserving is a function from the stored item to the item to store. The due times that it hands
//! out keep every rolling window of the server's clock within the limit, however late within the
//! guard each request is sent.

mod coding;
mod limit;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::limit::{BudgetGuard, LimitError, RequestLimit};
use crate::time::{SignedDuration, Timestamp, minus, plus};

/// Largest number of permits reserved by one write: more requests that wait at the same time gain
/// nothing.
pub const MOST_AT_ONCE: u32 = 8;

/// Time ahead of now within which an incremental pass reserves.
pub const HORIZON_INCREMENTAL: SignedDuration = SignedDuration::from_secs(20);
/// Time ahead of now within which a full pass reserves: less, so that small streams get their turn.
pub const HORIZON_FULL: SignedDuration = SignedDuration::from_secs(5);
/// Longest time of one read or write of the item for which permits are timed, in seconds. Reads and
/// writes that take longer can let a permit go to waste.
pub const LONGEST_ACCESS: SignedDuration = SignedDuration::from_secs(1);
/// Longest block that is believed; a longer one was written by a clock that is wrong.
pub const LONGEST_BLOCK: SignedDuration = SignedDuration::from_hours(1);

/// State of a budget: due times of its permits, and the end of a block for all. The default is an
/// unused budget.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "coding::StoredBudget", into = "coding::StoredBudget")]
pub struct BudgetItem {
    /// Milliseconds since 1970, in order.
    dues: Vec<i64>,
    /// Milliseconds since 1970.
    blocked_until: Option<i64>,
}

/// Answer to a request for permits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// Write `item`; once that succeeded, send one request at each of `dues`, or never.
    Reserved {
        /// The item to write in place of the one that was asked.
        item: BudgetItem,
        /// Due times in order, none before now; at least one, at most as many as were asked for.
        dues: Vec<Timestamp>,
    },
    /// Nothing is free within the horizon and nothing is to be written: ask again at `at`.
    ComeBack {
        /// Time at which the first permit comes into the horizon.
        at: Timestamp,
    },
}

impl BudgetItem {
    /// Reserves up to `n` (at least one) permits that are due within `horizon`. Each is due no
    /// earlier than one window and the guard after the permit `limit` places before it, than `now`,
    /// and than a moment after the last.
    #[must_use]
    pub fn reserve(
        &self,
        limit: RequestLimit,
        now: Timestamp,
        n: u32,
        horizon: SignedDuration,
    ) -> Reservation {
        let mut item = self.trimmed(limit, now);
        let end = floor_millis(plus(now, horizon));
        let mut granted = Vec::new();
        for _ in 0..n.max(1) {
            let due = item.next_due(limit, now);
            if due > end {
                if granted.is_empty() {
                    return Reservation::ComeBack { at: minus(instant(due), horizon) };
                }
                break;
            }
            item.dues.push(due);
            granted.push(instant(due));
        }
        Reservation::Reserved { item, dues: granted }
    }

    /// Returns the item after a 429: no request is sent before `now` + `retry_after` (missing: one
    /// window; at most an hour). A block only moves forward. Permits before its end are free again,
    /// and their holders learn of it from [`BudgetItem::is_blocked`]; not those due so soon that
    /// their holder may have read the item before this one is written.
    #[must_use]
    pub fn blocked(
        &self,
        limit: RequestLimit,
        now: Timestamp,
        retry_after: Option<SignedDuration>,
    ) -> Self {
        let guard = limit.guard();
        let wait = retry_after.unwrap_or(limit.window()).clamp(guard.total(), LONGEST_BLOCK);
        let mut item = self.trimmed(limit, now);
        let new_end = ceil_millis(plus(now, wait));
        let end = item.blocked_until.map_or(new_end, |old| old.max(new_end));
        let unseen = LONGEST_ACCESS.saturating_mul(2);
        let maybe_sent = ceil_millis(plus(
            now,
            guard.lateness.saturating_add(guard.skew).saturating_add(unseen),
        ));
        item.dues.retain(|due| *due <= maybe_sent || *due >= end);
        item.blocked_until = Some(end);
        item
    }

    /// Whether the permit due at `due` must not be used because a block came after it was given.
    /// Ask just before sending, with the newest item at hand.
    #[must_use]
    pub fn is_blocked(&self, due: Timestamp, now: Timestamp) -> bool {
        self.block_millis(now).is_some_and(|end| due < instant(end))
    }

    /// Returns the end of the present block; `None` also for one of more than an hour.
    #[must_use]
    pub fn blocked_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.block_millis(now).map(instant).filter(|end| *end > now)
    }

    /// Number of permits that are due in the window that ends at `now`, or later.
    #[must_use]
    pub fn used(&self, limit: RequestLimit, now: Timestamp) -> u32 {
        let begin = floor_millis(minus(now, limit.window()));
        let used = self.trimmed(limit, now).dues.iter().filter(|due| **due > begin).count();
        u32::try_from(used).unwrap_or(u32::MAX)
    }

    /// Returns the time at which the last of `n` further requests would be due if no other worker
    /// asked: a forecast for display. `now` if `n` is zero.
    #[must_use]
    pub fn estimate(&self, limit: RequestLimit, now: Timestamp, n: u32) -> Timestamp {
        let mut item = self.trimmed(limit, now);
        let Some(before) = n.checked_sub(1) else {
            return now;
        };
        // Each further round of the limit comes one step after the round before.
        let rounds = i64::from(before.checked_div(limit.requests()).unwrap_or(0));
        let last = before.checked_rem(limit.requests()).unwrap_or(0).saturating_add(1);
        let mut due = ceil_millis(now);
        for _ in 0..last {
            due = item.next_due(limit, now);
            item.dues.push(due);
        }
        instant(due.saturating_add(step(limit).saturating_mul(rounds)))
    }

    /// Returns the time to ask for `n` permits together: when the last of them comes into the
    /// horizon, but no later than half of the horizon before the first is due.
    #[must_use]
    pub fn together(
        &self,
        limit: RequestLimit,
        now: Timestamp,
        n: u32,
        horizon: SignedDuration,
    ) -> Timestamp {
        let all = minus(self.estimate(limit, now, n), horizon);
        all.min(minus(self.estimate(limit, now, 1), horizon / 2))
    }

    /// Returns the due time of one more permit, never before the last one: the log stays in order.
    fn next_due(&self, limit: RequestLimit, now: Timestamp) -> i64 {
        let mut due = ceil_millis(now);
        if let Some(last) = self.dues.last() {
            due = due.max(last.saturating_add(millis(limit.spacing())));
        }
        if let Some(end) = self.blocked_until {
            // By the clock that runs ahead of all others, the block must be over too.
            due = due.max(end.saturating_add(millis(limit.guard().skew)));
        }
        let places = usize::try_from(limit.requests()).unwrap_or(usize::MAX);
        let before = self.dues.len().checked_sub(places).and_then(|at| self.dues.get(at));
        before.map_or(due, |earlier| due.max(earlier.saturating_add(step(limit))))
    }

    /// Returns the item without due times that no longer bind by any worker's clock, and without
    /// those that only a wrong clock can have written.
    fn trimmed(&self, limit: RequestLimit, now: Timestamp) -> Self {
        let reserve = millis(limit.guard().total());
        let oldest = floor_millis(now).saturating_sub(step(limit)).saturating_sub(reserve);
        let ahead = HORIZON_INCREMENTAL.saturating_add(limit.window().saturating_mul(2));
        let newest = ceil_millis(plus(now, ahead));
        let kept = self.dues.iter().copied().filter(|due| (oldest..=newest).contains(due));
        Self {
            dues: kept.collect(),
            blocked_until: self.block_millis(now).filter(|end| *end >= oldest),
        }
    }

    fn block_millis(&self, now: Timestamp) -> Option<i64> {
        // The guard is slack for a block of an hour written by a clock that is slightly ahead.
        let newest = plus(now, LONGEST_BLOCK.saturating_add(RequestLimit::GENERAL.guard().total()));
        self.blocked_until.filter(|end| *end <= ceil_millis(newest))
    }
}

/// Time from a permit to the one `limit` places later.
fn step(limit: RequestLimit) -> i64 {
    millis(limit.window().saturating_add(limit.guard().total()))
}

fn millis(span: SignedDuration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn floor_millis(at: Timestamp) -> i64 {
    let millis = at.as_millisecond();
    if instant(millis) > at { millis.saturating_sub(1) } else { millis }
}

fn ceil_millis(at: Timestamp) -> i64 {
    let millis = at.as_millisecond();
    if instant(millis) < at { millis.saturating_add(1) } else { millis }
}

fn instant(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(if millis < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}
