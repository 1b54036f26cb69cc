//! Throwing a table away, so that the next run loads it anew.

use std::sync::Arc;

use engine::ids::Sequence;
use engine::item::{Health, Position};
use engine::lease::{Busy, Lease};
use engine::report::Counts;
use engine::spec::StreamSpec;
use lake::schema::TableSchema;
use lake::table::{CommitNote, Table, Writer};

use crate::context::Context;
use crate::error::RunError;
use crate::records;
use crate::run::take_lease;

/// Deletes the table of `spec` with its work objects and forgets where the stream stood; an empty
/// table takes its place. Quarantined records stay. The sequence goes on from where it was, so that
/// the next run begins the table of changes anew and whoever follows it sees that. Killed anywhere,
/// it can be called again; the table is then either as before, damaged, or empty, never half full.
///
/// # Errors
/// Where the stores fail. [`Busy`] where a run works on the stream.
pub async fn reset(
    context: &Context,
    spec: &'static StreamSpec,
) -> Result<Result<(), Busy>, RunError> {
    let stream = spec.name;
    let mut item = match take_lease(context, stream, None).await? {
        Ok((item, _)) => item,
        Err(busy) => return Ok(Err(busy)),
    };
    let key = records::stream_key(context.settings.account, stream);
    let sequence = last_sequence(context, spec).await.max(item.value.sequence).next();
    item.value.position = Position::default();
    item.value.health = Health::default();
    // The log goes first: from then on no reader sees the table.
    for prefix in [
        format!("tables/{stream}/_delta_log/"),
        format!("tables/{stream}/"),
        format!("work/{stream}/"),
    ] {
        delete_all(context, stream, &prefix).await?;
    }
    let account = context.settings.account;
    let now = context.clock.now();
    let failed =
        |source: Box<dyn std::error::Error + Send + Sync>| RunError::Table { stream, source };
    let mut table = Table::create(Arc::clone(&context.store), spec, account, now)
        .await
        .map_err(|error| failed(Box::new(error)))?;
    // Whoever worked on the former table cannot go on with this one.
    let writer = Writer { attempt: context.random.attempt(), epoch: item.value.epoch() };
    let state = serde_json::to_value(&item.value.position)
        .map_err(|error| RunError::Defect { stream, what: error.to_string() })?;
    let note = CommitNote {
        run: format!("reset-{stream}"),
        state,
        counts: Counts::default(),
        changes: None,
    };
    let committed = table
        .begin_at(now, &writer, sequence, &note)
        .await
        .map_err(|error| failed(Box::new(error)))?;
    item.value.version = committed.version;
    item.value.sequence = committed.sequence;
    item.value.table = Some(table.mark());
    item.value.lease = item.value.lease.as_ref().map(Lease::released);
    let written = records::write(&*context.state, &key, &mut item)
        .await
        .map_err(|source| RunError::State { stream, source })?;
    if written { Ok(Ok(())) } else { Err(RunError::LostLease { stream }) }
}

/// Deletes the table of the changes of `spec`: the next run begins it anew, with all rows of the
/// stream's table, which stays as it is. Killed anywhere, it can be called again.
///
/// # Errors
/// Where the stores fail. [`Busy`] where a run works on the stream.
pub async fn reset_changes(
    context: &Context,
    spec: &'static StreamSpec,
) -> Result<Result<(), Busy>, RunError> {
    let stream = spec.name;
    let mut item = match take_lease(context, stream, None).await? {
        Ok((item, _)) => item,
        Err(busy) => return Ok(Err(busy)),
    };
    let root = TableSchema::changes_of(spec).root();
    for prefix in [format!("{root}/_delta_log/"), format!("{root}/")] {
        delete_all(context, stream, &prefix).await?;
    }
    // The next run looks at it, and finds that it missed everything.
    item.value.changes = None;
    item.value.lease = item.value.lease.as_ref().map(Lease::released);
    let key = records::stream_key(context.settings.account, stream);
    let written = records::write(&*context.state, &key, &mut item)
        .await
        .map_err(|source| RunError::State { stream, source })?;
    if written { Ok(Ok(())) } else { Err(RunError::LostLease { stream }) }
}

/// The last sequence that the tables speak of, as far as they can be read.
async fn last_sequence(context: &Context, spec: &'static StreamSpec) -> Sequence {
    let account = context.settings.account;
    let table = Table::open(Arc::clone(&context.store), spec, account).await;
    let changes = Table::open_changes(Arc::clone(&context.store), spec, account).await;
    let opened = [table, changes].into_iter().filter_map(Result::ok).flatten();
    opened.map(|table| table.recorded_sequence()).max().unwrap_or_default()
}

async fn delete_all(context: &Context, stream: &'static str, prefix: &str) -> Result<(), RunError> {
    let failed = |source| RunError::Store { stream, source: Box::new(source) };
    for object in context.store.list(prefix, None).await.map_err(failed)? {
        context.store.delete(&object.key).await.map_err(failed)?;
    }
    Ok(())
}
