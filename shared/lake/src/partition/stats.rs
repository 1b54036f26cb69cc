//! Delta statistics of a file, gathered while it is written.
//!
//! Exact: a bound that is rounded the wrong way makes readers skip live rows. No text but short
//! key text ever goes into the log.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int64Type, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use engine::time::Timestamp;

use super::keyed::day_of;
use super::layout::{Layout, column};

/// Longest text, in bytes, that may be a bound.
const LONGEST_TEXT: usize = 32;

/// Statistics of the rows written so far.
#[derive(Debug)]
pub(crate) struct Stats {
    schema: SchemaRef,
    columns: Vec<ColumnStats>,
    rows: u64,
}

#[derive(Debug)]
struct ColumnStats {
    index: usize,
    nulls: u64,
    bounds: Option<(Bound, Bound)>,
}

#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Bound {
    Number(i128),
    Text(String),
}

impl Stats {
    pub(crate) fn new(layout: &Layout) -> Self {
        let counted = |(index, ty): (usize, &DataType)| -> Option<ColumnStats> {
            let counts = matches!(
                ty,
                DataType::Int64
                    | DataType::Date32
                    | DataType::Timestamp(TimeUnit::Microsecond, _)
                    | DataType::Decimal128(_, _)
            ) || (*ty == DataType::Utf8 && layout.keys.contains(&index));
            counts.then_some(ColumnStats { index, nulls: 0, bounds: None })
        };
        let types = layout.schema.fields().iter().map(|field| field.data_type());
        Self {
            columns: types.enumerate().filter_map(counted).collect(),
            schema: layout.schema.clone(),
            rows: 0,
        }
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        self.rows += batch.num_rows() as u64;
        for stats in &mut self.columns {
            let column = column(batch, stats.index)?;
            stats.nulls += column.null_count() as u64;
            let Some((least, greatest)) = bounds(column.as_ref()) else {
                continue;
            };
            stats.bounds = Some(match stats.bounds.take() {
                None => (least, greatest),
                Some((low, high)) => (
                    if least < low { least } else { low },
                    if greatest > high { greatest } else { high },
                ),
            });
        }
        Ok(())
    }

    /// The JSON text of an `add` action's `stats`.
    pub(crate) fn json(&self) -> String {
        let (mut least, mut greatest, mut nulls) = (String::new(), String::new(), String::new());
        for stats in &self.columns {
            let Some(field) = self.schema.fields().get(stats.index) else {
                continue;
            };
            let name = serde_json::Value::from(field.name().as_str()).to_string();
            member(&mut nulls, &name, &stats.nulls.to_string());
            let Some((low, high)) = &stats.bounds else {
                continue;
            };
            let low = literal(low, field.data_type(), Round::Down);
            let high = literal(high, field.data_type(), Round::Up);
            if let (Some(low), Some(high)) = (low, high) {
                member(&mut least, &name, &low);
                member(&mut greatest, &name, &high);
            }
        }
        format!(
            r#"{{"numRecords":{},"minValues":{{{least}}},"maxValues":{{{greatest}}},"nullCount":{{{nulls}}}}}"#,
            self.rows
        )
    }
}

fn member(object: &mut String, name: &str, value: &str) {
    if !object.is_empty() {
        object.push(',');
    }
    object.push_str(name);
    object.push(':');
    object.push_str(value);
}

fn bounds(column: &dyn Array) -> Option<(Bound, Bound)> {
    fn numbers<T: Into<i128>>(low: Option<T>, high: Option<T>) -> Option<(Bound, Bound)> {
        Some((Bound::Number(low?.into()), Bound::Number(high?.into())))
    }
    if let Some(ints) = column.as_primitive_opt::<Int64Type>() {
        numbers(min(ints), max(ints))
    } else if let Some(days) = column.as_primitive_opt::<Date32Type>() {
        numbers(min(days), max(days))
    } else if let Some(instants) = column.as_primitive_opt::<TimestampMicrosecondType>() {
        numbers(min(instants), max(instants))
    } else if let Some(decimals) = column.as_primitive_opt::<Decimal128Type>() {
        numbers(min(decimals), max(decimals))
    } else {
        let texts = column.as_string_opt::<i32>()?;
        let (low, high) = (min_string(texts)?, max_string(texts)?);
        Some((Bound::Text(low.to_owned()), Bound::Text(high.to_owned())))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    Down,
    Up,
}

/// The bound as JSON; `None` where it has no exact, short or legal form.
fn literal(bound: &Bound, ty: &DataType, round: Round) -> Option<String> {
    let number = match bound {
        Bound::Text(text) => {
            return (text.len() <= LONGEST_TEXT)
                .then(|| serde_json::Value::from(text.as_str()).to_string());
        }
        Bound::Number(number) => *number,
    };
    if let DataType::Decimal128(_, scale) = ty {
        return Some(decimal(number, usize::try_from(*scale).ok()?));
    }
    if *ty == DataType::Date32 {
        let day = day_of(i32::try_from(number).ok()?);
        return (1..=9999).contains(&day.year()).then(|| format!("\"{day}\""));
    }
    if let DataType::Timestamp(_, _) = ty {
        let micros = i64::try_from(number).ok()?;
        let up = i64::from(round == Round::Up && micros.rem_euclid(1000) != 0);
        let at = Timestamp::from_millisecond(micros.div_euclid(1000).checked_add(up)?).ok()?;
        let at = jiff::tz::Offset::UTC.to_datetime(at);
        let legal = (1..=9999).contains(&at.year());
        return legal.then(|| format!("\"{}\"", at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")));
    }
    Some(number.to_string())
}

/// `unscaled` with `scale` digits after the point, as a JSON number.
fn decimal(unscaled: i128, scale: usize) -> String {
    let mut digits = unscaled.unsigned_abs().to_string();
    if digits.len() <= scale {
        digits.insert_str(0, &"0".repeat(scale + 1 - digits.len()));
    }
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    let point = if scale == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_written_digit_for_digit() {
        for (unscaled, scale, text) in [
            (0, 4, "0.0000"),
            (4, 6, "0.000004"),
            (-4, 6, "-0.000004"),
            (123_456_789_012_345_678, 4, "12345678901234.5678"),
            (-10_000, 4, "-1.0000"),
            (7, 0, "7"),
        ] {
            assert_eq!(decimal(unscaled, scale), text);
        }
    }

    #[test]
    fn instants_are_rounded_outwards_to_the_millisecond() {
        let ty = DataType::Timestamp(TimeUnit::Microsecond, None);
        let check = |micros: i128, low: &str, high: &str| {
            assert_eq!(literal(&Bound::Number(micros), &ty, Round::Down).unwrap(), low);
            assert_eq!(literal(&Bound::Number(micros), &ty, Round::Up).unwrap(), high);
        };
        check(1_001, r#""1970-01-01T00:00:00.001Z""#, r#""1970-01-01T00:00:00.002Z""#);
        check(2_000, r#""1970-01-01T00:00:00.002Z""#, r#""1970-01-01T00:00:00.002Z""#);
        check(-1, r#""1969-12-31T23:59:59.999Z""#, r#""1970-01-01T00:00:00.000Z""#);
    }
}
