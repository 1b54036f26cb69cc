//! The state, with the billing of `DynamoDB` on demand (units of each call) and its latency.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use engine::ids::AccountId;
use engine::time::{SignedDuration, Timestamp, plus};
use runtime::clock::Clock;
use state::{ItemKey, MemoryState, PutOutcome, StateError, StateItem, StateStore, WriteCondition};

use super::journal::Journal;
use super::ledger::Processor;
use lives::world::SimClock;

/// Bytes of an item per write unit.
const WRITE_UNIT: usize = 1024;
/// Bytes per unit of consistent reading.
const READ_UNIT: usize = 4096;
/// Bytes per unit of a listing, which is read without that promise, at half the price.
const LISTED_UNIT: usize = 2 * READ_UNIT;
/// Bytes of an item beside its body: names of attributes, partition key, revision and id of the
/// write.
const AROUND_THE_BODY: usize = 70;

/// Counts of calls and units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateTally {
    /// Number of items read by key.
    pub gets: u64,
    /// Number of listings of items.
    pub lists: u64,
    /// Number of writes, including those that lost.
    pub puts: u64,
    /// Number of writes that lost to another writer.
    pub lost: u64,
    /// Units of reading.
    pub read_units: u64,
    /// Units of writing.
    pub write_units: u64,
    /// Bytes of the largest item written.
    pub largest: u64,
}

/// State store of one invocation.
#[derive(Debug)]
pub(super) struct CountedState {
    pub(super) inner: Arc<MemoryState>,
    pub(super) clock: SimClock,
    pub(super) latency: SignedDuration,
    pub(super) processor: Processor,
    /// Counts by the kind of the item, with which its sort key begins.
    pub(super) tally: Arc<Mutex<BTreeMap<String, StateTally>>>,
    pub(super) journal: Arc<Journal>,
    pub(super) invocation: usize,
}

impl CountedState {
    async fn call(&self) {
        self.processor.turn();
        self.clock.sleep_until(plus(self.clock.now(), self.latency)).await;
        self.processor.turn();
    }

    fn count(&self, sort: &str, count: impl FnOnce(&mut StateTally)) {
        let kind = match sort.split_once('#') {
            Some(("budget", class)) => format!("budget#{class}"),
            Some((kind, _)) => kind.to_owned(),
            None => sort.to_owned(),
        };
        count(self.tally.lock().expect("no panic").entry(kind).or_default());
    }
}

fn size(key: &ItemKey, body: &str) -> usize {
    AROUND_THE_BODY + key.sort.len() + body.len()
}

fn units(bytes: usize, unit: usize) -> u64 {
    u64::try_from(bytes.div_ceil(unit).max(1)).unwrap_or(u64::MAX)
}

#[async_trait]
impl StateStore for CountedState {
    async fn get(&self, key: &ItemKey) -> Result<Option<StateItem>, StateError> {
        self.call().await;
        let item = self.inner.get(key).await?;
        let bytes = item.as_ref().map_or(0, |item| size(key, &item.body));
        self.count(&key.sort, |tally| {
            tally.gets += 1;
            tally.read_units += units(bytes, READ_UNIT);
        });
        Ok(item)
    }

    async fn put(
        &self,
        key: &ItemKey,
        expect: WriteCondition,
        body: &str,
        expires: Option<Timestamp>,
    ) -> Result<PutOutcome, StateError> {
        self.call().await;
        let put = self.inner.put(key, expect, body, expires).await?;
        let bytes = size(key, body);
        self.count(&key.sort, |tally| {
            tally.puts += 1;
            tally.lost += u64::from(matches!(put, PutOutcome::Lost(_)));
            tally.write_units += units(bytes, WRITE_UNIT);
            tally.largest = tally.largest.max(u64::try_from(bytes).unwrap_or(u64::MAX));
        });
        if key.sort.starts_with("stream#") && matches!(put, PutOutcome::Stored(_)) {
            self.journal.stored(self.invocation, body);
        }
        Ok(put)
    }

    async fn list(
        &self,
        account: AccountId,
        prefix: &str,
    ) -> Result<Vec<(ItemKey, StateItem)>, StateError> {
        self.call().await;
        let listed = self.inner.list(account, prefix).await?;
        let bytes = listed.iter().map(|(key, item)| size(key, &item.body)).sum();
        self.count(&format!("{prefix} (all)"), |tally| {
            tally.lists += 1;
            tally.read_units += units(bytes, LISTED_UNIT);
        });
        Ok(listed)
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StateError> {
        // `DynamoDB` deletes expired items by itself and free of charge.
        self.inner.purge(now).await
    }
}
