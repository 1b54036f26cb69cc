//! Objects in memory, for tests, simulations and benchmarks.
//!
//! One mutex guards all objects and no call waits while it is locked, so each call is atomic.

use core::fmt;
use core::ops::Range;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use engine::time::Timestamp;

use super::{ObjectMeta, ObjectStore, PutIfAbsent, ReplaceOutcome, StoreError, check_key, clamp};

/// Object store in memory. It has no clock: `set_now` dates new objects, at first 1970.
#[derive(Default)]
pub struct MemoryStore {
    shelf: Mutex<MemoryShelf>,
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let objects = self.shelf().objects.len();
        f.debug_struct("MemoryStore").field("objects", &objects).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct MemoryShelf {
    /// Date of the objects written next.
    now: Timestamp,
    /// Bytes and date of writing by key. The map keeps the order that a listing promises.
    objects: BTreeMap<String, (Bytes, Timestamp)>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the date of objects written from now on.
    pub fn set_now(&self, now: Timestamp) {
        self.shelf().now = now;
    }

    /// Independent copy of the store, as a crash at this moment would leave it. Later writes to one
    /// do not show in the other.
    #[must_use]
    pub fn copy(&self) -> Self {
        let on = self.shelf();
        let objects = on.objects.clone();
        Self { shelf: Mutex::new(MemoryShelf { now: on.now, objects }) }
    }

    /// Whether there is no object.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shelf().objects.is_empty()
    }

    fn shelf(&self) -> MutexGuard<'_, MemoryShelf> {
        // No operation leaves the map half changed, so a panic of another thread does no harm.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ObjectStore for MemoryStore {
    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<PutIfAbsent, StoreError> {
        check_key(key)?;
        let mut on = self.shelf();
        if on.objects.contains_key(key) {
            return Ok(PutIfAbsent::Exists);
        }
        let now = on.now;
        on.objects.insert(key.to_owned(), (bytes, now));
        Ok(PutIfAbsent::Stored)
    }

    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        check_key(key)?;
        let mut on = self.shelf();
        let now = on.now;
        on.objects.insert(key.to_owned(), (bytes, now));
        Ok(())
    }

    async fn replace(
        &self,
        key: &str,
        old: &Bytes,
        new: Bytes,
    ) -> Result<ReplaceOutcome, StoreError> {
        check_key(key)?;
        let mut on = self.shelf();
        let now = on.now;
        match on.objects.get_mut(key) {
            Some(object) if object.0 == *old => {
                *object = (new, now);
                Ok(ReplaceOutcome::Replaced)
            }
            Some(_) | None => Ok(ReplaceOutcome::Changed),
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        check_key(key)?;
        Ok(self.shelf().objects.get(key).map(|(bytes, _)| bytes.clone()))
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        let Some(bytes) = self.get(key).await? else {
            return Ok(None);
        };
        let range = clamp(&range, bytes.len() as u64);
        // Both ends lie within an object that is in memory.
        let index = |at: u64| usize::try_from(at).unwrap_or(bytes.len());
        Ok(Some(bytes.slice(index(range.start)..index(range.end))))
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectMeta>, StoreError> {
        let on = self.shelf();
        let begins = |key: &str| key.starts_with(prefix) && after.is_none_or(|after| key > after);
        let found = on.objects.iter().filter(|(key, _)| begins(key));
        Ok(found
            .map(|(key, (bytes, modified))| ObjectMeta {
                key: key.clone(),
                size: bytes.len() as u64,
                modified: *modified,
            })
            .collect())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        check_key(key)?;
        self.shelf().objects.remove(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::conformance;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn it_conforms() {
        conformance::check(|| Arc::new(MemoryStore::new())).await;
    }

    #[tokio::test]
    async fn objects_are_dated_by_the_time_that_was_set() {
        let store = MemoryStore::new();
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        store.set_now(now);
        store.put("a", Bytes::new()).await.unwrap();
        assert_eq!(store.list("", None).await.unwrap()[0].modified, now);
    }
}
