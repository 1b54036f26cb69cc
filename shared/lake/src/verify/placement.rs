//! Derives the partition that a row belongs to.
//!
//! The partition is derived from the stored columns, not by the code of `decode` that sets it for a
//! new row, so that a mistake there does not verify itself.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use decode::gather::column;
use decode::schema::TableSchema;
use engine::schema::{Column, ColumnSource};
use engine::spec::PartitionSpec;
use engine::time::{Timestamp, utc_day};

use crate::partition::{RowLayout, day_of};

/// Partition that follows from the row's columns, as text like that in the log; `None` if they do
/// not determine it, which is no violation.
pub(super) fn own_partition(
    schema: &TableSchema,
    layout: &RowLayout,
    batch: &RecordBatch,
    row: usize,
) -> Result<Option<String>, ArrowError> {
    // Day of `created_at` in UTC: an entry made in the evening of 31 January in New York is one of
    // February.
    let created = || -> Result<_, ArrowError> {
        let source = schema.spec.partition.instant().map(|name| ColumnSource::Record(vec![name]));
        let of_source = |column: &&Column| source.as_ref() == Some(&column.source);
        let Some(declared) = schema.columns.iter().find(of_source) else {
            return Ok(None);
        };
        let column = column(batch, layout.schema.index_of(&declared.name)?)?;
        let Some(instants) = column.as_primitive_opt::<TimestampMicrosecondType>() else {
            return Ok(None);
        };
        let micros = instants.is_valid(row).then(|| instants.value(row));
        Ok(micros.and_then(|micros| Timestamp::from_microsecond(micros).ok()).map(utc_day))
    };
    Ok(match schema.spec.partition {
        // A child row does not contain the year of its parent.
        PartitionSpec::None | PartitionSpec::ParentCreatedYear => None,
        PartitionSpec::CreatedMonth | PartitionSpec::StartedMonth => {
            created()?.map(|day| format!("{:04}-{:02}", day.year(), day.month()))
        }
        PartitionSpec::CreatedYear => created()?.map(|day| day.year().to_string()),
        PartitionSpec::PeriodYear => {
            let column = column(batch, layout.schema.index_of("period_start")?)?;
            let days = column.as_primitive_opt::<Date32Type>();
            days.filter(|days| days.is_valid(row))
                .map(|days| day_of(days.value(row)).year().to_string())
        }
    })
}
