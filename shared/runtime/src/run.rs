//! One run: one attempt at one pass of one stream, under its lease.

mod catch_up;
mod describe;
mod document;
mod drift;
pub(crate) mod keeper;
mod objects;
mod prepare;
pub(crate) mod quarantine;
mod record;
mod report;
mod usable;
mod work;

use std::collections::BTreeSet;
use std::sync::Arc;

use delta::table::ChangeFiles;
use delta::table::{CommitNote, Table, WriterIdentity};
use engine::ids::{Epoch, RunId};
use engine::item::{ItemValue, StreamItem, StreamPosition};
use engine::lease::{BusyLease, Lease};
use engine::pass::Pass;
use engine::report::RowCounts;
use engine::spec::StreamSpec;
use engine::time::Timestamp;

pub use report::{RunOutcome, RunReport, YieldReason};

use crate::context::Context;
use crate::error::RunError;
use crate::operate::reset;
use crate::progress::RunMoment;
use crate::records::{self, VersionedItem};
use keeper::{LeaseKeeper, TakenLease, take_lease};

/// The stream and pass that a run works on, and its bounds.
#[derive(Clone, Copy, Debug)]
pub struct RunOrder {
    /// The stream.
    pub spec: &'static StreamSpec,
    /// The pass to begin or to go on with.
    pub pass: Pass,
    /// Time at which the process will be stopped; `None`: never.
    pub deadline: Option<Timestamp>,
    /// Whether any number of deletes is accepted.
    pub accept_deletes: bool,
}

/// A run in progress: the lease is held, the table is open.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) context: Context,
    pub(crate) order: RunOrder,
    pub(crate) id: RunId,
    pub(crate) item: VersionedItem<StreamItem>,
    /// Renews the lease while long work is going on.
    pub(crate) keeper: Arc<LeaseKeeper>,
    pub(crate) table: Table,
    /// The table of changes, opened when it is first needed.
    pub(crate) changes: Option<Table>,
    pub(crate) report: RunReport,
    pub(crate) begun: Timestamp,
    /// Arrival of the last answer whose rows are being flushed. Roles that were asked for before it
    /// say nothing about those rows.
    pub(crate) read_until: Timestamp,
    /// Erased users as this run read the list: its decoder leaves their data out.
    pub(crate) erased: BTreeSet<i64>,
    taken_over: bool,
    /// Notices for people that are not about the pass itself.
    notices: Vec<String>,
    /// Set when this run completed a full pass that supersedes older quarantined records.
    superseded: bool,
}

/// Runs `order` and returns the report, which also carries the error of a failed run.
pub async fn run(context: &Context, order: RunOrder) -> RunReport {
    let begun = context.clock.now();
    let mut report = RunReport::new(order.spec.name, order.pass, begun);
    context.progress.on(order.spec.name, order.pass, &RunMoment::Started);
    match Run::open(context, order, begun).await {
        Ok(Ok(run)) => report = Box::pin(run.work()).await,
        Ok(Err(busy)) => report.outcome = RunOutcome::Busy { until: busy.until },
        Err(error) => {
            record_failure(context, order, &error).await;
            report.outcome = RunOutcome::Failed(error);
        }
    }
    if report.pass != order.pass {
        context.progress.on(order.spec.name, report.pass, &RunMoment::Ended);
    }
    report.ended = context.clock.now();
    if !matches!(report.outcome, RunOutcome::Busy { .. }) {
        record::remember(context, &report).await;
    }
    context.progress.on(order.spec.name, order.pass, &RunMoment::Ended);
    report
}

/// Records the failure of a run that could not open its table, unless another run holds the lease.
async fn record_failure(context: &Context, order: RunOrder, error: &RunError) {
    let account = context.settings.account;
    let key = records::stream_key(account, order.spec.name);
    let present = context.present();
    let item = records::stream(&*context.state, account, order.spec.name, &present).await;
    let Ok(mut item) = item else {
        return;
    };
    let own = context.owners.own_id();
    let ours = item.value.lease.as_ref().is_none_or(|lease| lease.owner == own || lease.released);
    if !ours {
        return;
    }
    fail(&mut item.value, context.clock.now(), error);
    item.value.lease = item.value.lease.as_ref().map(Lease::released);
    if !matches!(records::write(&*context.state, &key, &mut item).await, Ok(true)) {
        tracing::warn!(stream = order.spec.name, "the failure could not be recorded");
    }
}

pub(crate) fn fail(item: &mut StreamItem, now: Timestamp, error: &RunError) {
    item.health.failures = item.health.failures.saturating_add(1);
    item.health.last_error = Some((now, error.chain()));
    item.health.refused = matches!(error, RunError::Refused { .. });
}

impl Run {
    /// Takes the lease and opens the table; returns [`BusyLease`] where another run holds the lease.
    pub(crate) async fn open(
        context: &Context,
        order: RunOrder,
        begun: Timestamp,
    ) -> Result<Result<Self, BusyLease>, RunError> {
        let stream = order.spec.name;
        let taken = take_lease(context, stream, Some(order.pass)).await?;
        let TakenLease { mut item, taken_over } = match taken {
            Ok(taken) => taken,
            Err(busy) => return Ok(Err(busy)),
        };
        let keeper = LeaseKeeper::new(context, stream, &item);
        reset::go_on(context, order.spec, &keeper, &mut item.value).await?;
        let table = Box::pin(keeper.beside(open_table(context, order.spec))).await?;
        let id = RunId::of(begun, stream);
        let report = RunReport::new(stream, order.pass, begun);
        let context = context.clone();
        let mut run = Self {
            context,
            order,
            id,
            item,
            keeper: Arc::clone(&keeper),
            table,
            changes: None,
            report,
            begun,
            read_until: begun,
            erased: BTreeSet::new(),
            taken_over,
            notices: Vec::new(),
            superseded: false,
        };
        Box::pin(keeper.beside(run.catch_up())).await?;
        Box::pin(keeper.beside(run.describe())).await?;
        Ok(Ok(run))
    }

    pub(crate) fn stream(&self) -> &'static str {
        self.order.spec.name
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.item.value.epoch()
    }

    /// Returns a writer with a new attempt id: no two merges write the same file name.
    pub(crate) fn writer(&self) -> WriterIdentity {
        WriterIdentity { attempt: self.context.random.attempt(), epoch: self.epoch() }
    }

    /// Note of a commit that leaves the stream's position as it is.
    pub(crate) fn note(
        &self,
        counts: RowCounts,
        changes: Option<ChangeFiles>,
    ) -> Result<CommitNote, RunError> {
        self.note_of(&self.item.value.position, counts, changes)
    }

    /// Note of a commit that carries `position`: the stream's position once the commit is durable.
    pub(crate) fn note_of(
        &self,
        position: &StreamPosition,
        counts: RowCounts,
        changes: Option<ChangeFiles>,
    ) -> Result<CommitNote, RunError> {
        let state = serde_json::to_value(position).map_err(|error| self.defect(&error))?;
        let changes = self.named_changes(changes);
        Ok(CommitNote { run: self.id.to_string(), state, counts, changes })
    }

    pub(crate) fn defect(&self, error: &dyn core::fmt::Display) -> RunError {
        RunError::Defect { stream: self.stream(), what: error.to_string() }
    }

    /// Writes the item over the revision last written; fails with [`RunError::LostLease`] where
    /// another run has taken over.
    pub(crate) async fn save_item(&mut self) -> Result<(), RunError> {
        self.keeper.write(&mut self.item.value).await
    }

    /// Gives the lease back.
    pub(crate) async fn give_back(&mut self) -> Result<(), RunError> {
        self.item.value.lease = self.item.value.lease.as_ref().map(Lease::released);
        self.save_item().await
    }

    /// Returns the value, read from its object in the lake where the item only names that; `None` if
    /// that object is gone or is no such value.
    ///
    /// A store that fails is an error: parents that could not be read would be forgotten otherwise.
    pub(crate) async fn load<T: serde::de::DeserializeOwned + Clone>(
        &self,
        stored: &ItemValue<T>,
    ) -> Result<Option<T>, RunError> {
        let key = match stored {
            ItemValue::Here(value) => return Ok(Some(value.clone())),
            ItemValue::At(key) => key,
        };
        let stream = self.stream();
        let bytes = self.context.store.get(key).await;
        let bytes = bytes.map_err(|source| RunError::Store { stream, source: Box::new(source) })?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    pub(crate) fn commit_error(&self, error: delta::table::CommitError) -> RunError {
        let stream = self.stream();
        if matches!(error, delta::table::CommitError::Fenced { .. }) {
            return RunError::LostLease { stream };
        }
        RunError::Table { stream, source: Box::new(error) }
    }

    /// Whether a former owner died without giving the lease back, so that its leftovers have to be
    /// looked for.
    pub(crate) const fn has_taken_over(&self) -> bool {
        self.taken_over
    }
}

async fn open_table(context: &Context, spec: &'static StreamSpec) -> Result<Table, RunError> {
    let stream = spec.name;
    let table = |source| RunError::Table { stream, source: Box::new(source) };
    let store = Arc::clone(&context.store);
    let account = context.settings.account;
    match Table::open(Arc::clone(&store), spec, account).await.map_err(table)? {
        Some(open) => Ok(open),
        None => Table::create(store, spec, account, context.clock.now()).await.map_err(table),
    }
}
