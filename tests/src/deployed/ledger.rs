//! Whose work the processor did: its time by invocation, the fake Harvest's own apart.
//!
//! Everything runs on one thread. What stands around an invocation (its clock, stores and API, and
//! the polls of its run) says at each turn for whom the thread works from then on; what the
//! thread's own clock counted since the turn before is on whoever had it. An invocation has the share
//! of a processor that its memory buys: what it used is worked off at that speed, in simulated
//! time. Flushes wait for it (their calls of the object store do); sending does not, because there the
//! operating system divides the processor between the threads.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use engine::time::{SignedDuration, Timestamp, plus};
use runtime::clock::Clock;
use rustix::time::{ClockId, clock_gettime};

use crate::world::SimClock;

/// Who has the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Payer {
    /// The machinery around everybody.
    Nobody,
    /// The fake account.
    Harvest,
    /// The invocation of this number.
    Invocation(usize),
}

/// The processor's time, by whom it was used.
#[derive(Debug)]
pub struct Ledger {
    clock: SimClock,
    /// Whether time is counted at all: without, a simulation is the same every time.
    counts: bool,
    on: Mutex<Accounts>,
}

#[derive(Debug)]
struct Accounts {
    payer: Payer,
    since: Duration,
    spent: BTreeMap<Payer, Duration>,
    /// Share of a processor, and when the work so far is done at that speed.
    busy: BTreeMap<usize, (f64, Timestamp)>,
}

impl Ledger {
    /// A ledger that counts, or one that finds that nothing takes any time.
    #[must_use]
    pub fn new(clock: SimClock, counts: bool) -> Self {
        let accounts = Accounts {
            payer: Payer::Nobody,
            since: Duration::ZERO,
            spent: BTreeMap::new(),
            busy: BTreeMap::new(),
        };
        let ledger = Self { clock, counts, on: Mutex::new(accounts) };
        ledger.turn_to(Payer::Nobody);
        ledger
    }

    /// The processor of invocation `number`, which has `share` of a whole one.
    #[must_use]
    pub fn processor(self: &Arc<Self>, number: usize, share: f64) -> Processor {
        let now = self.clock.now();
        self.on.lock().expect("no panic").busy.insert(number, (share, now));
        Processor { ledger: Arc::clone(self), number }
    }

    /// From here on the processor works for `payer`.
    pub fn turn_to(&self, payer: Payer) {
        if !self.counts {
            return;
        }
        let read = clock_gettime(ClockId::ThreadCPUTime);
        let read = Duration::new(
            read.tv_sec.unsigned_abs(),
            u32::try_from(read.tv_nsec).unwrap_or_default(),
        );
        let now = self.clock.now();
        let mut on = self.on.lock().expect("no panic");
        let used = read.saturating_sub(on.since);
        on.since = read;
        let before = core::mem::replace(&mut on.payer, payer);
        *on.spent.entry(before).or_default() += used;
        if let Payer::Invocation(number) = before
            && let Some((share, busy)) = on.busy.get_mut(&number)
        {
            let takes = SignedDuration::try_from(used.div_f64(*share)).unwrap_or_default();
            *busy = plus((*busy).max(now), takes);
        }
    }

    /// What `payer` used so far.
    #[must_use]
    pub fn spent(&self, payer: Payer) -> Duration {
        self.on.lock().expect("no panic").spent.get(&payer).copied().unwrap_or_default()
    }
}

/// The processor as one invocation has it.
#[derive(Clone, Debug)]
pub struct Processor {
    ledger: Arc<Ledger>,
    number: usize,
}

impl Processor {
    /// From here on it works for this invocation.
    pub fn turn(&self) {
        self.ledger.turn_to(Payer::Invocation(self.number));
    }

    /// From here on it works for Harvest.
    pub fn turn_to_harvest(&self) {
        self.ledger.turn_to(Payer::Harvest);
    }

    /// Waits until the work so far is done at the invocation's speed.
    pub async fn catch_up(&self) {
        self.turn();
        let clock = self.ledger.clock;
        loop {
            let busy = self.ledger.on.lock().expect("no panic").busy.get(&self.number).copied();
            match busy {
                Some((_, until)) if until > clock.now() => clock.sleep_until(until).await,
                Some(_) | None => break,
            }
        }
        self.turn();
    }

    /// What the invocation used so far.
    #[must_use]
    pub fn spent(&self) -> Duration {
        self.ledger.spent(Payer::Invocation(self.number))
    }

    /// `work`, whose polls are this invocation's.
    pub fn on<T>(&self, work: impl Future<Output = T> + 'static) -> Working<T> {
        Working { processor: self.clone(), work: Box::pin(work) }
    }
}

/// A future whose polls are charged to its invocation.
pub struct Working<T> {
    processor: Processor,
    work: Pin<Box<dyn Future<Output = T>>>,
}

impl<T> core::fmt::Debug for Working<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Working").field("processor", &self.processor).finish_non_exhaustive()
    }
}

impl<T> Future for Working<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.processor.turn();
        let polled = self.work.as_mut().poll(context);
        self.processor.ledger.turn_to(Payer::Nobody);
        polled
    }
}
