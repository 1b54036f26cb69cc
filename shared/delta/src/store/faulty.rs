//! A store that fails on demand, to test how callers handle failures.
//!
//! The faults are a wrapper, so the real stores contain no code for tests. A script sees each call
//! with its number and decides. Replaying a test with "fail at call 0", "at call 1" and so on finds
//! every step at which a crash could do harm.

use core::fmt;
use core::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use super::{ObjectMeta, ObjectStore, PutIfAbsent, ReplaceOutcome, StoreError};

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
#[derive(Clone, Copy, Debug)]
pub struct StoreCall<'a> {
    /// Number of earlier calls on this store.
    pub number: u64,
    /// Operation of the call.
    pub operation: StoreOperation,
    /// Key of the object, or the prefix of a listing.
    pub key: &'a str,
}

/// Treatment of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    /// Passes the call on.
    None,
    /// Fails without an effect, as a refused connection does.
    Before,
    /// Passes the call on, then loses the answer, as a connection that breaks too early does. The
    /// caller sees the same error as for `Before` and cannot tell which one happened.
    After,
}

type StoreScript = dyn Fn(StoreCall<'_>) -> StoreFault + Send + Sync;

/// Store whose calls fail as a script decides. A crash is a script that answers
/// [`StoreFault::Before`] from some call on.
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    script: Box<StoreScript>,
    calls: AtomicU64,
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore")
            .field("inner", &self.inner)
            .field("calls", &self.calls)
            .finish_non_exhaustive()
    }
}

impl FaultyStore {
    /// Wraps `inner` with the faults of `script`.
    pub fn new(
        inner: Arc<dyn ObjectStore>,
        script: impl Fn(StoreCall<'_>) -> StoreFault + Send + Sync + 'static,
    ) -> Self {
        Self { inner, script: Box::new(script), calls: AtomicU64::new(0) }
    }

    /// Number of calls so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Counts the call and treats it as the script says. `effect` is a future, so it has no effect
    /// unless it is awaited here.
    async fn apply<T>(
        &self,
        operation: StoreOperation,
        key: &str,
        effect: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let failed = |what: &str| StoreError::Failed { key: key.to_owned(), source: what.into() };
        match (self.script)(StoreCall { number, operation, key }) {
            StoreFault::None => effect.await,
            StoreFault::Before => Err(failed("scripted fault")),
            StoreFault::After => {
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

    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.apply(StoreOperation::Put, key, self.inner.put(key, bytes)).await
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
            Arc::new(FaultyStore::new(Arc::new(MemoryStore::new()), |_| StoreFault::None))
        })
        .await;
    }

    #[tokio::test]
    async fn a_fault_before_has_no_effect_and_one_after_has() {
        let inner = Arc::new(MemoryStore::new());
        let faulty = FaultyStore::new(inner.clone(), |call| {
            if call.number == 0 { StoreFault::Before } else { StoreFault::After }
        });
        faulty.put_if_absent("a", Bytes::new()).await.unwrap_err();
        assert_eq!(inner.get("a").await.unwrap(), None);
        faulty.put_if_absent("a", Bytes::new()).await.unwrap_err();
        assert!(inner.get("a").await.unwrap().is_some());
        assert_eq!(faulty.calls(), 2);
    }
}
