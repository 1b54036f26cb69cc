//! Demand together with the present: whether a pass is fresh, waits for the budget, or has to pause
//! after failures.

use super::{AT_ONCE, DAY, Demand};
use crate::item::{PassState, StreamHealth};
use crate::present::Present;
use crate::time::{SignedDuration, Timestamp, plus};

/// A demand and the time at which it is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimedDemand {
    pub(super) demand: Demand,
    pub(super) present: Present,
}

impl TimedDemand {
    /// Whether `at` lies between `asked_at` and the present. An instant beyond the present does not
    /// count, however little the clock that wrote it was ahead. Where our own clock is behind, acts
    /// of other processes lie in our future and count up to the server's time.
    pub(super) fn is_since(self, asked_at: Timestamp, at: Timestamp) -> bool {
        (asked_at..=self.present.latest()).contains(&at)
    }
}

/// Time at which a pass that began at `begun` no longer counts as new; `None`: it still does.
pub(super) fn stale(begun: Option<Timestamp>, wish: TimedDemand) -> Option<Timestamp> {
    let Some(begun) = begun else {
        return Some(AT_ONCE);
    };
    match wish.demand {
        Demand::Schedule { interval } => Some(plus(begun, interval)),
        Demand::Now { asked_at, .. } => (!wish.is_since(asked_at, begun)).then_some(AT_ONCE),
    }
}

/// Time at which the budget has room for an unfinished pass; on demand it is tried once before.
pub(super) fn ready(state: &PassState, wish: TimedDemand) -> Timestamp {
    let Some(unfinished) = &state.unfinished else {
        return AT_ONCE;
    };
    // Trying and failing may take no time. Two processes whose clocks differ a little must not wake
    // each other in turn, so a try a moment after now counts here.
    let untried = match wish.demand {
        Demand::Now { asked_at, .. } => unfinished.tried_at < asked_at,
        Demand::Schedule { .. } => false,
    };
    unfinished.waits_until.filter(|_| !untried).unwrap_or(AT_ONCE)
}

/// Time until which failures hold a stream back: a failing stream backs off, a refused one is tried
/// daily, and on demand each is tried once (`None`: it was).
pub(super) fn held_until(health: &StreamHealth, wish: TimedDemand) -> Option<Timestamp> {
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
