//! Merges the rows of a run into the files of a table: copy-on-write, in key order.
//!
//! Files are immutable, so a change of one row means a new file. The merge writes as few of them as
//! possible, and decides everything before it writes anything (ADR 4): a refused mass delete or an
//! unchanged table then costs no encoding and leaves no files behind.
//!
//! | phase | module | reads | result |
//! | --- | --- | --- | --- |
//! | settle | `incoming` | collected rows | each key in one partition |
//! | slots | `slots` | entries of the log | parts of the table that are merged by themselves |
//! | survey | `survey` | keys and versions | moved rows, number of deletes |
//! | outlook | `plan` | rows that come, and their old versions | the slots to rewrite, their row counts |
//! | rewrite | `plan`, `rows`, `span`, `encode`, `write` | whole rows | new files, and files of changes |
//! | or patch | `patch` | columns that differ | the same, where rows are only updated |
//!
//! A row of the table and the incoming rows with its key lead to one of these effects:
//!
//! | incoming row | effect |
//! | --- | --- |
//! | in the same partition, newer, other content | updated |
//! | in the same partition, newer, same content | unchanged, with the `synced_at` of the old row |
//! | in the same partition, older | unchanged |
//! | in another partition, newer | the row moves: it leaves here and counts as updated there |
//! | in another partition, older | unchanged; the incoming row is dropped |
//! | in the null partition | compared within the partition of the table's row |
//! | none, row covered and older than the reading | deleted |
//! | none, otherwise | stays |
//!
//! [`missing()`] stands beside the merge: it only reads, and finds the rows that a sweep did not
//! see.

mod changes;
mod encode;
mod incoming;
mod missing;
mod patch;
mod plan;
mod rows;
mod slots;
mod span;
mod survey;
mod write;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use missing::missing;

use decode::schema::TableSchema;
use delta::store::ObjectStore;
use delta::table::FileEntry;
use engine::coverage::Coverage;
use engine::precedence::PrecedenceRules;
use engine::report::RowCounts;
use engine::time::Timestamp;

use crate::blocking::RewriteError;
use crate::changes::ChangesOf;
use crate::collect::CollectedRows;
use crate::partition::FileLimits;

/// Input of a merge.
#[derive(Clone, Debug)]
pub struct MergeJob {
    /// Schema of the table.
    pub schema: TableSchema,
    /// Folder of the table below the lake's root, `tables/<stream>`.
    pub root: String,
    /// All current files of the table. The commit must fail if another writer has changed them
    /// since; the caller then merges again.
    pub files: Vec<FileEntry>,
    /// Rows that were read.
    pub incoming: Arc<CollectedRows>,
    /// Coverage: the part of the table that the reading proves complete. Only rows within it are
    /// deleted.
    pub coverage: Coverage,
    /// Decides which of two versions stays, and which rows are old enough to be deleted.
    pub judge: PrecedenceRules,
    /// Most rows to delete. If more would be deleted, none is, and the rest of the merge goes on:
    /// an answer that lacks half of the account must not take half of the table with it.
    pub max_deletes: u64,
    /// First part of new files' names, `<epoch>-<sequence>-<attempt>`. It differs for every
    /// attempt, so that two workers never write the same name.
    pub name: String,
    /// Time of writing in the entries of new files. An argument instead of a clock, so that the
    /// same input gives the same entries.
    pub now: Timestamp,
    /// Sizes at which files are split and joined.
    pub limits: FileLimits,
    /// Destination of the changes; `None` if they are not recorded.
    pub changes: Option<ChangesOf>,
}

/// Outcome of a merge. The new files are stored already, so that a commit may name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergeOutcome {
    /// New files.
    pub add: Vec<FileEntry>,
    /// Files that leave the table.
    pub remove: Vec<FileEntry>,
    /// Numbers of rows changed and left alone.
    pub counts: RowCounts,
    /// Number of deletions that were refused because they exceed `max_deletes`; 0 if there are
    /// none.
    pub refused_deletes: u64,
    /// Rows of the table after the commit, by the log's counts.
    pub rows: u64,
    /// Stored files of the table of changes, with one row for each row counted as inserted, updated
    /// or deleted. The commit names them, and they are appended after it.
    pub changes: Vec<FileEntry>,
}

impl MergeOutcome {
    /// Whether the merge adds or removes files. If not, there is nothing to commit.
    #[must_use]
    pub fn changes_files(&self) -> bool {
        !self.add.is_empty() || !self.remove.is_empty()
    }
}

/// Merges `job.incoming` into the table and stores the resulting files.
///
/// The same job can be merged again, after an error or a lost race: nothing of the table is
/// changed, and files stored before stay unnamed.
///
/// # Errors
/// When a file cannot be read or stored, or the collected rows cannot be read back.
pub async fn merge(
    store: Arc<dyn ObjectStore>,
    job: MergeJob,
) -> Result<MergeOutcome, RewriteError> {
    let mut table = write::TableFiles::new(store, &job)?;
    // First the incoming rows among themselves, then against the table: the survey must find each
    // key at most once in each partition.
    let incoming = incoming::settle(Arc::clone(&job.incoming), job.judge.precedence).await?;
    let slots = slots::slots(&job.files, incoming.layout());
    let (survey, incoming) =
        survey::survey(&mut table, &slots, &job.coverage, job.judge, incoming).await?;
    let deletes = survey.deletes();
    // Refused deletes take the whole coverage with them. Inserts and updates are proven by the
    // record itself and stay.
    let refused = if deletes > job.max_deletes { deletes } else { 0 };
    let coverage = if refused > 0 { Coverage::Nothing } else { job.coverage.clone() };
    let mut merged = MergeOutcome {
        counts: RowCounts { unchanged: survey.outdated, ..RowCounts::default() },
        refused_deletes: refused,
        ..MergeOutcome::default()
    };
    // Partitions with files and partitions with incoming rows, in one order: the same input then
    // numbers the new files in the same way. The survey may have moved rows, so the incoming ones
    // are asked only here.
    let partitions: BTreeSet<&Option<String>> = slots.keys().collect();
    let touched = incoming.partitions();
    let partitions: BTreeSet<Option<String>> =
        partitions.into_iter().cloned().chain(touched).collect();
    let merging = plan::MergeContext {
        incoming: Arc::new(incoming),
        coverage: Arc::new(coverage),
        judge: job.judge,
        survey,
        limits: job.limits,
    };
    for partition in partitions {
        let slots = slots.get(&partition).map_or(&[][..], Vec::as_slice);
        merging.partition(&mut table, partition.as_deref(), slots, &mut merged).await?;
    }
    // The last file of changes is incomplete until all partitions are through: one file takes the
    // changes of all of them.
    if let Some(changes) = table.changes.take() {
        merged.changes = changes.finish().await?;
    }
    merged.rows = rows_after(&job.files, &merged);
    Ok(merged)
}

/// Sum of the rows in all files that are current after the commit.
fn rows_after(files: &[FileEntry], merged: &MergeOutcome) -> u64 {
    let removed: BTreeSet<&str> = merged.remove.iter().map(|file| file.path.as_str()).collect();
    let kept = files.iter().filter(|file| !removed.contains(file.path.as_str()));
    kept.chain(&merged.add).map(|file| file.rows).sum()
}

#[cfg(test)]
mod tests;
