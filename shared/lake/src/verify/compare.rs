//! A table against rows that were read for it.

mod matching;

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::precedence::Precedence;
use engine::present::Present;
use engine::time::Timestamp;
use engine::window::Period;
use serde::Serialize;

use self::matching::Matching;
use super::VerifyError;
use crate::collect::{Collected, Collector, KeyRange, MEMORY_LIMIT};
use crate::offload::offload;
use crate::partition::{Layout, fetch, open};
use crate::table::{FileEntry, Table};

/// What of the table the reading should have returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whole {
    /// All rows.
    Everything,
    /// All children of these parents.
    Parents(BTreeSet<i64>),
    /// All rows of these report windows.
    Periods(BTreeSet<Period>),
    /// Nothing is known of rows that were not returned.
    Nothing,
}

/// How a reading is to be judged.
#[derive(Clone, Debug)]
pub struct Against {
    /// What it should have returned.
    pub whole: Whole,
    /// Changes from here on are not in the table yet.
    pub cursor: Option<Timestamp>,
    /// When the reading began: rows of the table that came later are not judged.
    pub began: Timestamp,
    /// When it is judged: rows that claim to have come later still were there before.
    pub present: Present,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum Difference {
    /// Harvest has the record, the table has not.
    MissingHere {
        /// Its key.
        key: String,
    },
    /// The table has the record, Harvest has not.
    MissingInHarvest {
        /// Its key.
        key: String,
    },
    /// They hold different values.
    Differs {
        /// The record's key.
        key: String,
        /// The column.
        column: String,
        /// The table's value; `None` where it is null.
        here: Option<String>,
        /// Harvest's value; `None` where it is null.
        harvest: Option<String>,
    },
}

/// How a table and a reading compare.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Records read, each once.
    pub records: u64,
    /// Records that are the same here.
    pub equal: u64,
    /// Records that changed in Harvest since the table was brought up to date, and rows of the
    /// table that are newer than the reading.
    pub newer: u64,
    /// Records that the table lacks.
    pub missing_here: u64,
    /// Rows that Harvest lacks.
    pub missing_in_harvest: u64,
    /// Records with other values here.
    pub differing: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
}

impl Compared {
    /// Records that are not as they should be.
    #[must_use]
    pub fn wrong(&self) -> u64 {
        self.missing_here + self.missing_in_harvest + self.differing
    }
}

/// Compares all columns but `synced_at` and volatile ones. Memory: one file of the table.
///
/// # Errors
/// Where a file of the table cannot be read: verify it first.
pub async fn compare(
    table: &Table,
    read: &Collected,
    against: &Against,
) -> Result<Compared, VerifyError> {
    let columns = read.layout().content.clone();
    matched(table, read, against, columns, false).await
}

/// Compares all columns of all rows.
pub(super) async fn exactly(table: &Table, rows: &Collected) -> Result<Compared, VerifyError> {
    let columns = (0..rows.layout().schema.fields().len()).collect();
    let (began, present) = (Timestamp::MAX, Present::ours(Timestamp::MAX));
    let against = Against { whole: Whole::Everything, cursor: None, began, present };
    matched(table, rows, &against, columns, true).await
}

async fn matched(
    table: &Table,
    read: &Collected,
    against: &Against,
    columns: Vec<usize>,
    exact: bool,
) -> Result<Compared, VerifyError> {
    let layout = Arc::clone(read.layout());
    let held = table.files().iter().map(|file| file.partition.as_deref());
    let partitions: BTreeSet<Option<&str>> = held.chain(read.partitions()).collect();
    let mut compared = Compared::default();
    for partition in partitions {
        let files = table.files().iter();
        let files: Vec<&FileEntry> = files
            .filter(|file| file.partition.as_deref() == partition)
            .filter(|file| {
                against.whole != Whole::Nothing || may_be_read(&layout, read, partition, file)
            })
            .collect();
        let mut matching = Matching {
            layout: Arc::clone(&layout),
            spec: table.schema().spec,
            against: against.clone(),
            columns: columns.clone(),
            exact,
            // As a full pass takes what it reads twice.
            theirs: read.partition(partition, Precedence::NewestRead),
            head: None,
            row: 0,
            compared,
        };
        if files.iter().any(|file| file.keys.is_none()) {
            matching = sorted_anew(table, &files, matching).await?;
        } else {
            for file in files {
                let bytes = fetch(table.store().as_ref(), table.root(), file).await?;
                let (layout, path) = (Arc::clone(&layout), file.path.clone());
                matching = blocking(move || {
                    for batch in open(&layout, &path, bytes)? {
                        matching.rows(&layout.keyed(batch?)?)?;
                    }
                    Ok(matching)
                })
                .await?;
            }
        }
        compared = blocking(move || matching.finish()).await?;
    }
    Ok(compared)
}

/// Whether a record that was read may be in this file.
fn may_be_read(
    layout: &Layout,
    read: &Collected,
    partition: Option<&str>,
    file: &FileEntry,
) -> bool {
    let Some((first, last)) = &file.keys else { return true };
    let range = layout.key_bytes(first).zip(layout.key_bytes(last));
    range.is_none_or(|(first, last)| read.may_hold(partition, &KeyRange { first, last }))
}

/// Matches a partition of which somebody else wrote files, in whatever order.
async fn sorted_anew(
    table: &Table,
    files: &[&FileEntry],
    mut matching: Matching,
) -> Result<Matching, VerifyError> {
    let layout = Arc::clone(&matching.layout);
    let mut collector = Collector::with_layout(Arc::clone(&layout), None, None, MEMORY_LIMIT);
    for file in files {
        let bytes = fetch(table.store().as_ref(), table.root(), file).await?;
        let (layout, path) = (Arc::clone(&layout), file.path.clone());
        collector = blocking(move || {
            for batch in open(&layout, &path, bytes)? {
                collector.push_into(None, batch?)?;
            }
            Ok(collector)
        })
        .await?;
    }
    blocking(move || {
        for batch in collector.finish()?.partition(None, Precedence::NewestChange) {
            matching.rows(&layout.keyed(batch?)?)?;
        }
        Ok(matching)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VerifyError> + Send + 'static,
) -> Result<T, VerifyError> {
    offload(work).await.map_err(|error| VerifyError::Died(error.to_string()))?
}

#[cfg(test)]
mod tests;
