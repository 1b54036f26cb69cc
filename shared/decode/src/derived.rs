//! Columns that are not in the record: parent, period, account, time of reading, partition.
//!
//! All but the partition are the same for every row of a page, because one request reads the
//! children of one parent or the rows of one period.

use core::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int64Array, StringBuilder, TimestampMicrosecondArray};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use engine::schema::{ColumnSource, ColumnType};
use engine::spec::PartitionSpec;
use engine::time::{DAY_MICROS, Date, Timestamp};
use jiff::Unit;

use super::ReadAt;
use super::buffer::{Cells, ColumnBuffer, TextBuffer};
use super::error::PageError;
use super::rows::RecordLayout;
use crate::schema::arrow_type;

/// Batch with all columns of the table, in the order of its schema.
///
/// Partition values are computed before `cells` becomes arrays, because they depend on cells.
pub(super) fn batch(
    layout: &RecordLayout,
    cells: Cells,
    extra: TextBuffer,
    at: &ReadAt,
) -> Result<RecordBatch, PageError> {
    let rows = cells.rows();
    let partition = partition(layout, &cells, at)?;
    let own = cells.finish().map_err(PageError::Columns)?;
    let extra: ArrayRef = Arc::new(extra.finish().map_err(PageError::Columns)?);
    let mut own = own.into_iter();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(layout.schema.columns.len());
    for column in layout.schema.columns.iter() {
        let derived = match &column.source {
            ColumnSource::Record(_) => own.next(),
            ColumnSource::Parent => {
                Some(repeated(at.unit.parent().ok_or(PageError::NoParent)?.id, rows))
            }
            ColumnSource::PeriodStart => {
                Some(repeated_day(at.unit.period().ok_or(PageError::NoPeriod)?.start, rows)?)
            }
            ColumnSource::PeriodEnd => {
                Some(repeated_day(at.unit.period().ok_or(PageError::NoPeriod)?.end, rows)?)
            }
            ColumnSource::Account => Some(repeated(at.account.0, rows)),
            ColumnSource::SyncedAt => Some(repeated_instant(at.synced_at, rows)),
            ColumnSource::Extra => Some(Arc::clone(&extra)),
            ColumnSource::Partition | ColumnSource::Change => partition.clone(),
        };
        // A column that is missing here makes the batch too narrow, which the next statement
        // reports.
        columns.extend(derived);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(&layout.schema.arrow), columns, &options)
        .map_err(PageError::Columns)
}

/// Partition column, if the table has one. The value is null if the record has no usable
/// `created_at` or the parent's year is unknown; such rows share one partition.
///
/// Each value follows from something that never changes (creation, period). If it could change, an
/// update would have to move a row from one partition to another.
fn partition(
    layout: &RecordLayout,
    cells: &Cells,
    at: &ReadAt,
) -> Result<Option<ArrayRef>, PageError> {
    let rows = cells.rows();
    let created = |row| {
        let ColumnBuffer::Instant(instants) = cells.buffers.get(layout.placed_by?)? else {
            return None;
        };
        instants.get(row)
    };
    Ok(match layout.schema.spec.partition {
        PartitionSpec::None => None,
        PartitionSpec::CreatedMonth | PartitionSpec::StartedMonth => {
            let mut names = MonthNames::default();
            let mut months = StringBuilder::with_capacity(rows, rows * "YYYY-MM".len());
            for row in 0..rows {
                months.append_option(created(row).and_then(|micros| names.of(micros)));
            }
            Some(Arc::new(months.finish()))
        }
        PartitionSpec::CreatedYear => {
            let years = (0..rows)
                .map(|row| created(row).and_then(utc_day).map(|day| i64::from(day.year())));
            Some(Arc::new(years.collect::<Int64Array>()))
        }
        PartitionSpec::ParentCreatedYear => {
            let year = at.unit.parent().ok_or(PageError::NoParent)?.created_year;
            Some(Arc::new((0..rows).map(|_| year).collect::<Int64Array>()))
        }
        PartitionSpec::PeriodYear => {
            let year = at.unit.period().ok_or(PageError::NoPeriod)?.start.year();
            Some(repeated(i64::from(year), rows))
        }
    })
}

/// Names of months. That of the instant before is kept, because those of a page are mostly of one
/// or two months.
#[derive(Debug, Default)]
struct MonthNames {
    /// Microseconds since 1970 of a month, and its name.
    last: Option<(Range<i64>, String)>,
}

impl MonthNames {
    /// Name of the UTC month of an instant in microseconds since 1970; `None` if there is no such
    /// instant.
    fn of(&mut self, micros: i64) -> Option<&str> {
        if self.last.as_ref().is_none_or(|(instants, _)| !instants.contains(&micros)) {
            let day = utc_day(micros)?;
            let days_before = i64::from(day.day()) - 1;
            let start = (micros.div_euclid(DAY_MICROS) - days_before) * DAY_MICROS;
            let end = start + i64::from(day.days_in_month()) * DAY_MICROS;
            self.last = Some((start..end, month(day)));
        }
        self.last.as_ref().map(|(_, name)| name.as_str())
    }
}

/// UTC day of an instant in microseconds since 1970.
pub(super) fn utc_day(micros: i64) -> Option<Date> {
    Timestamp::from_microsecond(micros).ok().map(engine::time::utc_day)
}

/// Month as `2026-03`. The text sorts like the month, so engines can filter by range.
fn month(day: Date) -> String {
    format!("{:04}-{:02}", day.year(), day.month())
}

/// Column with the same integer in each row.
fn repeated(value: i64, rows: usize) -> ArrayRef {
    Arc::new(Int64Array::from_value(value, rows))
}

/// Column with the same day in each row.
fn repeated_day(day: Date, rows: usize) -> Result<ArrayRef, PageError> {
    let days =
        jiff::civil::date(1970, 1, 1).until((Unit::Day, day)).map(|span| span.get_days()).map_err(
            |error| PageError::Columns(arrow::error::ArrowError::ExternalError(error.into())),
        )?;
    Ok(Arc::new(Date32Array::from_value(days, rows)))
}

/// Column with the same instant in each row, in microseconds.
fn repeated_instant(at: Timestamp, rows: usize) -> ArrayRef {
    let array = TimestampMicrosecondArray::from_value(at.as_microsecond(), rows);
    Arc::new(array.with_data_type(arrow_type(&ColumnType::Instant)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_where_the_next_one_begins() {
        let micros = |text: &str| text.parse::<Timestamp>().unwrap().as_microsecond();
        let mut names = MonthNames::default();
        for (at, expected) in [
            ("2024-02-29T23:59:59.999999Z", "2024-02"),
            ("2024-02-01T00:00:00Z", "2024-02"),
            ("2024-01-31T23:59:59.999999Z", "2024-01"),
            ("2024-03-01T00:00:00Z", "2024-03"),
            ("1969-12-31T23:59:59.999999Z", "1969-12"),
            ("1970-01-01T00:00:00Z", "1970-01"),
            ("1969-12-01T00:00:00Z", "1969-12"),
            ("0001-01-01T00:00:00Z", "0001-01"),
            ("9999-12-30T22:00:00Z", "9999-12"),
        ] {
            assert_eq!(names.of(micros(at)), Some(expected), "{at}");
        }
        assert_eq!(names.of(i64::MAX), None);
        assert_eq!(names.of(micros("2024-02-01T00:00:00Z")), Some("2024-02"));
    }
}
