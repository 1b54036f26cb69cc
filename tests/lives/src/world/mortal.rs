//! Processes, which hold leases under an id and can be killed.

use core::task::Poll;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use runtime::Context;
use runtime::context::LeaseOwners;

use crate::storm::{CallPhase, Fate};

/// Whether each process that was started has died, by its id.
pub(super) type StartedProcesses = BTreeMap<String, Arc<AtomicBool>>;

/// Process, which holds leases under one id until it dies.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) id: String,
    pub(super) started: Arc<Mutex<StartedProcesses>>,
}

impl LeaseOwners for Process {
    fn own_id(&self) -> String {
        self.id.clone()
    }

    fn is_dead(&self, owner: &str) -> bool {
        let started = self.started.lock().expect("no panic");
        started.get(owner).is_some_and(|dead| dead.load(Ordering::SeqCst))
    }
}

/// A process that can be killed at any moment.
#[derive(Debug)]
pub struct MortalProcess {
    /// Parts of the process.
    pub context: Context,
    pub(super) dead: Arc<AtomicBool>,
    pub(super) fate: Arc<Fate>,
}

impl MortalProcess {
    /// Runs `work` until it ends, or until it has waited for something `moments` times: then the
    /// process dies, and its part of the work is dropped where it stands. Returns `None` if it
    /// died.
    pub async fn until<T>(&self, moments: u64, work: impl Future<Output = T>) -> Option<T> {
        let mut work = core::pin::pin!(work);
        let mut left = moments;
        core::future::poll_fn(|turn| {
            if let Poll::Ready(done) = work.as_mut().poll(turn) {
                return Poll::Ready(Some(done));
            }
            left = left.saturating_sub(1);
            if left > 0 {
                return Poll::Pending;
            }
            self.dead.store(true, Ordering::SeqCst);
            Poll::Ready(None)
        })
        .await
    }

    /// Phase of its last call of a store; `None` before the first.
    #[must_use]
    pub fn phase(&self) -> Option<CallPhase> {
        self.fate.phase()
    }
}
