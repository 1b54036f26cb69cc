//! The right to advance a stream, and its fencing number.
//!
//! A lease ends by itself, because a process that died cannot give it back. Its owner may not be
//! dead but suspended, and come back in the middle of a write. Therefore each owner has a higher
//! epoch than all before it. Every commit carries the epoch, and a commit with a lower one than the
//! log already shows is refused.

use serde::{Deserialize, Serialize};

use crate::ids::Epoch;
use crate::time::{SignedDuration, Timestamp, between, plus};

/// Time that a lease lasts unless renewed. Safety rests on the epoch, not on this time.
pub const LEASE: SignedDuration = SignedDuration::from_mins(2);
/// Longest time from now to the end of a lease; a later end was written by a wrong clock.
const BELIEVABLE: SignedDuration = SignedDuration::from_mins(4);

/// A lease as the state item holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Id of the process that holds or held it.
    pub owner: String,
    /// End of the lease.
    pub until: Timestamp,
    /// Whether the owner gave it back in good order.
    pub released: bool,
    /// Fencing number, raised with every change of owner.
    pub epoch: Epoch,
}

/// State of the lease before it was acquired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriorLease {
    /// The lease had no owner, or was given back.
    Free,
    /// The owner never gave the lease back: fence before reading.
    TakenOver,
}

/// The lease is held by another owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusyLease {
    /// The other owner.
    pub owner: String,
    /// End of its lease, unless it is renewed.
    pub until: Timestamp,
}

impl Lease {
    /// Returns the lease of a new owner. `owner_is_dead`: the process of the present owner is known
    /// to have ended. An owner runs one attempt at a stream at a time, so a lease that `owner`
    /// still holds is one that it could not give back.
    ///
    /// # Errors
    /// [`BusyLease`] while another owner's lease lasts.
    pub fn acquire(
        held: Option<&Self>,
        owner: &str,
        now: Timestamp,
        owner_is_dead: bool,
    ) -> Result<(Self, PriorLease), BusyLease> {
        let until = plus(now, LEASE);
        let owner = owner.to_owned();
        let Some(held) = held else {
            let epoch = Epoch::default().next();
            return Ok((Self { owner, until, released: false, epoch }, PriorLease::Free));
        };
        if held.is_held(now) && !owner_is_dead && held.owner != owner {
            return Err(BusyLease { owner: held.owner.clone(), until: held.until });
        }
        let acquired = if held.released { PriorLease::Free } else { PriorLease::TakenOver };
        Ok((Self { owner, until, released: false, epoch: held.epoch.next() }, acquired))
    }

    /// Whether an owner holds it at `now`: it was not given back and has not ended.
    #[must_use]
    pub fn is_held(&self, now: Timestamp) -> bool {
        !self.released && now < self.until && self.is_believable(now)
    }

    /// Whether a correct clock can have written its end.
    #[must_use]
    pub fn is_believable(&self, now: Timestamp) -> bool {
        between(now, self.until) <= BELIEVABLE
    }

    /// Returns the same lease, lasting from `now` on.
    #[must_use]
    pub fn renewed(&self, now: Timestamp) -> Self {
        Self { until: plus(now, LEASE), ..self.clone() }
    }

    /// Returns the same lease, given back.
    #[must_use]
    pub fn released(&self) -> Self {
        Self { released: true, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_lease_is_refused_while_it_lasts_and_taken_over_after() {
        let (first, how) = Lease::acquire(None, "a", START, false).unwrap();
        assert_eq!((first.epoch, how), (Epoch(1), PriorLease::Free));
        let soon = plus(START, SignedDuration::from_secs(119));
        assert!(Lease::acquire(Some(&first), "b", soon, false).is_err());
        let late = plus(START, SignedDuration::from_secs(120));
        let (second, how) = Lease::acquire(Some(&first), "b", late, false).unwrap();
        assert_eq!((second.epoch, how), (Epoch(2), PriorLease::TakenOver));
    }

    #[test]
    fn a_dead_owner_is_taken_over_at_once_and_a_released_lease_is_free() {
        let (first, _) = Lease::acquire(None, "a", START, false).unwrap();
        let taken = Lease::acquire(Some(&first), "b", START, true).unwrap();
        assert_eq!(taken.1, PriorLease::TakenOver);
        let freed = Lease::acquire(Some(&first.released()), "b", START, false).unwrap();
        assert_eq!((freed.0.epoch, freed.1), (Epoch(2), PriorLease::Free));
    }

    #[test]
    fn a_lease_that_its_owner_could_not_give_back_is_taken_over_by_it() {
        let (first, _) = Lease::acquire(None, "a", START, false).unwrap();
        let (again, how) = Lease::acquire(Some(&first), "a", START, false).unwrap();
        assert_eq!((again.epoch, how), (Epoch(2), PriorLease::TakenOver));
    }

    #[test]
    fn a_lease_from_the_far_future_is_another_clocks_fault() {
        let (mut first, _) = Lease::acquire(None, "a", START, false).unwrap();
        first.until = plus(START, SignedDuration::from_mins(5));
        assert!(Lease::acquire(Some(&first), "b", START, false).is_ok());
    }
}
