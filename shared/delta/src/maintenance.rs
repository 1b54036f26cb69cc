//! Housekeeping of a table: deletes old log files, removed files, and files of dead attempts.
//!
//! Each function may stop anywhere and be run again. Nothing is deleted that a later step needs.
//!
//! | deleted by | object | age |
//! | --- | --- | --- |
//! | `clean_log` | log files before a checkpoint | both older than the retention |
//! | `vacuum` | data file that a commit removed | removed longer ago than the retention |
//! | `orphans`, `change_orphans` | data file that no commit named | older than a minimum age |
//!
//! The retention serves readers: a query that began before a commit still opens the files that this
//! commit removed. The log itself names the files for `vacuum`, so it needs no listing. Only the
//! search for orphans lists the whole folder; callers do that rarely.

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
/// `retention` must not be shorter than an attempt may last. A commit is the creation of the next
/// version's file, so the number of a deleted version is free again: a writer that has slept since
/// that version could create it a second time, behind the checkpoint, where no reader looks. Its
/// rows would be lost although its put succeeded. [`Table::commit`] therefore refuses attempts that
/// last longer than an hour, and every commit reads the log again if the last one with the same
/// object is longer ago.
///
/// The checkpoint may be older than the table's newest one: it is the newest among the files past
/// the retention. Versions from there on can still be opened, see [`Table::as_of`].
///
/// # Errors
/// When the store fails, or when the checkpoint to rely on cannot be read.
pub async fn clean_log(
    table: &mut Table,
    now: Timestamp,
    retention: SignedDuration,
) -> Result<DeletedObjects, TableError> {
    table.refresh_unless_committed().await?;
    let log = table.log();
    let prefix = log.key("_delta_log/");
    let objects = log.store.list(&prefix, None).await.map_err(|source| log.failed(source))?;
    let old: Vec<(LogName, (String, u64))> = objects
        .into_iter()
        .filter(|object| retention.is_zero() || between(object.modified, now) > retention)
        .filter_map(|object| {
            let name = parse_log(object.key.strip_prefix(&prefix)?)?;
            Some((name, (object.key, object.size)))
        })
        .collect();
    let Some((version, parts)) = newest_whole_checkpoint(&old) else {
        return Ok(DeletedObjects::default());
    };
    // Everything before this checkpoint is about to be deleted, so it must be readable. Its files
    // being present proves nothing: a cut or swapped file is noticed only when it is read.
    let whole = log.read_checkpoint(version, &checkpoint_parts(version, parts)).await?;
    if log.hint().await?.is_some_and(|hint| hint < version) {
        // A crash left an old hint; other readers follow it and would find no log there.
        let parts = (parts > 0).then_some(parts);
        let hint = json!({ "version": version, "size": whole.actions(), "parts": parts });
        log.put(LAST_CHECKPOINT, hint.to_string().into_bytes()).await?;
    }
    // Checkpoints carry no notes. If the commit with the newest note went, the position of the
    // stream would be in the state item alone, and a lost item could not be repaired.
    let noted = table.state().note.as_ref().map(|noted| noted.version);
    let doomed = old.into_iter().filter(|(name, _)| match name {
        LogName::Commit(commit) => *commit < version && Some(*commit) != noted,
        LogName::Checkpoint { version: other, .. } => *other < version,
    });
    delete(table, doomed.map(|(_, object)| object).collect()).await
}

/// Deletes files that were removed from the table more than `retention` ago, as the log says; all
/// of them if the retention is zero. The result counts files that are already gone, too.
///
/// The log is not changed: a tombstone stays in it until the next checkpoint leaves it out, and its
/// file is deleted again by each call until then. Deleting a missing object is no error, and the
/// memory of what was deleted would be one more thing to keep.
///
/// A tombstone without a time counts as removed in 1970. Delta's protocol makes the time optional.
///
/// # Errors
/// When the log cannot be read or the store fails.
pub async fn vacuum(
    table: &mut Table,
    now: Timestamp,
    retention: SignedDuration,
) -> Result<DeletedObjects, TableError> {
    table.refresh_unless_committed().await?;
    let expired = |deleted: Option<i64>| {
        let deleted = deleted.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        // With a retention of zero, no clock matters.
        retention.is_zero() || between(deleted.unwrap_or_default(), now) > retention
    };
    let doomed = by_newest(table, |table| {
        let state = table.state();
        let dead = state.tombstones.iter().filter(|(path, remove)| {
            // A path that another engine added again is in use, whatever its tombstone says.
            expired(remove.deletion_timestamp) && !state.files.contains_key(*path)
        });
        dead.map(|(path, remove)| (table.log().key(path), remove.size.unwrap_or_default()))
            .collect()
    });
    let doomed = doomed.await?;
    delete(table, doomed).await
}

/// Deletes data files of attempts that died before they committed. Their names show an epoch below
/// the writer's, or the same epoch and a committed sequence. They are older than `min_age` and
/// neither in the table nor among its tombstones, which `vacuum` deletes. Files with other names
/// are kept.
///
/// Examples for a writer of epoch 5 in a table at sequence 9:
///
/// | file | deleted | reason |
/// | --- | --- | --- |
/// | `4-9-ab12-0.parquet` | yes | a former holder of the lease wrote it and can no longer commit |
/// | `5-9-cd34-0.parquet` | yes | this lease has committed sequence 9, without this file |
/// | `5-10-cd34-0.parquet` | no | may belong to the commit that comes next |
/// | `6-9-ef56-0.parquet` | no | a newer holder of the lease may be about to commit it |
/// | `part-00000-3a0f.parquet` | no | another engine wrote it |
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

/// Does the same for the table of changes of `table`. Keeps files named by the note of `table`: a
/// commit names the files of its changes before they are appended, and if the run dies between the
/// two, the next run appends them from the note.
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
    // Listed first: a listed file that is committed or named meanwhile is then known below.
    let listed = list_all(changes).await?;
    table.refresh().await?;
    table.advance_by_name().await?;
    let named = table.note().and_then(|note| note.changes.as_ref());
    let files = named.into_iter().flat_map(|changes| &changes.files);
    let named: BTreeSet<String> = files.map(|file| file.path.clone()).collect();
    orphans_among(listed, changes, now, min_age, writer, &named).await
}

/// Lists every object in the table's folder: data files and log files.
async fn list_all(table: &Table) -> Result<Vec<ObjectMeta>, TableError> {
    let log = table.log();
    log.store.list(&log.key(""), None).await.map_err(|source| log.failed(source))
}

/// Deletes the orphans of `table` among `objects`, which were listed before. Paths in `named` stay.
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
    let old = |object: &&ObjectMeta| between(object.modified, now) >= min_age || min_age.is_zero();
    let doomed = by_newest(table, |table| {
        // Another writer has the lease. Its files may look dead by the numbers of this writer.
        if table.recorded_epoch() > writer.epoch {
            return Vec::new();
        }
        let state = table.state();
        let (epoch, sequence) = (writer.epoch.0, table.recorded_sequence().0);
        let orphans = objects.iter().filter(old).filter(|object| {
            let Some(path) = object.key.strip_prefix(&prefix) else { return false };
            let Some((of_epoch, of_sequence)) = parse_data_file(path) else { return false };
            let dead = of_epoch < epoch || (of_epoch == epoch && of_sequence <= sequence);
            let known = state.files.contains_key(path)
                || state.tombstones.contains_key(path)
                || named.contains(path)
                || path.starts_with("_delta_log/");
            dead && !known
        });
        orphans.map(|object| (object.key.clone(), object.size)).collect()
    });
    let doomed = doomed.await?;
    delete(table, doomed).await
}

/// Newest checkpoint with all its files among `files`, and its number of parts; 0 parts stand for a
/// single file. A checkpoint of several parts, some of which are younger than the retention, does
/// not count: half of it would be no base for a table.
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

/// Objects that `doomed` names by the newest version of the table. A version that a listing did not
/// show yet may have added a file that is dead by the one before.
async fn by_newest(
    table: &mut Table,
    doomed: impl Fn(&Table) -> Vec<(String, u64)>,
) -> Result<Vec<(String, u64)>, TableError> {
    let mut found = doomed(table);
    while !found.is_empty() && table.advance_by_name().await? {
        found = doomed(table);
    }
    Ok(found)
}

/// Deletes objects of the table, given with their sizes, and adds up the sizes. Stops at the first
/// failure; deleted objects stay deleted, and a later call finds the rest.
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
