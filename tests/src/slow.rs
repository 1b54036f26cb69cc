//! Stores of a process that stands still for a while, like a closed laptop or a frozen worker.

use core::ops::Range;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use delta::store::{ObjectMeta, ObjectStore, PutIfAbsent, ReplaceOutcome, StoreError};
use engine::ids::AccountId;
use engine::time::{SignedDuration, Timestamp, plus};
use runtime::clock::Clock;
use state::{ItemKey, PutOutcome, StateError, StateItem, StateStore, WriteCondition};

use crate::world::SimClock;

/// Freeze of a process at a certain call of the stores.
#[derive(Clone, Copy, Debug)]
pub struct Freeze {
    /// Number of the call, from 1.
    pub after_calls: u64,
    /// Length of the freeze.
    pub lasts: SignedDuration,
}

/// Freeze of one process, shared by its stores and its API.
#[derive(Debug)]
pub(crate) struct Frost {
    clock: SimClock,
    freeze: Option<Freeze>,
    at: Mutex<(u64, Option<Timestamp>)>,
}

impl Frost {
    pub(crate) fn new(clock: SimClock, freeze: Option<Freeze>) -> Self {
        Self { clock, freeze, at: Mutex::new((0, None)) }
    }

    /// Counts a call of a store, and waits while the process is frozen.
    pub(crate) async fn call(&self) {
        if let Some(freeze) = self.freeze {
            let mut at = self.at.lock().expect("no panic");
            at.0 += 1;
            if at.0 == freeze.after_calls {
                at.1 = Some(plus(self.clock.now(), freeze.lasts));
            }
        }
        self.thaw().await;
    }

    /// Waits while the process is frozen.
    pub(crate) async fn thaw(&self) {
        let until = self.at.lock().expect("no panic").1;
        if let Some(until) = until {
            self.clock.sleep_until(until).await;
        }
    }
}

#[derive(Debug)]
pub(crate) struct SlowStore {
    pub(crate) inner: Arc<dyn ObjectStore>,
    pub(crate) frost: Arc<Frost>,
}

#[async_trait]
impl ObjectStore for SlowStore {
    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<PutIfAbsent, StoreError> {
        self.frost.call().await;
        self.inner.put_if_absent(key, bytes).await
    }

    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.frost.call().await;
        self.inner.put(key, bytes).await
    }

    async fn replace(
        &self,
        key: &str,
        old: &Bytes,
        new: Bytes,
    ) -> Result<ReplaceOutcome, StoreError> {
        self.frost.call().await;
        self.inner.replace(key, old, new).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.frost.call().await;
        self.inner.get(key).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        self.frost.call().await;
        self.inner.get_range(key, range).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectMeta>, StoreError> {
        self.frost.call().await;
        self.inner.list(prefix, after).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.frost.call().await;
        self.inner.delete(key).await
    }
}

#[derive(Debug)]
pub(crate) struct SlowState {
    pub(crate) inner: Arc<dyn StateStore>,
    pub(crate) frost: Arc<Frost>,
}

#[async_trait]
impl StateStore for SlowState {
    async fn get(&self, key: &ItemKey) -> Result<Option<StateItem>, StateError> {
        self.frost.call().await;
        self.inner.get(key).await
    }

    async fn put(
        &self,
        key: &ItemKey,
        expect: WriteCondition,
        body: &str,
        expires: Option<Timestamp>,
    ) -> Result<PutOutcome, StateError> {
        self.frost.call().await;
        self.inner.put(key, expect, body, expires).await
    }

    async fn list(
        &self,
        account: AccountId,
        prefix: &str,
    ) -> Result<Vec<(ItemKey, StateItem)>, StateError> {
        self.frost.call().await;
        self.inner.list(account, prefix).await
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StateError> {
        self.frost.call().await;
        self.inner.purge(now).await
    }
}
