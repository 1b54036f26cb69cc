//! Housekeeping of a table: deletes old log files, removed files, and files of dead attempts.
//!
//! Each function may stop anywhere and be run again. Nothing is deleted that a later step needs.

use std::collections::{BTreeMap, BTreeSet};

use engine::time::{SignedDuration, Timestamp, between};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;

use crate::store::ObjectMeta;
use crate::table::{
    LAST_CHECKPOINT, LogName, Table, TableError, WriterIdentity, checkpoint_parts, parse_data_file,
    parse_log,
};

/// Number of objects deleted at the same time.
const SIDE_BY_SIDE: usize = 8;

/// Objects that housekeeping deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeletedObjects {
    /// Number of objects.
    pub files: u64,
    /// Their size in bytes, as far as the log or the listing gives it.
    pub bytes: u64,
}

/// Deletes log files older than `retention` that precede a checkpoint that is also older than that.
/// Keeps the newest commit with a note, and files of unknown kinds.
///
/// # Errors
/// When the store fails, or when the checkpoint to rely on cannot be read.
pub async fn clean_log(
    table: &mut Table,
    now: Timestamp,
    retention: SignedDuration,
) -> Result<DeletedObjects, TableError> {
    table.refresh().await?;
    let log = table.log();
    let prefix = log.key("_delta_log/");
    let objects = log.store.list(&prefix, None).await.map_err(|source| log.failed(source))?;
    let old: Vec<(LogName, (String, u64))> = objects
        .into_iter()
        .filter(|object| between(object.modified, now) > retention)
        .filter_map(|object| {
            let name = parse_log(object.key.strip_prefix(&prefix)?)?;
            Some((name, (object.key, object.size)))
        })
        .collect();
    let Some((version, parts)) = newest_whole_checkpoint(&old) else {
        return Ok(DeletedObjects::default());
    };
    // Everything before this checkpoint is about to be deleted, so it must be readable.
    let whole = log.read_checkpoint(version, &checkpoint_parts(version, parts)).await?;
    if log.hint().await?.is_some_and(|hint| hint < version) {
        // A crash left an old hint; other readers follow it and would find no log there.
        let parts = (parts > 0).then_some(parts);
        let hint = json!({ "version": version, "size": whole.actions(), "parts": parts });
        log.put(LAST_CHECKPOINT, hint.to_string().into_bytes()).await?;
    }
    let noted = table.state().note.as_ref().map(|noted| noted.version);
    let doomed = old.into_iter().filter(|(name, _)| match name {
        LogName::Commit(commit) => *commit < version && Some(*commit) != noted,
        LogName::Checkpoint { version: other, .. } => *other < version,
    });
    delete(table, doomed.map(|(_, object)| object).collect()).await
}

/// Deletes files that were removed from the table more than `retention` ago, as the log says; all
/// of them if the retention is zero. Counts files that are already gone.
///
/// # Errors
/// When the log cannot be read or the store fails.
pub async fn vacuum(
    table: &mut Table,
    now: Timestamp,
    retention: SignedDuration,
) -> Result<DeletedObjects, TableError> {
    table.refresh().await?;
    let state = table.state();
    let expired = |deleted: Option<i64>| {
        let deleted = deleted.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        // With a retention of zero, no clock matters.
        retention.is_zero() || between(deleted.unwrap_or_default(), now) > retention
    };
    let doomed = state
        .tombstones
        .iter()
        .filter(|(path, remove)| {
            expired(remove.deletion_timestamp) && !state.files.contains_key(*path)
        })
        .map(|(path, remove)| (table.log().key(path), remove.size.unwrap_or_default()))
        .collect();
    delete(table, doomed).await
}

/// Deletes data files of attempts that died before they committed. Their names show an epoch below
/// the writer's, or the same epoch and a committed sequence. They are older than `min_age` and
/// neither in the table nor among its tombstones, which `vacuum` deletes. Files with other names
/// are kept.
///
/// The writer must hold the stream's lease. Deletes nothing if the lease was taken over.
///
/// # Errors
/// When the log cannot be read or the store fails.
pub async fn orphans(
    table: &mut Table,
    now: Timestamp,
    min_age: SignedDuration,
    writer: &WriterIdentity,
) -> Result<DeletedObjects, TableError> {
    let listed = list_all(table).await?;
    orphans_among(listed, table, now, min_age, writer, &BTreeSet::new()).await
}

/// Does the same for the table of changes of `table`. Keeps files named by the note of `table`.
///
/// # Errors
/// The same as [`orphans`].
pub async fn change_orphans(
    table: &mut Table,
    changes: &mut Table,
    now: Timestamp,
    min_age: SignedDuration,
    writer: &WriterIdentity,
) -> Result<DeletedObjects, TableError> {
    let listed = list_all(changes).await?;
    table.refresh().await?;
    let named = table.note().and_then(|note| note.changes.as_ref());
    let files = named.into_iter().flat_map(|changes| &changes.files);
    let named: BTreeSet<String> = files.map(|file| file.path.clone()).collect();
    orphans_among(listed, changes, now, min_age, writer, &named).await
}

async fn list_all(table: &Table) -> Result<Vec<ObjectMeta>, TableError> {
    let log = table.log();
    log.store.list(&log.key(""), None).await.map_err(|source| log.failed(source))
}

async fn orphans_among(
    objects: Vec<ObjectMeta>,
    table: &mut Table,
    now: Timestamp,
    min_age: SignedDuration,
    writer: &WriterIdentity,
    named: &BTreeSet<String>,
) -> Result<DeletedObjects, TableError> {
    // Refreshing after the listing protects files that were committed meanwhile.
    table.refresh().await?;
    let prefix = table.log().key("");
    if table.recorded_epoch() > writer.epoch {
        return Ok(DeletedObjects::default());
    }
    let state = table.state();
    let (epoch, sequence) = (writer.epoch.0, table.recorded_sequence().0);
    let doomed = objects
        .into_iter()
        .filter(|object| between(object.modified, now) >= min_age || min_age.is_zero())
        .filter_map(|object| {
            let path = object.key.strip_prefix(&prefix)?;
            let (of_epoch, of_sequence) = parse_data_file(path)?;
            let dead = of_epoch < epoch || (of_epoch == epoch && of_sequence <= sequence);
            let known = state.files.contains_key(path)
                || state.tombstones.contains_key(path)
                || named.contains(path)
                || path.starts_with("_delta_log/");
            (dead && !known).then_some((object.key, object.size))
        })
        .collect();
    delete(table, doomed).await
}

/// Newest checkpoint with all its files among `files`, and its number of parts.
fn newest_whole_checkpoint(files: &[(LogName, (String, u64))]) -> Option<(u64, u32)> {
    let mut found = BTreeMap::<(u64, u32), u32>::new();
    for (name, _) in files {
        match name {
            LogName::Commit(_) => {}
            LogName::Checkpoint { version, parts, .. } => {
                *found.entry((*version, *parts)).or_default() += 1;
            }
        }
    }
    let whole = found.into_iter().rev().find(|((_, parts), count)| count >= parts);
    whole.map(|(checkpoint, _)| checkpoint)
}

/// Deletes objects of the table. The sizes are only summed up.
async fn delete(table: &Table, doomed: Vec<(String, u64)>) -> Result<DeletedObjects, TableError> {
    let log = table.log();
    let sizes = stream::iter(doomed)
        .map(|(key, size)| async move {
            log.store.delete(&key).await.map_err(|source| log.failed(source)).map(|()| size)
        })
        .buffered(SIDE_BY_SIDE);
    sizes
        .try_fold(DeletedObjects::default(), |sum, size| async move {
            Ok(DeletedObjects { files: sum.files + 1, bytes: sum.bytes + size })
        })
        .await
}

#[cfg(test)]
mod tests;
