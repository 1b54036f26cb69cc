//! The clock: no other module reads the time or sleeps. Tests put a clock in its place that jumps
//! to the next instant that is waited for, so that a simulated day takes no time.

use async_trait::async_trait;
use engine::time::{SignedDuration, Timestamp, between};

/// Clock that tells the time and waits for an instant.
#[async_trait]
pub trait Clock: Send + Sync + core::fmt::Debug {
    /// Returns the present instant.
    fn now(&self) -> Timestamp;

    /// Waits until `at`; returns at once where that is past.
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
