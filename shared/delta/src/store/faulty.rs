//! A store that fails on demand (see [`engine::fault`]).

use core::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use engine::fault::{CallFault, CallScript, ScriptedCall};

use super::{FileObject, ObjectMeta, ObjectStore, PutIfAbsent, ReplaceOutcome, StoreError};

/// Operation of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreOperation {
    /// `put_if_absent`
    PutIfAbsent,
    /// `put`
    Put,
    /// `replace`
    Replace,
    /// `get`
    Get,
    /// `get_range`
    GetRange,
    /// `list`; the key is the prefix
    List,
    /// `delete`
    Delete,
}

impl StoreOperation {
    /// Whether the operation changes objects.
    #[must_use]
    pub const fn writes(self) -> bool {
        match self {
            Self::PutIfAbsent | Self::Put | Self::Replace | Self::Delete => true,
            Self::Get | Self::GetRange | Self::List => false,
        }
    }
}

/// A call as the script sees it.
pub type StoreCall<'a> = ScriptedCall<'a, StoreOperation>;

/// Store whose calls fail as a script decides.
#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    script: CallScript<StoreOperation>,
}

impl FaultyStore {
    /// Wraps `inner` with the faults of `script`.
    pub fn new(
        inner: Arc<dyn ObjectStore>,
        script: impl Fn(StoreCall<'_>) -> CallFault + Send + Sync + 'static,
    ) -> Self {
        Self { inner, script: CallScript::new(script) }
    }

    /// Number of calls so far.
    pub fn calls(&self) -> u64 {
        self.script.calls()
    }

    /// Counts the call and treats it as the script says. `effect` is a future, so it has no effect
    /// unless it is awaited here.
    async fn apply<T>(
        &self,
        operation: StoreOperation,
        key: &str,
        effect: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let failed = |what: &str| StoreError::Failed { key: key.to_owned(), source: what.into() };
        match self.script.next(operation, key) {
            CallFault::None => effect.await,
            CallFault::Before => Err(failed("scripted fault")),
            CallFault::After => {
                effect.await?;
                Err(failed("scripted loss of the answer"))
            }
        }
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<PutIfAbsent, StoreError> {
        self.apply(StoreOperation::PutIfAbsent, key, self.inner.put_if_absent(key, bytes)).await
    }

    async fn put_file_if_absent(
        &self,
        key: &str,
        file: &FileObject,
    ) -> Result<PutIfAbsent, StoreError> {
        let put = self.inner.put_file_if_absent(key, file);
        self.apply(StoreOperation::PutIfAbsent, key, put).await
    }

    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.apply(StoreOperation::Put, key, self.inner.put(key, bytes)).await
    }

    async fn put_file(&self, key: &str, file: &FileObject) -> Result<(), StoreError> {
        self.apply(StoreOperation::Put, key, self.inner.put_file(key, file)).await
    }

    async fn replace(
        &self,
        key: &str,
        old: &Bytes,
        new: Bytes,
    ) -> Result<ReplaceOutcome, StoreError> {
        self.apply(StoreOperation::Replace, key, self.inner.replace(key, old, new)).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.apply(StoreOperation::Get, key, self.inner.get(key)).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        self.apply(StoreOperation::GetRange, key, self.inner.get_range(key, range)).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectMeta>, StoreError> {
        self.apply(StoreOperation::List, prefix, self.inner.list(prefix, after)).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.apply(StoreOperation::Delete, key, self.inner.delete(key)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, conformance};

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn without_faults_it_conforms() {
        conformance::check(|| {
            Arc::new(FaultyStore::new(Arc::new(MemoryStore::new()), |_| CallFault::None))
        })
        .await;
    }

    #[tokio::test]
    async fn a_fault_before_has_no_effect_and_one_after_has() {
        let inner = Arc::new(MemoryStore::new());
        let faulty = FaultyStore::new(inner.clone(), |call| {
            if call.number == 0 { CallFault::Before } else { CallFault::After }
        });
        faulty.put_if_absent("a", Bytes::new()).await.unwrap_err();
        assert_eq!(inner.get("a").await.unwrap(), None);
        faulty.put_if_absent("a", Bytes::new()).await.unwrap_err();
        assert!(inner.get("a").await.unwrap().is_some());
        assert_eq!(faulty.calls(), 2);
    }
}
