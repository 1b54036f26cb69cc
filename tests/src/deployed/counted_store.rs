//! The lake, with the billing of S3 (each call is counted) and its latency.

use core::ops::Range;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use delta::store::{MemoryStore, ObjectMeta, ObjectStore, PutIfAbsent, ReplaceOutcome, StoreError};
use engine::time::{SignedDuration, plus};
use runtime::clock::Clock;

use super::ledger::Processor;
use lives::world::SimClock;

/// Throughput of one connection, in bytes per millisecond.
const BYTES_PER_MILLISECOND: u64 = 60_000;
/// Number of keys in one page of a listing.
const LISTED_AT_ONCE: usize = 1000;

/// Counts of the calls of an object store.
#[derive(Clone, Debug, Default)]
pub struct StoreTally {
    /// Number of puts, conditional ones included.
    pub puts: u64,
    /// Number of pages of listings.
    pub lists: u64,
    /// Number of gets, of whole objects and of parts.
    pub gets: u64,
    /// Number of deletes, which are free of charge.
    pub deletes: u64,
    /// Writes by table.
    pub tables: BTreeMap<String, TableTally>,
    /// Bytes of work objects written: saved readings, parked parents.
    pub work_bytes: u64,
    /// Bytes of the largest work object.
    pub largest_work: u64,
}

/// Counts of the writes to one table.
#[derive(Clone, Copy, Debug, Default)]
pub struct TableTally {
    /// Bytes of Parquet files.
    pub parquet: u64,
    /// Number of Parquet files.
    pub files: u64,
    /// Number of versions of the log, including the first one and fences.
    pub commits: u64,
    /// Bytes of the log.
    pub log: u64,
}

/// Object store of one invocation.
#[derive(Debug)]
pub(super) struct CountedStore {
    pub(super) inner: Arc<MemoryStore>,
    pub(super) clock: SimClock,
    pub(super) latency: SignedDuration,
    pub(super) processor: Processor,
    pub(super) tally: Arc<Mutex<StoreTally>>,
}

impl CountedStore {
    /// Waits until the computation before the call is done, then for the duration of a call with
    /// this number of bytes.
    async fn call(&self, bytes: usize) {
        self.processor.catch_up().await;
        let carried = u64::try_from(bytes).unwrap_or(u64::MAX) / BYTES_PER_MILLISECOND;
        let carried = SignedDuration::from_millis(i64::try_from(carried).unwrap_or(i64::MAX));
        let end = plus(plus(self.clock.now(), self.latency), carried);
        self.clock.sleep_until(end).await;
        self.processor.turn();
        self.inner.set_now(self.clock.now());
    }

    fn count(&self, count: impl FnOnce(&mut StoreTally)) {
        count(&mut self.tally.lock().expect("no panic"));
    }

    fn wrote(&self, key: &str, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.count(|tally| {
            tally.puts += 1;
            if key.starts_with("work/") {
                tally.work_bytes += bytes;
                tally.largest_work = tally.largest_work.max(bytes);
            }
            let Some((table, file)) =
                key.strip_prefix("tables/").and_then(|rest| rest.split_once('/'))
            else {
                return;
            };
            let table = tally.tables.entry(table.to_owned()).or_default();
            if let Some(log) = file.strip_prefix("_delta_log/") {
                table.log += bytes;
                table.commits += u64::from(log.strip_suffix(".json").is_some());
            } else {
                table.parquet += bytes;
                table.files += 1;
            }
        });
    }
}

#[async_trait]
impl ObjectStore for CountedStore {
    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<PutIfAbsent, StoreError> {
        self.call(bytes.len()).await;
        let length = bytes.len();
        let put = self.inner.put_if_absent(key, bytes).await;
        match put {
            Ok(PutIfAbsent::Stored) => self.wrote(key, length),
            Ok(PutIfAbsent::Exists) | Err(_) => self.count(|tally| tally.puts += 1),
        }
        put
    }

    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.call(bytes.len()).await;
        self.wrote(key, bytes.len());
        self.inner.put(key, bytes).await
    }

    async fn replace(
        &self,
        key: &str,
        old: &Bytes,
        new: Bytes,
    ) -> Result<ReplaceOutcome, StoreError> {
        self.call(old.len()).await;
        self.call(new.len()).await;
        self.count(|tally| tally.gets += 1);
        let length = new.len();
        let replaced = self.inner.replace(key, old, new).await;
        match replaced {
            Ok(ReplaceOutcome::Replaced) => self.wrote(key, length),
            Ok(ReplaceOutcome::Changed) | Err(_) => self.count(|tally| tally.puts += 1),
        }
        replaced
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let got = self.inner.get(key).await?;
        self.call(got.as_ref().map_or(0, Bytes::len)).await;
        self.count(|tally| tally.gets += 1);
        // Read again, as the object can have changed during the latency.
        self.inner.get(key).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        let got = self.inner.get_range(key, range.clone()).await?;
        self.call(got.as_ref().map_or(0, Bytes::len)).await;
        self.count(|tally| tally.gets += 1);
        self.inner.get_range(key, range).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectMeta>, StoreError> {
        self.call(0).await;
        let listed = self.inner.list(prefix, after).await?;
        let pages = listed.len().div_ceil(LISTED_AT_ONCE).max(1);
        self.count(|tally| tally.lists += u64::try_from(pages).unwrap_or(u64::MAX));
        Ok(listed)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.call(0).await;
        self.count(|tally| tally.deletes += 1);
        self.inner.delete(key).await
    }
}
