//! Delta statistics of a file, gathered while it is written.
//!
//! Readers skip a file if the value they look for is outside of its bounds. Bounds must therefore
//! be exact or wider: a bound rounded the wrong way makes readers skip live rows. No text goes into
//! the log except short text of keys.
//!
//! | type | bounds in the log |
//! | --- | --- |
//! | integer, decimal | all digits; through a float, a maximum could be rounded below a value |
//! | date | `YYYY-MM-DD` |
//! | instant | to the millisecond, minimum rounded down, maximum rounded up |
//! | text in a key | at most 32 bytes, minimum cut off, maximum cut off and raised |
//! | other | none, not even a count of nulls |
//!
//! A column without a value has a count of nulls and no bounds. A bound that has no legal form,
//! such as a year with five digits, is left out with the other bound of its column.

mod bound;

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Int64Type, SchemaRef, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use decode::gather::column;
use decode::schema::is_counted;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::layout::RowLayout;
use bound::{BoundRounding, LONGEST_TEXT, StatisticBound, literal};

/// Statistics of the rows written so far. They need one pass over the values and a few bytes for
/// each column.
#[derive(Debug)]
pub(crate) struct FileStats {
    schema: SchemaRef,
    /// Columns with statistics. The property `delta.dataSkippingStatsColumns` names those of them
    /// that have statistics in every file of the table (ADR 15).
    columns: Vec<ColumnStats>,
    rows: u64,
}

/// Statistics of one column.
#[derive(Debug)]
struct ColumnStats {
    /// Position in the file's schema.
    index: usize,
    nulls: u64,
    /// Least and greatest value, unrounded; `None` while all values are null.
    bounds: Option<(StatisticBound, StatisticBound)>,
}

/// Statistics of one column as JSON texts.
struct ColumnText {
    nulls: String,
    /// Least and greatest value.
    bounds: Option<(String, String)>,
}

/// Statistics of a file as its log has them. Values stay text: decimals would lose digits.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LoggedStats<'a> {
    #[serde(borrow)]
    min_values: BTreeMap<String, &'a RawValue>,
    #[serde(borrow)]
    max_values: BTreeMap<String, &'a RawValue>,
    #[serde(borrow)]
    null_count: BTreeMap<String, &'a RawValue>,
}

impl FileStats {
    pub(crate) fn new(layout: &RowLayout) -> Self {
        let counted = |(index, ty): (usize, &DataType)| -> Option<ColumnStats> {
            let counts = is_counted(ty, layout.keys.contains(&index));
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

    /// Adds the rows of one batch.
    pub(crate) fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        self.rows += batch.num_rows() as u64;
        for stats in &mut self.columns {
            let column = column(batch, stats.index)?;
            stats.nulls += column.null_count() as u64;
            stats.widen(bounds(column.as_ref()));
        }
        Ok(())
    }

    /// Takes over the statistics of rows in another file, for the columns that both have. The rows
    /// themselves are counted by [`FileStats::count`], because a row may have its columns in
    /// several files.
    pub(super) fn absorb(&mut self, other: &Self) {
        for stats in &mut self.columns {
            let name = self.schema.fields().get(stats.index).map(|field| field.name());
            let theirs = other.columns.iter().find(|theirs| {
                other.schema.fields().get(theirs.index).map(|field| field.name()) == name
            });
            if let Some(theirs) = theirs {
                stats.nulls += theirs.nulls;
                stats.widen(theirs.bounds.clone());
            }
        }
    }

    /// Adds rows whose statistics are absorbed.
    pub(super) fn count(&mut self, rows: u64) {
        self.rows += rows;
    }

    /// Names of the columns with a shortened bound. Files of earlier releases left such bounds out,
    /// and `verify` must not report that.
    pub(crate) fn shortened(&self) -> Vec<&str> {
        let long = |bound: &StatisticBound| match bound {
            StatisticBound::Text(text) => text.len() > LONGEST_TEXT,
            StatisticBound::Number(_) => false,
        };
        let shortened = self.columns.iter().filter(|stats| {
            stats.bounds.as_ref().is_some_and(|(low, high)| long(low) || long(high))
        });
        let fields = shortened.filter_map(|stats| self.schema.fields().get(stats.index));
        fields.map(|field| field.name().as_str()).collect()
    }

    /// JSON text for the `stats` of an `add` action. Columns are in the order of the schema, so
    /// that equal rows give equal text.
    pub(crate) fn json(&self) -> String {
        self.text(|stats, field| Some(stats.text(field)))
    }

    /// The same text of a file in which only the columns `replaced` were added to these statistics. All
    /// others have the values of a file whose text is `old`. `None` if `old` is not of this form.
    pub(super) fn json_over(&self, old: &str, replaced: &BTreeSet<String>) -> Option<String> {
        let old: LoggedStats<'_> = serde_json::from_str(old).ok()?;
        Some(self.text(|stats, field| {
            let name = field.name();
            if replaced.contains(name) {
                return Some(stats.text(field));
            }
            let bound = |of: &BTreeMap<String, &RawValue>| Some(of.get(name)?.get().to_owned());
            let bounds = bound(&old.min_values).zip(bound(&old.max_values));
            Some(ColumnText { nulls: bound(&old.null_count)?, bounds })
        }))
    }

    /// JSON text of the columns for which there is one.
    fn text(&self, of: impl Fn(&ColumnStats, &Field) -> Option<ColumnText>) -> String {
        let (mut least, mut greatest, mut nulls) = (String::new(), String::new(), String::new());
        for stats in &self.columns {
            let field = self.schema.fields().get(stats.index);
            let Some((field, text)) = field.and_then(|field| Some((field, of(stats, field)?)))
            else {
                continue;
            };
            let name = serde_json::Value::from(field.name().as_str()).to_string();
            member(&mut nulls, &name, &text.nulls);
            if let Some((low, high)) = &text.bounds {
                member(&mut least, &name, low);
                member(&mut greatest, &name, high);
            }
        }
        format!(
            r#"{{"numRecords":{},"minValues":{{{least}}},"maxValues":{{{greatest}}},"nullCount":{{{nulls}}}}}"#,
            self.rows
        )
    }
}

impl ColumnStats {
    /// Statistics as JSON texts. A bound without a legal form is left out with the other one.
    fn text(&self, field: &Field) -> ColumnText {
        let bounds = self.bounds.as_ref().and_then(|(low, high)| {
            let low = literal(low, field.data_type(), BoundRounding::Down)?;
            Some((low, literal(high, field.data_type(), BoundRounding::Up)?))
        });
        ColumnText { nulls: self.nulls.to_string(), bounds }
    }

    /// Widens the bounds to take in others; `None` are those of nulls alone.
    fn widen(&mut self, other: Option<(StatisticBound, StatisticBound)>) {
        self.bounds = match (self.bounds.take(), other) {
            (Some((low, high)), Some((least, greatest))) => Some((
                if least < low { least } else { low },
                if greatest > high { greatest } else { high },
            )),
            (own, other) => own.or(other),
        };
    }
}

/// Appends a member to a JSON object without its braces. `value` is written as it is: a decimal
/// that became a float on the way would lose digits.
fn member(object: &mut String, name: &str, value: &str) {
    if !object.is_empty() {
        object.push(',');
    }
    object.push_str(name);
    object.push(':');
    object.push_str(value);
}

/// Least and greatest value of a batch's column; `None` if all values are null.
fn bounds(column: &dyn Array) -> Option<(StatisticBound, StatisticBound)> {
    fn numbers<T: Into<i128>>(
        low: Option<T>,
        high: Option<T>,
    ) -> Option<(StatisticBound, StatisticBound)> {
        Some((StatisticBound::Number(low?.into()), StatisticBound::Number(high?.into())))
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
        Some((StatisticBound::Text(low.to_owned()), StatisticBound::Text(high.to_owned())))
    }
}
