//! Compares a table with rows that were read for the purpose.
//!
//! The reading and the table are two views of an account that changes all the time. A difference
//! counts as wrong only if no change can explain it: not if Harvest changed the record after the
//! last pass, nor if a run wrote the row after the reading began. Such records are counted as
//! newer.
//!
//! The caller reads Harvest, says what its reading covers ([`ReadingCoverage`]), and refreshes the
//! table after the reading: rows that runs write meanwhile are then present with a later
//! `synced_at`.

mod matching;

use std::collections::BTreeSet;
use std::sync::Arc;

use delta::table::{FileEntry, Table};
use engine::coverage::Coverage;
use engine::precedence::Precedence;
use engine::present::Present;
use engine::time::{Date, Timestamp};
use serde::Serialize;

use self::matching::{DifferenceJudge, RowMatching};
use super::{VerifyError, blocking};
use crate::collect::{CollectedRows, Collector, KeyRange, MEMORY_LIMIT};
use crate::partition::{RowLayout, fetch, open};
use crate::progress::FileProgress;
use crate::walk::RowWalk;

/// Rules to judge a reading by.
#[derive(Clone, Debug)]
pub struct ComparisonRules {
    /// Part of the table that it should have returned. Rows outside of it that were not returned are
    /// not judged. A sample covers nothing: returned records are compared, and files without any of
    /// their keys are not read.
    pub coverage: Coverage,
    /// Start of the changes that are not in the table yet: the cursor of the stream. `None` if
    /// there is none; then no record is excused by its `updated_at`.
    pub cursor: Option<Timestamp>,
    /// Start of the reading. Rows of the table that were read since are not judged.
    pub began: Timestamp,
    /// Time of the comparison. Rows dated later, by a clock that was ahead, count as older than the
    /// reading.
    pub present: Present,
    /// First day of which the table has the records of a dated listing, by its last full pass. Records
    /// before it, and those without a day, are in one of both only by chance.
    pub start_date: Option<Date>,
}

/// A difference, as text for people and JSON. Keys are written as in the log's tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum RowDifference {
    /// Harvest has the record, the table does not.
    MissingHere {
        /// Key of the record.
        key: String,
    },
    /// The table has the record, Harvest does not.
    MissingInHarvest {
        /// Key of the record.
        key: String,
    },
    /// Table and Harvest hold different values.
    Differs {
        /// Key of the record.
        key: String,
        /// Name of the column.
        column: String,
        /// Value in the table; `None` if null.
        here: Option<String>,
        /// Value in Harvest; `None` if null.
        harvest: Option<String>,
    },
}

/// Result of comparing a table with a reading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TableComparison {
    /// Number of records read, each once.
    pub records: u64,
    /// Number of records that are equal in the table.
    pub equal: u64,
    /// Number of records that changed in Harvest after the table was updated, and of rows in the
    /// table that are newer than the reading.
    pub newer: u64,
    /// Number of records that the table lacks.
    pub missing_here: u64,
    /// Number of rows that Harvest lacks.
    pub missing_in_harvest: u64,
    /// Number of records with other values in the table.
    pub differing: u64,
    /// First differences, in order of partition and key. A record with several differing columns
    /// has one element for each.
    pub differences: Vec<RowDifference>,
}

impl TableComparison {
    /// Number of records that are not as they should be. Newer ones are none of them.
    #[must_use]
    pub fn wrong(&self) -> u64 {
        self.missing_here + self.missing_in_harvest + self.differing
    }
}

/// Compares all columns except `synced_at` and volatile ones. Memory: one file of the table. Each
/// file is told once.
///
/// # Errors
/// When a file of the table cannot be read; verify it first.
pub async fn compare(
    table: &Table,
    read: &CollectedRows,
    against: &ComparisonRules,
    progress: &dyn FileProgress,
) -> Result<TableComparison, VerifyError> {
    let columns = read.layout().content.clone();
    matched(table, read, against, columns, false, progress).await
}

/// Compares all columns of all rows. No difference is excused: both sides come from the same
/// commits.
pub(super) async fn exactly(
    table: &Table,
    rows: &CollectedRows,
    progress: &dyn FileProgress,
) -> Result<TableComparison, VerifyError> {
    let columns = (0..rows.layout().schema.fields().len()).collect();
    let (began, present) = (Timestamp::MAX, Present::ours(Timestamp::MAX));
    let against = ComparisonRules {
        coverage: Coverage::Whole { begun: began },
        cursor: None,
        began,
        present,
        start_date: None,
    };
    matched(table, rows, &against, columns, true, progress).await
}

/// Compares partition by partition, since both sides are in key order within one.
async fn matched(
    table: &Table,
    read: &CollectedRows,
    against: &ComparisonRules,
    columns: Vec<usize>,
    exact: bool,
    progress: &dyn FileProgress,
) -> Result<TableComparison, VerifyError> {
    let layout = Arc::clone(read.layout());
    // Partitions of either side. One without files has only missing rows, one without records only
    // surplus ones.
    let held = table.files().iter().map(|file| file.partition.as_deref());
    let partitions: BTreeSet<Option<&str>> = held.chain(read.partitions()).collect();
    let mut judge = DifferenceJudge {
        layout: Arc::clone(&layout),
        spec: table.schema().spec,
        against: against.clone(),
        columns,
        exact,
        compared: TableComparison::default(),
    };
    for partition in partitions {
        let files = table.files().iter().filter(|file| file.partition.as_deref() == partition);
        let is_read = |file: &&FileEntry| {
            !against.coverage.is_nothing() || may_be_read(&layout, read, partition, file)
        };
        let (files, unread): (Vec<&FileEntry>, Vec<_>) = files.partition(is_read);
        for file in unread {
            progress.done(file);
        }
        // A full pass keeps the newest reading of a repeated record, too.
        let theirs = read.partition(partition, Precedence::NewestRead);
        let mut matching = RowMatching::new(judge, RowWalk::new(Arc::clone(&layout), theirs));
        if files.iter().any(|file| file.keys.is_none()) {
            matching = sorted_anew(table, &files, Arc::clone(&layout), matching, progress).await?;
        } else {
            for file in files {
                let content = fetch(table.store().as_ref(), table.root(), file).await?;
                let (layout, path) = (Arc::clone(&layout), file.path.clone());
                matching = blocking(move || {
                    let rows = open(&layout, &path, content)?;
                    matching.rows(RowWalk::new(layout, rows))?;
                    Ok(matching)
                })
                .await?;
                progress.done(file);
            }
        }
        judge = blocking(move || matching.finish()).await?;
    }
    Ok(judge.compared)
}

/// Whether a record that was read may be in this file. Keys unknown to the log may be any.
fn may_be_read(
    layout: &RowLayout,
    read: &CollectedRows,
    partition: Option<&str>,
    file: &FileEntry,
) -> bool {
    let Some((first, last)) = &file.keys else { return true };
    let range = layout.key_bytes(first).zip(layout.key_bytes(last));
    range.is_none_or(|(first, last)| read.may_hold(partition, &KeyRange { first, last }))
}

/// Matches a partition with files of other engines, whose rows may be in any order. Sorts the rows
/// of all its files first.
async fn sorted_anew(
    table: &Table,
    files: &[&FileEntry],
    layout: Arc<RowLayout>,
    mut matching: RowMatching,
    progress: &dyn FileProgress,
) -> Result<RowMatching, VerifyError> {
    let mut collector = Collector::with_layout(Arc::clone(&layout), None, None, MEMORY_LIMIT);
    for file in files {
        let content = fetch(table.store().as_ref(), table.root(), file).await?;
        let (layout, path) = (Arc::clone(&layout), file.path.clone());
        collector = blocking(move || {
            for batch in open(&layout, &path, content)? {
                collector.push_into(None, batch?)?;
            }
            Ok(collector)
        })
        .await?;
        progress.done(file);
    }
    blocking(move || {
        let rows = collector.finish()?.partition(None, Precedence::NewestChange);
        matching.rows(RowWalk::new(layout, rows))?;
        Ok(matching)
    })
    .await
}

#[cfg(test)]
mod tests;
