//! Statistics of a file: exact counts, and bounds that no value is beyond.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::naive::value::PlainNumber;
use crate::reader::cell::OrderedValue;
use crate::reader::file::{ColumnRange, ReadFile};

/// The `stats` of an `add`, values as they are written.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Statistics<'a> {
    /// Number of rows.
    pub num_records: Option<u64>,
    #[serde(borrow)]
    min_values: Option<BTreeMap<String, &'a RawValue>>,
    #[serde(borrow)]
    max_values: Option<BTreeMap<String, &'a RawValue>>,
    null_count: Option<BTreeMap<String, serde_json::Value>>,
}

impl<'a> Statistics<'a> {
    /// Reads statistics.
    ///
    /// # Errors
    /// Returns a sentence where they are no JSON of this form.
    pub fn of(stats: &'a str) -> Result<Self, String> {
        serde_json::from_str(stats).map_err(|error| format!("statistics: {error}"))
    }

    fn bound(values: Option<&BTreeMap<String, &'a RawValue>>, name: &str) -> Option<&'a str> {
        values?.get(name).map(|raw| raw.get()).filter(|raw| *raw != "null")
    }

    fn nulls(&self, name: &str) -> Option<u64> {
        self.null_count.as_ref()?.get(name)?.as_u64()
    }

    /// Whether readers may skip the file by this column. A file without statistics of columns is
    /// never skipped.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        let bounds = [&self.min_values, &self.max_values];
        if bounds.iter().all(|values| values.is_none()) && self.null_count.is_none() {
            return true;
        }
        let both = bounds.iter().all(|values| Self::bound(values.as_ref(), name).is_some());
        let nulls = self.nulls(name);
        nulls.is_some() && (both || nulls == self.num_records)
    }

    /// Returns what is wrong with the statistics of `file`.
    #[must_use]
    pub fn breaches(&self, file: &ReadFile) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.num_records != Some(file.rows.len() as u64) {
            wrong.push(format!("numRecords {:?} of {}", self.num_records, file.rows.len()));
        }
        let bounds = [&self.min_values, &self.max_values].into_iter().flatten();
        let mut names: Vec<&String> = bounds.flat_map(BTreeMap::keys).collect();
        names.extend(self.null_count.iter().flat_map(BTreeMap::keys));
        names.sort_unstable();
        names.dedup();
        for name in names {
            let found = file.ranges.get(name).zip(file.types.get(name));
            match found {
                Some((range, ty)) => wrong.extend(self.of_column(name, range, ty)),
                None => wrong.push(format!("statistics of {name}, which has none")),
            }
        }
        wrong
    }

    fn of_column(&self, name: &str, range: &ColumnRange, ty: &DataType) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.null_count.is_some() && self.nulls(name) != Some(range.nulls) {
            wrong.push(format!("nullCount of {name} {:?} of {}", self.nulls(name), range.nulls));
        }
        let least = Self::bound(self.min_values.as_ref(), name);
        let greatest = Self::bound(self.max_values.as_ref(), name);
        if least.is_some() != greatest.is_some() {
            wrong.push(format!("one bound of {name}"));
        }
        let Some((low, high)) = &range.range else {
            if least.is_some() {
                wrong.push(format!("bounds of {name}, which is null"));
            }
            return wrong;
        };
        let read = |raw: &str| value(raw, ty);
        if let Some(raw) = least
            && read(raw).is_none_or(|bound| bound > *low)
        {
            wrong.push(format!("min of {name} is {raw}, and there is {low:?}"));
        }
        if let Some(raw) = greatest
            && read(raw).is_none_or(|bound| bound < *high)
        {
            wrong.push(format!("max of {name} is {raw}, and there is {high:?}"));
        }
        wrong
    }
}

/// Reads a bound of a column of this type.
fn value(raw: &str, ty: &DataType) -> Option<OrderedValue> {
    let text = || serde_json::from_str::<String>(raw).ok();
    Some(match ty {
        DataType::Int64 => OrderedValue::Number(PlainNumber::of(raw)?.scaled(0)?),
        DataType::Decimal128(_, scale) => {
            OrderedValue::Number(PlainNumber::of(raw)?.scaled(*scale)?)
        }
        DataType::Utf8 => OrderedValue::Text(text()?),
        DataType::Date32 => {
            let day: jiff::civil::Date = text()?.parse().ok()?;
            let first = jiff::civil::date(1970, 1, 1);
            OrderedValue::Number(first.until(day).ok()?.get_days().into())
        }
        DataType::Timestamp(_, _) => {
            // The last microseconds of the year 9999 are beyond the range of `Timestamp`.
            let text = text()?;
            let at: jiff::civil::DateTime = text.strip_suffix('Z')?.parse().ok()?;
            let first = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
            OrderedValue::Number(at.duration_since(first).as_micros())
        }
        _ => return None,
    })
}
