//! The state as a process in trouble reaches it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use engine::ids::AccountId;
use engine::time::Timestamp;
use state::{
    ItemKey, MemoryState, PutOutcome, StateError, StateErrorKind, StateItem, StateStore,
    WriteCondition,
};

use super::{CallKind, CallPhase, CallVerdict, Fate};

/// Items before their newest writes.
pub(crate) type EarlierItems = Arc<Mutex<BTreeMap<ItemKey, StateItem>>>;

/// The state as a process in trouble reaches it.
#[derive(Debug)]
pub(crate) struct StormyState {
    pub(crate) inner: Arc<MemoryState>,
    pub(crate) fate: Arc<Fate>,
    /// Items as an outdated listing shows them.
    pub(crate) earlier: EarlierItems,
}

fn injected(sort: &str) -> StateError {
    StateError::new(StateErrorKind::Failed, format!("`{sort}` (injected)"))
}

impl StormyState {
    async fn read(&self, sort: &str, kind: CallKind) -> Result<CallVerdict, StateError> {
        let budget = sort.starts_with("budget");
        let phase = if budget { CallPhase::Budget } else { CallPhase::StateRead };
        match self.fate.call(phase, kind).await {
            CallVerdict::Refuse | CallVerdict::Lose => Err(injected(sort)),
            verdict @ (CallVerdict::Pass | CallVerdict::Repeat | CallVerdict::Stale) => Ok(verdict),
        }
    }

    /// Returns the item as it was before its newest write; `None` if there was none.
    fn before(&self, key: &ItemKey, item: StateItem) -> Option<StateItem> {
        let earlier = self.earlier.lock().expect("no panic");
        match earlier.get(key) {
            _ if item.rev == 1 => None,
            Some(before) if before.rev + 1 == item.rev => Some(before.clone()),
            Some(_) | None => Some(item),
        }
    }
}

#[async_trait]
impl StateStore for StormyState {
    async fn get(&self, key: &ItemKey) -> Result<Option<StateItem>, StateError> {
        self.read(&key.sort, CallKind::Read).await?;
        self.inner.get(key).await
    }

    async fn put(
        &self,
        key: &ItemKey,
        expect: WriteCondition,
        body: &str,
        expires: Option<Timestamp>,
    ) -> Result<PutOutcome, StateError> {
        let budget = key.sort.starts_with("budget");
        let phase = if budget { CallPhase::Budget } else { CallPhase::StateWrite };
        let verdict = self.fate.call(phase, CallKind::Write).await;
        if let Some(before) = self.inner.get(key).await? {
            self.earlier.lock().expect("no panic").insert(key.clone(), before);
        }
        let put = || self.inner.put(key, expect, body, expires);
        match verdict {
            CallVerdict::Pass | CallVerdict::Stale => put().await,
            CallVerdict::Refuse => Err(injected(&key.sort)),
            CallVerdict::Lose => {
                put().await?;
                Err(injected(&key.sort))
            }
            CallVerdict::Repeat => {
                put().await?;
                put().await
            }
        }
    }

    async fn list(
        &self,
        account: AccountId,
        prefix: &str,
    ) -> Result<Vec<(ItemKey, StateItem)>, StateError> {
        let verdict = self.read(prefix, CallKind::List).await?;
        let items = self.inner.list(account, prefix).await?;
        if verdict != CallVerdict::Stale {
            return Ok(items);
        }
        let before = |(key, item)| Some((ItemKey::clone(&key), self.before(&key, item)?));
        Ok(items.into_iter().filter_map(before).collect())
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StateError> {
        self.read("", CallKind::Write).await?;
        self.inner.purge(now).await
    }
}
