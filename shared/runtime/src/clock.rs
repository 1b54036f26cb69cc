//! The only place that reads a clock or sleeps.

use async_trait::async_trait;
use engine::time::{SignedDuration, Timestamp, between};

/// Tells the time and waits for it.
#[async_trait]
pub trait Clock: Send + Sync + core::fmt::Debug {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;

    /// Returns at `at`, or at once where that is past.
    async fn sleep_until(&self, at: Timestamp);
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    async fn sleep_until(&self, at: Timestamp) {
        let wait = between(self.now(), at).max(SignedDuration::ZERO);
        if let Ok(wait) = core::time::Duration::try_from(wait) {
            tokio::time::sleep(wait).await;
        }
    }
}
