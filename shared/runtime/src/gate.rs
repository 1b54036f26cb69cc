//! Permits: no request leaves without one that is due.

mod lane;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use engine::budget::Limit;
use engine::ids::AccountId;
use engine::spec::RateClass;
use engine::time::{SignedDuration, Timestamp};
use state::{StateError, StateErrorKind, StateStore};

use crate::clock::Clock;
use crate::context::Random;
use crate::records::budget_key;
use lane::Lane;

/// A worker that would wait longer saves its work and goes.
pub const PATIENCE: SignedDuration = SignedDuration::from_secs(20);
/// Permits asked for at once, at most: more requests that wait at the same time gain nothing.
pub const MOST_AT_ONCE: u32 = 8;

/// The budgets of one account, as one process shares them.
#[derive(Debug)]
pub struct Gate {
    general: Arc<Lane>,
    reports: Arc<Lane>,
}

/// Why there is no permit.
#[derive(Debug)]
pub enum NoPermit {
    /// The budget has none within the worker's patience.
    ComeBack(Timestamp),
    /// The state store did not answer.
    State(StateError),
}

impl From<StateError> for NoPermit {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl Gate {
    /// The budgets of `account`; both limits are those to keep, percentage applied.
    #[must_use]
    pub fn new(
        state: Arc<dyn StateStore>,
        clock: Arc<dyn Clock>,
        account: AccountId,
        general: Limit,
        reports: Limit,
        random: &Random,
    ) -> Self {
        let key = |class| budget_key(account, class);
        let lane = |state, clock, class, limit| {
            Arc::new(Lane::new(state, clock, key(class), limit, random.clone()))
        };
        let first = (Arc::clone(&state), Arc::clone(&clock));
        Self {
            general: lane(first.0, first.1, RateClass::General, general),
            reports: lane(state, clock, RateClass::Reports, reports),
        }
    }

    fn lane(&self, class: RateClass) -> &Arc<Lane> {
        match class {
            RateClass::General => &self.general,
            RateClass::Reports => &self.reports,
        }
    }

    /// Returns when one request of `class` may be sent: send it now, or never. Tells since when, which
    /// is no longer ago than the guard's lateness.
    ///
    /// # Errors
    /// [`NoPermit`] when none comes within the patience, or the state store fails.
    pub async fn permit(
        &self,
        class: RateClass,
        horizon: SignedDuration,
    ) -> Result<Timestamp, NoPermit> {
        self.lane(class).permit(horizon).await
    }

    /// Tells everybody of a 429: nobody sends before its end.
    ///
    /// # Errors
    /// Where the state store fails.
    pub async fn block(
        &self,
        class: RateClass,
        retry_after: Option<SignedDuration>,
    ) -> Result<(), StateError> {
        let lane = Arc::clone(self.lane(class));
        alone(async move { lane.block(retry_after).await }).await
    }

    /// Until when Harvest asked not to send requests of `class`; `None`: it did not.
    ///
    /// # Errors
    /// Where the state store fails.
    pub async fn blocked_until(&self, class: RateClass) -> Result<Option<Timestamp>, StateError> {
        let lane = Arc::clone(self.lane(class));
        alone(async move { lane.blocked_until().await }).await
    }

    /// When the last of `n` more requests of `class` would be due, if nobody else asked.
    ///
    /// # Errors
    /// Where the state store fails.
    pub async fn estimate(&self, class: RateClass, n: u64) -> Result<Timestamp, StateError> {
        let lane = Arc::clone(self.lane(class));
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        alone(async move { lane.estimate(n).await }).await
    }

    /// Permits of `class` given for the window that ends now and later, and the limit.
    ///
    /// # Errors
    /// Where the state store fails.
    pub async fn used(&self, class: RateClass) -> Result<(u32, Limit), StateError> {
        let lane = Arc::clone(self.lane(class));
        alone(async move { lane.used().await }).await
    }
}

/// Runs `work` to its end in a task of its own, whether or not anybody goes on asking for it.
async fn alone<T: Send + 'static>(
    work: impl Future<Output = Result<T, StateError>> + Send + 'static,
) -> Result<T, StateError> {
    tokio::spawn(work).await.unwrap_or_else(|error| {
        Err(StateError::new(StateErrorKind::Failed, "budget").with_source(error))
    })
}
