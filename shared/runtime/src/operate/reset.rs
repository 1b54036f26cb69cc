//! Removal of all rows of a table, so that the next run loads it anew.
//!
//! A reset deletes thousands of objects one by one, and may die at any of them. So the state item
//! records it before the first deletion, in the same write that forgets the position. From then on
//! the stream counts as never read, and each owner of its lease, whether a reset or a run, first
//! completes what is recorded. The record is removed when the empty table exists.
//!
//! The log of a readable table goes on: one commit removes all files. Without the log, a former
//! holder of the lease that stood still could put a version of its own into the next one. Only a
//! table that cannot be read is deleted together with its log.

use std::sync::Arc;

use decode::schema::TableSchema;
use delta::maintenance;
use delta::table::{ChangesCommit, CommitFiles, CommitNote, Table, TableError, WriterIdentity};
use engine::ids::{Epoch, Sequence};
use engine::item::{ResetTable, StreamHealth, StreamItem, StreamPosition};
use engine::lease::{BusyLease, Lease};
use engine::report::RowCounts;
use engine::spec::StreamSpec;
use engine::time::{SignedDuration, Timestamp};

use crate::context::Context;
use crate::error::RunError;
use crate::run::keeper::{LeaseKeeper, TakenLease, take_lease};
use crate::run::leave::abandoned;

/// Replaces the table of `spec` by an empty one, and deletes its work objects and the stream's
/// position. Quarantined records stay. The sequence continues, so that the next run begins the
/// table of changes anew and its readers see that. The item records the reset first: if the process
/// dies after that, the next run completes the reset before it does anything else.
///
/// # Errors
/// Fails if the stores fail. Returns [`BusyLease`] if a run works on the stream.
pub async fn reset(
    context: &Context,
    spec: &'static StreamSpec,
) -> Result<Result<(), BusyLease>, RunError> {
    let (keeper, mut item) = match held(context, spec.name).await? {
        Ok(held) => held,
        Err(busy) => return Ok(Err(busy)),
    };
    let done = begin_table(context, spec, &keeper, &mut item).await;
    ended(context, spec.name, done).await
}

/// Deletes the table of the changes of `spec`. The next run begins it anew with all rows of the
/// stream's table, which stays as it is. If the process dies, the next run completes the reset.
///
/// # Errors
/// Fails if the stores fail. Returns [`BusyLease`] if a run works on the stream.
pub async fn reset_changes(
    context: &Context,
    spec: &'static StreamSpec,
) -> Result<Result<(), BusyLease>, RunError> {
    let (keeper, mut item) = match held(context, spec.name).await? {
        Ok(held) => held,
        Err(busy) => return Ok(Err(busy)),
    };
    let done = delete_changes(context, spec, &keeper, &mut item).await;
    ended(context, spec.name, done).await
}

/// Returns the result of a reset; after an error the lease is given back.
async fn ended(
    context: &Context,
    stream: &'static str,
    done: Result<(), RunError>,
) -> Result<Result<(), BusyLease>, RunError> {
    match done {
        Ok(()) => Ok(Ok(())),
        Err(error) => Err(abandoned(context, stream, error).await),
    }
}

/// Records the reset of the table, and completes it.
async fn begin_table(
    context: &Context,
    spec: &'static StreamSpec,
    keeper: &LeaseKeeper,
    item: &mut StreamItem,
) -> Result<(), RunError> {
    // A reset that died has already chosen the sequence, and the tables that tell it may be gone.
    if item.resetting != Some(ResetTable::Table) {
        let last = last_sequence(context, spec).await.max(item.sequence);
        item.sequence = last.next();
    }
    item.position = StreamPosition::default();
    item.health = StreamHealth::default();
    item.version = 0;
    item.resetting = Some(ResetTable::Table);
    keeper.write(item).await?;
    go_on(context, spec, keeper, item).await?;
    give_back(keeper, item).await
}

/// Completes a reset of the table that died, and deletes the table of changes.
async fn delete_changes(
    context: &Context,
    spec: &'static StreamSpec,
    keeper: &LeaseKeeper,
    item: &mut StreamItem,
) -> Result<(), RunError> {
    go_on(context, spec, keeper, item).await?;
    item.resetting = Some(ResetTable::Changes);
    keeper.write(item).await?;
    go_on(context, spec, keeper, item).await?;
    give_back(keeper, item).await
}

/// Completes the reset that the item records, if any. The caller holds the lease.
///
/// # Errors
/// Fails if the stores fail.
pub(crate) async fn go_on(
    context: &Context,
    spec: &'static StreamSpec,
    keeper: &LeaseKeeper,
    item: &mut StreamItem,
) -> Result<(), RunError> {
    match item.resetting {
        None => return Ok(()),
        Some(ResetTable::Table) => {
            Box::pin(keeper.beside(begin_anew(context, spec, keeper, item))).await?;
        }
        Some(ResetTable::Changes) => {
            Box::pin(keeper.beside(empty_changes(context, spec, keeper, item))).await?;
            // Makes the next run open the table of changes and find that it missed all commits.
            item.changes = None;
        }
    }
    item.resetting = None;
    keeper.write(item).await
}

/// Empties the table, or replaces its remains by an empty one.
async fn begin_anew(
    context: &Context,
    spec: &'static StreamSpec,
    keeper: &LeaseKeeper,
    item: &mut StreamItem,
) -> Result<(), RunError> {
    let stream = spec.name;
    let (store, account) = (Arc::clone(&context.store), context.settings.account);
    let opened = readable(Table::open(Arc::clone(&store), spec, account).await);
    let mut table = if let Some(table) = opened.map_err(|error| unusable(stream, error))? {
        table
    } else {
        delete_table(context, stream, &format!("tables/{stream}")).await?;
        let created = Table::create(store, spec, account, context.clock.now()).await;
        created.map_err(|error| unusable(stream, error))?
    };
    delete_all(context, stream, &format!("work/{stream}/")).await?;
    table.advance_by_name().await.map_err(|error| unusable(stream, error))?;
    let now = context.clock.now();
    let writer = writer(context, keeper, item, table.recorded_epoch()).await?;
    let state = serde_json::to_value(&item.position)
        .map_err(|error| RunError::Defect { stream, what: error.to_string() })?;
    let mut note = note(stream, state);
    let sequence = item.sequence.max(table.recorded_sequence());
    let begun = table.begin_at(now, &writer, sequence, &note).await;
    let mut committed = begun.map_err(|error| unusable(stream, error))?;
    let files = table.files().to_vec();
    if !files.is_empty() {
        // The rows count as deleted, for those who follow the log.
        note.counts.deleted = table.rows();
        let change = CommitFiles { started: now, add: Vec::new(), remove: files };
        let removed = table.commit(now, &writer, &change, &note).await;
        committed = removed.map_err(|error| unusable(stream, error))?;
    }
    let orphans = maintenance::orphans(&mut table, now, SignedDuration::ZERO, &writer).await;
    orphans.map_err(|error| unusable(stream, error))?;
    forget_past(&mut table, now).await.map_err(|error| unusable(stream, error))?;
    item.version = committed.version;
    item.sequence = committed.sequence;
    item.table = Some(table.mark());
    Ok(())
}

/// Empties the table of changes, or deletes its remains. The next run begins it anew, because it
/// follows no table.
async fn empty_changes(
    context: &Context,
    spec: &'static StreamSpec,
    keeper: &LeaseKeeper,
    item: &mut StreamItem,
) -> Result<(), RunError> {
    let stream = spec.name;
    let (store, account) = (Arc::clone(&context.store), context.settings.account);
    let opened = readable(Table::open_changes(store, spec, account).await);
    let Some(mut changes) = opened.map_err(|error| unusable(stream, error))? else {
        return delete_table(context, stream, &TableSchema::changes_of(spec).root()).await;
    };
    changes.advance_by_name().await.map_err(|error| unusable(stream, error))?;
    let now = context.clock.now();
    let writer = writer(context, keeper, item, changes.recorded_epoch()).await?;
    let change = ChangesCommit::Rewrite { add: Vec::new(), remove: changes.files().to_vec() };
    let note = note(stream, delta::table::following_none());
    let removed = changes.commit_changes(now, &writer, &change, &note).await;
    removed.map_err(|error| unusable(stream, error))?;
    forget_past(&mut changes, now).await.map_err(|error| unusable(stream, error))
}

/// Returns the table if it can be read. A failure of the store says nothing of the table, and must
/// not delete its log.
fn readable(opened: Result<Option<Table>, TableError>) -> Result<Option<Table>, TableError> {
    match opened {
        Err(error @ TableError::Store { .. }) => Err(error),
        opened => Ok(opened.ok().flatten()),
    }
}

/// Deletes all removed files, and the log before this version: statistics in it tell of the rows.
async fn forget_past(table: &mut Table, now: Timestamp) -> Result<(), TableError> {
    let zero = SignedDuration::ZERO;
    maintenance::vacuum(table, now, zero).await?;
    table.checkpoint(now, zero).await?;
    maintenance::clean_log(table, now, zero).await.map(|_| ())
}

/// Returns a writer whose epoch keeps former owners from committing. A state that was lost may know
/// a lower epoch than the table has recorded; the item tells the new one before any commit bears it.
async fn writer(
    context: &Context,
    keeper: &LeaseKeeper,
    item: &mut StreamItem,
    recorded: Epoch,
) -> Result<WriterIdentity, RunError> {
    if recorded >= item.epoch()
        && let Some(lease) = &mut item.lease
    {
        lease.epoch = recorded.next();
        keeper.write(item).await?;
    }
    Ok(WriterIdentity { attempt: context.random.attempt(), epoch: item.epoch() })
}

/// Returns the note of a commit of a reset, without a count of rows.
fn note(stream: &str, state: serde_json::Value) -> CommitNote {
    CommitNote {
        run: format!("reset-{stream}"),
        state,
        counts: RowCounts::default(),
        changes: None,
    }
}

fn unusable(
    stream: &'static str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> RunError {
    RunError::Table { stream, source: Box::new(error) }
}

/// Deletes a table, the log first: without it nobody sees a table with missing files.
async fn delete_table(context: &Context, stream: &'static str, root: &str) -> Result<(), RunError> {
    for prefix in [format!("{root}/_delta_log/"), format!("{root}/")] {
        delete_all(context, stream, &prefix).await?;
    }
    Ok(())
}

/// Takes the lease of `stream`, and returns its keeper and the stream's item.
async fn held(
    context: &Context,
    stream: &'static str,
) -> Result<Result<(Arc<LeaseKeeper>, StreamItem), BusyLease>, RunError> {
    let taken = take_lease(context, stream, None, None).await?;
    Ok(taken.map(|TakenLease { item, .. }| (LeaseKeeper::new(context, stream, &item), item.value)))
}

/// Gives the lease back.
async fn give_back(keeper: &LeaseKeeper, item: &mut StreamItem) -> Result<(), RunError> {
    item.lease = item.lease.as_ref().map(Lease::released);
    keeper.write(item).await
}

/// Returns the last sequence that the tables record, as far as they can be read. A table that
/// cannot be read is often the reason for a reset, so it is no error here; the item knows a
/// sequence, too.
async fn last_sequence(context: &Context, spec: &'static StreamSpec) -> Sequence {
    let account = context.settings.account;
    let table = Table::open(Arc::clone(&context.store), spec, account).await;
    let changes = Table::open_changes(Arc::clone(&context.store), spec, account).await;
    let opened = [table, changes].into_iter().filter_map(Result::ok).flatten();
    opened.map(|table| table.recorded_sequence()).max().unwrap_or_default()
}

/// Deletes all objects whose keys begin with `prefix`. Objects that are gone already do not count:
/// a second call goes on where the first one ended.
async fn delete_all(context: &Context, stream: &'static str, prefix: &str) -> Result<(), RunError> {
    let failed = |source| RunError::Store { stream, source: Box::new(source) };
    for object in context.store.list(prefix, None).await.map_err(failed)? {
        context.store.delete(&object.key).await.map_err(failed)?;
    }
    Ok(())
}
