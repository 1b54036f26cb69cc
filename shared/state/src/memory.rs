//! Items in memory, for tests and temporary lakes. One mutex guards all of them, so each call is
//! atomic.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use engine::ids::AccountId;
use engine::time::Timestamp;

use crate::{ItemKey, PutOutcome, StateError, StateItem, StateStore, WriteCondition};

#[derive(Clone, Debug)]
struct MemoryEntry {
    item: StateItem,
    expires: Option<Timestamp>,
}

/// Store in memory; its items end with the process.
#[derive(Debug, Default)]
pub struct MemoryState {
    entries: Mutex<BTreeMap<ItemKey, MemoryEntry>>,
}

impl MemoryState {
    /// Independent copy of the store, as a backup of this moment would bring it back.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { entries: Mutex::new(self.entries().clone()) }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<ItemKey, MemoryEntry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl StateStore for MemoryState {
    async fn get(&self, key: &ItemKey) -> Result<Option<StateItem>, StateError> {
        Ok(self.entries().get(key).map(|entry| entry.item.clone()))
    }

    async fn put(
        &self,
        key: &ItemKey,
        expect: WriteCondition,
        body: &str,
        expires: Option<Timestamp>,
    ) -> Result<PutOutcome, StateError> {
        let mut entries = self.entries();
        let there = entries.get(key).map(|entry| &entry.item);
        // Comparison and write happen under one lock.
        let rev = match (expect, there) {
            (WriteCondition::Absent, None) => 1,
            (WriteCondition::Rev(expected), Some(item)) if item.rev == expected => {
                item.rev.saturating_add(1)
            }
            (WriteCondition::Absent | WriteCondition::Rev(_), there) => {
                return Ok(PutOutcome::Lost(there.cloned()));
            }
        };
        let item = StateItem { rev, body: body.to_owned() };
        entries.insert(key.clone(), MemoryEntry { item, expires });
        Ok(PutOutcome::Stored(rev))
    }

    async fn list(
        &self,
        account: AccountId,
        prefix: &str,
    ) -> Result<Vec<(ItemKey, StateItem)>, StateError> {
        // Keys are ordered by account, then sort key: those with the prefix are neighbours, and the
        // prefix itself is the least of them.
        let from = ItemKey { account, sort: prefix.to_owned() };
        let entries = self.entries();
        let found = entries
            .range(from..)
            .take_while(|(key, _)| key.account == account && key.sort.starts_with(prefix))
            .map(|(key, entry)| (key.clone(), entry.item.clone()));
        Ok(found.collect())
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StateError> {
        let mut entries = self.entries();
        let before = entries.len();
        entries.retain(|_, entry| entry.expires.is_none_or(|expires| expires >= now));
        Ok(u64::try_from(before.saturating_sub(entries.len())).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_memory_store_conforms() {
        crate::conformance::check(|| async { Arc::new(MemoryState::default()) }).await;
    }
}
