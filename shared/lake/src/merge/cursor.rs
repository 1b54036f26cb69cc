//! Position in a sequence of rows in key order.

use core::cmp::Ordering;
use core::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use engine::precedence::RecordVersion;

use crate::blocking::RewriteError;
use crate::partition::{KeyedRows, RowLayout};

type BatchIterator = Box<dyn Iterator<Item = Result<RecordBatch, RewriteError>> + Send>;

/// Position in a sequence of rows in key order, each key once.
pub(super) struct RowWalk {
    layout: Arc<RowLayout>,
    batches: BatchIterator,
    pub(super) head: Option<Arc<KeyedRows>>,
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

    /// Loads the next batch if needed. Returns whether there is a current row.
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

    pub(super) fn current(&self) -> Option<RowView<'_>> {
        let rows = self.head.as_deref()?;
        (self.row < rows.len()).then_some(RowView { rows, index: self.row })
    }

    pub(super) fn advance(&mut self) {
        self.row += 1;
    }
}

/// Calls `found` for each key that both sequences have.
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

/// One row of a batch.
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

    pub(super) fn batch(&self) -> RecordBatch {
        self.rows.batch.slice(self.index, 1)
    }
}
