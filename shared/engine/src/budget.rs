//! The rate budget as arithmetic: a log of when permits are due, shared by all workers.
//!
//! Reserving is a function from the stored item to the item to store. The times it hands out keep
//! every rolling window of the server's clock within the limit, however late within the guard each
//! request is sent.

mod coding;
mod limit;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::limit::{Guard, Limit, LimitError};
use crate::time::{SignedDuration, Timestamp, minus, plus};

/// How far ahead an incremental pass reserves.
pub const HORIZON_INCREMENTAL: SignedDuration = SignedDuration::from_secs(20);
/// How far ahead a full pass reserves: less, so that small streams get their turn.
pub const HORIZON_FULL: SignedDuration = SignedDuration::from_secs(5);
/// No block is longer; one that is, is another clock's fault.
pub const LONGEST_BLOCK: SignedDuration = SignedDuration::from_hours(1);

/// What a budget remembers: when its permits are due, and until when everybody waits. The default
/// is an unused budget.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "coding::StoredBudget", into = "coding::StoredBudget")]
pub struct BudgetItem {
    /// Milliseconds since 1970, in order.
    dues: Vec<i64>,
    /// Milliseconds since 1970.
    blocked_until: Option<i64>,
}

/// Answer to a wish for permits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// Write `item`; once that succeeded, send one request at each of `dues`, or never.
    Reserved {
        /// The item to write in place of the one that was asked.
        item: BudgetItem,
        /// In order, none before now; one to as many as were wished.
        dues: Vec<Timestamp>,
    },
    /// Nothing is free within the horizon and nothing is to be written: ask again then.
    ComeBack {
        /// When the first permit comes into the horizon.
        at: Timestamp,
    },
}

impl BudgetItem {
    /// Reserves up to `n` (at least one) permits that are due within `horizon`. A permit is due a
    /// window and the guard after the one `limit` places before it, never before `now`, and a moment
    /// after the last.
    #[must_use]
    pub fn reserve(
        &self,
        limit: Limit,
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

    /// The item after a 429: nobody sends before `now` + `retry_after` (missing: one window; at
    /// most an hour). A block only moves forward. Permits that lie before its end and cannot have
    /// been sent yet are free again; whoever holds one learns from [`BudgetItem::is_blocked`].
    #[must_use]
    pub fn blocked(
        &self,
        limit: Limit,
        now: Timestamp,
        retry_after: Option<SignedDuration>,
    ) -> Self {
        let guard = limit.guard();
        let wait = retry_after.unwrap_or(limit.window()).clamp(guard.total(), LONGEST_BLOCK);
        let mut item = self.trimmed(limit, now);
        let new_end = ceil_millis(plus(now, wait));
        let end = item.blocked_until.map_or(new_end, |old| old.max(new_end));
        let maybe_sent = ceil_millis(plus(now, guard.lateness.saturating_add(guard.skew)));
        item.dues.retain(|due| *due <= maybe_sent || *due >= end);
        item.blocked_until = Some(end);
        item
    }

    /// Whether the permit due at `due` must not be used because a block came after it was given.
    /// Ask just before sending, of the newest item at hand.
    #[must_use]
    pub fn is_blocked(&self, due: Timestamp, now: Timestamp) -> bool {
        self.block_millis(now).is_some_and(|end| due < instant(end))
    }

    /// The end of the block that holds now; `None` also for one beyond an hour.
    #[must_use]
    pub fn blocked_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.block_millis(now).map(instant).filter(|end| *end > now)
    }

    /// How many permits of the window that ends at `now`, and of the time after it, are given.
    #[must_use]
    pub fn used(&self, limit: Limit, now: Timestamp) -> u32 {
        let begin = floor_millis(minus(now, limit.window()));
        let used = self.trimmed(limit, now).dues.iter().filter(|due| **due > begin).count();
        u32::try_from(used).unwrap_or(u32::MAX)
    }

    /// When the last of `n` further requests would be due if nobody else asked: for saying how long
    /// something will take. `now` for none.
    #[must_use]
    pub fn estimate(&self, limit: Limit, now: Timestamp, n: u32) -> Timestamp {
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

    /// When to ask for `n` permits at once rather than for each as it comes into the horizon: when the
    /// last of them does, but no later than half of the horizon before the first is due.
    #[must_use]
    pub fn together(
        &self,
        limit: Limit,
        now: Timestamp,
        n: u32,
        horizon: SignedDuration,
    ) -> Timestamp {
        let all = minus(self.estimate(limit, now, n), horizon);
        all.min(minus(self.estimate(limit, now, 1), horizon / 2))
    }

    /// When one more permit would be due. Never before the last one, so the log stays in order.
    fn next_due(&self, limit: Limit, now: Timestamp) -> i64 {
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

    /// Without what no longer binds by anybody's clock, and without what only a wrong clock can
    /// have written.
    fn trimmed(&self, limit: Limit, now: Timestamp) -> Self {
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
        // The guard of slack: a block of an hour, written by a clock that is slightly ahead.
        let newest = plus(now, LONGEST_BLOCK.saturating_add(Limit::GENERAL.guard().total()));
        self.blocked_until.filter(|end| *end <= ceil_millis(newest))
    }
}

/// From a permit to the one `limit` places later.
fn step(limit: Limit) -> i64 {
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
