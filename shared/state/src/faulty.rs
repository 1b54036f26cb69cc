//! A store that fails on demand, to test how callers handle failures.
//!
//! The faults are a wrapper, so the real stores contain no code for tests.

use core::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use engine::ids::AccountId;
use engine::time::Timestamp;

use crate::{
    ItemKey, PutOutcome, StateError, StateErrorKind, StateItem, StateStore, WriteCondition,
};

/// Operation of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateOperation {
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
pub struct StateCall<'a> {
    /// Number of earlier calls on this store.
    pub number: u64,
    /// Operation of the call.
    pub operation: StateOperation,
    /// Sort key or prefix.
    pub sort: &'a str,
}

/// Treatment of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateFault {
    /// Passes the call on.
    None,
    /// Fails without an effect, as a refused connection does.
    Before,
    /// Passes the call on, then loses the answer. The caller sees the same error as for `Before`,
    /// although the item was written.
    After,
}

type StateScript = dyn Fn(StateCall<'_>) -> StateFault + Send + Sync;

/// Store whose calls fail as a script decides. A crash is a script that answers
/// [`StateFault::Before`] from some call on.
pub struct FaultyState {
    inner: Arc<dyn StateStore>,
    script: Box<StateScript>,
    calls: AtomicU64,
}

impl FaultyState {
    /// Wraps `inner` with the faults of `script`.
    pub fn new(
        inner: Arc<dyn StateStore>,
        script: impl Fn(StateCall<'_>) -> StateFault + Send + Sync + 'static,
    ) -> Self {
        Self { inner, script: Box::new(script), calls: AtomicU64::new(0) }
    }

    /// Number of calls so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Counts the call and treats it as the script says. `call` is a future, so it has no effect
    /// unless it is awaited here.
    async fn pass<T>(
        &self,
        operation: StateOperation,
        sort: &str,
        call: impl Future<Output = Result<T, StateError>> + Send,
    ) -> Result<T, StateError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let injected = || {
            StateError::new(StateErrorKind::Failed, format!("{operation:?} `{sort}` (injected)"))
        };
        match (self.script)(StateCall { number, operation, sort }) {
            StateFault::None => call.await,
            StateFault::Before => Err(injected()),
            StateFault::After => {
                call.await?;
                Err(injected())
            }
        }
    }
}

#[async_trait]
impl StateStore for FaultyState {
    async fn get(&self, key: &ItemKey) -> Result<Option<StateItem>, StateError> {
        self.pass(StateOperation::Get, &key.sort, self.inner.get(key)).await
    }

    async fn put(
        &self,
        key: &ItemKey,
        expect: WriteCondition,
        body: &str,
        expires: Option<Timestamp>,
    ) -> Result<PutOutcome, StateError> {
        let put = self.inner.put(key, expect, body, expires);
        self.pass(StateOperation::Put, &key.sort, put).await
    }

    async fn list(
        &self,
        account: AccountId,
        prefix: &str,
    ) -> Result<Vec<(ItemKey, StateItem)>, StateError> {
        self.pass(StateOperation::List, prefix, self.inner.list(account, prefix)).await
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StateError> {
        self.pass(StateOperation::Purge, "", self.inner.purge(now)).await
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
    use crate::MemoryState;

    #[tokio::test]
    async fn a_call_fails_before_or_after_its_effect() {
        let inner = Arc::new(MemoryState::default());
        let store = FaultyState::new(Arc::clone(&inner) as Arc<dyn StateStore>, |call| {
            match (call.operation, call.number) {
                (StateOperation::Put, 0) => StateFault::Before,
                (StateOperation::Put, 1) => StateFault::After,
                (
                    StateOperation::Get
                    | StateOperation::Put
                    | StateOperation::List
                    | StateOperation::Purge,
                    _,
                ) => StateFault::None,
            }
        });
        let key = ItemKey { account: AccountId(1), sort: "stream#clients".to_owned() };
        assert!(store.put(&key, WriteCondition::Absent, "{}", None).await.is_err());
        assert_eq!(inner.get(&key).await.unwrap(), None);
        assert!(store.put(&key, WriteCondition::Absent, "{}", None).await.is_err());
        assert_eq!(inner.get(&key).await.unwrap().unwrap().rev, 1);
        assert_eq!(
            store.put(&key, WriteCondition::Rev(1), "{}", None).await.unwrap(),
            PutOutcome::Stored(2)
        );
        assert_eq!(store.calls(), 3);
    }
}
