//! Holds back one unit of coverage, a report window or a parent's children, until it is complete.
//!
//! Rows of an incomplete unit must not reach the collector: if the run ends before the last page,
//! the unit is read again from its beginning, and half of a report's rows beside the old half would
//! be a report that Harvest never showed.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use decode::gather::{RowPick, equal_rows, gather};
use decode::schema::TableSchema;
use engine::key::{Key, KeyPart};

use crate::partition::RowLayout;

/// Rows of one unit while it is read.
#[derive(Clone, Debug)]
pub struct UnitBuffer {
    layout: Arc<RowLayout>,
    batches: Vec<RecordBatch>,
}

/// Reasons why a unit is not written.
///
/// A key that comes twice within one unit is harmless if both rows are equal: a record moved to the
/// next page while the pages were read. Two different rows of one key mean that the list changed
/// meanwhile or contradicts itself, and the buffer cannot know which row is right.
#[derive(Debug, thiserror::Error)]
pub enum UnitError {
    /// Keys came twice with different content; the caller quarantines the unit.
    #[error("{} keys were answered twice with different content", keys.len())]
    Conflict {
        /// Affected keys, in order.
        keys: Vec<Key>,
    },
    /// The rows do not have their table's schema: a bug of this program.
    #[error("rows do not fit the schema of their table")]
    Rows(#[from] ArrowError),
}

impl UnitBuffer {
    /// Empty buffer.
    ///
    /// # Errors
    /// When the schema's key columns cannot be compared.
    pub fn new(schema: &TableSchema) -> Result<Self, ArrowError> {
        let layout = Arc::new(RowLayout::decoded(schema)?);
        Ok(Self { layout, batches: Vec::new() })
    }

    /// Adds rows of the unit, with the table's schema.
    pub fn push(&mut self, rows: RecordBatch) {
        self.batches.push(rows);
    }

    /// Number of rows so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Rows as they came, repeated keys included.
    #[must_use]
    pub fn into_rows(self) -> Vec<RecordBatch> {
        self.batches
    }

    /// Rows of the complete unit, each key once; of equal rows the first. `synced_at` and volatile
    /// columns do not count as a difference.
    ///
    /// # Errors
    /// `Conflict` when a key came with different content, or when a key that has a part without a
    /// value came twice: a person who may not see currencies has a row for each of them, and two
    /// may have the same hours.
    pub fn finish(self) -> Result<Vec<RecordBatch>, UnitError> {
        let keys = self.batches.iter().map(|batch| self.layout.key_rows(batch));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let mut order: Vec<(&[u8], RowPick)> = Vec::new();
        for (slot, keys) in keys.iter().enumerate() {
            order.extend(keys.iter().enumerate().map(|(row, key)| (key.data(), (slot, row))));
        }
        order.sort_unstable();
        // Equal keys adjoin now. Each repeat is paired with the first row of its key, so that all
        // comparisons are made at once, column by column.
        let mut firsts: Vec<RowPick> = Vec::new();
        let mut repeats: Vec<RowPick> = Vec::new();
        let mut first: Option<(&[u8], RowPick)> = None;
        for (key, pick) in order {
            match first {
                Some((same, original)) if same == key => {
                    firsts.push(original);
                    repeats.push(pick);
                }
                Some(_) | None => first = Some((key, pick)),
            }
        }
        // Nearly every unit ends here, without a copy of its rows.
        if repeats.is_empty() {
            return Ok(self.batches);
        }
        self.check(&firsts, &repeats)?;
        self.without(&repeats)
    }

    /// Compares each repeat with the first row of its key. The two lists have equal length.
    fn check(&self, firsts: &[RowPick], repeats: &[RowPick]) -> Result<(), UnitError> {
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let Some(schema) = batches.first().map(|batch| batch.schema()) else {
            return Ok(());
        };
        let left = gather(&schema, &batches, firsts)?;
        let right = gather(&schema, &batches, repeats)?;
        let equal = equal_rows(&left, &right, &self.layout.content)?;
        let mut keys = Vec::new();
        for (row, equal) in equal.iter().enumerate() {
            let key = self.layout.key(&right, row)?;
            if !equal || key.0.contains(&KeyPart::Null) {
                keys.push(key);
            }
        }
        keys.dedup();
        if keys.is_empty() { Ok(()) } else { Err(UnitError::Conflict { keys }) }
    }

    /// Rows without the repeats. The number of batches stays; a batch of repeats alone becomes
    /// empty.
    fn without(&self, repeats: &[RowPick]) -> Result<Vec<RecordBatch>, UnitError> {
        let mut kept = Vec::with_capacity(self.batches.len());
        for (slot, batch) in self.batches.iter().enumerate() {
            let mut keep = vec![true; batch.num_rows()];
            for (_, row) in repeats.iter().filter(|(place, _)| *place == slot) {
                if let Some(keep) = keep.get_mut(*row) {
                    *keep = false;
                }
            }
            kept.push(filter_record_batch(batch, &BooleanArray::from(keep))?);
        }
        Ok(kept)
    }
}
