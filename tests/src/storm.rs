//! Stores of a process in trouble: it dies or stands still at some call, calls are slow, fail, or
//! lose their answer, and clients send them twice.
//!
//! Every call of a process goes through its `Fate`, which decides by a random generator of its
//! own, so that one seed gives one history. A decision never depends on the time.

use core::ops::Range;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use delta::store::{MemoryStore, ObjectMeta, ObjectStore, PutIfAbsent, ReplaceOutcome, StoreError};
use engine::ids::AccountId;
use engine::time::{SignedDuration, Timestamp, plus};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use runtime::clock::Clock;
use state::{
    ItemKey, MemoryState, PutOutcome, StateError, StateErrorKind, StateItem, StateStore,
    WriteCondition,
};

use crate::world::SimClock;

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

fn object_phase(key: &str, kind: CallKind) -> CallPhase {
    let log = key.contains("_delta_log");
    match kind {
        CallKind::Read | CallKind::List if log => CallPhase::LogRead,
        CallKind::Write if log && !key.contains("checkpoint") => CallPhase::Commit,
        CallKind::Write if log => CallPhase::Checkpoint,
        CallKind::Read if key.ends_with(".parquet") => CallPhase::DataRead,
        CallKind::Write if key.ends_with(".parquet") => CallPhase::DataWrite,
        CallKind::Read | CallKind::List | CallKind::Write => CallPhase::Other,
    }
}

/// The lake as a process in trouble reaches it.
#[derive(Debug)]
pub(crate) struct StormyStore {
    pub(crate) inner: Arc<MemoryStore>,
    pub(crate) fate: Arc<Fate>,
}

fn broken(key: &str) -> StoreError {
    StoreError::from_io(key, std::io::Error::other("injected"))
}

/// Returns the answer to a write that took effect, unless it is lost.
fn answer<T>(verdict: CallVerdict, key: &str, answer: T) -> Result<T, StoreError> {
    if verdict == CallVerdict::Lose { Err(broken(key)) } else { Ok(answer) }
}

impl StormyStore {
    /// Decides about a write, and fails it if it is refused.
    async fn write(&self, phase: CallPhase, key: &str) -> Result<CallVerdict, StoreError> {
        let verdict = self.fate.call(phase, CallKind::Write).await;
        self.inner.set_now(self.fate.clock.now());
        match verdict {
            CallVerdict::Refuse => Err(broken(key)),
            CallVerdict::Pass | CallVerdict::Stale | CallVerdict::Lose | CallVerdict::Repeat => {
                Ok(verdict)
            }
        }
    }

    async fn read(&self, key: &str, kind: CallKind) -> Result<CallVerdict, StoreError> {
        match self.fate.call(object_phase(key, kind), kind).await {
            CallVerdict::Refuse | CallVerdict::Lose => Err(broken(key)),
            verdict @ (CallVerdict::Pass | CallVerdict::Stale | CallVerdict::Repeat) => Ok(verdict),
        }
    }
}

#[async_trait]
impl ObjectStore for StormyStore {
    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<PutIfAbsent, StoreError> {
        let phase = object_phase(key, CallKind::Write);
        let verdict = self.write(phase, key).await?;
        if verdict == CallVerdict::Repeat {
            self.inner.put_if_absent(key, bytes.clone()).await?;
        }
        answer(verdict, key, self.inner.put_if_absent(key, bytes).await?)
    }

    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        let phase = object_phase(key, CallKind::Write);
        let verdict = self.write(phase, key).await?;
        if verdict == CallVerdict::Repeat {
            self.inner.put(key, bytes.clone()).await?;
        }
        answer(verdict, key, self.inner.put(key, bytes).await?)
    }

    async fn replace(
        &self,
        key: &str,
        old: &Bytes,
        new: Bytes,
    ) -> Result<ReplaceOutcome, StoreError> {
        let phase = object_phase(key, CallKind::Write);
        let verdict = self.write(phase, key).await?;
        if verdict == CallVerdict::Repeat {
            self.inner.replace(key, old, new.clone()).await?;
        }
        answer(verdict, key, self.inner.replace(key, old, new).await?)
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.read(key, CallKind::Read).await?;
        self.inner.get(key).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        self.read(key, CallKind::Read).await?;
        self.inner.get_range(key, range).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectMeta>, StoreError> {
        let verdict = self.read(prefix, CallKind::List).await?;
        let mut objects = self.inner.list(prefix, after).await?;
        if verdict == CallVerdict::Stale {
            let then = plus(self.fate.clock.now(), SignedDuration::from_mins(-1));
            objects.retain(|object| object.modified < then);
        }
        Ok(objects)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let verdict = self.write(CallPhase::Cleanup, key).await?;
        answer(verdict, key, self.inner.delete(key).await?)
    }
}

/// Items before their newest writes.
pub(crate) type EarlierItems = Arc<Mutex<BTreeMap<ItemKey, StateItem>>>;

/// The state as a process in trouble reaches it.
#[derive(Debug)]
pub(crate) struct StormyState {
    pub(crate) inner: Arc<MemoryState>,
    pub(crate) fate: Arc<Fate>,
    /// Items as an outdated listing shows them.
    pub(crate) earlier: EarlierItems,
}

fn injected(sort: &str) -> StateError {
    StateError::new(StateErrorKind::Failed, format!("`{sort}` (injected)"))
}

impl StormyState {
    async fn read(&self, sort: &str, kind: CallKind) -> Result<CallVerdict, StateError> {
        let budget = sort.starts_with("budget");
        let phase = if budget { CallPhase::Budget } else { CallPhase::StateRead };
        match self.fate.call(phase, kind).await {
            CallVerdict::Refuse | CallVerdict::Lose => Err(injected(sort)),
            verdict @ (CallVerdict::Pass | CallVerdict::Repeat | CallVerdict::Stale) => Ok(verdict),
        }
    }

    /// Returns the item as it was before its newest write; `None` if there was none.
    fn before(&self, key: &ItemKey, item: StateItem) -> Option<StateItem> {
        let earlier = self.earlier.lock().expect("no panic");
        match earlier.get(key) {
            _ if item.rev == 1 => None,
            Some(before) if before.rev + 1 == item.rev => Some(before.clone()),
            Some(_) | None => Some(item),
        }
    }
}

#[async_trait]
impl StateStore for StormyState {
    async fn get(&self, key: &ItemKey) -> Result<Option<StateItem>, StateError> {
        self.read(&key.sort, CallKind::Read).await?;
        self.inner.get(key).await
    }

    async fn put(
        &self,
        key: &ItemKey,
        expect: WriteCondition,
        body: &str,
        expires: Option<Timestamp>,
    ) -> Result<PutOutcome, StateError> {
        let budget = key.sort.starts_with("budget");
        let phase = if budget { CallPhase::Budget } else { CallPhase::StateWrite };
        let verdict = self.fate.call(phase, CallKind::Write).await;
        if let Some(before) = self.inner.get(key).await? {
            self.earlier.lock().expect("no panic").insert(key.clone(), before);
        }
        let put = || self.inner.put(key, expect, body, expires);
        match verdict {
            CallVerdict::Pass | CallVerdict::Stale => put().await,
            CallVerdict::Refuse => Err(injected(&key.sort)),
            CallVerdict::Lose => {
                put().await?;
                Err(injected(&key.sort))
            }
            CallVerdict::Repeat => {
                put().await?;
                put().await
            }
        }
    }

    async fn list(
        &self,
        account: AccountId,
        prefix: &str,
    ) -> Result<Vec<(ItemKey, StateItem)>, StateError> {
        let verdict = self.read(prefix, CallKind::List).await?;
        let items = self.inner.list(account, prefix).await?;
        if verdict != CallVerdict::Stale {
            return Ok(items);
        }
        let before = |(key, item)| Some((ItemKey::clone(&key), self.before(&key, item)?));
        Ok(items.into_iter().filter_map(before).collect())
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StateError> {
        self.read("", CallKind::Write).await?;
        self.inner.purge(now).await
    }
}
