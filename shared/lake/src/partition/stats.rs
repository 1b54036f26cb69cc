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

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int64Type, SchemaRef, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use decode::gather::column;
use decode::schema::is_counted;

use super::keyed::{day_of, epoch_day};
use super::layout::RowLayout;

/// Length of a day in microseconds.
const DAY_MICROS: i64 = 86_400_000_000;
/// Length in bytes of the longest text used as a bound; longer ones are shortened. Texts of keys
/// are currency codes and the domain of the company, which are short; the limit is for what Harvest
/// may send instead.
const LONGEST_TEXT: usize = 32;

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

/// Value of a bound. Bounds of one column are of one variant.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum StatisticBound {
    /// Integer, day since 1970, microsecond since 1970, or decimal without its point.
    Number(i128),
    Text(String),
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
            let low = literal(low, field.data_type(), BoundRounding::Down);
            let high = literal(high, field.data_type(), BoundRounding::Up);
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

impl ColumnStats {
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

/// Direction in which a bound may move.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BoundRounding {
    Down,
    Up,
}

/// JSON form of the bound; `None` if it has no legal one: the log's dates and instants have years
/// of four digits.
fn literal(bound: &StatisticBound, ty: &DataType, round: BoundRounding) -> Option<String> {
    let number = match bound {
        StatisticBound::Text(text) => {
            return Some(serde_json::Value::from(short(text, round)).to_string());
        }
        StatisticBound::Number(number) => *number,
    };
    if let DataType::Decimal128(_, scale) = ty {
        return Some(decimal(number, usize::try_from(*scale).ok()?));
    }
    if *ty == DataType::Date32 {
        let day = day_of(i32::try_from(number).ok()?);
        return (1..=9999).contains(&day.year()).then(|| format!("\"{day}\""));
    }
    if let DataType::Timestamp(_, _) = ty {
        return instant(i64::try_from(number).ok()?, round);
    }
    Some(number.to_string())
}

/// Instant in milliseconds, rounded outwards; `None` if its year does not have four digits.
fn instant(micros: i64, round: BoundRounding) -> Option<String> {
    let up = i64::from(round == BoundRounding::Up && micros.rem_euclid(1000) != 0);
    let rounded = micros.div_euclid(1000).checked_add(up)?.checked_mul(1000);
    // Rounding up the last millisecond of the year 9999 would leave the range.
    rounded.and_then(|micros| clock(micros, 3)).or_else(|| clock(micros, 6))
}

/// Instant with this number of fraction digits; `None` if its year does not have four digits.
/// Written by hand, because the log wants a fixed form and the end of the year 9999 is beyond the
/// range of `Timestamp`.
fn clock(micros: i64, digits: usize) -> Option<String> {
    let days = i32::try_from(micros.div_euclid(DAY_MICROS)).ok()?;
    let day = day_of(days);
    if epoch_day(day) != Some(days) || !(1..=9999).contains(&day.year()) {
        return None;
    }
    let within = micros.rem_euclid(DAY_MICROS);
    let (seconds, fraction) = (within / 1_000_000, format!("{:06}", within % 1_000_000));
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = fraction.get(..digits)?;
    Some(format!("\"{day}T{hour:02}:{minute:02}:{second:02}.{fraction}Z\""))
}

/// Bound of `text` in at most `LONGEST_TEXT` bytes: not above it when rounded down, not below it
/// when rounded up. The text itself if there is none.
///
/// With a limit of 4 bytes, `invoice` would become `invo` rounded down and `invp` rounded up.
/// Characters are never cut in two.
fn short(text: &str, round: BoundRounding) -> String {
    if text.len() <= LONGEST_TEXT {
        return text.to_owned();
    }
    let mut beginning = text;
    while beginning.len() > LONGEST_TEXT {
        beginning = without_last(beginning);
    }
    if round == BoundRounding::Down {
        return beginning.to_owned();
    }
    // The next text of this length is greater than every text with this beginning. If the last
    // character has no successor that fits, the one before it is raised instead.
    while let Some(last) = beginning.chars().next_back() {
        let before = without_last(beginning);
        if let Some(next) =
            next_char(last).filter(|it| before.len() + it.len_utf8() <= LONGEST_TEXT)
        {
            return format!("{before}{next}");
        }
        beginning = before;
    }
    text.to_owned()
}

/// The text without its last character.
fn without_last(text: &str) -> &str {
    let mut chars = text.chars();
    chars.next_back();
    chars.as_str()
}

/// Character that follows `char` in the order of texts. UTF-8 sorts by code points; those of
/// surrogates are no characters and are skipped. `None` for the last one.
fn next_char(char: char) -> Option<char> {
    (u32::from(char) + 1..=u32::from(char::MAX)).find_map(char::from_u32)
}

/// `unscaled` with `scale` digits after the point, as a JSON number: 1234567 with scale 4 is
/// `123.4567`.
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
    use proptest::prelude::*;

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
        let ty = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None);
        let check = |micros: i128, low: &str, high: &str| {
            assert_eq!(
                literal(&StatisticBound::Number(micros), &ty, BoundRounding::Down).unwrap(),
                low
            );
            assert_eq!(
                literal(&StatisticBound::Number(micros), &ty, BoundRounding::Up).unwrap(),
                high
            );
        };
        check(1_001, r#""1970-01-01T00:00:00.001Z""#, r#""1970-01-01T00:00:00.002Z""#);
        check(2_000, r#""1970-01-01T00:00:00.002Z""#, r#""1970-01-01T00:00:00.002Z""#);
        check(-1, r#""1969-12-31T23:59:59.999Z""#, r#""1970-01-01T00:00:00.000Z""#);
        // 9999-12-31T23:59:59.9999: there is no later millisecond.
        let last = 253_402_300_799_999_900;
        check(last, r#""9999-12-31T23:59:59.999Z""#, r#""9999-12-31T23:59:59.999900Z""#);
    }

    #[test]
    fn long_texts_have_short_bounds_around_them() {
        for (text, low, high) in [
            ("USD".to_owned(), "USD".to_owned(), "USD".to_owned()),
            ("a".repeat(32), "a".repeat(32), "a".repeat(32)),
            ("a".repeat(33), "a".repeat(32), "a".repeat(31) + "b"),
            // Characters are never cut, and the next character may be longer than the original.
            ("ä".repeat(17), "ä".repeat(16), "ä".repeat(15) + "å"),
            ("\u{7f}".repeat(33), "\u{7f}".repeat(32), "\u{7f}".repeat(30) + "\u{80}"),
            // Half a surrogate pair is not a character, so the successor skips that range.
            ("\u{d7ff}".repeat(11), "\u{d7ff}".repeat(10), "\u{d7ff}".repeat(9) + "\u{e000}"),
            ("\u{10ffff}".repeat(9), "\u{10ffff}".repeat(8), "\u{10ffff}".repeat(9)),
        ] {
            assert_eq!(short(&text, BoundRounding::Down), low, "{text}");
            assert_eq!(short(&text, BoundRounding::Up), high, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_outside_of_its_short_bounds(text in "\\PC{0,60}") {
            let (low, high) = (short(&text, BoundRounding::Down), short(&text, BoundRounding::Up));
            prop_assert!(low <= text && text <= high);
            prop_assert!(low.len() <= LONGEST_TEXT);
            prop_assert!(high.len() <= LONGEST_TEXT || high == text);
        }
    }
}
