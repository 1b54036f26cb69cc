//! The rows of a run into the files of a table: copy-on-write, in key order, only what changes.
//!
//! A merge goes over the table twice. The survey reads keys and versions of the files concerned
//! and decides which rows move between partitions and how many are deleted; nothing is written
//! before that is known. Then each partition's changed files are written anew.

mod changes;
mod cursor;
mod incoming;
mod missing;
mod plan;
mod rows;
mod survey;
mod write;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use missing::missing;

use engine::coverage::Coverage;
use engine::precedence::Judge;
use engine::report::Counts;
use engine::time::Timestamp;

use crate::changes::ChangesOf;
use crate::collect::{CollectError, Collected};
use crate::partition::{Limits, PartitionError};
use crate::schema::TableSchema;
use crate::store::{ObjectStore, StoreError};
use crate::table::FileEntry;

/// What to merge into what.
#[derive(Clone, Debug)]
pub struct MergeJob {
    /// The table's schema.
    pub schema: TableSchema,
    /// The table's place below the lake's root, `tables/<stream>`.
    pub root: String,
    /// All current files of the table.
    pub files: Vec<FileEntry>,
    /// The rows that were read.
    pub incoming: Arc<Collected>,
    /// What the reading proves complete.
    pub coverage: Coverage,
    /// Which of two versions stays, and which rows are old enough to be deleted.
    pub judge: Judge,
    /// With more deletions than this none is done.
    pub max_deletes: u64,
    /// Beginning of new files' names, `<epoch>-<sequence>-<attempt>`.
    pub name: String,
    /// Goes into the entries of new files.
    pub now: Timestamp,
    /// Sizes of files; the default is what tables promise.
    pub limits: Limits,
    /// Where what changes is written, too; `None`: nowhere.
    pub changes: Option<ChangesOf>,
}

/// What a merge changes; the new files are stored already, so that a commit may name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// New files.
    pub add: Vec<FileEntry>,
    /// Files that they, or nothing, replace.
    pub remove: Vec<FileEntry>,
    /// Rows changed and left alone.
    pub counts: Counts,
    /// More rows than allowed would have been deleted: so many; none was.
    pub refused_deletes: u64,
    /// Rows of the table after the commit.
    pub rows: u64,
    /// Files of the table of changes, stored already: a row for each that is counted as inserted,
    /// updated or deleted.
    pub changes: Vec<FileEntry>,
}

impl Merged {
    /// Whether there is something to commit.
    #[must_use]
    pub fn changes_files(&self) -> bool {
        !self.add.is_empty() || !self.remove.is_empty()
    }
}

/// Why rows could not be merged. Nothing is committed; the same merge may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A file of the table could not be read or written.
    #[error(transparent)]
    Partition(#[from] PartitionError),
    /// The gathered rows could not be read.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// The process is ending.
    #[error("the merge was stopped")]
    Stopped,
}

impl From<StoreError> for MergeError {
    fn from(error: StoreError) -> Self {
        Self::Partition(error.into())
    }
}

impl From<arrow::error::ArrowError> for MergeError {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Partition(error.into())
    }
}

/// Merges `job.incoming` into the table and stores the files that this makes.
///
/// # Errors
/// Where a file cannot be read or stored, or the gathered rows cannot be read back.
pub async fn merge(store: Arc<dyn ObjectStore>, job: MergeJob) -> Result<Merged, MergeError> {
    let mut table = write::TableFiles::new(store, &job)?;
    let incoming = incoming::settle(Arc::clone(&job.incoming), job.judge.precedence).await?;
    let slots = plan::slots(&job.files, incoming.layout());
    let (survey, incoming) =
        survey::survey(&mut table, &slots, &job.coverage, job.judge, incoming).await?;
    let deletes = survey.deletes();
    let refused = if deletes > job.max_deletes { deletes } else { 0 };
    let coverage = if refused > 0 { Coverage::Nothing } else { job.coverage.clone() };
    let mut merged = Merged {
        counts: Counts { unchanged: survey.outdated, ..Counts::default() },
        refused_deletes: refused,
        ..Merged::default()
    };
    let partitions: BTreeSet<&Option<String>> = slots.keys().collect();
    let touched = incoming.partitions();
    let partitions: BTreeSet<Option<String>> =
        partitions.into_iter().cloned().chain(touched).collect();
    let merging = plan::Merging {
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
    merged.changes = table.finish_changes().await?;
    merged.rows = rows_after(&job.files, &merged);
    Ok(merged)
}

fn rows_after(files: &[FileEntry], merged: &Merged) -> u64 {
    let removed: BTreeSet<&str> = merged.remove.iter().map(|file| file.path.as_str()).collect();
    let kept = files.iter().filter(|file| !removed.contains(file.path.as_str()));
    kept.chain(&merged.add).map(|file| file.rows).sum()
}

/// Runs `work` off the IO thread.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, MergeError> + Send + 'static,
) -> Result<T, MergeError> {
    match crate::offload::offload(work).await {
        Ok(done) => done,
        Err(stopped) if stopped.is_panic() => std::panic::resume_unwind(stopped.into_panic()),
        Err(_) => Err(MergeError::Stopped),
    }
}

#[cfg(test)]
mod tests;
