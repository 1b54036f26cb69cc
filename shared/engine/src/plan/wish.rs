//! What somebody wants, and what of that has been done, waits or failed.

use super::{AT_ONCE, DAY, Demand};
use crate::item::{Health, PassState};
use crate::present::Present;
use crate::time::{SignedDuration, Timestamp, plus};

/// What is wanted, and when that is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) demand: Demand,
    pub(super) present: Present,
}

impl Wish {
    /// Whether something of `at` came after `asked_at`: nothing has come after the present, by
    /// whatever little the clock was ahead that says so. Where our own clock is behind, what other
    /// processes did lies in our future and counts.
    pub(super) fn is_since(self, asked_at: Timestamp, at: Timestamp) -> bool {
        (asked_at..=self.present.latest()).contains(&at)
    }
}

/// When what began at `begun` no longer counts as new.
pub(super) fn stale(begun: Option<Timestamp>, wish: Wish) -> Option<Timestamp> {
    let Some(begun) = begun else {
        return Some(AT_ONCE);
    };
    match wish.demand {
        Demand::Schedule { interval } => Some(plus(begun, interval)),
        Demand::Now { asked_at, .. } => (!wish.is_since(asked_at, begun)).then_some(AT_ONCE),
    }
}

/// When the budget has room for an unfinished pass; on demand it is tried once before.
pub(super) fn ready(state: &PassState, wish: Wish) -> Timestamp {
    let Some(unfinished) = &state.unfinished else {
        return AT_ONCE;
    };
    // Trying and failing may take no time: two processes whose clocks differ a little must not
    // send each other round, so that an instant a moment after now counts here.
    let untried = match wish.demand {
        Demand::Now { asked_at, .. } => unfinished.tried_at < asked_at,
        Demand::Schedule { .. } => false,
    };
    unfinished.waits_until.filter(|_| !untried).unwrap_or(AT_ONCE)
}

/// A failing stream backs off by itself; a refused one is tried daily. On demand each is tried once.
pub(super) fn held_until(health: &Health, wish: Wish) -> Option<Timestamp> {
    let Some((at, _)) = &health.last_error else {
        return Some(AT_ONCE);
    };
    match wish.demand {
        Demand::Now { asked_at, .. } => (*at < asked_at).then_some(AT_ONCE),
        Demand::Schedule { .. } => {
            let minutes = 1_i64 << health.failures.min(6);
            let pause = if health.refused { DAY } else { SignedDuration::from_mins(minutes) };
            Some(plus(*at, pause))
        }
    }
}
