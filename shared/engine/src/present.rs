//! The present, and persisted instants that it makes impossible.
//!
//! An event that was written down lies in the past. An instant in the future was written by a clock
//! that was ahead and does not tell when the event happened: it counts as never.

use core::fmt;

use crate::time::{SignedDuration, Timestamp, between, plus};

/// Largest difference between the clocks of two correct machines, and between either of them and
/// the server's `Date`.
const SLACK: SignedDuration = SignedDuration::from_mins(1);

/// The time by the clocks of this process and of Harvest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    ours: Timestamp,
    server: Option<Timestamp>,
}

/// An instant that only a clock that was ahead can have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AheadInstant {
    /// Name of the event, for display.
    pub what: &'static str,
    /// The instant.
    pub at: Timestamp,
}

impl fmt::Display for AheadInstant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.what, self.at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

/// Returns a sentence that lists the instants in the future; `None` if there are none.
#[must_use]
pub fn told(ahead: &[AheadInstant]) -> Option<String> {
    let (first, rest) = ahead.split_first()?;
    let list = rest.iter().fold(first.to_string(), |list, one| format!("{list}, {one}"));
    Some(format!(
        "a clock was ahead when this was written: {list}; what lies in the future counts as never, \
         and is read anew"
    ))
}

impl Present {
    /// Returns the time by our clock alone.
    #[must_use]
    pub const fn ours(ours: Timestamp) -> Self {
        Self { ours, server: None }
    }

    /// Returns the time by our clock and, where an answer told it, by the server's `Date`.
    #[must_use]
    pub const fn new(ours: Timestamp, server: Option<Timestamp>) -> Self {
        Self { ours, server }
    }

    /// Returns the time by our clock.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.ours
    }

    /// Returns the later of our time and the server's: no past event has a later one.
    #[must_use]
    pub fn latest(&self) -> Timestamp {
        self.server.map_or(self.ours, |server| server.max(self.ours))
    }

    /// Whether `at`, written by one of our machines as a past instant, lies in the future. The
    /// later of the two clocks decides: ours may be behind, and where it is ahead, it must not
    /// reject the instants that it writes itself.
    #[must_use]
    pub fn is_future(&self, at: Timestamp) -> bool {
        at > plus(self.latest(), SLACK)
    }

    /// Whether `at`, which is compared with Harvest's own instants, lies in Harvest's future.
    #[must_use]
    pub fn is_future_of_harvest(&self, at: Timestamp) -> bool {
        at > plus(self.server.unwrap_or(self.ours), SLACK)
    }

    /// Clears `at` and reports it to `ahead` if it lies in the future.
    pub(crate) fn free(
        &self,
        what: &'static str,
        at: &mut Option<Timestamp>,
        ahead: &mut Vec<AheadInstant>,
    ) {
        if let Some(found) = at.take_if(|at| self.is_future(*at)) {
            ahead.push(AheadInstant { what, at: found });
        }
    }
}

/// Time that has passed since `at`; zero for an instant in the future.
#[must_use]
pub fn age(at: Timestamp, now: Timestamp) -> SignedDuration {
    between(at, now).max(SignedDuration::ZERO)
}
