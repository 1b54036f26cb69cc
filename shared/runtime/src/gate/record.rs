//! State item of one budget, as one process reads and writes it.

use std::sync::Arc;

use engine::budget::{BudgetItem, LONGEST_ACCESS};
use engine::time::{SignedDuration, Timestamp, between, minus};
use state::{ItemKey, PutOutcome, StateError, StateItem, StateStore, WriteCondition};
use tokio::sync::{Mutex, watch};

use crate::clock::Clock;

/// The item as last seen, and the times that the store takes.
#[derive(Clone, Debug, Default)]
pub(super) struct BudgetView {
    /// The item with its revision.
    known: Option<(u64, BudgetItem)>,
    /// Start of the newest read or write that `known` is from.
    at: Option<Timestamp>,
    /// Number of writes of this process that have ended.
    writes: u64,
    /// Latency of the last read, at most [`LONGEST_ACCESS`].
    pub(super) read_takes: SignedDuration,
    /// Latency of the last write, at most [`LONGEST_ACCESS`].
    pub(super) write_takes: SignedDuration,
}

impl BudgetView {
    /// The item; unused if there is none.
    pub(super) fn item(&self) -> BudgetItem {
        self.known.as_ref().map(|(_, item)| item.clone()).unwrap_or_default()
    }

    /// Whether the item was seen at `begin` or later. Nothing was seen after `now`: the clock was
    /// moved back.
    fn is_from(&self, begin: Timestamp, now: Timestamp) -> bool {
        self.at.is_some_and(|at| at <= now && at >= begin)
    }

    /// Takes over what a read saw that began at `at`, after `writes` writes of this process. One
    /// that has ended since may be newer.
    fn saw(&mut self, at: Timestamp, seen: Option<(u64, BudgetItem)>, writes: u64) {
        let rev = |known: &Option<(u64, BudgetItem)>| known.as_ref().map(|(rev, _)| *rev);
        if self.writes == writes || rev(&seen) > rev(&self.known) {
            self.known = seen;
        }
        self.at = Some(at);
    }
}

/// Access to the item. One caller at a time reads it; writes are made under the lock of the lane.
#[derive(Debug)]
pub(super) struct BudgetRecord {
    state: Arc<dyn StateStore>,
    clock: Arc<dyn Clock>,
    key: ItemKey,
    /// Looked at without waiting for a read or write that is under way: a permit would be over.
    view: watch::Sender<BudgetView>,
    reading: Mutex<()>,
}

impl BudgetRecord {
    pub(super) fn new(state: Arc<dyn StateStore>, clock: Arc<dyn Clock>, key: ItemKey) -> Self {
        Self { state, clock, key, view: watch::Sender::default(), reading: Mutex::default() }
    }

    /// The item as last seen.
    pub(super) fn view(&self) -> BudgetView {
        self.view.borrow().clone()
    }

    /// Reads the item unless it was seen within `age`.
    pub(super) async fn see(&self, age: SignedDuration) -> Result<BudgetView, StateError> {
        self.see_from(minus(self.clock.now(), age)).await
    }

    /// Reads the item unless it was seen at `begin` or later.
    pub(super) async fn see_from(&self, begin: Timestamp) -> Result<BudgetView, StateError> {
        let view = self.view();
        if view.is_from(begin, self.clock.now()) {
            return Ok(view);
        }
        let _one = self.reading.lock().await;
        // Another caller may have read it meanwhile.
        let (now, before) = (self.clock.now(), self.view());
        if !before.is_from(begin, now) {
            let item = self.state.get(&self.key).await?.map(|item| parsed(&item));
            let read_takes = self.since(now);
            self.view.send_modify(|view| {
                view.read_takes = read_takes;
                view.saw(now, item, before.writes);
            });
        }
        Ok(self.view())
    }

    /// Writes `item` in place of the one that `view` shows; `false` if that one is gone.
    pub(super) async fn write(
        &self,
        view: &BudgetView,
        item: BudgetItem,
    ) -> Result<bool, StateError> {
        let body = serde_json::to_string(&item).unwrap_or_default();
        let expect = view
            .known
            .as_ref()
            .map_or(WriteCondition::Absent, |(rev, _)| WriteCondition::Rev(*rev));
        let began = self.clock.now();
        let put = self.state.put(&self.key, expect, &body, None).await?;
        let write_takes = self.since(began);
        let (is_stored, seen) = match put {
            PutOutcome::Stored(rev) => (true, Some((rev, item))),
            PutOutcome::Lost(current) => (false, current.map(|item| parsed(&item))),
        };
        self.view.send_modify(|view| {
            view.known = seen;
            view.at = Some(began);
            view.writes = view.writes.saturating_add(1);
            view.write_takes = write_takes;
        });
        Ok(is_stored)
    }

    /// Time that an access took that began at `began`, at most [`LONGEST_ACCESS`].
    fn since(&self, began: Timestamp) -> SignedDuration {
        between(began, self.clock.now()).clamp(SignedDuration::ZERO, LONGEST_ACCESS)
    }
}

/// Parses the item. An unreadable one counts as an unused budget: Harvest's 429 still protects it.
fn parsed(item: &StateItem) -> (u64, BudgetItem) {
    (item.rev, serde_json::from_str(&item.body).unwrap_or_default())
}
