use core::pin::pin;
use core::sync::atomic::{AtomicBool, Ordering};
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

/// Store that answers with a delay, as real ones do.
#[derive(Debug, Default)]
struct Slow(MemoryState, AtomicBool);

impl Slow {
    /// Lets the next write take 20 seconds.
    fn stall(&self) {
        self.1.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl StateStore for Slow {
    async fn get(&self, key: &ItemKey) -> Result<Option<StateItem>, StateError> {
        tokio::task::yield_now().await;
        self.0.get(key).await
    }

    async fn put(
        &self,
        key: &ItemKey,
        expect: WriteCondition,
        body: &str,
        expires: Option<Timestamp>,
    ) -> Result<PutOutcome, StateError> {
        tokio::task::yield_now().await;
        if self.1.swap(false, Ordering::SeqCst) {
            #[expect(clippy::disallowed_methods, reason = "the clock is paused")]
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        self.0.put(key, expect, body, expires).await
    }

    async fn list(
        &self,
        account: AccountId,
        prefix: &str,
    ) -> Result<Vec<(ItemKey, StateItem)>, StateError> {
        self.0.list(account, prefix).await
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StateError> {
        self.0.purge(now).await
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
