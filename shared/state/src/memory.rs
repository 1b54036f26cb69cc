//! Items in memory, for tests and temporary lakes.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use engine::ids::AccountId;
use engine::time::Timestamp;

use crate::{Expect, Item, ItemKey, Put, StateError, StateStore};

#[derive(Debug)]
struct MemoryEntry {
    item: Item,
    expires: Option<Timestamp>,
}

/// Store in memory; its items end with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    entries: Mutex<BTreeMap<ItemKey, MemoryEntry>>,
}

impl MemoryStore {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<ItemKey, MemoryEntry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl StateStore for MemoryStore {
    async fn get(&self, key: &ItemKey) -> Result<Option<Item>, StateError> {
        Ok(self.entries().get(key).map(|entry| entry.item.clone()))
    }

    async fn put(
        &self,
        key: &ItemKey,
        expect: Expect,
        body: &str,
        expires: Option<Timestamp>,
    ) -> Result<Put, StateError> {
        let mut entries = self.entries();
        let there = entries.get(key).map(|entry| &entry.item);
        let rev = match (expect, there) {
            (Expect::Absent, None) => 1,
            (Expect::Rev(expected), Some(item)) if item.rev == expected => {
                item.rev.saturating_add(1)
            }
            (Expect::Absent | Expect::Rev(_), there) => return Ok(Put::Lost(there.cloned())),
        };
        let item = Item { rev, body: body.to_owned() };
        entries.insert(key.clone(), MemoryEntry { item, expires });
        Ok(Put::Stored(rev))
    }

    async fn list(
        &self,
        account: AccountId,
        prefix: &str,
    ) -> Result<Vec<(ItemKey, Item)>, StateError> {
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
        crate::conformance::check(|| async { Arc::new(MemoryStore::default()) }).await;
    }
}
