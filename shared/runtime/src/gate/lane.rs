//! Budget of one class of requests, shared by the requests of one process.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use engine::budget::{BudgetItem, LONGEST_ACCESS, MOST_AT_ONCE, RequestLimit, Reservation};
use engine::time::{SignedDuration, Timestamp, between, minus, plus};
use state::{ItemKey, StateError, StateStore};
use tokio::sync::{Mutex, RwLock};

use super::record::BudgetRecord;
use super::{NoPermit, PATIENCE, alone};
use crate::clock::Clock;
use crate::random::SharedRandom;

/// Time that a caller whose permit is not due soon waits for other callers of this process, so that
/// one write reserves permits for all of them.
const GATHERED: SignedDuration = SignedDuration::from_millis(200);
/// Age up to which the item as last seen can answer "come back later". Other processes can only
/// postpone that, except for a 429, which frees permits.
const BELIEVED: SignedDuration = SignedDuration::from_secs(1);
/// Age up to which the item as last seen is not read again before a write: a read costs a fifth of
/// a lost race.
const FRESH: SignedDuration = SignedDuration::from_millis(100);
/// Upper bound of the random pause after a lost race for the item, which grows with each lost race,
/// if a write takes less than an eighth of it.
const LONGEST_LOST_PAUSE: SignedDuration = SignedDuration::from_millis(400);
/// Upper bound of that pause in times of a write, if the store is slower.
const LOST_WRITES: i32 = 8;
/// Upper bound of that pause, whatever the store takes.
const LONGEST_PAUSE: SignedDuration = LONGEST_ACCESS.saturating_mul(LOST_WRITES);

#[derive(Debug)]
pub(super) struct BudgetLane {
    clock: Arc<dyn Clock>,
    record: BudgetRecord,
    limit: RequestLimit,
    random: SharedRandom,
    /// Number of callers that have no permit yet.
    waiting: AtomicU32,
    /// Locked only inside a spawned task ([`alone`]): a future that is next in the queue for this
    /// lock would deadlock if the task that polls it waited for the lock elsewhere.
    pool: Mutex<PermitPool>,
    /// Locked for writing while a block is recorded, so that no permit passes its check meanwhile;
    /// as `pool`, inside a spawned task.
    blocks: RwLock<()>,
}

#[derive(Debug, Default)]
struct PermitPool {
    /// Due times of reserved permits that no caller of this process has taken yet.
    dues: VecDeque<Timestamp>,
    /// Number of lost races for the item since the last one that was won.
    lost: u32,
    /// End of the pause after the last lost race.
    paused_until: Option<Timestamp>,
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
        let record = BudgetRecord::new(state, Arc::clone(&clock), key);
        let (waiting, pool, blocks) = (AtomicU32::new(0), Mutex::default(), RwLock::default());
        Self { clock, record, limit, random, waiting, pool, blocks }
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
            self.clock.sleep_until(minus(due, self.kept())).await;
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

    /// Time before the due time of a permit within which the item must have been seen: the guard's
    /// lateness, and the time that a read takes.
    fn kept(&self) -> SignedDuration {
        self.limit.guard().lateness.saturating_add(self.record.view().read_takes)
    }

    /// Whether a block was recorded after the permit was given. Reads the item unless it was seen
    /// within [`BudgetLane::kept`] before `due`: an older view may not show that another process
    /// has recorded a block and given the permit away.
    async fn is_blocked(&self, due: Timestamp) -> Result<bool, StateError> {
        let _none_recorded = self.blocks.read().await;
        let view = self.record.see_from(minus(due, self.kept())).await?;
        Ok(view.item().is_blocked(due, self.clock.now()))
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
        let is_ahead = |at: &Timestamp| *at > now && between(now, *at) <= LONGEST_PAUSE;
        if let Some(at) = pool.paused_until.filter(is_ahead) {
            return Ok(PermitAnswer::Gather(at));
        }
        let view = self.record.see(BELIEVED).await?;
        let wish = self.waiting.load(Ordering::Relaxed).clamp(1, MOST_AT_ONCE);
        let now = self.clock.now();
        if let Some(at) = self.when_to_ask(&view.item(), now, wish, horizon, gathered) {
            return Ok(at);
        }
        // A slow store is not asked again for what it has just answered.
        let view = self.record.see(FRESH.saturating_add(view.read_takes)).await?;
        let now = self.clock.now();
        match view.item().reserve(self.limit, plus(now, view.write_takes), wish, horizon) {
            Reservation::ComeBack { at } => {
                let rest = view.item().together(self.limit, now, wish, horizon);
                Ok(PermitAnswer::ComeBack { first: at, at: at.max(rest) })
            }
            Reservation::Reserved { item, dues } => {
                if self.record.write(&view, item).await? {
                    pool.lost = 0;
                    pool.dues.extend(dues);
                    if let Some(due) = pool.dues.pop_front() {
                        return Ok(PermitAnswer::Due(due));
                    }
                }
                Ok(PermitAnswer::Gather(self.pause(&mut pool)))
            }
        }
    }

    /// When to ask again instead of reserving now; `None`: now.
    fn when_to_ask(
        &self,
        item: &BudgetItem,
        now: Timestamp,
        wish: u32,
        horizon: SignedDuration,
        gathered: bool,
    ) -> Option<PermitAnswer> {
        let rest = item.together(self.limit, now, wish, horizon);
        if let Reservation::ComeBack { at } = item.reserve(self.limit, now, 1, horizon) {
            return Some(PermitAnswer::ComeBack { first: at, at: at.max(rest) });
        }
        if rest > now {
            // Some permits are within the horizon, but not enough for all that wait.
            return Some(PermitAnswer::ComeBack { first: now, at: rest });
        }
        if gathered || wish >= MOST_AT_ONCE {
            return None;
        }
        let soon = plus(now, GATHERED);
        let has_time = between(soon, item.estimate(self.limit, now, 1)) > GATHERED;
        let moment = if has_time { GATHERED } else { self.limit.moment() };
        Some(PermitAnswer::Gather(plus(now, moment)))
    }

    /// Counts a lost race for the item, and returns the end of the pause after it. All callers of
    /// this process keep it, but permits in hand are given out.
    fn pause(&self, pool: &mut PermitPool) -> Timestamp {
        pool.lost = pool.lost.saturating_add(1);
        let write_takes = self.record.view().write_takes;
        let longest = write_takes.saturating_mul(LOST_WRITES).max(LONGEST_LOST_PAUSE);
        let pause = write_takes.saturating_mul(1 << pool.lost.min(5)).min(longest);
        let end = plus(self.clock.now(), self.share_of(pause));
        pool.paused_until = Some(end);
        end
    }

    pub(super) async fn block(
        &self,
        retry_after: Option<SignedDuration>,
    ) -> Result<(), StateError> {
        let _recorded = self.blocks.write().await;
        let mut pool = self.pool.lock().await;
        pool.dues.clear();
        let mut view = self.record.see(FRESH).await?;
        loop {
            let item = view.item().blocked(self.limit, self.clock.now(), retry_after);
            if self.record.write(&view, item).await? {
                return Ok(());
            }
            view = self.record.view();
        }
    }

    /// End of the present block; `None`: there is none.
    pub(super) async fn blocked_until(&self) -> Result<Option<Timestamp>, StateError> {
        let view = self.record.see(BELIEVED).await?;
        Ok(view.item().blocked_until(self.clock.now()))
    }

    /// Time at which the last of `n` more requests would be due without other callers.
    pub(super) async fn estimate(&self, n: u32) -> Result<Timestamp, StateError> {
        let view = self.record.see(BELIEVED).await?;
        Ok(view.item().estimate(self.limit, self.clock.now(), n))
    }

    /// Permits given for the window that ends now and for later, at most the limit; and the limit.
    pub(super) async fn used(&self) -> Result<(u32, RequestLimit), StateError> {
        let view = self.record.see(BELIEVED).await?;
        // Permits of the next window are counted, too: to people the present one is just full.
        let used = view.item().used(self.limit, self.clock.now()).min(self.limit.requests());
        Ok((used, self.limit))
    }
}
