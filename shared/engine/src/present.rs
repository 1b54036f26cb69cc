//! The present, and persisted instants that it makes impossible.
//!
//! An event that was written down lies in the past. An instant in the future was written by a clock
//! that was ahead and does not tell when the event happened: it counts as never.

use core::fmt;

use crate::account::OAuthItem;
use crate::budget::LONGEST_BLOCK;
use crate::dispatch::OrchestratorItem;
use crate::item::{AccountItem, Health, PassState, Position, StreamItem, Unfinished};
use crate::time::{SignedDuration, Timestamp, between, plus};

/// Largest difference between the clocks of two correct machines, and between either of them and
/// the server's `Date`.
const SLACK: SignedDuration = SignedDuration::from_mins(1);
/// Longest wait for the budget: until the end of a block, and then for two windows of half an hour.
const LONGEST_WAIT: SignedDuration = LONGEST_BLOCK.saturating_mul(2);

/// The time by the clocks of this process and of Harvest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    ours: Timestamp,
    server: Option<Timestamp>,
}

/// An instant that only a clock that was ahead can have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// Name of the event, for display.
    pub what: &'static str,
    /// The instant.
    pub at: Timestamp,
}

impl fmt::Display for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.what, self.at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

/// Returns a sentence that lists the instants in the future; `None` if there are none.
#[must_use]
pub fn told(ahead: &[Ahead]) -> Option<String> {
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
    fn free(&self, what: &'static str, at: &mut Option<Timestamp>, ahead: &mut Vec<Ahead>) {
        if let Some(found) = at.take_if(|at| self.is_future(*at)) {
            ahead.push(Ahead { what, at: found });
        }
    }
}

/// A part of the state with instants in it.
pub trait Persisted {
    /// Clears the instants that lie in the future of `present`, and returns them.
    fn free(&mut self, present: &Present) -> Vec<Ahead>;
}

impl Persisted for Position {
    fn free(&mut self, present: &Present) -> Vec<Ahead> {
        let mut ahead = Vec::new();
        if let Some(at) = self.cursor.take_if(|at| present.is_future_of_harvest(*at)) {
            ahead.push(Ahead { what: "the cursor", at });
        }
        let passes = [
            (&mut self.incremental, "the last incremental pass", "the unfinished incremental pass"),
            (&mut self.full, "the last full pass", "the unfinished full pass"),
        ];
        for (state, complete, unfinished) in passes {
            free_pass(state, complete, unfinished, present, &mut ahead);
        }
        ahead
    }
}

fn free_pass(
    state: &mut PassState,
    complete: &'static str,
    unfinished: &'static str,
    present: &Present,
    ahead: &mut Vec<Ahead>,
) {
    present.free(complete, &mut state.last_begun, ahead);
    present.free("the last full pass that contradicted itself", &mut state.doubted, ahead);
    // `start` is by our clock where no answer told the time. The cursor that it becomes is judged
    // by Harvest's clock.
    let written = |pass: &Unfinished| {
        [pass.begun, pass.tried_at, pass.start].into_iter().find(|at| present.is_future(*at))
    };
    if let Some(at) = state.unfinished.as_ref().and_then(written) {
        // The saved reading holds more instants of that clock: the pass begins anew.
        state.unfinished = None;
        ahead.push(Ahead { what: unfinished, at });
    }
    if let Some(pass) = &mut state.unfinished {
        let latest = plus(pass.tried_at, LONGEST_WAIT);
        if let Some(at) = pass.waits_until.take_if(|until| *until > latest) {
            ahead.push(Ahead { what: "a wait for the budget", at });
        }
    }
}

impl Persisted for Health {
    fn free(&mut self, present: &Present) -> Vec<Ahead> {
        let mut ahead = Vec::new();
        present.free("the last success", &mut self.last_success, &mut ahead);
        if let Some((at, _)) = self.last_error.take_if(|(at, _)| present.is_future(*at)) {
            ahead.push(Ahead { what: "the last failure", at });
        }
        self.drift.free(present);
        ahead
    }
}

impl Persisted for StreamItem {
    fn free(&mut self, present: &Present) -> Vec<Ahead> {
        let mut ahead = self.position.free(present);
        ahead.extend(self.health.free(present));
        present.free("the search for orphans", &mut self.orphans_sought, &mut ahead);
        if let Some(lease) = &mut self.lease
            && !lease.released
            && !lease.is_believable(present.ours)
        {
            ahead.push(Ahead { what: "the end of a lease", at: lease.until });
            lease.until = present.ours;
        }
        ahead
    }
}

impl Persisted for AccountItem {
    fn free(&mut self, present: &Present) -> Vec<Ahead> {
        let mut ahead = Vec::new();
        present.free("the account's reading", &mut self.read_at, &mut ahead);
        if let Some((at, _)) = &mut self.person_changed
            && present.is_future(*at)
        {
            *at = present.ours;
        }
        if let Some(extent) = &mut self.extent
            && present.is_future(extent.read_at)
        {
            ahead.push(Ahead { what: "the account's first and last days", at: extent.read_at });
            // The days are right; only their age is unknown, so they are read again soon.
            extent.read_at = Timestamp::UNIX_EPOCH;
        }
        if let Some(OAuthItem { made_at, expires_at, .. }) = &mut self.oauth
            && let Some(at) = made_at.take_if(|at| present.is_future(*at))
        {
            ahead.push(Ahead { what: "the access token", at });
            *expires_at = Timestamp::UNIX_EPOCH;
        }
        if let Some(refused) = &mut self.refused
            && present.is_future(refused.probed_at)
        {
            ahead.push(Ahead { what: "the last trial of a refused token", at: refused.probed_at });
            refused.probed_at = Timestamp::UNIX_EPOCH;
            refused.since = refused.since.min(present.ours);
        }
        ahead
    }
}

impl Persisted for OrchestratorItem {
    fn free(&mut self, present: &Present) -> Vec<Ahead> {
        let mut ahead = Vec::new();
        // A request is not forgotten: it counts as made now.
        if let Some(asked) = &mut self.asked
            && present.is_future(asked.at)
        {
            ahead.push(Ahead { what: "what somebody asked for", at: asked.at });
            asked.at = present.ours;
        }
        self.invoked.retain(|_, at| !present.is_future(*at));
        ahead
    }
}

/// Time that has passed since `at`; zero for an instant in the future.
#[must_use]
pub fn age(at: Timestamp, now: Timestamp) -> SignedDuration {
    between(at, now).max(SignedDuration::ZERO)
}

#[cfg(test)]
mod tests;
