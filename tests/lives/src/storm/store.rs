//! The lake as a process in trouble reaches it.

use core::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use delta::store::{MemoryStore, ObjectMeta, ObjectStore, PutIfAbsent, ReplaceOutcome, StoreError};
use engine::time::{SignedDuration, plus};
use runtime::clock::Clock as _;

use super::{CallKind, CallPhase, CallVerdict, Fate};

fn object_phase(key: &str, kind: CallKind) -> CallPhase {
    let log = key.contains("_delta_log");
    match kind {
        CallKind::Read | CallKind::List if log => CallPhase::LogRead,
        CallKind::Write if log && !key.contains("checkpoint") => CallPhase::Commit,
        CallKind::Write if log => CallPhase::Checkpoint,
        CallKind::Read if key.ends_with(".parquet") => CallPhase::DataRead,
        CallKind::Write if key.ends_with(".parquet") => CallPhase::DataWrite,
        CallKind::Read | CallKind::List | CallKind::Write => CallPhase::Other,
    }
}

/// The lake as a process in trouble reaches it.
#[derive(Debug)]
pub(crate) struct StormyStore {
    pub(crate) inner: Arc<MemoryStore>,
    pub(crate) fate: Arc<Fate>,
}

fn broken(key: &str) -> StoreError {
    StoreError::from_io(key, std::io::Error::other("injected"))
}

/// Returns the answer to a write that took effect, unless it is lost.
fn answer<T>(verdict: CallVerdict, key: &str, answer: T) -> Result<T, StoreError> {
    if verdict == CallVerdict::Lose { Err(broken(key)) } else { Ok(answer) }
}

impl StormyStore {
    /// Decides about a write, and fails it if it is refused.
    async fn write(&self, phase: CallPhase, key: &str) -> Result<CallVerdict, StoreError> {
        let verdict = self.fate.call(phase, CallKind::Write).await;
        self.inner.set_now(self.fate.clock.now());
        match verdict {
            CallVerdict::Refuse => Err(broken(key)),
            CallVerdict::Pass | CallVerdict::Stale | CallVerdict::Lose | CallVerdict::Repeat => {
                Ok(verdict)
            }
        }
    }

    async fn read(&self, key: &str, kind: CallKind) -> Result<CallVerdict, StoreError> {
        match self.fate.call(object_phase(key, kind), kind).await {
            CallVerdict::Refuse | CallVerdict::Lose => Err(broken(key)),
            verdict @ (CallVerdict::Pass | CallVerdict::Stale | CallVerdict::Repeat) => Ok(verdict),
        }
    }
}

#[async_trait]
impl ObjectStore for StormyStore {
    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<PutIfAbsent, StoreError> {
        let phase = object_phase(key, CallKind::Write);
        let verdict = self.write(phase, key).await?;
        if verdict == CallVerdict::Repeat {
            self.inner.put_if_absent(key, bytes.clone()).await?;
        }
        answer(verdict, key, self.inner.put_if_absent(key, bytes).await?)
    }

    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        let phase = object_phase(key, CallKind::Write);
        let verdict = self.write(phase, key).await?;
        if verdict == CallVerdict::Repeat {
            self.inner.put(key, bytes.clone()).await?;
        }
        answer(verdict, key, self.inner.put(key, bytes).await?)
    }

    async fn replace(
        &self,
        key: &str,
        old: &Bytes,
        new: Bytes,
    ) -> Result<ReplaceOutcome, StoreError> {
        let phase = object_phase(key, CallKind::Write);
        let verdict = self.write(phase, key).await?;
        if verdict == CallVerdict::Repeat {
            self.inner.replace(key, old, new.clone()).await?;
        }
        answer(verdict, key, self.inner.replace(key, old, new).await?)
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.read(key, CallKind::Read).await?;
        self.inner.get(key).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        self.read(key, CallKind::Read).await?;
        self.inner.get_range(key, range).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectMeta>, StoreError> {
        let verdict = self.read(prefix, CallKind::List).await?;
        let mut objects = self.inner.list(prefix, after).await?;
        if verdict == CallVerdict::Stale {
            let then = plus(self.fate.clock.now(), SignedDuration::from_mins(-1));
            objects.retain(|object| object.modified < then);
        }
        Ok(objects)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let verdict = self.write(CallPhase::Cleanup, key).await?;
        answer(verdict, key, self.inner.delete(key).await?)
    }
}
