//! Converts columns of another program to the table's types without changing a value.
//!
//! Other engines may rewrite files of a table (compaction, restore) and choose types of their own:
//! a smaller integer, instants in milliseconds, text without its annotation. Their rows are used if
//! each value is exactly one of the declared type. Otherwise the file is refused with the name of
//! the column: a rounded amount would be copied into every later file without anybody noticing.
//!
//! The types are those of the Parquet columns. The caller ignores the Arrow schema that some
//! writers embed in a file, so encodings of Arrow's own (dictionaries) do not occur here.

mod number;

use core::str::{Utf8Error, from_utf8};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, ListArray, PrimitiveArray, RecordBatch, StringArray, StructArray,
    new_null_array,
};
use arrow::datatypes::{
    ArrowNativeTypeOp as _, DataType, Date32Type, Date64Type, SchemaRef, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
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
        (_, DataType::Int64) => Ok(Arc::new(number::integers(column)?)),
        (_, DataType::Decimal128(precision, scale)) => {
            Ok(Arc::new(number::decimals(column, *precision, *scale)?))
        }
        (_, DataType::Utf8) => texts(column),
        (DataType::Date64, DataType::Date32) => Ok(Arc::new(days(column)?)),
        _ => Err(unlike()),
    }
}

/// Error about a type that has no value in common with the table's.
fn unlike() -> ArrowError {
    ArrowError::CastError("the types have no values in common".to_owned())
}

/// Error about a value that the table's type does not have.
fn rounded() -> ArrowError {
    ArrowError::CastError("some values would have to be rounded".to_owned())
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

/// Converts texts of another encoding, or bytes without the annotation of text.
fn texts(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let texts: Result<StringArray, Utf8Error> = if let Some(texts) = column.as_string_opt::<i64>() {
        Ok(texts.iter().collect())
    } else if let Some(texts) = column.as_string_view_opt() {
        Ok(texts.iter().collect())
    } else if let Some(bytes) = column.as_binary_opt::<i32>() {
        bytes.iter().map(text_of).collect()
    } else if let Some(bytes) = column.as_binary_opt::<i64>() {
        bytes.iter().map(text_of).collect()
    } else if let Some(bytes) = column.as_binary_view_opt() {
        bytes.iter().map(text_of).collect()
    } else {
        return Err(unlike());
    };
    Ok(Arc::new(texts.map_err(|error| ArrowError::CastError(error.to_string()))?))
}

fn text_of(bytes: Option<&[u8]>) -> Result<Option<&str>, Utf8Error> {
    bytes.map(from_utf8).transpose()
}

/// Milliseconds of a day.
const MILLISECONDS_A_DAY: i64 = 24 * 60 * 60 * 1_000;

/// Converts days that are counted in milliseconds.
fn days(column: &ArrayRef) -> Result<PrimitiveArray<Date32Type>, ArrowError> {
    column.as_primitive::<Date64Type>().try_unary(|at| {
        let day = (at % MILLISECONDS_A_DAY == 0).then_some(at / MILLISECONDS_A_DAY);
        day.and_then(|day| i32::try_from(day).ok()).ok_or_else(rounded)
    })
}
