//! A store that fails on demand (see [`engine::fault`]).

use std::sync::Arc;

use async_trait::async_trait;
use engine::fault::{CallFault, CallScript, ScriptedCall};
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

/// Store whose calls fail as a script decides.
#[derive(Debug)]
pub struct FaultyState {
    inner: Arc<dyn StateStore>,
    script: CallScript<StateOperation>,
}

impl FaultyState {
    /// Wraps `inner` with the faults of `script`.
    pub fn new(
        inner: Arc<dyn StateStore>,
        script: impl Fn(ScriptedCall<'_, StateOperation>) -> CallFault + Send + Sync + 'static,
    ) -> Self {
        Self { inner, script: CallScript::new(script) }
    }

    /// Number of calls so far.
    pub fn calls(&self) -> u64 {
        self.script.calls()
    }

    /// Counts the call and treats it as the script says. `call` is a future, so it has no effect
    /// unless it is awaited here.
    async fn pass<T>(
        &self,
        operation: StateOperation,
        sort: &str,
        call: impl Future<Output = Result<T, StateError>> + Send,
    ) -> Result<T, StateError> {
        let injected = || {
            StateError::new(StateErrorKind::Failed, format!("{operation:?} `{sort}` (injected)"))
        };
        match self.script.next(operation, sort) {
            CallFault::None => call.await,
            CallFault::Before => Err(injected()),
            CallFault::After => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryState;

    #[tokio::test]
    async fn a_call_fails_before_or_after_its_effect() {
        let inner = Arc::new(MemoryState::default());
        let store = FaultyState::new(Arc::clone(&inner) as Arc<dyn StateStore>, |call| {
            match (call.operation, call.number) {
                (StateOperation::Put, 0) => CallFault::Before,
                (StateOperation::Put, 1) => CallFault::After,
                (
                    StateOperation::Get
                    | StateOperation::Put
                    | StateOperation::List
                    | StateOperation::Purge,
                    _,
                ) => CallFault::None,
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
