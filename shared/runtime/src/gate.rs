//! Permits: no request leaves without one that is due.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use engine::budget::{BudgetItem, Limit, Reservation};
use engine::ids::AccountId;
use engine::spec::RateClass;
use engine::time::{SignedDuration, Timestamp, between};
use state::{Expect, Item, ItemKey, Put, StateError, StateStore};
use tokio::sync::Mutex;

use crate::clock::Clock;

/// A worker that would wait longer saves its work and goes.
pub const PATIENCE: SignedDuration = SignedDuration::from_secs(20);
/// Permits asked for at once, at most.
const MOST_AT_ONCE: u32 = 8;

/// The budgets of one account, as one process shares them.
#[derive(Debug)]
pub struct Gate {
    state: Arc<dyn StateStore>,
    clock: Arc<dyn Clock>,
    general: Lane,
    reports: Lane,
}

#[derive(Debug)]
struct Lane {
    key: ItemKey,
    limit: Limit,
    waiting: AtomicU32,
    pool: Mutex<Pool>,
}

#[derive(Debug, Default)]
struct Pool {
    dues: VecDeque<Timestamp>,
    known: Option<(u64, BudgetItem)>,
    /// When `known` was true.
    known_at: Option<Timestamp>,
    asked: bool,
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
    ) -> Self {
        let lane = |class: RateClass, limit| Lane {
            key: ItemKey { account, sort: format!("budget#{}", class.name()) },
            limit,
            waiting: AtomicU32::new(0),
            pool: Mutex::new(Pool::default()),
        };
        let general = lane(RateClass::General, general);
        let reports = lane(RateClass::Reports, reports);
        Self { state, clock, general, reports }
    }

    fn lane(&self, class: RateClass) -> &Lane {
        match class {
            RateClass::General => &self.general,
            RateClass::Reports => &self.reports,
        }
    }

    /// Returns when one request of `class` may be sent: send it now, or never.
    ///
    /// # Errors
    /// [`NoPermit`] when none comes within the patience, or the state store fails.
    pub async fn permit(&self, class: RateClass, horizon: SignedDuration) -> Result<(), NoPermit> {
        let lane = self.lane(class);
        lane.waiting.fetch_add(1, Ordering::Relaxed);
        let permit = self.wait(lane, horizon).await;
        lane.waiting.fetch_sub(1, Ordering::Relaxed);
        permit
    }

    async fn wait(&self, lane: &Lane, horizon: SignedDuration) -> Result<(), NoPermit> {
        loop {
            match self.take(lane, horizon).await? {
                Ok(due) => {
                    self.clock.sleep_until(due).await;
                    if !self.is_blocked(lane, due).await?
                        && !lane.limit.is_dead(due, self.clock.now())
                    {
                        return Ok(());
                    }
                }
                Err(at) => {
                    if between(self.clock.now(), at) > PATIENCE {
                        return Err(NoPermit::ComeBack(at));
                    }
                    self.clock.sleep_until(at).await;
                }
            }
        }
    }

    /// Whether a block came after the permit was given. Another process may have written it, and
    /// given the permit to somebody else, unless that is too short ago to be possible.
    async fn is_blocked(&self, lane: &Lane, due: Timestamp) -> Result<bool, StateError> {
        let mut pool = lane.pool.lock().await;
        let kept = lane.limit.guard().lateness;
        if pool.known_at.is_none_or(|at| between(at, due) > kept) {
            self.read(lane, &mut pool).await?;
        }
        let now = self.clock.now();
        Ok(pool.known.as_ref().is_some_and(|(_, item)| item.is_blocked(due, now)))
    }

    async fn read(&self, lane: &Lane, pool: &mut Pool) -> Result<(), StateError> {
        let now = self.clock.now();
        pool.known = self.state.get(&lane.key).await?.map(|item| parsed(&item));
        pool.known_at = Some(now);
        pool.asked = true;
        Ok(())
    }

    /// The next due time, or when to come back.
    async fn take(
        &self,
        lane: &Lane,
        horizon: SignedDuration,
    ) -> Result<Result<Timestamp, Timestamp>, StateError> {
        let mut pool = lane.pool.lock().await;
        let now = self.clock.now();
        pool.dues.retain(|due| !lane.limit.is_dead(*due, now));
        if let Some(due) = pool.dues.pop_front() {
            return Ok(Ok(due));
        }
        let wish = lane.waiting.load(Ordering::Relaxed).clamp(1, MOST_AT_ONCE);
        loop {
            let (rev, item) = self.newest(lane, &mut pool).await?;
            let now = self.clock.now();
            match item.reserve(lane.limit, now, wish, horizon) {
                Reservation::ComeBack { at } => {
                    // What others reserved and let die may have changed since.
                    pool.asked = false;
                    return Ok(Err(at));
                }
                Reservation::Reserved { item, dues } => {
                    if self.write(lane, &mut pool, rev, item).await? {
                        pool.dues.extend(dues);
                        if let Some(due) = pool.dues.pop_front() {
                            return Ok(Ok(due));
                        }
                    }
                }
            }
        }
    }

    /// The item as last seen; read once, then known from writes and lost races.
    async fn newest(
        &self,
        lane: &Lane,
        pool: &mut Pool,
    ) -> Result<(Option<u64>, BudgetItem), StateError> {
        if !pool.asked {
            self.read(lane, pool).await?;
        }
        Ok(pool
            .known
            .clone()
            .map_or((None, BudgetItem::default()), |(rev, item)| (Some(rev), item)))
    }

    async fn write(
        &self,
        lane: &Lane,
        pool: &mut Pool,
        rev: Option<u64>,
        item: BudgetItem,
    ) -> Result<bool, StateError> {
        let body = serde_json::to_string(&item).unwrap_or_default();
        pool.known_at = Some(self.clock.now());
        let expect = rev.map_or(Expect::Absent, Expect::Rev);
        match self.state.put(&lane.key, expect, &body, None).await? {
            Put::Stored(rev) => {
                pool.known = Some((rev, item));
                Ok(true)
            }
            Put::Lost(current) => {
                pool.known = current.map(|item| parsed(&item));
                Ok(false)
            }
        }
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
        let lane = self.lane(class);
        let mut pool = lane.pool.lock().await;
        pool.dues.clear();
        loop {
            let (rev, item) = self.newest(lane, &mut pool).await?;
            let item = item.blocked(lane.limit, self.clock.now(), retry_after);
            if self.write(lane, &mut pool, rev, item).await? {
                return Ok(());
            }
        }
    }

    /// When the last of `n` more requests of `class` would be due, if nobody else asked.
    ///
    /// # Errors
    /// Where the state store fails.
    pub async fn estimate(&self, class: RateClass, n: u64) -> Result<Timestamp, StateError> {
        let lane = self.lane(class);
        let mut pool = lane.pool.lock().await;
        let (_, item) = self.newest(lane, &mut pool).await?;
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        Ok(item.estimate(lane.limit, self.clock.now(), n))
    }

    /// Permits of `class` given for the window that ends now and later, and the limit.
    ///
    /// # Errors
    /// Where the state store fails.
    pub async fn used(&self, class: RateClass) -> Result<(u32, Limit), StateError> {
        let lane = self.lane(class);
        let mut pool = lane.pool.lock().await;
        let (_, item) = self.newest(lane, &mut pool).await?;
        // Permits of the next window are given, too: for people the present one is just full.
        let used = item.used(lane.limit, self.clock.now()).min(lane.limit.requests());
        Ok((used, lane.limit))
    }
}

/// An unreadable item counts as an unused budget: the guard of 429 remains.
fn parsed(item: &Item) -> (u64, BudgetItem) {
    (item.rev, serde_json::from_str(&item.body).unwrap_or_default())
}
