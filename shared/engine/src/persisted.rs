//! Persisted items without the instants that the present makes impossible.
//!
//! An instant that was written as past and now lies in the future is replaced by the value that
//! costs at most a reading: never (a complete pass, a cursor, a failure), or long ago (an extent, a
//! token). A request of an operator is not dropped: it counts as made now. A lease ends now.

use crate::budget::LONGEST_BLOCK;
use crate::dispatch::OrchestratorItem;
use crate::item::{
    AccountItem, PassState, ResumablePass, StreamHealth, StreamItem, StreamPosition,
};
use crate::present::{AheadInstant, Present};
use crate::time::{SignedDuration, Timestamp, plus};
use crate::token::OAuthItem;

/// Longest wait for the budget: until the end of a block, and then for two windows of half an hour.
const LONGEST_WAIT: SignedDuration = LONGEST_BLOCK.saturating_mul(2);

/// A part of the state with instants in it.
pub trait PersistedInstants {
    /// Clears the instants that lie in the future of `present`, and returns them.
    fn free(&mut self, present: &Present) -> Vec<AheadInstant>;
}

impl PersistedInstants for StreamPosition {
    fn free(&mut self, present: &Present) -> Vec<AheadInstant> {
        let mut ahead = Vec::new();
        if let Some(at) = self.cursor.take_if(|at| present.is_future_of_harvest(*at)) {
            ahead.push(AheadInstant { what: "the cursor", at });
        }
        let cursor_ahead = !ahead.is_empty();
        let passes = [
            (&mut self.incremental, "the last incremental pass", "the unfinished incremental pass"),
            (&mut self.full, "the last full pass", "the unfinished full pass"),
        ];
        for (state, complete, unfinished) in passes {
            free_pass(state, complete, unfinished, present, &mut ahead);
        }
        if cursor_ahead {
            // It asks for what changed since then.
            self.incremental.unfinished = None;
        }
        ahead
    }
}

/// Clears the instants of one pass.
fn free_pass(
    state: &mut PassState,
    complete: &'static str,
    unfinished: &'static str,
    present: &Present,
    ahead: &mut Vec<AheadInstant>,
) {
    present.free(complete, &mut state.last_begun, ahead);
    present.free("the last full pass that contradicted itself", &mut state.doubted, ahead);
    // `start` is by our clock where no answer told the time. The cursor that it becomes is judged
    // by Harvest's clock.
    let written = |pass: &ResumablePass| {
        [pass.begun, pass.tried_at, pass.start].into_iter().find(|at| present.is_future(*at))
    };
    if let Some(at) = state.unfinished.as_ref().and_then(written) {
        // The saved reading holds more instants of that clock: the pass begins anew.
        state.unfinished = None;
        ahead.push(AheadInstant { what: unfinished, at });
    }
    if let Some(pass) = &mut state.unfinished {
        let latest = plus(pass.tried_at, LONGEST_WAIT);
        if let Some(at) = pass.waits_until.take_if(|until| *until > latest) {
            ahead.push(AheadInstant { what: "a wait for the budget", at });
        }
    }
}

impl PersistedInstants for StreamHealth {
    fn free(&mut self, present: &Present) -> Vec<AheadInstant> {
        let mut ahead = Vec::new();
        present.free("the last success", &mut self.last_success, &mut ahead);
        if let Some((at, _)) = self.last_error.take_if(|(at, _)| present.is_future(*at)) {
            ahead.push(AheadInstant { what: "the last failure", at });
            self.last_error_type = None;
        }
        self.unswept.take_if(|one| present.is_future(one.at));
        self.drift.free(present);
        ahead
    }
}

impl PersistedInstants for StreamItem {
    fn free(&mut self, present: &Present) -> Vec<AheadInstant> {
        let mut ahead = self.position.free(present);
        ahead.extend(self.health.free(present));
        present.free("the search for orphans", &mut self.orphans_sought, &mut ahead);
        if let Some(lease) = &mut self.lease
            && !lease.released
            && !lease.is_believable(present.now())
        {
            ahead.push(AheadInstant { what: "the end of a lease", at: lease.until });
            lease.until = present.now();
        }
        ahead
    }
}

impl PersistedInstants for AccountItem {
    fn free(&mut self, present: &Present) -> Vec<AheadInstant> {
        let mut ahead = Vec::new();
        present.free("the account's reading", &mut self.read_at, &mut ahead);
        if let Some((at, _)) = &mut self.person_changed
            && present.is_future(*at)
        {
            *at = present.now();
        }
        if let Some(extent) = &mut self.extent
            && present.is_future(extent.read_at)
        {
            ahead.push(AheadInstant {
                what: "the account's first and last days",
                at: extent.read_at,
            });
            // The days are right; only their age is unknown, so they are read again soon.
            extent.read_at = Timestamp::UNIX_EPOCH;
        }
        if let Some(OAuthItem { made_at, expires_at, .. }) = &mut self.oauth
            && let Some(at) = made_at.take_if(|at| present.is_future(*at))
        {
            ahead.push(AheadInstant { what: "the access token", at });
            *expires_at = Timestamp::UNIX_EPOCH;
        }
        if let Some(refused) = &mut self.refused
            && present.is_future(refused.probed_at)
        {
            ahead.push(AheadInstant {
                what: "the last trial of a refused token",
                at: refused.probed_at,
            });
            refused.probed_at = Timestamp::UNIX_EPOCH;
            refused.since = refused.since.min(present.now());
        }
        ahead
    }
}

impl PersistedInstants for OrchestratorItem {
    fn free(&mut self, present: &Present) -> Vec<AheadInstant> {
        let mut ahead = Vec::new();
        // A request is not forgotten: it counts as made now.
        if let Some(asked) = &mut self.asked
            && present.is_future(asked.at)
        {
            ahead.push(AheadInstant { what: "what somebody asked for", at: asked.at });
            asked.at = present.now();
        }
        self.invoked.retain(|_, at| !present.is_future(*at));
        ahead
    }
}

#[cfg(test)]
mod tests;
