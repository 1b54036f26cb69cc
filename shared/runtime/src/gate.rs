//! Permits: each request needs one that is due.

mod lane;
mod record;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use engine::budget::RequestLimit;
use engine::ids::AccountId;
use engine::spec::RateClass;
use engine::time::{SignedDuration, Timestamp};
use state::{StateError, StateErrorKind, StateStore};

use crate::clock::Clock;
use crate::random::SharedRandom;
use crate::records::budget_key;
use lane::BudgetLane;

/// Longest wait for a permit; a worker that would have to wait longer saves its work and yields.
pub const PATIENCE: SignedDuration = SignedDuration::from_secs(20);

/// The budgets of one account, as one process shares them.
#[derive(Debug)]
pub struct PermitGate {
    general: Arc<BudgetLane>,
    reports: Arc<BudgetLane>,
}

/// Reason for a refused permit.
#[derive(Debug)]
pub enum NoPermit {
    /// The budget has no permit before this instant, which is beyond [`PATIENCE`].
    ComeBack(Timestamp),
    /// The state store did not answer.
    State(StateError),
}

impl From<StateError> for NoPermit {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl PermitGate {
    /// Returns the gate of `account`. The configured percentage is already applied to both limits.
    #[must_use]
    pub fn new(
        state: Arc<dyn StateStore>,
        clock: Arc<dyn Clock>,
        account: AccountId,
        general: RequestLimit,
        reports: RequestLimit,
        random: &SharedRandom,
    ) -> Self {
        let key = |class| budget_key(account, class);
        let lane = |state, clock, class, limit| {
            Arc::new(BudgetLane::new(state, clock, key(class), limit, random.clone()))
        };
        let first = (Arc::clone(&state), Arc::clone(&clock));
        Self {
            general: lane(first.0, first.1, RateClass::General, general),
            reports: lane(state, clock, RateClass::Reports, reports),
        }
    }

    fn lane(&self, class: RateClass) -> &Arc<BudgetLane> {
        match class {
            RateClass::General => &self.general,
            RateClass::Reports => &self.reports,
        }
    }

    /// Waits until one request of `class` may be sent, and returns the due time of its permit,
    /// which is at most the guard's lateness ago. The caller sends the request at once or not at
    /// all.
    ///
    /// # Errors
    /// [`NoPermit`] where no permit is due within [`PATIENCE`], or the state store fails.
    pub async fn permit(
        &self,
        class: RateClass,
        horizon: SignedDuration,
    ) -> Result<Timestamp, NoPermit> {
        self.lane(class).permit(horizon).await
    }

    /// Records the block of a 429 in the budget, so that no process sends before its end.
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

    /// End of the time in which Harvest asked not to send requests of `class`; `None`: it did not
    /// ask.
    ///
    /// # Errors
    /// Where the state store fails.
    pub async fn blocked_until(&self, class: RateClass) -> Result<Option<Timestamp>, StateError> {
        let lane = Arc::clone(self.lane(class));
        alone(async move { lane.blocked_until().await }).await
    }

    /// Time at which the last of `n` more requests of `class` would be due without other callers.
    ///
    /// # Errors
    /// Where the state store fails.
    pub async fn estimate(&self, class: RateClass, n: u64) -> Result<Timestamp, StateError> {
        let lane = Arc::clone(self.lane(class));
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        alone(async move { lane.estimate(n).await }).await
    }

    /// Permits of `class` given for the window that ends now and for later, at most the limit; and
    /// the limit.
    ///
    /// # Errors
    /// Where the state store fails.
    pub async fn used(&self, class: RateClass) -> Result<(u32, RequestLimit), StateError> {
        let lane = Arc::clone(self.lane(class));
        alone(async move { lane.used().await }).await
    }
}

/// Runs `work` to its end in a spawned task, even where the caller's future is dropped.
async fn alone<T: Send + 'static>(
    work: impl Future<Output = Result<T, StateError>> + Send + 'static,
) -> Result<T, StateError> {
    tokio::spawn(work).await.unwrap_or_else(|error| {
        Err(StateError::new(StateErrorKind::Failed, "budget").with_source(error))
    })
}
