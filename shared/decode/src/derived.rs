//! Columns that are not in the record: parent, period, account, time of reading, partition.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use engine::schema::{ColumnType, Source};
use engine::spec::Partition;
use engine::time::{Date, Timestamp};
use jiff::Unit;

use super::ReadAt;
use super::buffer::{Buffer, Cells, Texts};
use super::error::PageError;
use super::rows::Layout;
use crate::schema::arrow_type;

/// Batch with all columns of the table.
pub(super) fn batch(
    layout: &Layout,
    cells: Cells,
    extra: Texts,
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
            Source::Record(_) => own.next(),
            Source::Parent => Some(repeated(at.parent.ok_or(PageError::NoParent)?.id, rows)),
            Source::PeriodStart => {
                Some(repeated_day(at.period.ok_or(PageError::NoPeriod)?.start, rows)?)
            }
            Source::PeriodEnd => {
                Some(repeated_day(at.period.ok_or(PageError::NoPeriod)?.end, rows)?)
            }
            Source::Account => Some(repeated(at.account.0, rows)),
            Source::SyncedAt => Some(repeated_instant(at.synced_at, rows)),
            Source::Extra => Some(Arc::clone(&extra)),
            Source::Partition | Source::Change => partition.clone(),
        };
        columns.extend(derived);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(&layout.schema.arrow), columns, &options)
        .map_err(PageError::Columns)
}

/// Partition column, if the table has one.
fn partition(layout: &Layout, cells: &Cells, at: &ReadAt) -> Result<Option<ArrayRef>, PageError> {
    let rows = cells.rows();
    let created = |row| {
        let Buffer::Instant(instants) = cells.buffers.get(layout.created_at?)? else {
            return None;
        };
        instants.get(row).and_then(utc_day)
    };
    Ok(match layout.schema.spec.partition {
        Partition::None => None,
        Partition::CreatedMonth => {
            let months = (0..rows).map(|row| created(row).map(month));
            Some(Arc::new(months.collect::<StringArray>()))
        }
        Partition::CreatedYear => {
            let years = (0..rows).map(|row| created(row).map(|day| i64::from(day.year())));
            Some(Arc::new(years.collect::<Int64Array>()))
        }
        Partition::ParentCreatedYear => {
            let year = at.parent.ok_or(PageError::NoParent)?.created_year;
            Some(Arc::new((0..rows).map(|_| year).collect::<Int64Array>()))
        }
        Partition::PeriodYear => {
            let year = at.period.ok_or(PageError::NoPeriod)?.start.year();
            Some(repeated(i64::from(year), rows))
        }
    })
}

/// UTC day of an instant in microseconds since 1970.
pub(super) fn utc_day(micros: i64) -> Option<Date> {
    Timestamp::from_microsecond(micros).ok().map(engine::time::utc_day)
}

fn month(day: Date) -> String {
    format!("{:04}-{:02}", day.year(), day.month())
}

fn repeated(value: i64, rows: usize) -> ArrayRef {
    Arc::new(Int64Array::from_value(value, rows))
}

fn repeated_day(day: Date, rows: usize) -> Result<ArrayRef, PageError> {
    let days =
        jiff::civil::date(1970, 1, 1).until((Unit::Day, day)).map(|span| span.get_days()).map_err(
            |error| PageError::Columns(arrow::error::ArrowError::ExternalError(error.into())),
        )?;
    Ok(Arc::new(Date32Array::from_value(days, rows)))
}

fn repeated_instant(at: Timestamp, rows: usize) -> ArrayRef {
    let array = TimestampMicrosecondArray::from_value(at.as_microsecond(), rows);
    Arc::new(array.with_data_type(arrow_type(&ColumnType::Instant)))
}
