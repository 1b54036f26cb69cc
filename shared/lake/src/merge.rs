//! Merges the rows of a run into the files of a table: copy-on-write, in key order.
//!
//! A merge reads the table twice. The survey reads keys and versions of the files concerned and
//! decides which rows move between partitions and how many are deleted, before anything is written.
//! Then the changed files of each partition are rewritten.

mod changes;
mod cursor;
mod incoming;
mod missing;
mod plan;
mod rows;
mod slots;
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
    /// All current files of the table.
    pub files: Vec<FileEntry>,
    /// Rows that were read.
    pub incoming: Arc<CollectedRows>,
    /// Coverage: what the reading proves complete.
    pub coverage: Coverage,
    /// Decides which of two versions stays, and which rows are old enough to be deleted.
    pub judge: PrecedenceRules,
    /// Most rows to delete. If more would be deleted, none is.
    pub max_deletes: u64,
    /// First part of new files' names, `<epoch>-<sequence>-<attempt>`.
    pub name: String,
    /// Time of writing in the entries of new files.
    pub now: Timestamp,
    /// Sizes of files.
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
    /// Rows of the table after the commit.
    pub rows: u64,
    /// Stored files of the table of changes, with one row for each row counted as inserted, updated
    /// or deleted.
    pub changes: Vec<FileEntry>,
}

impl MergeOutcome {
    /// Whether the merge adds or removes files.
    #[must_use]
    pub fn changes_files(&self) -> bool {
        !self.add.is_empty() || !self.remove.is_empty()
    }
}

/// Merges `job.incoming` into the table and stores the resulting files.
///
/// # Errors
/// When a file cannot be read or stored, or the collected rows cannot be read back.
pub async fn merge(
    store: Arc<dyn ObjectStore>,
    job: MergeJob,
) -> Result<MergeOutcome, RewriteError> {
    let mut table = write::TableFiles::new(store, &job)?;
    let incoming = incoming::settle(Arc::clone(&job.incoming), job.judge.precedence).await?;
    let slots = slots::slots(&job.files, incoming.layout());
    let (survey, incoming) =
        survey::survey(&mut table, &slots, &job.coverage, job.judge, incoming).await?;
    let deletes = survey.deletes();
    let refused = if deletes > job.max_deletes { deletes } else { 0 };
    let coverage = if refused > 0 { Coverage::Nothing } else { job.coverage.clone() };
    let mut merged = MergeOutcome {
        counts: RowCounts { unchanged: survey.outdated, ..RowCounts::default() },
        refused_deletes: refused,
        ..MergeOutcome::default()
    };
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
    if let Some(changes) = table.changes.take() {
        merged.changes = changes.finish().await?;
    }
    merged.rows = rows_after(&job.files, &merged);
    Ok(merged)
}

fn rows_after(files: &[FileEntry], merged: &MergeOutcome) -> u64 {
    let removed: BTreeSet<&str> = merged.remove.iter().map(|file| file.path.as_str()).collect();
    let kept = files.iter().filter(|file| !removed.contains(file.path.as_str()));
    kept.chain(&merged.add).map(|file| file.rows).sum()
}

#[cfg(test)]
mod tests;
