//! Converts columns of another program to the table's types without changing a value.
//!
//! Other engines may rewrite files of a table (compaction, restore) and choose types of their own:
//! a smaller integer, instants in milliseconds, text without its annotation. Their rows are used if
//! each value is exactly one of the declared type. Otherwise the file is refused with the name of
//! the column: a rounded amount would be copied into every later file without anybody noticing.
//!
//! The types are those of the Parquet columns. The caller ignores the Arrow schema that some
//! writers embed in a file, so encodings of Arrow's own (dictionaries) do not occur here.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, ListArray, PrimitiveArray, RecordBatch, StructArray, new_null_array,
};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    ArrowNativeTypeOp as _, DataType, SchemaRef, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow::error::ArrowError;

/// Column with values that the table's type cannot represent.
#[derive(Debug)]
pub struct ColumnMisfit {
    /// Name of the column.
    pub column: String,
    /// Reason, worded to follow the column's name in a sentence.
    pub why: String,
}

/// Selects the columns of `schema` by name and converts them. Missing columns become null; columns
/// that `schema` lacks are dropped.
///
/// # Errors
/// When a column has values that its type in `schema` cannot represent exactly, or nulls that it
/// forbids.
pub fn fit(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ColumnMisfit> {
    let misfit = |column: &str, why: String| ColumnMisfit { column: column.to_owned(), why };
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let (name, ty) = (field.name(), field.data_type());
        let column = match batch.column_by_name(name) {
            Some(column) => fit_type(column, ty).map_err(|error| {
                let found = column.data_type();
                misfit(name, format!("is of type {found} and not always a {ty} ({error})"))
            })?,
            None => new_null_array(ty, batch.num_rows()),
        };
        if !field.is_nullable() && column.null_count() > 0 {
            return Err(misfit(name, "is null, which it may not be".to_owned()));
        }
        columns.push(column);
    }
    let rows = RecordBatch::try_new(Arc::clone(schema), columns);
    rows.map_err(|error| misfit("its columns", error.to_string()))
}

/// Converts `column` to `ty`. Missing members of structs become null. Lists and structs keep their
/// offsets and nulls; only the values in them are converted.
fn fit_type(column: &ArrayRef, ty: &DataType) -> Result<ArrayRef, ArrowError> {
    let found = column.data_type();
    if found == ty {
        return Ok(Arc::clone(column));
    }
    let unlike = || ArrowError::CastError("the types have no values in common".to_owned());
    match (found, ty) {
        (DataType::Null, ty) => Ok(new_null_array(ty, column.len())),
        (_, DataType::List(item)) => {
            let list = column.as_list_opt::<i32>().ok_or_else(unlike)?;
            let values = fit_type(list.values(), item.data_type())?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, nulls)?))
        }
        (_, DataType::Struct(fields)) => {
            let held = column.as_struct_opt().ok_or_else(unlike)?;
            let members = fields.iter().map(|field| match held.column_by_name(field.name()) {
                Some(member) => fit_type(member, field.data_type()),
                None => Ok(new_null_array(field.data_type(), held.len())),
            });
            let members = members.collect::<Result<_, _>>()?;
            let nulls = held.nulls().cloned();
            Ok(Arc::new(StructArray::try_new(fields.clone(), members, nulls)?))
        }
        (DataType::Timestamp(unit, _), DataType::Timestamp(TimeUnit::Microsecond, zone)) => {
            Ok(Arc::new(instants(column, *unit)?.with_timezone_opt(zone.clone())))
        }
        (found, ty) if kind(found) == kind(ty) && kind(ty).is_some() => exactly(column, ty),
        _ => Err(unlike()),
    }
}

/// Converts instants to microseconds as readers of Delta tables do: finer digits are cut off, and
/// instants without a time zone count as UTC.
///
/// This is the only conversion that may change a value. Delta's `timestamp` has microseconds, so
/// finer digits in a file were never part of the table.
fn instants(
    column: &ArrayRef,
    unit: TimeUnit,
) -> Result<PrimitiveArray<TimestampMicrosecondType>, ArrowError> {
    match unit {
        TimeUnit::Second => {
            column.as_primitive::<TimestampSecondType>().try_unary(|at| at.mul_checked(1_000_000))
        }
        TimeUnit::Millisecond => {
            column.as_primitive::<TimestampMillisecondType>().try_unary(|at| at.mul_checked(1_000))
        }
        TimeUnit::Microsecond => Ok(column.as_primitive().clone()),
        TimeUnit::Nanosecond => {
            Ok(column.as_primitive::<TimestampNanosecondType>().unary(|at| at.div_euclid(1_000)))
        }
    }
}

/// Meaning of a type's values, independent of its encoding. Values are only converted within one
/// kind: the text `5` is not silently the number 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueKind {
    Number,
    Text,
    Day,
}

/// Kind of a type; `None` for flags, instants and nested types, which have rules of their own.
fn kind(ty: &DataType) -> Option<ValueKind> {
    if ty.is_numeric() {
        return Some(ValueKind::Number);
    }
    if matches!(ty, DataType::Date32 | DataType::Date64) {
        return Some(ValueKind::Day);
    }
    let text = matches!(
        ty,
        DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
    );
    text.then_some(ValueKind::Text)
}

/// Casts `column` to `ty`, or fails if any value does not survive the round trip. Example: 0.1 as a
/// double becomes 0.1000 and comes back as 0.1; 0.00001 becomes 0.0000 and does not.
fn exactly(column: &ArrayRef, ty: &DataType) -> Result<ArrayRef, ArrowError> {
    // Casting must fail on values that do not fit, not turn them into nulls.
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let fitted = cast_with_options(column, ty, &strict)?;
    let back = cast_with_options(&fitted, column.data_type(), &strict)?;
    if not_distinct(&back, column)?.true_count() < column.len() {
        let why = "some values would have to be rounded";
        return Err(ArrowError::CastError(why.to_owned()));
    }
    Ok(fitted)
}
