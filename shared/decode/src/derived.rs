//! Columns that are not in the record: parent, period, account, time of reading, partition.
//!
//! All but the partition are the same for every row of a page, because one request reads the
//! children of one parent or the rows of one period.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use engine::schema::{ColumnSource, ColumnType};
use engine::spec::PartitionSpec;
use engine::time::{Date, Timestamp};
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
        instants.get(row).and_then(utc_day)
    };
    Ok(match layout.schema.spec.partition {
        PartitionSpec::None => None,
        PartitionSpec::CreatedMonth | PartitionSpec::StartedMonth => {
            let months = (0..rows).map(|row| created(row).map(month));
            Some(Arc::new(months.collect::<StringArray>()))
        }
        PartitionSpec::CreatedYear => {
            let years = (0..rows).map(|row| created(row).map(|day| i64::from(day.year())));
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
