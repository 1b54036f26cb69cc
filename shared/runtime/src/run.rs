//! One run: one attempt at one pass of one stream, under its lease.
//!
//! | step | module | durable afterwards |
//! | --- | --- | --- |
//! | take the lease | `keeper` | item with the next epoch |
//! | end a reset that died | `operate::reset` | empty table, item |
//! | open the table, catch up with its log | `catch_up` | a fence commit, if one is needed |
//! | name columns with statistics | `describe` | a commit of metadata, if one is needed |
//! | check roles, continue or begin the reading | `work`, `prepare` | |
//! | read and flush, any number of times | `work`, `crate::flush` | commit, changes, item |
//! | housekeeping | `crate::tidy` | fewer objects |
//! | give the lease back | `work` | item with health, the run's record and a released lease |
//! | history | `record` | item `run#...` |
//!
//! A process may die between any two steps. Whatever is durable by then is whole, and the next run
//! begins with the first step again.

mod catch_up;
mod describe;
mod document;
mod drift;
pub(crate) mod keeper;
pub(crate) mod leave;
mod objects;
mod prepare;
pub(crate) mod quarantine;
pub(crate) mod record;
mod report;
mod save_point;
mod usable;
mod work;

use std::collections::BTreeSet;
use std::sync::Arc;

use delta::table::ChangeFiles;
use delta::table::{CommitNote, Table, WriterIdentity};
use engine::account::PersonSight;
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
use crate::records::VersionedItem;
use keeper::{LeaseKeeper, TakenLease, take_lease};
use leave::record_failure;

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
    /// Whether the former owner never gave the lease back. It may still be alive, frozen in the
    /// middle of a commit.
    taken_over: bool,
    /// Notices for people that are not about the pass itself.
    notices: Vec<String>,
    /// Whether this run completed a full pass that supersedes older quarantined records.
    superseded: bool,
    /// Whether the position of a complete pass is still to be written, by `close`.
    pub(crate) unsaved: bool,
    /// Whether the person of the token sees what the last one saw, and the other way round, as the run
    /// begins.
    pub(crate) person_sights: [PersonSight; 2],
}

/// Runs `order` and returns the report, which also carries the error of a failed run.
///
/// The pass in the report may differ from the ordered one: an incremental pass becomes a full one
/// if the position no longer allows it.
pub async fn run(context: &Context, order: RunOrder) -> RunReport {
    let begun = context.clock.now();
    let mut report = RunReport::new(order.spec.name, order.pass, begun);
    context.progress.on(order.spec.name, order.pass, &RunMoment::Started);
    match Run::open(context, order, begun).await {
        Ok(Ok(run)) => report = Box::pin(run.work()).await,
        Ok(Err(busy)) => report.outcome = RunOutcome::Busy { until: busy.until },
        Err(error) => {
            report.unrecorded = !record_failure(context, order, begun, &error).await;
            report.outcome = RunOutcome::Failed(error);
        }
    }
    // A display knows a run by stream and pass. It was told the start of the ordered pass and maybe
    // pages of the other one, so both have to end.
    if report.pass != order.pass {
        context.progress.on(order.spec.name, report.pass, &RunMoment::Ended);
    }
    report.ended = context.clock.now();
    // A busy stream is no run: nothing was tried.
    if !matches!(report.outcome, RunOutcome::Busy { .. }) {
        record::remember(context, &report).await;
    }
    context.progress.on(order.spec.name, order.pass, &RunMoment::Ended);
    report
}

impl Run {
    /// Takes the lease and opens the table; returns [`BusyLease`] where another run holds the
    /// lease.
    ///
    /// On return the item describes the table, no former owner can commit to it, and the table of
    /// changes, if changes are kept, records its last commit. Callers rely on this before they read
    /// a row or a position.
    pub(crate) async fn open(
        context: &Context,
        order: RunOrder,
        begun: Timestamp,
    ) -> Result<Result<Self, BusyLease>, RunError> {
        let stream = order.spec.name;
        let taken = take_lease(context, stream, Some(order.pass), Some(begun)).await?;
        let TakenLease { mut item, taken_over } = match taken {
            Ok(taken) => taken,
            Err(busy) => return Ok(Err(busy)),
        };
        let keeper = LeaseKeeper::new(context, stream, &item);
        // Before the table is opened: a reset that died may have left half of it.
        reset::go_on(context, order.spec, &keeper, &mut item.value).await?;
        let known = known_version(&item.value, order.pass).filter(|_| !taken_over);
        let table = Box::pin(keeper.beside(open_table(context, order.spec, known))).await?;
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
            unsaved: false,
            person_sights: [PersonSight::Enough; 2],
        };
        Box::pin(keeper.beside(run.catch_up())).await?;
        Box::pin(keeper.beside(run.describe())).await?;
        Ok(Ok(run))
    }

    pub(crate) fn stream(&self) -> &'static str {
        self.order.spec.name
    }

    /// Returns the epoch of this run's lease. `catch_up` may have raised it above the log's.
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

    /// Returns the error for a state that should be impossible.
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

    /// Returns the value, read from the lake where the item only names its object; `None` if that
    /// object is gone or holds no such value.
    ///
    /// A missing object is no error: the value can be computed anew by reading more. A store that
    /// fails is one: the run would otherwise save a position without the parked parents, and they
    /// would be forgotten.
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

    /// Returns the run's error for a failed commit. A higher epoch in the log means that another
    /// run has taken over: that is a lost lease and no fault of the table.
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

/// Returns the version of the table that the item describes, for a pass that may end without a
/// commit: most incremental passes find no change, and then the table is opened without a listing.
/// Full passes, and the operator's work, which is ordered as one, must overlook no file.
fn known_version(item: &StreamItem, pass: Pass) -> Option<u64> {
    (pass == Pass::Incremental && item.table.is_some()).then_some(item.version)
}

/// Opens the table of the stream, or creates it: the orchestrator creates all tables at its first
/// tick, but a table may be new, deleted, or not have been created because the store failed.
async fn open_table(
    context: &Context,
    spec: &'static StreamSpec,
    known: Option<u64>,
) -> Result<Table, RunError> {
    let stream = spec.name;
    let table = |source| RunError::Table { stream, source: Box::new(source) };
    let store = Arc::clone(&context.store);
    let account = context.settings.account;
    let opened = match known {
        Some(known) => Table::open_known(Arc::clone(&store), spec, account, known).await,
        None => Table::open(Arc::clone(&store), spec, account).await,
    };
    match opened.map_err(table)? {
        Some(open) => Ok(open),
        None => Table::create(store, spec, account, context.clock.now()).await.map_err(table),
    }
}
