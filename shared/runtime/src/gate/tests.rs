use core::pin::pin;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use core::time::Duration;

use async_trait::async_trait;
use engine::time::{between, minus, plus};
use futures::poll;
use state::{ItemKey, MemoryState, PutOutcome, StateItem, WriteCondition};

use super::*;
use crate::clock::SystemClock;

/// Clock that tells tokio's time, which is paused.
#[derive(Clone, Copy, Debug)]
struct PausedClock(tokio::time::Instant);

#[async_trait]
#[expect(clippy::disallowed_methods, reason = "the clock is paused: this waits for nobody")]
impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.0.elapsed()).unwrap();
        plus(Timestamp::UNIX_EPOCH, passed)
    }

    async fn sleep_until(&self, at: Timestamp) {
        let wait = between(self.now(), at).max(SignedDuration::ZERO);
        tokio::time::sleep(wait.try_into().unwrap()).await;
    }
}

/// Store that answers with a delay, as real ones do, and counts what is asked of it.
#[derive(Debug, Default)]
struct Slow {
    store: MemoryState,
    stalls: AtomicBool,
    /// Time from a request to its answer.
    latency: Duration,
    asked: AtomicU32,
    /// Writes among `asked`.
    writes: AtomicU32,
}

impl Slow {
    /// Lets the next write take 20 seconds.
    fn stall(&self) {
        self.stalls.store(true, Ordering::SeqCst);
    }

    /// Half of the time from a request to its answer.
    async fn travel(&self) {
        tokio::task::yield_now().await;
        #[expect(clippy::disallowed_methods, reason = "the clock is paused")]
        tokio::time::sleep(self.latency / 2).await;
    }
}

#[async_trait]
impl StateStore for Slow {
    async fn get(&self, key: &ItemKey) -> Result<Option<StateItem>, StateError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.travel().await;
        let item = self.store.get(key).await;
        self.travel().await;
        item
    }

    async fn put(
        &self,
        key: &ItemKey,
        expect: WriteCondition,
        body: &str,
        expires: Option<Timestamp>,
    ) -> Result<PutOutcome, StateError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.travel().await;
        if self.stalls.swap(false, Ordering::SeqCst) {
            #[expect(clippy::disallowed_methods, reason = "the clock is paused")]
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        let put = self.store.put(key, expect, body, expires).await;
        self.travel().await;
        put
    }

    async fn list(
        &self,
        account: AccountId,
        prefix: &str,
    ) -> Result<Vec<(ItemKey, StateItem)>, StateError> {
        self.store.list(account, prefix).await
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StateError> {
        self.store.purge(now).await
    }
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "the clock is paused: this waits for nobody")]
async fn whoever_stands_still_in_line_keeps_nobody_waiting() {
    let state = Arc::new(Slow::default());
    let (general, reports) = (RequestLimit::GENERAL, RequestLimit::REPORTS);
    let gate = PermitGate::new(
        state,
        Arc::new(SystemClock),
        AccountId(1),
        general,
        reports,
        &SharedRandom::seeded(1),
    );
    let horizon = SignedDuration::from_secs(1);
    let mut first = pin!(gate.permit(RateClass::General, horizon));
    let mut second = pin!(gate.permit(RateClass::General, horizon));
    // Both have begun, and neither is polled from here on.
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    let minute = Duration::from_mins(1);
    let third = tokio::time::timeout(minute, gate.permit(RateClass::General, horizon)).await;
    third.expect("the line goes on").unwrap();
    let used = tokio::time::timeout(minute, gate.used(RateClass::General)).await;
    assert!(used.expect("the line goes on").unwrap().0 > 0);
}

/// A caller whose permit is due waits for another one whose write takes long, and must not send with
/// that permit afterwards.
#[tokio::test(start_paused = true)]
async fn no_permit_is_given_out_late_because_a_store_was_slow() {
    let window = SignedDuration::from_secs(15);
    let limit = RequestLimit::new(1, window).unwrap();
    for before in [70, 50, 30, 10] {
        let state = Arc::new(Slow::default());
        #[expect(clippy::disallowed_methods, reason = "the clock is paused")]
        let clock = PausedClock(tokio::time::Instant::now());
        let random = SharedRandom::seeded(1);
        let store = Arc::<Slow>::clone(&state);
        let gate = PermitGate::new(store, Arc::new(clock), AccountId(1), limit, limit, &random);
        let horizon = SignedDuration::from_secs(30);
        gate.permit(RateClass::General, horizon).await.unwrap();
        let waits = async {
            let due = gate.permit(RateClass::General, horizon).await.unwrap();
            assert!(!limit.is_dead(due, clock.now()), "{due} is over at {}", clock.now());
        };
        let stalls = async {
            let soon = plus(clock.now(), SignedDuration::from_secs(1));
            clock.sleep_until(soon).await;
            let due = minus(gate.estimate(RateClass::General, 1).await.unwrap(), window);
            clock.sleep_until(minus(due, SignedDuration::from_millis(before))).await;
            state.stall();
            drop(gate.permit(RateClass::General, horizon).await);
        };
        futures::join!(waits, stalls);
    }
}

/// Checks of permits do not wait for reservations, but they do for a block that is being recorded.
#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "the clock is paused")]
async fn no_permit_is_given_out_while_a_block_is_recorded() {
    let limit = RequestLimit::new(1, SignedDuration::from_secs(15)).unwrap();
    let clock = PausedClock(tokio::time::Instant::now());
    let store = Slow { latency: Duration::from_millis(50), ..Slow::default() };
    let random = SharedRandom::seeded(1);
    let gate =
        PermitGate::new(Arc::new(store), Arc::new(clock), AccountId(1), limit, limit, &random);
    let horizon = SignedDuration::from_secs(30);
    gate.permit(RateClass::General, horizon).await.unwrap();
    let waits = async {
        let due = gate.permit(RateClass::General, horizon).await.unwrap();
        (due, clock.now())
    };
    let blocks = async {
        clock.sleep_until(plus(clock.now(), SignedDuration::from_secs(1))).await;
        let next = gate.estimate(RateClass::General, 1).await.unwrap();
        // Of the permit that the other caller has.
        let due = minus(next, limit.window().saturating_add(limit.guard().total()));
        clock.sleep_until(minus(due, SignedDuration::from_millis(20))).await;
        let began = clock.now();
        gate.block(RateClass::General, None).await.unwrap();
        (due, plus(began, limit.window()))
    };
    let ((got, at), (due, end)) = futures::join!(waits, blocks);
    assert!(due < end && got >= end && at >= end, "{due}: {got} at {at}, blocked until {end}");
}

/// Costs of permits that workers took together.
struct Taken {
    time: SignedDuration,
    /// Accesses to the store.
    asked: u32,
    /// Writes among these.
    writes: u32,
}

/// Lets `workers` with four callers each take `permits` permits together from a store that takes
/// `latency`.
#[expect(clippy::disallowed_methods, reason = "the clock is paused")]
async fn taken(limit: RequestLimit, latency: Duration, workers: usize, permits: u32) -> Taken {
    let clock = PausedClock(tokio::time::Instant::now());
    let state = Arc::new(Slow { latency, ..Slow::default() });
    let left = AtomicU32::new(permits);
    let worker = |number| {
        let store = Arc::<Slow>::clone(&state);
        let random = SharedRandom::seeded(number);
        PermitGate::new(store, Arc::new(clock), AccountId(1), limit, limit, &random)
    };
    let gates: Vec<PermitGate> = (0..).map(worker).take(workers).collect();
    let caller = |number: usize| {
        let (gate, left) = (&gates[number % workers], &left);
        async move {
            while left.load(Ordering::SeqCst) > 0 {
                match gate.permit(RateClass::General, SignedDuration::from_secs(5)).await {
                    Ok(due) => {
                        assert!(!limit.is_dead(due, clock.now()));
                        let before = left.load(Ordering::SeqCst);
                        left.store(before.saturating_sub(1), Ordering::SeqCst);
                    }
                    Err(NoPermit::ComeBack(at)) => clock.sleep_until(at).await,
                    Err(NoPermit::State(error)) => panic!("{error}"),
                }
            }
        }
    };
    futures::future::join_all((0..workers * 4).map(caller)).await;
    Taken {
        time: between(Timestamp::UNIX_EPOCH, clock.now()),
        asked: state.asked.load(Ordering::SeqCst),
        writes: state.writes.load(Ordering::SeqCst),
    }
}

/// Permits that were over before their reservation was written, or before the check that follows was
/// answered, were reserved again without end: of a slow store, or under a limit with a short window,
/// whose permits are soon over.
#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "the clock is paused")]
async fn a_slow_store_delays_permits_and_lets_none_go_to_waste() {
    for latency in [2, 8, 50, 150, 400, 900] {
        for text in ["95/15s", "5/1s", "100000/1s"] {
            let limit: RequestLimit = text.parse().unwrap();
            let latency = Duration::from_millis(latency);
            let taken =
                tokio::time::timeout(Duration::from_hours(1), taken(limit, latency, 8, 400));
            let Taken { time, asked, .. } = taken.await.expect("permits that can be used");
            println!("{text}, {latency:?}: {time:#}, {asked} accesses");
            // Without a latency.
            let rounds = i32::try_from(400 / limit.requests()).unwrap();
            let least = (limit.window() + limit.guard().total()) * rounds;
            let each = SignedDuration::try_from(latency).unwrap();
            assert!(time <= least * 3 + each * 400, "{time:#}");
            assert!(asked <= 20 * 400, "{asked}");
        }
    }
}

/// Writes that lose a race are the cost of one item for all workers. How many there are of processes
/// depends on what else the machine does; of these it does not.
#[tokio::test(start_paused = true)]
async fn twelve_workers_lose_few_races() {
    for (latency, most) in [(2, 600), (5, 720), (10, 780), (20, 780)] {
        let limit: RequestLimit = "100/6s".parse().unwrap();
        let taken = taken(limit, Duration::from_millis(latency), 12, 1_000).await;
        println!(
            "{latency} ms: {:#}, {} accesses, {} writes",
            taken.time, taken.asked, taken.writes
        );
        assert!(taken.writes <= most, "{} writes at {latency} ms", taken.writes);
        assert!(taken.asked <= 1_600, "{} accesses at {latency} ms", taken.asked);
    }
}
