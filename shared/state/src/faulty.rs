//! A store that fails on demand, to test how callers handle failures.

use core::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use engine::ids::AccountId;
use engine::time::Timestamp;

use crate::{Expect, Item, ItemKey, Put, StateError, StateErrorKind, StateStore};

/// Operation of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// `get`
    Get,
    /// `put`
    Put,
    /// `list`; the key is the prefix
    List,
    /// `purge`; the key is empty
    Purge,
}

/// A call as the script sees it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Number of earlier calls on this store.
    pub number: u64,
    /// Operation of the call.
    pub operation: Operation,
    /// Sort key or prefix.
    pub sort: &'a str,
}

/// Treatment of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Passes the call on.
    None,
    /// Fails without an effect.
    Before,
    /// Passes the call on, then loses the answer.
    After,
}

type Script = dyn Fn(Call<'_>) -> Fault + Send + Sync;

/// Store whose calls fail as a script decides. A crash is a script that answers [`Fault::Before`]
/// from some call on.
pub struct FaultyState {
    inner: Arc<dyn StateStore>,
    script: Box<Script>,
    calls: AtomicU64,
}

impl FaultyState {
    /// Wraps `inner` with the faults of `script`.
    pub fn new(
        inner: Arc<dyn StateStore>,
        script: impl Fn(Call<'_>) -> Fault + Send + Sync + 'static,
    ) -> Self {
        Self { inner, script: Box::new(script), calls: AtomicU64::new(0) }
    }

    /// Number of calls so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    async fn pass<T>(
        &self,
        operation: Operation,
        sort: &str,
        call: impl Future<Output = Result<T, StateError>> + Send,
    ) -> Result<T, StateError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let injected = || {
            StateError::new(StateErrorKind::Failed, format!("{operation:?} `{sort}` (injected)"))
        };
        match (self.script)(Call { number, operation, sort }) {
            Fault::None => call.await,
            Fault::Before => Err(injected()),
            Fault::After => {
                call.await?;
                Err(injected())
            }
        }
    }
}

#[async_trait]
impl StateStore for FaultyState {
    async fn get(&self, key: &ItemKey) -> Result<Option<Item>, StateError> {
        self.pass(Operation::Get, &key.sort, self.inner.get(key)).await
    }

    async fn put(
        &self,
        key: &ItemKey,
        expect: Expect,
        body: &str,
        expires: Option<Timestamp>,
    ) -> Result<Put, StateError> {
        let put = self.inner.put(key, expect, body, expires);
        self.pass(Operation::Put, &key.sort, put).await
    }

    async fn list(
        &self,
        account: AccountId,
        prefix: &str,
    ) -> Result<Vec<(ItemKey, Item)>, StateError> {
        self.pass(Operation::List, prefix, self.inner.list(account, prefix)).await
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StateError> {
        self.pass(Operation::Purge, "", self.inner.purge(now)).await
    }
}

impl fmt::Debug for FaultyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyState").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;

    #[tokio::test]
    async fn a_call_fails_before_or_after_its_effect() {
        let inner = Arc::new(MemoryStore::default());
        let store = FaultyState::new(Arc::clone(&inner) as Arc<dyn StateStore>, |call| {
            match (call.operation, call.number) {
                (Operation::Put, 0) => Fault::Before,
                (Operation::Put, 1) => Fault::After,
                (Operation::Get | Operation::Put | Operation::List | Operation::Purge, _) => {
                    Fault::None
                }
            }
        });
        let key = ItemKey { account: AccountId(1), sort: "stream#clients".to_owned() };
        assert!(store.put(&key, Expect::Absent, "{}", None).await.is_err());
        assert_eq!(inner.get(&key).await.unwrap(), None);
        assert!(store.put(&key, Expect::Absent, "{}", None).await.is_err());
        assert_eq!(inner.get(&key).await.unwrap().unwrap().rev, 1);
        assert_eq!(store.put(&key, Expect::Rev(1), "{}", None).await.unwrap(), Put::Stored(2));
        assert_eq!(store.calls(), 3);
    }
}
