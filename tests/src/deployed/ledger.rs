//! Processor time by invocation, apart from that of the fake Harvest.
//!
//! Everything runs on one thread. The parts around an invocation (its clock, stores and API, and
//! the polls of its run) announce at each turn for which payer the thread works from then on; the
//! time since the turn before, by the thread's own clock, is charged to the payer before. An
//! invocation has the share of a processor that its memory buys: its work is done at that speed, in
//! simulated time. Flushes wait for that, in their calls of the object store. Requests do not,
//! because on Lambda the operating system divides the processor between the threads.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use engine::time::{SignedDuration, Timestamp, plus};
use runtime::clock::Clock;
use rustix::time::{ClockId, clock_gettime};

use lives::world::SimClock;

/// Payer of processor time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Payer {
    /// The test itself.
    Nobody,
    /// The fake account.
    Harvest,
    /// The invocation of this number.
    Invocation(usize),
}

/// Processor time by payer.
#[derive(Debug)]
pub struct Ledger {
    clock: SimClock,
    /// Whether time is measured. If not, each run of a simulation is the same.
    counts: bool,
    on: Mutex<Accounts>,
}

#[derive(Debug)]
struct Accounts {
    payer: Payer,
    since: Duration,
    spent: BTreeMap<Payer, Duration>,
    /// Share of a processor of each invocation, and the time at which its work so far is done.
    busy: BTreeMap<usize, (f64, Timestamp)>,
}

impl Ledger {
    /// Returns a ledger that measures time, or one for which all work takes none.
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

    /// Returns the processor of invocation `number`, which has `share` of a whole one.
    #[must_use]
    pub fn processor(self: &Arc<Self>, number: usize, share: f64) -> Processor {
        let now = self.clock.now();
        self.on.lock().expect("no panic").busy.insert(number, (share, now));
        Processor { ledger: Arc::clone(self), number }
    }

    /// Charges the time from here on to `payer`.
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

    /// Time that `payer` used so far.
    #[must_use]
    pub fn spent(&self, payer: Payer) -> Duration {
        self.on.lock().expect("no panic").spent.get(&payer).copied().unwrap_or_default()
    }
}

/// Processor of one invocation.
#[derive(Clone, Debug)]
pub struct Processor {
    ledger: Arc<Ledger>,
    number: usize,
}

impl Processor {
    /// Charges the time from here on to this invocation.
    pub fn turn(&self) {
        self.ledger.turn_to(Payer::Invocation(self.number));
    }

    /// Charges the time from here on to the fake Harvest.
    pub fn turn_to_harvest(&self) {
        self.ledger.turn_to(Payer::Harvest);
    }

    /// Waits until the work so far is done at the speed of the invocation.
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

    /// Time that the invocation used so far.
    #[must_use]
    pub fn spent(&self) -> Duration {
        self.ledger.spent(Payer::Invocation(self.number))
    }

    /// Returns `work` as a future whose polls are charged to this invocation.
    pub fn on<T>(&self, work: impl Future<Output = T> + 'static) -> Working<T> {
        Working { processor: self.clone(), work: Box::pin(work) }
    }
}

/// Future whose polls are charged to its invocation.
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
