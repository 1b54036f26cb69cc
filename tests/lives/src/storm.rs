//! Stores of a process in trouble: it dies or stands still at some call, calls are slow, fail, or
//! lose their answer, and clients send them twice.
//!
//! Every call of a process goes through its `Fate`, which decides by a random generator of its
//! own, so that one seed gives one history. A decision never depends on the time.

mod state;
mod store;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use engine::time::{SignedDuration, Timestamp, plus};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use runtime::clock::Clock;

use crate::world::SimClock;
pub(crate) use state::{EarlierItems, StormyState};
pub(crate) use store::StormyStore;

/// Freeze of a process at a certain call of the stores, before it has its effect.
#[derive(Clone, Copy, Debug)]
pub struct Freeze {
    /// Phase of the calls that are counted; `None`: all calls.
    pub at: Option<CallPhase>,
    /// Number of the call, from 1.
    pub after_calls: u64,
    /// Length of the freeze.
    pub lasts: SignedDuration,
}

/// Death of a process at a certain call of the stores.
#[derive(Clone, Copy, Debug)]
pub struct Death {
    /// Number of calls before the one at which the process dies.
    pub after_calls: u64,
    /// Whether the last call takes effect, without an answer to the process.
    pub effect: bool,
}

/// Shares of a process's calls of the stores that meet trouble, in calls of a thousand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// Calls that fail without an effect, such as with 503 or 409.
    pub refused: u32,
    /// Calls that take effect and lose their answer.
    pub lost: u32,
    /// Writes that the client sends twice because it got no answer to the first.
    pub repeated: u32,
    /// Calls that take up to twenty seconds.
    pub slow: u32,
    /// Listings without the objects of the last minute, and of the state without each item's newest
    /// write.
    pub stale: u32,
}

/// Fault of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StormFault {
    /// It fails without an effect.
    Refused,
    /// It takes effect and fails.
    Lost,
    /// It is sent twice.
    Repeated,
    /// It takes seconds.
    Slow,
    /// It lists what was there a minute ago.
    Stale,
    /// The process dies at it.
    Died,
    /// The process stands still after it.
    Froze,
}

/// Part of a run at which a call is made, by the object or item that it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallPhase {
    /// An item of the state is read.
    StateRead,
    /// An item of a stream or of the account is written.
    StateWrite,
    /// An item of the rate budget is read or written.
    Budget,
    /// A log is listed or read.
    LogRead,
    /// A commit is written.
    Commit,
    /// A checkpoint, or the pointer to it, is written.
    Checkpoint,
    /// A data file is read.
    DataRead,
    /// A data file is written.
    DataWrite,
    /// Another object is read or written.
    Other,
    /// An object is deleted.
    Cleanup,
}

/// Counts of faults by phase.
pub type FaultCounts = BTreeMap<(StormFault, CallPhase), u64>;

/// Fate of one process, shared by its stores and its API.
#[derive(Debug)]
pub(crate) struct Fate {
    clock: SimClock,
    death: Option<Death>,
    freeze: Option<Freeze>,
    trouble: Trouble,
    dead: Arc<AtomicBool>,
    random: Mutex<StdRng>,
    calls: Mutex<CallCount>,
    counts: Arc<Mutex<FaultCounts>>,
}

#[derive(Debug, Default)]
struct CallCount {
    calls: u64,
    /// Calls that count for the freeze.
    to_freeze: u64,
    frozen_until: Option<Timestamp>,
    last: Option<CallPhase>,
}

/// Treatment of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallVerdict {
    Pass,
    Refuse,
    Lose,
    Repeat,
    Stale,
}

impl Fate {
    pub(crate) fn new(
        clock: SimClock,
        conduct: &crate::world::Conduct,
        seed: u64,
        dead: Arc<AtomicBool>,
        counts: Arc<Mutex<FaultCounts>>,
    ) -> Self {
        Self {
            clock,
            death: conduct.death,
            freeze: conduct.freeze,
            trouble: conduct.trouble,
            dead,
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            calls: Mutex::default(),
            counts,
        }
    }

    /// Phase of the last call; `None` before the first.
    pub(crate) fn phase(&self) -> Option<CallPhase> {
        self.calls.lock().expect("no panic").last
    }

    /// Waits while the process is frozen.
    pub(crate) async fn thaw(&self) {
        let until = self.calls.lock().expect("no panic").frozen_until;
        if let Some(until) = until {
            self.clock.sleep_until(until).await;
        }
    }

    fn count(&self, fault: StormFault, phase: CallPhase) {
        *self.counts.lock().expect("no panic").entry((fault, phase)).or_default() += 1;
    }

    /// Decides what happens to a call, and waits as long as it takes.
    async fn call(&self, phase: CallPhase, kind: CallKind) -> CallVerdict {
        if self.dead.load(Ordering::SeqCst) {
            return CallVerdict::Refuse;
        }
        let (dies, freezes) = {
            let mut calls = self.calls.lock().expect("no panic");
            calls.calls += 1;
            calls.last = Some(phase);
            let dies = self.death.filter(|death| calls.calls > death.after_calls);
            let counts = |freeze: &Freeze| freeze.at.is_none_or(|at| at == phase);
            let freezes = self.freeze.filter(counts);
            calls.to_freeze += u64::from(freezes.is_some());
            let freezes = freezes.filter(|freeze| calls.to_freeze == freeze.after_calls);
            if let Some(freeze) = freezes {
                calls.frozen_until = Some(plus(self.clock.now(), freeze.lasts));
            }
            (dies, freezes.is_some())
        };
        if freezes {
            self.count(StormFault::Froze, phase);
        }
        if let Some(death) = dies {
            self.dead.store(true, Ordering::SeqCst);
            self.count(StormFault::Died, phase);
            return if death.effect { CallVerdict::Lose } else { CallVerdict::Refuse };
        }
        self.thaw().await;
        if self.trouble == Trouble::default() {
            return CallVerdict::Pass;
        }
        let (drawn, seconds) = {
            let mut random = self.random.lock().expect("no panic");
            (random.random_range(0..1000_u32), random.random_range(1..20_i64))
        };
        let trouble = self.trouble;
        let mut bound = trouble.slow;
        if drawn < bound {
            self.count(StormFault::Slow, phase);
            let wake = plus(self.clock.now(), SignedDuration::from_secs(seconds));
            self.clock.sleep_until(wake).await;
            return CallVerdict::Pass;
        }
        for (share, fault, verdict, concerned) in [
            (trouble.refused, StormFault::Refused, CallVerdict::Refuse, true),
            (trouble.lost, StormFault::Lost, CallVerdict::Lose, kind == CallKind::Write),
            (trouble.repeated, StormFault::Repeated, CallVerdict::Repeat, kind == CallKind::Write),
            (trouble.stale, StormFault::Stale, CallVerdict::Stale, kind == CallKind::List),
        ] {
            if (bound..bound + share).contains(&drawn) && concerned {
                self.count(fault, phase);
                return verdict;
            }
            bound += share;
        }
        CallVerdict::Pass
    }
}

/// Kind of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallKind {
    Read,
    List,
    Write,
}
