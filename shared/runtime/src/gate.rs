//! Permits: no request leaves without one that is due.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use engine::budget::{BudgetItem, Limit, Reservation};
use engine::ids::AccountId;
use engine::spec::RateClass;
use engine::time::{SignedDuration, Timestamp, between, minus, plus};
use state::{Expect, Item, ItemKey, Put, StateError, StateErrorKind, StateStore};
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::context::Random;

/// A worker that would wait longer saves its work and goes.
pub const PATIENCE: SignedDuration = SignedDuration::from_secs(20);
/// Permits asked for at once, at most.
const MOST_AT_ONCE: u32 = 8;
/// Who has time left until a permit is due waits so long for others of this process, to ask together.
const GATHERED: SignedDuration = SignedDuration::from_millis(200);
/// A permit is due at most so long after it could be, because of the write that reserves it.
const LONGEST_LEAD: SignedDuration = SignedDuration::from_millis(50);
/// Who lost a race for the item twice waits up to so long, longer each time: others are as eager.
const LOST_PAUSE: SignedDuration = SignedDuration::from_millis(25);
const LONGEST_LOST_PAUSE: SignedDuration = SignedDuration::from_millis(400);

/// The budgets of one account, as one process shares them.
#[derive(Debug)]
pub struct Gate {
    general: Arc<Lane>,
    reports: Arc<Lane>,
}

#[derive(Debug)]
struct Lane {
    state: Arc<dyn StateStore>,
    clock: Arc<dyn Clock>,
    key: ItemKey,
    limit: Limit,
    random: Random,
    /// Who has no permit yet.
    waiting: AtomicU32,
    /// Locked only in tasks of their own: a future may be next in line for it and yet stand still,
    /// because whoever drives it waits for the same lock in another place.
    pool: Mutex<Pool>,
}

#[derive(Debug, Default)]
struct Pool {
    dues: VecDeque<Timestamp>,
    known: Option<(u64, BudgetItem)>,
    /// When `known` was true.
    known_at: Option<Timestamp>,
    asked: bool,
    /// How long the last write took: a permit cannot be used before its reservation is written.
    write_takes: SignedDuration,
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
        let key = |class: RateClass| ItemKey { account, sort: format!("budget#{}", class.name()) };
        let lane = |state, clock, class, limit| {
            let (waiting, pool) = (AtomicU32::new(0), Mutex::default());
            let random = random.clone();
            Arc::new(Lane { state, clock, key: key(class), limit, random, waiting, pool })
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

    /// Returns when one request of `class` may be sent: send it now, or never.
    ///
    /// # Errors
    /// [`NoPermit`] when none comes within the patience, or the state store fails.
    pub async fn permit(&self, class: RateClass, horizon: SignedDuration) -> Result<(), NoPermit> {
        let lane = self.lane(class);
        lane.wait(lane.limit.horizon(horizon)).await
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

    /// When the last of `n` more requests of `class` would be due, if nobody else asked.
    ///
    /// # Errors
    /// Where the state store fails.
    pub async fn estimate(&self, class: RateClass, n: u64) -> Result<Timestamp, StateError> {
        let lane = Arc::clone(self.lane(class));
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        alone(async move { Ok(lane.item().await?.estimate(lane.limit, lane.clock.now(), n)) }).await
    }

    /// Permits of `class` given for the window that ends now and later, and the limit.
    ///
    /// # Errors
    /// Where the state store fails.
    pub async fn used(&self, class: RateClass) -> Result<(u32, Limit), StateError> {
        let lane = Arc::clone(self.lane(class));
        let limit = lane.limit;
        let used = async move { Ok(lane.item().await?.used(limit, lane.clock.now())) };
        // Permits of the next window are given, too: for people the present one is just full.
        Ok((alone(used).await?.min(limit.requests()), limit))
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

/// Somebody who waits for a permit, until this is dropped.
struct Waits<'l>(&'l AtomicU32);

impl<'l> Waits<'l> {
    fn new(waiting: &'l AtomicU32) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What asking for a permit came to.
enum Taken {
    /// It is due then.
    Due(Timestamp),
    /// None is due soon: ask again then, together with others.
    Gather(Timestamp),
    /// None is within the horizon before then.
    ComeBack(Timestamp),
}

impl Lane {
    async fn wait(self: &Arc<Self>, horizon: SignedDuration) -> Result<(), NoPermit> {
        loop {
            let due = self.due(horizon).await?;
            // The item may have to be read: that is done before the permit is due, not after.
            let early = minus(due, self.limit.guard().lateness);
            self.clock.sleep_until(early).await;
            if self.is_free_of_blocks(due).await? {
                self.clock.sleep_until(due).await;
                let late = self.limit.is_dead(due, self.clock.now());
                if !late && self.is_free_of_blocks(due).await? {
                    return Ok(());
                }
            }
        }
    }

    /// The due time of a permit of one's own.
    async fn due(self: &Arc<Self>, horizon: SignedDuration) -> Result<Timestamp, NoPermit> {
        let waits = Waits::new(&self.waiting);
        let mut gathered = false;
        loop {
            let lane = Arc::clone(self);
            match alone(async move { lane.take(horizon, gathered).await }).await? {
                Taken::Due(due) => {
                    drop(waits);
                    return Ok(due);
                }
                Taken::Gather(at) => {
                    gathered = true;
                    self.clock.sleep_until(at).await;
                }
                Taken::ComeBack(at) => {
                    if between(self.clock.now(), at) > PATIENCE {
                        return Err(NoPermit::ComeBack(at));
                    }
                    // Not all at the same moment: there is time until the permit is due.
                    self.clock.sleep_until(plus(at, self.share_of(horizon / 4))).await;
                }
            }
        }
    }

    /// A random part of `most`.
    fn share_of(&self, most: SignedDuration) -> SignedDuration {
        let millis = u64::try_from(most.as_millis()).unwrap_or(0);
        let part = self.random.next().checked_rem(millis.max(1)).unwrap_or(0);
        SignedDuration::from_millis(i64::try_from(part).unwrap_or(0))
    }

    async fn is_free_of_blocks(self: &Arc<Self>, due: Timestamp) -> Result<bool, StateError> {
        let lane = Arc::clone(self);
        Ok(!alone(async move { lane.is_blocked(due).await }).await?)
    }

    /// Whether a block came after the permit was given. Another process may have written it, and
    /// given the permit to somebody else, unless that is too short ago to be possible.
    async fn is_blocked(&self, due: Timestamp) -> Result<bool, StateError> {
        let mut pool = self.pool.lock().await;
        let kept = self.limit.guard().lateness;
        if pool.known_at.is_none_or(|at| between(at, due) > kept) {
            self.read(&mut pool).await?;
        }
        let now = self.clock.now();
        Ok(pool.known.as_ref().is_some_and(|(_, item)| item.is_blocked(due, now)))
    }

    async fn read(&self, pool: &mut Pool) -> Result<(), StateError> {
        let now = self.clock.now();
        pool.known = self.state.get(&self.key).await?.map(|item| parsed(&item));
        pool.known_at = Some(now);
        pool.asked = true;
        Ok(())
    }

    /// The next due time, or when to ask again.
    async fn take(&self, horizon: SignedDuration, gathered: bool) -> Result<Taken, StateError> {
        let mut pool = self.pool.lock().await;
        let now = self.clock.now();
        pool.dues.retain(|due| !self.limit.is_dead(*due, now));
        if let Some(due) = pool.dues.pop_front() {
            return Ok(Taken::Due(due));
        }
        let mut lost = 0_i32;
        loop {
            let (rev, item) = self.newest(&mut pool).await?;
            let now = self.clock.now();
            let wish = self.waiting.load(Ordering::Relaxed).clamp(1, MOST_AT_ONCE);
            let soon = plus(now, GATHERED);
            let has_time = between(soon, item.estimate(self.limit, now, 1)) > GATHERED;
            if !gathered && has_time && wish < MOST_AT_ONCE {
                return Ok(Taken::Gather(soon));
            }
            let earliest = plus(now, pool.write_takes.min(LONGEST_LEAD));
            match item.reserve(self.limit, earliest, wish, horizon) {
                Reservation::ComeBack { at } => {
                    // What others reserved and let die may have changed since.
                    pool.asked = false;
                    return Ok(Taken::ComeBack(at));
                }
                Reservation::Reserved { item, dues } => {
                    if self.write(&mut pool, rev, item).await? {
                        pool.dues.extend(dues);
                        if let Some(due) = pool.dues.pop_front() {
                            return Ok(Taken::Due(due));
                        }
                    }
                    lost = lost.saturating_add(1);
                    if lost > 1 {
                        let most = LOST_PAUSE.saturating_mul(lost).min(LONGEST_LOST_PAUSE);
                        self.clock.sleep_until(plus(now, self.share_of(most))).await;
                    }
                }
            }
        }
    }

    /// The item as last seen; read once, then known from writes and lost races.
    async fn newest(&self, pool: &mut Pool) -> Result<(Option<u64>, BudgetItem), StateError> {
        if !pool.asked {
            self.read(pool).await?;
        }
        Ok(pool
            .known
            .clone()
            .map_or((None, BudgetItem::default()), |(rev, item)| (Some(rev), item)))
    }

    async fn write(
        &self,
        pool: &mut Pool,
        rev: Option<u64>,
        item: BudgetItem,
    ) -> Result<bool, StateError> {
        let body = serde_json::to_string(&item).unwrap_or_default();
        pool.known_at = Some(self.clock.now());
        let expect = rev.map_or(Expect::Absent, Expect::Rev);
        let began = self.clock.now();
        let put = self.state.put(&self.key, expect, &body, None).await?;
        pool.write_takes = between(began, self.clock.now()).max(SignedDuration::ZERO);
        match put {
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

    async fn block(&self, retry_after: Option<SignedDuration>) -> Result<(), StateError> {
        let mut pool = self.pool.lock().await;
        pool.dues.clear();
        loop {
            let (rev, item) = self.newest(&mut pool).await?;
            let item = item.blocked(self.limit, self.clock.now(), retry_after);
            if self.write(&mut pool, rev, item).await? {
                return Ok(());
            }
        }
    }

    async fn item(&self) -> Result<BudgetItem, StateError> {
        let mut pool = self.pool.lock().await;
        Ok(self.newest(&mut pool).await?.1)
    }
}

/// An unreadable item counts as an unused budget: the guard of 429 remains.
fn parsed(item: &Item) -> (u64, BudgetItem) {
    (item.rev, serde_json::from_str(&item.body).unwrap_or_default())
}
