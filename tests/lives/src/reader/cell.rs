//! Values of columns as canonical text, the same as of `crate::naive`.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType,
};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use crate::naive::json::quoted;
use crate::naive::value::PlainNumber;

/// A value that has an order: numbers, days and microseconds since 1970, unscaled decimals, texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderedValue {
    /// Integer, day, microsecond or unscaled decimal.
    Number(i128),
    /// Text, ordered by its bytes.
    Text(String),
}

/// Returns the value at `row` as canonical text; `None` for null.
///
/// # Panics
/// Where the column has a type that no table has.
#[must_use]
pub fn text(column: &dyn Array, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            let items: Vec<String> = (0..items.len()).map(|at| json(&items, at)).collect();
            format!("[{}]", items.join(","))
        }
        DataType::Struct(fields) => {
            let members = fields.iter().zip(column.as_struct().columns());
            let members: Vec<String> = members
                .map(|(field, inner)| format!("{}:{}", quoted(field.name()), json(inner, row)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        DataType::Decimal128(_, scale) => {
            let unscaled = column.as_primitive::<Decimal128Type>().value(row);
            PlainNumber::unscaled(unscaled, *scale).text()
        }
        DataType::Date32 => day(column.as_primitive::<Date32Type>().value(row)).to_string(),
        DataType::Timestamp(_, _) => instant(micros(column, row)).to_string(),
        _ => match ordered(column, row) {
            Some(OrderedValue::Number(number)) => number.to_string(),
            Some(OrderedValue::Text(text)) => text,
            None => panic!("no table has a column of {}", column.data_type()),
        },
    })
}

/// Returns a value within a list as JSON.
fn json(column: &dyn Array, row: usize) -> String {
    match (text(column, row), column.data_type()) {
        (None, _) => "null".to_owned(),
        (
            Some(text),
            DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Date32
            | DataType::Timestamp(_, _),
        ) => quoted(&text),
        (Some(text), _) => text,
    }
}

/// Returns the value at `row`, if it has an order; `None` for null and other types.
#[must_use]
pub fn ordered(column: &dyn Array, row: usize) -> Option<OrderedValue> {
    use OrderedValue::{Number, Text};
    if column.is_null(row) {
        return None;
    }
    match column.data_type() {
        DataType::Int32 => Some(Number(column.as_primitive::<Int32Type>().value(row).into())),
        DataType::Int64 => Some(Number(column.as_primitive::<Int64Type>().value(row).into())),
        DataType::Date32 => Some(Number(column.as_primitive::<Date32Type>().value(row).into())),
        DataType::Timestamp(_, _) => Some(Number(micros(column, row).into())),
        DataType::Decimal128(_, _) => {
            Some(Number(column.as_primitive::<Decimal128Type>().value(row)))
        }
        DataType::Utf8 => Some(Text(column.as_string::<i32>().value(row).to_owned())),
        DataType::LargeUtf8 => Some(Text(column.as_string::<i64>().value(row).to_owned())),
        DataType::Utf8View => Some(Text(column.as_string_view().value(row).to_owned())),
        _ => None,
    }
}

/// Returns the instant at `row` in microseconds since 1970.
fn micros(column: &dyn Array, row: usize) -> i64 {
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            column.as_primitive::<TimestampMillisecondType>().value(row) * 1_000
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            column.as_primitive::<TimestampNanosecondType>().value(row) / 1_000
        }
        _ => column.as_primitive::<TimestampMicrosecondType>().value(row),
    }
}

/// Returns the instant so many microseconds after 1970.
///
/// # Panics
/// Where the calendar ends before.
#[must_use]
pub fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).expect("an instant of the calendar")
}

/// Returns the day so many days after 1970.
///
/// # Panics
/// Where the calendar ends before.
#[must_use]
pub fn day(days: i32) -> Date {
    let first = jiff::civil::date(1970, 1, 1);
    first.checked_add(i64::from(days).days()).expect("a day of the calendar")
}
