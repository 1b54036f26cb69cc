use core::pin::pin;
use core::time::Duration;

use async_trait::async_trait;
use futures::poll;
use state::{ItemKey, MemoryState, PutOutcome, StateItem, WriteCondition};

use super::*;
use crate::clock::SystemClock;

/// Store that answers with a delay, as real ones do.
#[derive(Debug, Default)]
struct Slow(MemoryState);

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
