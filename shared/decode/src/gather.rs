//! Picks rows from several batches, and compares rows by content.
//!
//! Sorting, merging and lifting put rows of several batches into a new order. They decide on picks
//! (positions) first and copy rows once, at the end.

use core::slice::from_ref;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray as _, RecordBatch, StringArray, UInt64Array,
};
use arrow::compute::{concat, concat_batches, interleave_record_batch, take};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int64Type, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

/// Position of a row: index of its batch, index in the batch, both from 0.
pub type RowPick = (usize, usize);

/// Number of adjoining rows, on average, from which on rows are copied span by span instead of one
/// by one.
const LONG_SPAN: usize = 16;

/// Number of rows for each picked one up to which they are all put together first.
const FEW_LEFT: usize = 2;

/// Batch of the picked rows, in the order of `picks`. Adjoining rows of one batch are not copied:
/// the result shares the memory of that batch. A row may be picked more than once.
///
/// # Errors
/// When the batches differ in the types of their columns, or a pick is outside of them.
pub fn gather(
    schema: &SchemaRef,
    batches: &[&RecordBatch],
    picks: &[RowPick],
) -> Result<RecordBatch, ArrowError> {
    let rows = |slot: usize| batches.get(slot).map_or(0, |batch| batch.num_rows());
    // Arrow would panic.
    if let Some((slot, row)) = picks.iter().find(|(slot, row)| *row >= rows(*slot)) {
        let what = format!("there is no row {row} in batch {slot} to be picked");
        return Err(ArrowError::InvalidArgumentError(what));
    }
    let spans = || picks.chunk_by(|&(slot, row), next| *next == (slot, row + 1));
    let count = spans().count();
    if count > 1 && count * LONG_SPAN > picks.len() {
        let all: usize = batches.iter().map(|batch| batch.num_rows()).sum();
        if all > picks.len().saturating_mul(FEW_LEFT) {
            return interleave_record_batch(batches, picks);
        }
        return taken(schema, batches, picks);
    }
    let slices = spans().filter_map(|span| {
        let (slot, first) = *span.first()?;
        Some(batches.get(slot)?.slice(first, span.len()))
    });
    // One slice is returned as it is.
    concat_batches(schema, &slices.collect::<Vec<_>>())
}

/// Batch of the picked rows, which are most rows of `batches`.
fn taken(
    schema: &SchemaRef,
    batches: &[&RecordBatch],
    picks: &[RowPick],
) -> Result<RecordBatch, ArrowError> {
    let mut starts = Vec::with_capacity(batches.len());
    let mut end = 0;
    for batch in batches {
        starts.push(end);
        end += batch.num_rows() as u64;
    }
    let place = |&(slot, row): &RowPick| starts.get(slot).map_or(0, |start| start + row as u64);
    let places: UInt64Array = picks.iter().map(place).collect();
    let columns = (0..schema.fields().len()).map(|index| {
        let parts = batches.iter().map(|batch| column(batch, index).map(|part| &**part));
        take(&concat(&parts.collect::<Result<Vec<_>, _>>()?)?, &places, None)
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)
}

/// Compares two batches row by row: whether the values in all of `columns` are equal. Null equals
/// null. Both batches have the same number of rows.
///
/// # Errors
/// When the batches differ in their schemas.
pub fn equal_rows(
    left: &RecordBatch,
    right: &RecordBatch,
    columns: &[usize],
) -> Result<Vec<bool>, ArrowError> {
    let mut equal = vec![true; left.num_rows()];
    for &index in columns {
        let (left, right) = (column(left, index)?, column(right, index)?);
        // Arrow's comparison does not take lists and structs. Their encoding as rows of bytes does:
        // equal values have equal bytes, and null differs from an empty list.
        if left.data_type().is_nested() {
            let converter = RowConverter::new(vec![SortField::new(left.data_type().clone())])?;
            let left = converter.convert_columns(from_ref(left))?;
            let right = converter.convert_columns(from_ref(right))?;
            for ((equal, left), right) in equal.iter_mut().zip(&left).zip(&right) {
                *equal &= left.data() == right.data();
            }
        } else {
            compare(&mut equal, left, right)?;
        }
    }
    Ok(equal)
}

/// Clears the entries of `equal` whose values differ, in columns without lists and structs.
fn compare(equal: &mut [bool], left: &ArrayRef, right: &ArrayRef) -> Result<(), ArrowError> {
    let unlike = || {
        let (left, right) = (left.data_type(), right.data_type());
        ArrowError::InvalidArgumentError(format!("rows of {left} and {right} are not compared"))
    };
    match (left.data_type(), right.data_type()) {
        (DataType::Utf8, DataType::Utf8) => {
            if !is_same_text(left, right) {
                one_by_one(equal, left.as_string::<i32>(), right.as_string::<i32>());
            }
        }
        (DataType::Boolean, DataType::Boolean) => {
            let (left, right) = (left.as_boolean(), right.as_boolean());
            if left != right {
                one_by_one(equal, left, right);
            }
        }
        (DataType::Int64, DataType::Int64) => numbers::<Int64Type>(equal, left, right),
        (DataType::Date32, DataType::Date32) => numbers::<Date32Type>(equal, left, right),
        (DataType::Timestamp(unit, _), DataType::Timestamp(other, _))
            if (unit, other) == (&TimeUnit::Microsecond, &TimeUnit::Microsecond) =>
        {
            numbers::<TimestampMicrosecondType>(equal, left, right);
        }
        (DataType::Decimal128(_, scale), DataType::Decimal128(_, other)) if scale == other => {
            numbers::<Decimal128Type>(equal, left, right);
        }
        _ => return Err(unlike()),
    }
    Ok(())
}

/// Clears the entries of `equal` whose numbers differ. Most columns are the same, which one
/// comparison of all their bytes shows.
fn numbers<T: ArrowPrimitiveType>(equal: &mut [bool], left: &ArrayRef, right: &ArrayRef) {
    let (left, right) = (left.as_primitive::<T>(), right.as_primitive::<T>());
    if left.nulls() != right.nulls() || left.values() != right.values() {
        one_by_one(equal, left, right);
    }
}

fn one_by_one<V: PartialEq>(
    equal: &mut [bool],
    left: impl IntoIterator<Item = V>,
    right: impl IntoIterator<Item = V>,
) {
    for (equal, (left, right)) in equal.iter_mut().zip(left.into_iter().zip(right)) {
        *equal &= left == right;
    }
}

/// Whether both columns are texts, all of them equal. All bytes are compared at once: most columns
/// of rows that are read again are the same, and one comparison for each text takes much longer.
/// Wrong only towards `false`.
fn is_same_text(left: &ArrayRef, right: &ArrayRef) -> bool {
    let texts = left.as_string_opt::<i32>().zip(right.as_string_opt::<i32>());
    let Some((left, right)) = texts else { return false };
    let nulls = |texts: &StringArray| texts.nulls().filter(|nulls| nulls.null_count() > 0).cloned();
    nulls(left) == nulls(right)
        && left.offsets().lengths().eq(right.offsets().lengths())
        && bytes(left) == bytes(right)
}

/// Bytes of all texts, one after the other.
fn bytes(texts: &StringArray) -> Option<&[u8]> {
    let end = |at: i32| usize::try_from(at).ok();
    texts.value_data().get(end(texts.offsets().first())?..end(texts.offsets().last())?)
}

/// Column at `index`, or an error if the rows have another schema.
///
/// # Errors
/// When there is no such column.
pub fn column(batch: &RecordBatch, index: usize) -> Result<&ArrayRef, ArrowError> {
    batch.columns().get(index).ok_or_else(|| {
        ArrowError::SchemaError(format!("rows have no column {index} of their table's schema"))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int64Array;
    use arrow::datatypes::Int64Type;

    use super::*;

    #[test]
    fn texts_are_equal_one_by_one() {
        let batch = |texts: &[Option<&str>]| {
            let texts: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
            RecordBatch::try_from_iter_with_nullable([("text", texts, true)]).unwrap()
        };
        let texts = [Some("a"), Some("bc"), None, Some(""), Some("d")];
        let (all, same) = (batch(&texts), batch(&texts));
        assert_eq!(equal_rows(&all, &same, &[0]).unwrap(), [true; 5]);
        // The same bytes with other ends, also beside null and empty, and rows in the middle of
        // their buffers.
        let shifted = batch(&[Some("ab"), Some("c")]);
        assert_eq!(equal_rows(&all.slice(0, 2), &shifted, &[0]).unwrap(), [false; 2]);
        let moved = batch(&[Some("ab"), Some("c"), Some(""), None, Some("d")]);
        let equal = equal_rows(&all, &moved, &[0]).unwrap();
        assert_eq!(equal, [false, false, false, false, true]);
        let part = batch(&[Some("bc"), None, Some("")]);
        assert_eq!(equal_rows(&all.slice(1, 3), &part, &[0]).unwrap(), [true; 3]);
        let other = batch(&[Some("bd"), None, Some("")]);
        assert_eq!(equal_rows(&all.slice(1, 3), &other, &[0]).unwrap(), [false, true, true]);
        // Columns with and without a list of nulls.
        let (whole, part) = (batch(&texts[..2]), all.slice(0, 2));
        assert_eq!(equal_rows(&whole, &part, &[0]).unwrap(), [true; 2]);
    }

    #[test]
    fn picks_outside_of_the_batches_are_an_error() {
        let batch = |ids: &[i64]| {
            let ids: ArrayRef = Arc::new(Int64Array::from(ids.to_vec()));
            RecordBatch::try_from_iter([("id", ids)]).unwrap()
        };
        let (one, other) = (batch(&[1, 2]), batch(&[3]));
        let gathered = |picks: &[RowPick]| gather(&one.schema(), &[&one, &other], picks);
        let rows = gathered(&[(1, 0), (0, 1), (0, 0), (0, 1)]).unwrap();
        assert_eq!(rows.column(0).as_primitive::<Int64Type>().values(), &[3, 2, 1, 2]);
        // Few of many rows and long spans are copied in other ways, with the same result.
        let long = batch(&(0..100).collect::<Vec<i64>>());
        let rows = gather(&long.schema(), &[&one, &long], &[(1, 7), (0, 1), (1, 3)]).unwrap();
        assert_eq!(rows.column(0).as_primitive::<Int64Type>().values(), &[7, 2, 3]);
        let picks: Vec<RowPick> = (40..90).chain(0..50).map(|row| (0, row)).collect();
        let rows = gather(&long.schema(), &[&long], &picks).unwrap();
        let ids: Vec<i64> = (40..90).chain(0..50).collect();
        assert_eq!(rows.column(0).as_primitive::<Int64Type>().values(), &ids[..]);
        for picks in [&[(0, 1), (0, 2)][..], &[(1, 1)], &[(2, 0)], &[(0, 0), (2, 0)], &[(0, 2)]] {
            let error = gathered(picks).unwrap_err();
            assert!(error.to_string().contains("there is no row"), "{picks:?}: {error}");
        }
    }
}
