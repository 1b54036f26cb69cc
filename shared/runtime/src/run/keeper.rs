//! Renewal of a run's lease while the run works.
//!
//! A lease lasts two minutes, a merge may take longer. So every step that takes time runs inside
//! [`LeaseKeeper::beside`], which renews the lease when half of it is over, and ends the step when
//! the lease is lost.
//!
//! The lease keeps two runs from doing the same work. It does not protect the table: a process that
//! is suspended does not notice that its lease ended. The epoch in each commit does that.

use core::pin::pin;
use std::sync::Arc;

use engine::item::StreamItem;
use engine::lease::{BusyLease, LEASE, Lease, PriorLease};
use engine::pass::Pass;
use engine::time::{SignedDuration, Timestamp, between, minus, plus};
use state::{ItemKey, StateStore};
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::context::Context;
use crate::error::RunError;
use crate::records::{self, VersionedItem};
use crate::run::record::record_lost;

/// Time until a renewal that the state store failed to store is tried again, while the lease lasts.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// Keeps the lease of one run, and the stream's item as last written. Every write of the item by
/// the run goes through here, because each one expects the revision of the write before.
#[derive(Debug)]
pub(crate) struct LeaseKeeper {
    stream: &'static str,
    key: ItemKey,
    state: Arc<dyn StateStore>,
    clock: Arc<dyn Clock>,
    /// The item as last written, with its revision. The lock is held during a write, so that a
    /// renewal and a write of the run never expect the same revision.
    written: Mutex<VersionedItem<StreamItem>>,
}

impl LeaseKeeper {
    /// Returns the keeper of the lease that `item` was written with.
    pub(crate) fn new(
        context: &Context,
        stream: &'static str,
        item: &VersionedItem<StreamItem>,
    ) -> Arc<Self> {
        Arc::new(Self {
            stream,
            key: records::stream_key(context.settings.account, stream),
            state: Arc::clone(&context.state),
            clock: Arc::clone(&context.clock),
            written: Mutex::new(item.clone()),
        })
    }

    /// Writes `item`; fails with [`RunError::LostLease`] where another owner took over.
    pub(crate) async fn write(&self, item: &mut StreamItem) -> Result<(), RunError> {
        let mut written = self.written.lock().await;
        if let (Some(new), Some(old)) = (&mut item.lease, &written.value.lease) {
            // `beside` may have renewed the lease since the caller copied it.
            new.until = new.until.max(old.until);
        }
        self.put(&mut written, item.clone()).await
    }

    /// Does `work`, and renews the lease each time that half of its duration is over. A lost lease
    /// ends `work`.
    ///
    /// `work` is dropped then, at the point where it waits. It must therefore be right to stop it
    /// anywhere, as a crash would. `work` may call [`Self::write`]; a renewal in between writes the
    /// item as last written, not the changes that the run has in memory.
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
                    // Awaited, not dropped: otherwise it would be unknown whether the renewal was
                    // written. The result of `work` counts.
                    renewing.await.ok();
                    return done;
                }
            };
            again = renewed?;
        }
    }

    /// Waits until `again`, or without one until half of the lease's duration is over.
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

    /// Renews the lease if half of its duration is over. Returns the time of the next attempt where
    /// the state store failed and the lease still lasts.
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

    /// Writes `value` over the revision last written.
    ///
    /// A refused write does not prove that another owner took over: an earlier write of this run
    /// may have been stored although its call failed. So the item that is there decides. If it has
    /// this run's lease, the write is repeated over its revision.
    async fn put(
        &self,
        written: &mut VersionedItem<StreamItem>,
        value: StreamItem,
    ) -> Result<(), RunError> {
        let stream = self.stream;
        let own = written.value.lease.clone();
        let mut next = VersionedItem { rev: written.rev, value: value.clone(), ahead: Vec::new() };
        loop {
            let put = records::write(&*self.state, &self.key, &mut next).await;
            if put.map_err(|source| RunError::State { stream, source })? {
                *written = next;
                return Ok(());
            }
            // The item there may be this run's own, written by a call that reported a failure.
            if !is_same(next.value.lease.as_ref(), own.as_ref())
                && !is_same(next.value.lease.as_ref(), value.lease.as_ref())
            {
                return Err(RunError::LostLease { stream });
            }
            next.value = value.clone();
        }
    }
}

/// Whether both leases have the same owner and epoch.
fn is_same(one: Option<&Lease>, other: Option<&Lease>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.owner == other.owner && one.epoch == other.epoch)
}

/// A stream's item with a lease of this process.
#[derive(Debug)]
pub(crate) struct TakenLease {
    /// The stream's item as written.
    pub(crate) item: VersionedItem<StreamItem>,
    /// Whether the former owner never gave the lease back.
    pub(crate) taken_over: bool,
}

/// Takes the lease of `stream` for a run that `began` and works on `pass`; both are `None` for work of
/// the operator that is no pass.
/// Returns [`BusyLease`] if another process has it.
///
/// One conditional write: of two processes that read the same item, one gets the lease, and the
/// other one finds it taken when it reads the item that won.
pub(crate) async fn take_lease(
    context: &Context,
    stream: &'static str,
    pass: Option<Pass>,
    began: Option<Timestamp>,
) -> Result<Result<TakenLease, BusyLease>, RunError> {
    let account = context.settings.account;
    let key = records::stream_key(account, stream);
    let state = |source| RunError::State { stream, source };
    let present = context.present();
    let item = records::stream(&*context.state, account, stream, &present).await;
    let mut item = item.map_err(state)?;
    let owner = context.owners.own_id();
    loop {
        let held = item.value.lease.as_ref();
        let dead = held.is_some_and(|lease| context.owners.is_dead(&lease.owner));
        let (lease, how) = match Lease::acquire(held, &owner, context.clock.now(), dead) {
            Ok(acquired) => acquired,
            Err(busy) => return Ok(Err(busy)),
        };
        let taken_over = how == PriorLease::TakenOver;
        item.value.lease = Some(lease);
        // A run that died could not record its own failure.
        if taken_over {
            let now = context.clock.now();
            record_lost(&mut item.value, now);
            engine::pace::never_came_back(&mut item.value, now);
        }
        item.value.working_on = pass;
        item.value.working_since = began;
        if records::write(&*context.state, &key, &mut item).await.map_err(state)? {
            return Ok(Ok(TakenLease { item, taken_over }));
        }
    }
}
