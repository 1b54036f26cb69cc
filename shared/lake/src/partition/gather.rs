//! Rows picked from several batches, and whether two rows hold the same content.

use core::slice::from_ref;

use arrow::array::{Array, BooleanArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::compute::kernels::cmp::not_distinct;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

use super::layout::column;

/// A row: which batch, which row of it.
pub(crate) type Pick = (usize, usize);

/// The picked rows in their order. A run of neighbours of one batch is not copied.
pub(crate) fn gather(
    schema: &SchemaRef,
    batches: &[&RecordBatch],
    picks: &[Pick],
) -> Result<RecordBatch, ArrowError> {
    let Some(&(slot, first)) = picks.first() else {
        return Ok(RecordBatch::new_empty(schema.clone()));
    };
    let adjoining = picks.iter().zip(first..).all(|(pick, row)| *pick == (slot, row));
    match batches.get(slot) {
        Some(batch) if adjoining => Ok(batch.slice(first, picks.len())),
        Some(_) | None => interleave_record_batch(batches, picks),
    }
}

/// For each row whether both sides hold equal values in all of `columns`; null equals null.
pub(crate) fn equal_rows(
    left: &RecordBatch,
    right: &RecordBatch,
    columns: &[usize],
) -> Result<Vec<bool>, ArrowError> {
    let mut equal = vec![true; left.num_rows()];
    for &index in columns {
        let (left, right) = (column(left, index)?, column(right, index)?);
        if left.data_type().is_nested() {
            let converter = RowConverter::new(vec![SortField::new(left.data_type().clone())])?;
            let left = converter.convert_columns(from_ref(left))?;
            let right = converter.convert_columns(from_ref(right))?;
            for ((equal, left), right) in equal.iter_mut().zip(&left).zip(&right) {
                *equal &= left.data() == right.data();
            }
        } else {
            and(&mut equal, &not_distinct(left, right)?);
        }
    }
    Ok(equal)
}

fn and(equal: &mut [bool], also: &BooleanArray) {
    if also.true_count() == also.len() {
        return;
    }
    for (equal, also) in equal.iter_mut().zip(also.values()) {
        *equal &= also;
    }
}
