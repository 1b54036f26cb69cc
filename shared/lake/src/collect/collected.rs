//! Rows of a run that are complete.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use engine::precedence::Precedence;

use super::runs::SortedSpill;
use super::{CollectError, KeyBounds, KeyRange, KeyVersions, SpillMerge};
use crate::partition::RowLayout;

/// Rows of a run by partition and in key order, with one version of each key. They can be read
/// repeatedly: a merge reads them for its survey, again for its outlook and again for the files,
/// and all of it a second time if its commit loses a race.
#[derive(Debug)]
pub struct CollectedRows {
    layout: Arc<RowLayout>,
    /// Folder of further temporary files, for rows that a merge moves to another partition.
    scratch: Option<PathBuf>,
    runs: Vec<SortedSpill>,
    /// Number of pushed rows, repeated keys included.
    rows: u64,
    /// First and last key of each partition that has rows. There are many spills, and a merge
    /// compares every partition with every other.
    ranges: BTreeMap<Option<String>, KeyRange>,
}

impl CollectedRows {
    pub(super) fn new(
        layout: Arc<RowLayout>,
        scratch: Option<PathBuf>,
        runs: Vec<SortedSpill>,
        rows: u64,
    ) -> Self {
        let mut ranges = BTreeMap::<Option<String>, KeyRange>::new();
        for (partition, range) in runs.iter().flat_map(SortedSpill::key_ranges) {
            let range = match ranges.remove(partition) {
                Some(before) => before.with(range),
                None => range,
            };
            ranges.insert(partition.clone(), range);
        }
        Self { layout, scratch, runs, rows, ranges }
    }

    /// Partitions that have rows.
    pub fn partitions(&self) -> impl Iterator<Item = Option<&str>> {
        self.ranges.keys().map(Option::as_deref)
    }

    /// Number of pushed rows, repeated keys included.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Rows of one partition in key order, without the partition column. Of each key, the version
    /// chosen by `precedence`.
    #[must_use]
    pub fn partition(&self, partition: Option<&str>, precedence: Precedence) -> SortedRows {
        let (all, newest) = (KeyBounds::default(), KeyVersions::Newest(precedence));
        SortedRows(SpillMerge::new(&self.layout, &self.runs, partition, all, None, newest))
    }

    /// Folder of spilled rows.
    pub(crate) fn scratch(&self) -> Option<PathBuf> {
        self.scratch.clone()
    }

    pub(crate) fn layout(&self) -> &Arc<RowLayout> {
        &self.layout
    }

    pub(crate) fn runs(&self) -> &[SortedSpill] {
        &self.runs
    }

    /// Whether a row of this partition may have a key within `range`. Looks only at the first and
    /// last keys of the chunks, which are in memory, so `true` can be wrong and `false` cannot.
    pub(crate) fn may_hold(&self, partition: Option<&str>, range: &KeyRange) -> bool {
        let is_near = self.key_range(partition).is_some_and(|held| held.overlaps(range));
        is_near
            && self.runs.iter().any(|run| {
                run.chunks(partition)
                    .iter()
                    .any(|chunk| *chunk.first <= *range.last && chunk.last >= range.first)
            })
    }

    /// First and last key of a partition; `None` if it has no rows.
    pub(crate) fn key_range(&self, partition: Option<&str>) -> Option<&KeyRange> {
        self.ranges.get(&partition.map(str::to_owned))
    }

    /// Upper bound of the number of rows with keys within `bounds`. Counts whole chunks that reach
    /// into the bounds, and repeated keys each time.
    pub(crate) fn rows_within(&self, partition: Option<&str>, bounds: &KeyBounds) -> u64 {
        let chunks = self.runs.iter().flat_map(|run| run.chunks(partition));
        let inside = chunks.filter(|chunk| bounds.touch(&chunk.first, &chunk.last));
        inside.map(|chunk| chunk.rows as u64).sum()
    }
}

/// Iterator over rows in key order.
#[derive(Debug)]
pub struct SortedRows(SpillMerge);

impl Iterator for SortedRows {
    type Item = Result<RecordBatch, CollectError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}
