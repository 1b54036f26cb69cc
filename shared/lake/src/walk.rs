//! Walks along sequences of rows in key order, alone or two side by side.
//!
//! The rows of a file and the collected rows are both walked in this way, so that a merge or a
//! comparison needs no more than one batch of each in memory. Batches are converted to keys when
//! they are loaded, once for all comparisons.

use core::cmp::Ordering;
use core::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use decode::gather::{RowPick, gather};
use engine::coverage::RowFacts;
use engine::precedence::RecordVersion;

use crate::blocking::RewriteError;
use crate::partition::{KeyedRows, RowLayout};

/// Source of batches: a Parquet file, several of them, or sorted spills.
type BatchIterator = Box<dyn Iterator<Item = Result<RecordBatch, RewriteError>> + Send>;

/// Position in a sequence of rows in key order, each key once.
pub(crate) struct RowWalk {
    layout: Arc<RowLayout>,
    batches: BatchIterator,
    /// Batch in memory; `None` before the first and after the last. Shared, because picked rows are
    /// gathered only after the walk has gone on to the next batch.
    head: Option<Arc<KeyedRows>>,
    /// Index of the current row in `head`.
    row: usize,
}

impl fmt::Debug for RowWalk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowWalk").field("row", &self.row).finish_non_exhaustive()
    }
}

impl RowWalk {
    pub(crate) fn new<E: Into<RewriteError>>(
        layout: Arc<RowLayout>,
        batches: impl Iterator<Item = Result<RecordBatch, E>> + Send + 'static,
    ) -> Self {
        let batches = Box::new(batches.map(|batch| batch.map_err(Into::into)));
        Self { layout, batches, head: None, row: 0 }
    }

    /// Walk without rows.
    pub(crate) fn empty(layout: Arc<RowLayout>) -> Self {
        Self::new(layout, core::iter::empty::<Result<RecordBatch, RewriteError>>())
    }

    /// Loads the next batch if needed; empty batches are skipped. Returns whether there is a
    /// current row.
    ///
    /// # Errors
    /// When the batch cannot be read. The walk is then at its end.
    pub(crate) fn load(&mut self) -> Result<bool, RewriteError> {
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

    /// Key of the current row; `None` at the end of the batch in memory.
    fn key(&self) -> Option<&[u8]> {
        let head = self.head.as_deref()?;
        (self.row < head.len()).then(|| head.key(self.row))
    }

    /// Takes the current row.
    fn take(&mut self) -> Option<RowView<'_>> {
        let (rows, index) = (self.head.as_ref()?, self.row);
        self.row += 1;
        Some(RowView { rows, index })
    }
}

/// Two walks side by side. Each step takes the least key of both, so each sequence is read once.
///
/// It is no iterator, because the rows of a step are references into the batches in memory; that
/// is also why `itertools::merge_join_by` does not fit, which wants owned rows that cannot fail.
#[derive(Debug)]
pub(crate) struct RowJoin {
    pub(crate) left: RowWalk,
    pub(crate) right: RowWalk,
}

/// Rows of one key: in one of the two sequences, or in both.
#[derive(Debug)]
pub(crate) enum JoinedRow<'a> {
    Left(RowView<'a>),
    Right(RowView<'a>),
    Both(RowView<'a>, RowView<'a>),
}

impl RowJoin {
    /// Takes the rows of the next key; `None` at the end of both sequences.
    ///
    /// # Errors
    /// When a batch cannot be read.
    pub(crate) fn step(&mut self) -> Result<Option<JoinedRow<'_>>, RewriteError> {
        self.left.load()?;
        self.right.load()?;
        let order = match (self.left.key(), self.right.key()) {
            (Some(left), Some(right)) => left.cmp(right),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return Ok(None),
        };
        Ok(match order {
            Ordering::Less => self.left.take().map(JoinedRow::Left),
            Ordering::Greater => self.right.take().map(JoinedRow::Right),
            Ordering::Equal => {
                let both = self.left.take().zip(self.right.take());
                both.map(|(left, right)| JoinedRow::Both(left, right))
            }
        })
    }

    /// Calls `found` for each key that both sequences have, in key order. Ends with the shorter
    /// sequence: the rest of the other one is not read.
    pub(crate) fn each_match(
        mut self,
        mut found: impl FnMut(RowView<'_>, RowView<'_>) -> Result<(), RewriteError>,
    ) -> Result<(), RewriteError> {
        while self.left.load()? && self.right.load()? {
            if let Some(JoinedRow::Both(left, right)) = self.step()? {
                found(left, right)?;
            }
        }
        Ok(())
    }
}

/// One row of a batch, without a copy of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowView<'a> {
    pub(crate) rows: &'a Arc<KeyedRows>,
    pub(crate) index: usize,
}

impl RowView<'_> {
    pub(crate) fn key(&self) -> &[u8] {
        self.rows.key(self.index)
    }

    pub(crate) fn version(&self) -> RecordVersion {
        self.rows.version(self.index)
    }

    pub(crate) fn held(&self) -> Option<RowFacts> {
        self.rows.held(self.index)
    }

    /// The row as a batch of its own, which shares the memory of the whole batch.
    pub(crate) fn batch(&self) -> RecordBatch {
        self.rows.batch.slice(self.index, 1)
    }
}

/// Batches of picked rows. Keeps every batch in memory that a pick refers to, until the picks are
/// gathered.
#[derive(Debug, Default)]
pub(crate) struct PickedBatches(Vec<Arc<KeyedRows>>);

impl PickedBatches {
    /// Position of a row, whose batch is added if it is new. Rows come from one or two walks, so
    /// the batch of a row is usually among the last two.
    pub(crate) fn place(&mut self, row: RowView<'_>) -> RowPick {
        let held = self.0.iter().rposition(|held| Arc::ptr_eq(held, row.rows));
        let at = held.unwrap_or_else(|| {
            self.0.push(Arc::clone(row.rows));
            self.0.len() - 1
        });
        (at, row.index)
    }

    /// Row at a position.
    pub(crate) fn row(&self, (at, index): RowPick) -> Option<RowView<'_>> {
        self.0.get(at).map(|rows| RowView { rows, index })
    }

    /// Rows at `picks`, copied into one batch.
    pub(crate) fn gather(
        &self,
        layout: &RowLayout,
        picks: &[RowPick],
    ) -> Result<RecordBatch, ArrowError> {
        let batches: Vec<&RecordBatch> = self.0.iter().map(|rows| &rows.batch).collect();
        gather(&layout.schema, &batches, picks)
    }
}
