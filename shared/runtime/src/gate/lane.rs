//! Budget of one class of requests, shared by the requests of one process.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use engine::budget::{BudgetItem, MOST_AT_ONCE, RequestLimit, Reservation};
use engine::time::{SignedDuration, Timestamp, between, minus, plus};
use state::{ItemKey, PutOutcome, StateError, StateItem, StateStore, WriteCondition};
use tokio::sync::Mutex;

use super::{NoPermit, PATIENCE, alone};
use crate::clock::Clock;
use crate::random::SharedRandom;

/// Time that a caller whose permit is not due soon waits for other callers of this process, so that
/// one write reserves permits for all of them.
const GATHERED: SignedDuration = SignedDuration::from_millis(200);
/// Upper bound of the allowance for the latency of the reserving write.
const LONGEST_LEAD: SignedDuration = SignedDuration::from_millis(250);
/// Age up to which the item as last seen can answer "come back later". Other processes can only
/// postpone that, except for a 429, which frees permits.
const BELIEVED: SignedDuration = SignedDuration::from_secs(1);
/// Age up to which the item as last seen is not read again before a write: a read costs a fifth of
/// a lost race.
const FRESH: SignedDuration = SignedDuration::from_millis(100);
/// Upper bound of the random pause after a lost race for the item, which grows with each lost race.
const LONGEST_LOST_PAUSE: SignedDuration = SignedDuration::from_millis(400);

#[derive(Debug)]
pub(super) struct BudgetLane {
    state: Arc<dyn StateStore>,
    clock: Arc<dyn Clock>,
    key: ItemKey,
    limit: RequestLimit,
    random: SharedRandom,
    /// Number of callers that have no permit yet.
    waiting: AtomicU32,
    /// Locked only inside a spawned task ([`alone`]): a future that is next in the queue for this
    /// lock would deadlock if the task that polls it waited for the lock elsewhere.
    pool: Mutex<PermitPool>,
}

#[derive(Debug, Default)]
struct PermitPool {
    /// Due times of reserved permits that no caller of this process has taken yet.
    dues: VecDeque<Timestamp>,
    /// The item with its revision.
    known: Option<(u64, BudgetItem)>,
    /// Start of the read or write that `known` is from.
    known_at: Option<Timestamp>,
    /// Latency of the last write: a permit cannot be used before its reservation is written.
    write_takes: SignedDuration,
}

impl PermitPool {
    /// Whether the item was seen within `age` before `now`.
    fn knows_since(&self, age: SignedDuration, now: Timestamp) -> bool {
        self.known_at.is_some_and(|at| at <= now && between(at, now) <= age)
    }

    fn item(&self) -> BudgetItem {
        self.known.as_ref().map(|(_, item)| item.clone()).unwrap_or_default()
    }
}

/// Guard that counts a caller as waiting for a permit until it is dropped.
struct WaitingGuard<'l>(&'l AtomicU32);

impl<'l> WaitingGuard<'l> {
    fn new(waiting: &'l AtomicU32) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for WaitingGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Answer to a question for a permit.
enum PermitAnswer {
    /// A permit with this due time.
    Due(Timestamp),
    /// The caller asks again at this instant, together with others.
    Gather(Timestamp),
    /// No permit is within the horizon before `first`. The caller asks again at `at`, when there
    /// are enough for all that wait, or half a horizon before the first is due.
    ComeBack { first: Timestamp, at: Timestamp },
}

impl BudgetLane {
    pub(super) fn new(
        state: Arc<dyn StateStore>,
        clock: Arc<dyn Clock>,
        key: ItemKey,
        limit: RequestLimit,
        random: SharedRandom,
    ) -> Self {
        let (waiting, pool) = (AtomicU32::new(0), Mutex::default());
        Self { state, clock, key, limit, random, waiting, pool }
    }

    /// Waits until a permit for the caller is due, and returns its due time.
    pub(super) async fn permit(
        self: &Arc<Self>,
        horizon: SignedDuration,
    ) -> Result<Timestamp, NoPermit> {
        let horizon = self.limit.horizon(horizon);
        loop {
            let due = self.due(horizon).await?;
            // The check may have to read the item, so it is made once before the permit is due.
            let early = minus(due, self.limit.guard().lateness);
            self.clock.sleep_until(early).await;
            if self.is_free_of_blocks(due).await? {
                self.clock.sleep_until(due).await;
                let is_late = || self.limit.is_dead(due, self.clock.now());
                // Looked at again after the check, which may wait for a slow store, or for another
                // caller who does.
                if !is_late() && self.is_free_of_blocks(due).await? && !is_late() {
                    return Ok(due);
                }
            }
        }
    }

    /// Returns the due time of a permit for the caller.
    async fn due(self: &Arc<Self>, horizon: SignedDuration) -> Result<Timestamp, NoPermit> {
        let waits = WaitingGuard::new(&self.waiting);
        let mut gathered = false;
        loop {
            let lane = Arc::clone(self);
            match alone(async move { lane.take(horizon, gathered).await }).await? {
                PermitAnswer::Due(due) => {
                    drop(waits);
                    return Ok(due);
                }
                PermitAnswer::Gather(at) => {
                    gathered = true;
                    self.clock.sleep_until(at).await;
                }
                PermitAnswer::ComeBack { first, at } => {
                    if between(self.clock.now(), first) > PATIENCE {
                        return Err(NoPermit::ComeBack(first));
                    }
                    // Spread at random, so that callers do not ask all at the same moment. At least
                    // half a horizon is left until the first permit is due.
                    let moment = self.share_of(horizon.saturating_mul(3) / 8);
                    self.clock.sleep_until(plus(at, moment)).await;
                }
            }
        }
    }

    /// Returns a random part of `most`.
    fn share_of(&self, most: SignedDuration) -> SignedDuration {
        let millis = u64::try_from(most.as_millis()).unwrap_or(0);
        let part = self.random.next().checked_rem(millis.max(1)).unwrap_or(0);
        SignedDuration::from_millis(i64::try_from(part).unwrap_or(0))
    }

    async fn is_free_of_blocks(self: &Arc<Self>, due: Timestamp) -> Result<bool, StateError> {
        let lane = Arc::clone(self);
        Ok(!alone(async move { lane.is_blocked(due).await }).await?)
    }

    /// Whether a block was recorded after the permit was given. Reads the item unless it was seen
    /// within the guard's lateness before `due`: an older view may not show that another process
    /// has recorded a block and given the permit away.
    async fn is_blocked(&self, due: Timestamp) -> Result<bool, StateError> {
        let mut pool = self.pool.lock().await;
        let kept = self.limit.guard().lateness;
        if pool.known_at.is_none_or(|at| between(at, due) > kept) {
            self.read(&mut pool).await?;
        }
        let now = self.clock.now();
        Ok(pool.known.as_ref().is_some_and(|(_, item)| item.is_blocked(due, now)))
    }

    /// Takes the next due time, or says when to ask again.
    async fn take(
        &self,
        horizon: SignedDuration,
        gathered: bool,
    ) -> Result<PermitAnswer, StateError> {
        let mut pool = self.pool.lock().await;
        let now = self.clock.now();
        pool.dues.retain(|due| !self.limit.is_dead(*due, now));
        if let Some(due) = pool.dues.pop_front() {
            return Ok(PermitAnswer::Due(due));
        }
        self.see(&mut pool, BELIEVED).await?;
        let mut lost = 0_u32;
        loop {
            let wish = self.waiting.load(Ordering::Relaxed).clamp(1, MOST_AT_ONCE);
            let now = self.clock.now();
            let rest = pool.item().together(self.limit, now, wish, horizon);
            if let Reservation::ComeBack { at } = pool.item().reserve(self.limit, now, 1, horizon) {
                return Ok(PermitAnswer::ComeBack { first: at, at: at.max(rest) });
            }
            if rest > now {
                // Some permits are within the horizon, but not enough for all that wait.
                return Ok(PermitAnswer::ComeBack { first: now, at: rest });
            }
            if !gathered && wish < MOST_AT_ONCE {
                let soon = plus(now, GATHERED);
                let has_time = between(soon, pool.item().estimate(self.limit, now, 1)) > GATHERED;
                let moment = if has_time { GATHERED } else { self.limit.moment() };
                return Ok(PermitAnswer::Gather(plus(now, moment)));
            }
            self.see(&mut pool, FRESH).await?;
            let earliest = plus(self.clock.now(), pool.write_takes.min(LONGEST_LEAD));
            match pool.item().reserve(self.limit, earliest, wish, horizon) {
                Reservation::ComeBack { .. } => {}
                Reservation::Reserved { item, dues } => {
                    if self.write(&mut pool, item).await? {
                        pool.dues.extend(dues);
                        if let Some(due) = pool.dues.pop_front() {
                            return Ok(PermitAnswer::Due(due));
                        }
                    }
                    lost = lost.saturating_add(1);
                    let pause = pool.write_takes.saturating_mul(1 << lost.min(5));
                    let pause = self.share_of(pause.min(LONGEST_LOST_PAUSE));
                    self.clock.sleep_until(plus(self.clock.now(), pause)).await;
                }
            }
        }
    }

    /// Reads the item unless it was seen within `age`.
    async fn see(&self, pool: &mut PermitPool, age: SignedDuration) -> Result<(), StateError> {
        if pool.knows_since(age, self.clock.now()) { Ok(()) } else { self.read(pool).await }
    }

    async fn read(&self, pool: &mut PermitPool) -> Result<(), StateError> {
        let now = self.clock.now();
        pool.known = self.state.get(&self.key).await?.map(|item| parsed(&item));
        pool.known_at = Some(now);
        Ok(())
    }

    async fn write(&self, pool: &mut PermitPool, item: BudgetItem) -> Result<bool, StateError> {
        let body = serde_json::to_string(&item).unwrap_or_default();
        let expect = pool
            .known
            .as_ref()
            .map_or(WriteCondition::Absent, |(rev, _)| WriteCondition::Rev(*rev));
        let began = self.clock.now();
        let put = self.state.put(&self.key, expect, &body, None).await?;
        pool.known_at = Some(began);
        pool.write_takes = between(began, self.clock.now()).max(SignedDuration::ZERO);
        match put {
            PutOutcome::Stored(rev) => {
                pool.known = Some((rev, item));
                Ok(true)
            }
            PutOutcome::Lost(current) => {
                pool.known = current.map(|item| parsed(&item));
                Ok(false)
            }
        }
    }

    pub(super) async fn block(
        &self,
        retry_after: Option<SignedDuration>,
    ) -> Result<(), StateError> {
        let mut pool = self.pool.lock().await;
        pool.dues.clear();
        self.see(&mut pool, FRESH).await?;
        loop {
            let item = pool.item().blocked(self.limit, self.clock.now(), retry_after);
            if self.write(&mut pool, item).await? {
                return Ok(());
            }
        }
    }

    /// End of the present block; `None`: there is none.
    pub(super) async fn blocked_until(&self) -> Result<Option<Timestamp>, StateError> {
        let mut pool = self.pool.lock().await;
        self.see(&mut pool, BELIEVED).await?;
        Ok(pool.item().blocked_until(self.clock.now()))
    }

    /// Time at which the last of `n` more requests would be due without other callers.
    pub(super) async fn estimate(&self, n: u32) -> Result<Timestamp, StateError> {
        let mut pool = self.pool.lock().await;
        self.see(&mut pool, BELIEVED).await?;
        Ok(pool.item().estimate(self.limit, self.clock.now(), n))
    }

    /// Permits given for the window that ends now and for later, at most the limit; and the limit.
    pub(super) async fn used(&self) -> Result<(u32, RequestLimit), StateError> {
        let mut pool = self.pool.lock().await;
        self.see(&mut pool, BELIEVED).await?;
        // Permits of the next window are counted, too: to people the present one is just full.
        let used = pool.item().used(self.limit, self.clock.now()).min(self.limit.requests());
        Ok((used, self.limit))
    }
}

/// Parses the item. An unreadable one counts as an unused budget: Harvest's 429 still protects it.
fn parsed(item: &StateItem) -> (u64, BudgetItem) {
    (item.rev, serde_json::from_str(&item.body).unwrap_or_default())
}
