//! Stores and an API that write a trace, and kill their process at a chosen moment.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use delta::store::{ObjectMeta, ObjectStore, PutIfAbsent, ReplaceOutcome, StoreError};
use engine::ids::AccountId;
use engine::pass::RequestTarget;
use engine::time::Timestamp;
use harvest_api::{ApiAnswer, ApiError, HarvestApi};
use runtime::Context;
use state::{ItemKey, PutOutcome, StateError, StateItem, StateStore, WriteCondition};

/// Moments of a run at which a process may be killed, in the order in which they come.
pub const MOMENTS: [&str; 8] = [
    "page",
    "file",
    "before-commit",
    "after-commit",
    "before-state",
    "after-state",
    "checkpoint",
    "vacuum",
];

/// Trace that records each moment, and kills the process at the chosen one.
#[derive(Debug)]
pub struct Trace {
    file: Mutex<File>,
    death: Option<(String, u64)>,
    count: AtomicU64,
}

impl Trace {
    /// Opens a trace in `path`. `death` is the name of a moment and the number, from 1, of its
    /// occurrence at which the process dies.
    #[must_use]
    pub fn new(path: &Path, death: Option<(String, u64)>) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(path).expect("a trace file");
        Self { file: Mutex::new(file), death, count: AtomicU64::new(0) }
    }

    fn pass(&self, moment: &str) {
        let line = format!("{moment}\n");
        // Held until the process is dead: the moment of its death is the last one in the trace.
        let mut file = self.file.lock().expect("no panic");
        file.write_all(line.as_bytes()).expect("a trace");
        let Some((chosen, nth)) = &self.death else {
            return;
        };
        if chosen == moment && self.count.fetch_add(1, Ordering::SeqCst) + 1 == *nth {
            let id = std::process::id().to_string();
            let killed = std::process::Command::new("kill").args(["-9", &id]).status();
            panic!("still alive: {killed:?}");
        }
    }
}

/// Returns `context` with its API and stores traced.
#[must_use]
pub fn traced(context: &Context, trace: &Arc<Trace>) -> Context {
    Context {
        api: Arc::new(DeadlyApi { inner: Arc::clone(&context.api), trace: Arc::clone(trace) }),
        store: Arc::new(DeadlyStore {
            inner: Arc::clone(&context.store),
            trace: Arc::clone(trace),
        }),
        state: Arc::new(DeadlyState {
            inner: Arc::clone(&context.state),
            trace: Arc::clone(trace),
        }),
        ..context.clone()
    }
}

#[derive(Debug)]
struct DeadlyApi {
    inner: Arc<dyn HarvestApi>,
    trace: Arc<Trace>,
}

#[async_trait]
impl HarvestApi for DeadlyApi {
    async fn get(&self, target: &RequestTarget) -> Result<ApiAnswer, ApiError> {
        let answer = self.inner.get(target).await;
        self.trace.pass("page");
        answer
    }
}

#[derive(Debug)]
struct DeadlyStore {
    inner: Arc<dyn ObjectStore>,
    trace: Arc<Trace>,
}

fn is_commit(key: &str) -> bool {
    key.contains("/_delta_log/") && key.rsplit_once('.').is_some_and(|(_, kind)| kind == "json")
}

#[async_trait]
impl ObjectStore for DeadlyStore {
    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<PutIfAbsent, StoreError> {
        if is_commit(key) {
            self.trace.pass("before-commit");
        }
        let put = self.inner.put_if_absent(key, bytes).await;
        self.trace.pass(if is_commit(key) {
            "after-commit"
        } else if key.contains(".checkpoint.") {
            "checkpoint"
        } else {
            "file"
        });
        put
    }

    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        let put = self.inner.put(key, bytes).await;
        self.trace.pass(if key.contains(".checkpoint.") { "checkpoint" } else { "file" });
        put
    }

    async fn replace(
        &self,
        key: &str,
        old: &Bytes,
        new: Bytes,
    ) -> Result<ReplaceOutcome, StoreError> {
        let replaced = self.inner.replace(key, old, new).await;
        self.trace.pass("file");
        replaced
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.inner.get(key).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        self.inner.get_range(key, range).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectMeta>, StoreError> {
        self.inner.list(prefix, after).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let deleted = self.inner.delete(key).await;
        self.trace.pass("vacuum");
        deleted
    }
}

#[derive(Debug)]
struct DeadlyState {
    inner: Arc<dyn StateStore>,
    trace: Arc<Trace>,
}

#[async_trait]
impl StateStore for DeadlyState {
    async fn get(&self, key: &ItemKey) -> Result<Option<StateItem>, StateError> {
        self.inner.get(key).await
    }

    async fn put(
        &self,
        key: &ItemKey,
        expect: WriteCondition,
        body: &str,
        expires: Option<Timestamp>,
    ) -> Result<PutOutcome, StateError> {
        let own = key.sort.starts_with("stream#");
        if own {
            self.trace.pass("before-state");
        }
        let put = self.inner.put(key, expect, body, expires).await;
        if own {
            self.trace.pass("after-state");
        }
        put
    }

    async fn list(
        &self,
        account: AccountId,
        prefix: &str,
    ) -> Result<Vec<(ItemKey, StateItem)>, StateError> {
        self.inner.list(account, prefix).await
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StateError> {
        self.inner.purge(now).await
    }
}
