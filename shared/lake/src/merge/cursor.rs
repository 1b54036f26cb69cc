//! Walk along a sequence of rows in key order.
//!
//! The rows of a file and the collected rows are both walked in this way, so that the merge needs
//! no more than one batch of each in memory. Batches are converted to keys when they are loaded,
//! once for all comparisons.

use core::cmp::Ordering;
use core::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use engine::precedence::RecordVersion;

use crate::blocking::RewriteError;
use crate::partition::{KeyedRows, RowLayout};

/// Source of batches: a Parquet file, several of them, or sorted spills.
type BatchIterator = Box<dyn Iterator<Item = Result<RecordBatch, RewriteError>> + Send>;

/// Position in a sequence of rows in key order, each key once. Callers alternate `load`, `current`
/// and `advance`; without `load`, the walk stops at the end of a batch.
pub(super) struct RowWalk {
    layout: Arc<RowLayout>,
    batches: BatchIterator,
    /// Batch in memory; `None` before the first and after the last. Shared, because picked rows are
    /// gathered only after the walk has gone on to the next batch.
    pub(super) head: Option<Arc<KeyedRows>>,
    /// Index of the current row in `head`.
    pub(super) row: usize,
}

impl fmt::Debug for RowWalk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowWalk").field("row", &self.row).finish_non_exhaustive()
    }
}

impl RowWalk {
    pub(super) fn new<E: Into<RewriteError>>(
        layout: Arc<RowLayout>,
        batches: impl Iterator<Item = Result<RecordBatch, E>> + Send + 'static,
    ) -> Self {
        let batches = Box::new(batches.map(|batch| batch.map_err(Into::into)));
        Self { layout, batches, head: None, row: 0 }
    }

    /// Loads the next batch if needed; empty batches are skipped. Returns whether there is a
    /// current row.
    ///
    /// # Errors
    /// When the batch cannot be read. The walk is then at its end.
    pub(super) fn load(&mut self) -> Result<bool, RewriteError> {
        while self.head.as_ref().is_none_or(|head| self.row >= head.len()) {
            self.row = 0;
            self.head = None;
            let Some(batch) = self.batches.next().transpose()? else {
                return Ok(false);
            };
            self.head = Some(Arc::new(self.layout.keyed(batch)?));
        }
        Ok(true)
    }

    /// Current row; `None` at the end of the batch in memory.
    pub(super) fn current(&self) -> Option<RowView<'_>> {
        let rows = self.head.as_deref()?;
        (self.row < rows.len()).then_some(RowView { rows, index: self.row })
    }

    pub(super) fn advance(&mut self) {
        self.row += 1;
    }
}

/// Calls `found` for each key that both sequences have, in key order. Takes one step at a time in
/// the sequence that is behind, so that each is read once.
pub(super) fn each_match(
    mut left: RowWalk,
    mut right: RowWalk,
    mut found: impl FnMut(RowView<'_>, RowView<'_>) -> Result<(), RewriteError>,
) -> Result<(), RewriteError> {
    while left.load()? && right.load()? {
        let (Some(a), Some(b)) = (left.current(), right.current()) else {
            break;
        };
        match a.key().cmp(b.key()) {
            Ordering::Less => left.advance(),
            Ordering::Greater => right.advance(),
            Ordering::Equal => {
                found(a, b)?;
                left.advance();
                right.advance();
            }
        }
    }
    Ok(())
}

/// One row of a batch, without a copy of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowView<'a> {
    pub(super) rows: &'a KeyedRows,
    pub(super) index: usize,
}

impl RowView<'_> {
    pub(super) fn key(&self) -> &[u8] {
        self.rows.key(self.index)
    }

    pub(super) fn version(&self) -> RecordVersion {
        self.rows.version(self.index)
    }

    /// The row as a batch of its own, which shares the memory of the whole batch.
    pub(super) fn batch(&self) -> RecordBatch {
        self.rows.batch.slice(self.index, 1)
    }
}
