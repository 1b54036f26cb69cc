//! Simulated time, and clocks of processes that are wrong.

use std::sync::Arc;

use async_trait::async_trait;
use engine::time::{SignedDuration, Timestamp, between, plus};
use runtime::clock::Clock;

/// Beginning of the simulation.
pub const BEGINNING: &str = "2026-03-10T09:00:00Z";

/// Simulated time: tokio's paused clock, counted from [`BEGINNING`].
#[derive(Clone, Copy, Debug)]
pub struct SimClock {
    zero: tokio::time::Instant,
}

impl SimClock {
    /// Returns a clock that starts at [`BEGINNING`]. Call under tokio's paused clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn new() -> Self {
        Self { zero: tokio::time::Instant::now() }
    }

    /// Returns the clock of a process that is wrong by `ahead`.
    #[must_use]
    pub fn seen(self, ahead: SignedDuration) -> Arc<dyn Clock> {
        self.jumping(ahead, None)
    }

    /// Returns the clock of a process that is wrong by `ahead`, and jumps.
    #[must_use]
    pub fn jumping(self, ahead: SignedDuration, jump: Option<Jump>) -> Arc<dyn Clock> {
        let jump = jump.map(|jump| (plus(self.now(), jump.after), jump.by));
        Arc::new(WrongClock { right: self, ahead, jump })
    }
}

impl Default for SimClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let begun: Timestamp = BEGINNING.parse().expect("an instant");
        let passed = SignedDuration::try_from(self.zero.elapsed()).unwrap_or_default();
        plus(begun, passed)
    }

    #[expect(clippy::disallowed_methods, reason = "the clock is paused: this waits for nobody")]
    async fn sleep_until(&self, at: Timestamp) {
        let wait = between(self.now(), at).max(SignedDuration::ZERO);
        tokio::time::sleep(wait.try_into().unwrap_or_default()).await;
    }
}

/// Jump of a clock.
#[derive(Clone, Copy, Debug)]
pub struct Jump {
    /// Time from the beginning of the process to the jump.
    pub after: SignedDuration,
    /// Difference that the jump makes.
    pub by: SignedDuration,
}

/// Clock of a process that is wrong.
#[derive(Debug)]
struct WrongClock {
    right: SimClock,
    ahead: SignedDuration,
    /// Time of the jump, and the difference that it makes.
    jump: Option<(Timestamp, SignedDuration)>,
}

#[async_trait]
impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        let right = self.right.now();
        let jumped = self.jump.filter(|(from, _)| right >= *from);
        let ahead = jumped.map_or(self.ahead, |(_, by)| self.ahead + by);
        plus(right, ahead)
    }

    async fn sleep_until(&self, at: Timestamp) {
        // A sleep has a fixed length: a jump of the clock meanwhile does not end it.
        let wait = between(self.now(), at);
        self.right.sleep_until(plus(self.right.now(), wait)).await;
    }
}
