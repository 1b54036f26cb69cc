//! The lease of a run, renewed beside whatever the run does.

use core::pin::pin;
use std::sync::Arc;

use engine::item::StreamItem;
use engine::lease::{LEASE, Lease};
use engine::time::{SignedDuration, Timestamp, between, minus, plus};
use state::{ItemKey, StateStore};
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::context::Context;
use crate::error::RunError;
use crate::records::{self, Versioned};

/// A renewal that the state store did not take is tried again after this, as long as the lease lasts.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// Keeps the lease of one run, and the stream's item as it was last written: whoever of the run writes it
/// goes through here, because each write follows the one before.
#[derive(Debug)]
pub(crate) struct LeaseKeeper {
    stream: &'static str,
    key: ItemKey,
    state: Arc<dyn StateStore>,
    clock: Arc<dyn Clock>,
    written: Mutex<Versioned<StreamItem>>,
}

impl LeaseKeeper {
    /// The keeper of the lease that `item` was written with.
    pub(crate) fn new(
        context: &Context,
        stream: &'static str,
        item: &Versioned<StreamItem>,
    ) -> Arc<Self> {
        Arc::new(Self {
            stream,
            key: records::stream_key(context.settings.account, stream),
            state: Arc::clone(&context.state),
            clock: Arc::clone(&context.clock),
            written: Mutex::new(item.clone()),
        })
    }

    /// Writes `item`, unless somebody else took over.
    pub(crate) async fn write(&self, item: &mut StreamItem) -> Result<(), RunError> {
        let mut written = self.written.lock().await;
        if let (Some(new), Some(old)) = (&mut item.lease, &written.value.lease) {
            // It may have been renewed since.
            new.until = new.until.max(old.until);
        }
        self.put(&mut written, item.clone()).await
    }

    /// Does `work`, and renews the lease each time that half of it is gone. Where it is lost, `work` goes no
    /// further.
    pub(crate) async fn beside<T>(
        &self,
        work: impl Future<Output = Result<T, RunError>>,
    ) -> Result<T, RunError> {
        let mut work = pin!(work);
        let mut again = None;
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.wait(again) => {}
            }
            let mut renewing = pin!(self.renew());
            let renewed = tokio::select! {
                biased;
                renewed = &mut renewing => renewed,
                done = &mut work => {
                    // Not given up: nobody would know whether it was written. What `work` came to counts.
                    renewing.await.ok();
                    return done;
                }
            };
            again = renewed?;
        }
    }

    /// Waits until half of the lease is gone, or until `again`.
    async fn wait(&self, again: Option<Timestamp>) {
        let due = if let Some(again) = again {
            again
        } else {
            let written = self.written.lock().await;
            let held = written.value.lease.as_ref().filter(|lease| !lease.released);
            held.map_or(Timestamp::MAX, |lease| minus(lease.until, LEASE / 2))
        };
        self.clock.sleep_until(due).await;
    }

    /// Renews the lease; where the state store fails while it lasts: when to try again.
    async fn renew(&self) -> Result<Option<Timestamp>, RunError> {
        let mut written = self.written.lock().await;
        let now = self.clock.now();
        let Some(lease) = written.value.lease.clone().filter(|lease| !lease.released) else {
            return Ok(None);
        };
        if between(now, lease.until) > LEASE / 2 {
            return Ok(None);
        }
        let item = StreamItem { lease: Some(lease.renewed(now)), ..written.value.clone() };
        match self.put(&mut written, item).await {
            Err(error @ RunError::State { .. }) if plus(now, AGAIN) < lease.until => {
                let stream = self.stream;
                tracing::warn!(stream, error = error.chain(), "lease not renewed; tried again");
                Ok(Some(plus(now, AGAIN)))
            }
            renewed => renewed.map(|()| None),
        }
    }

    async fn put(
        &self,
        written: &mut Versioned<StreamItem>,
        value: StreamItem,
    ) -> Result<(), RunError> {
        let stream = self.stream;
        let own = written.value.lease.clone();
        let mut next = Versioned { rev: written.rev, value: value.clone(), ahead: Vec::new() };
        loop {
            let put = records::write(&*self.state, &self.key, &mut next).await;
            if put.map_err(|source| RunError::State { stream, source })? {
                *written = next;
                return Ok(());
            }
            // What is there may be of this run itself: written by a call that was said to have failed.
            if !is_same(next.value.lease.as_ref(), own.as_ref())
                && !is_same(next.value.lease.as_ref(), value.lease.as_ref())
            {
                return Err(RunError::LostLease { stream });
            }
            next.value = value.clone();
        }
    }
}

/// Whether it is the lease of one and the same attempt.
fn is_same(one: Option<&Lease>, other: Option<&Lease>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.owner == other.owner && one.epoch == other.epoch)
}
