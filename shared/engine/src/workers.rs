//! Workers of streams, as their items tell: at work, or coming up.

use crate::item::StreamItem;
use crate::lease::LEASE;
use crate::time::{SignedDuration, Timestamp, between, minus, plus};

/// Time after which a worker that was invoked and never took its lease is forgotten.
const STARTING: SignedDuration = SignedDuration::from_mins(2);
/// Largest difference between the clocks of two functions.
const SKEW: SignedDuration = SignedDuration::from_secs(1);

/// Whether the worker that was invoked at `at` is still to come.
pub(crate) fn is_starting(item: Option<&StreamItem>, at: Timestamp, now: Timestamp) -> bool {
    let came = item.is_some_and(|item| has_come(item, at));
    !came && between(at, now) < STARTING && at <= now
}

/// Whether the worker that was invoked at `at` took its lease, even if it has finished since.
fn has_come(item: &StreamItem, at: Timestamp) -> bool {
    item.lease.as_ref().is_some_and(|lease| lease.until >= minus(plus(at, LEASE), SKEW))
}

/// Whether a worker holds the lease of this stream.
pub(crate) fn is_running(item: &StreamItem, now: Timestamp) -> bool {
    item.lease.as_ref().is_some_and(|lease| lease.is_held(now))
}
