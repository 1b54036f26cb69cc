//! Derives the partition that a row belongs to.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use decode::gather::column;
use decode::schema::TableSchema;
use engine::schema::ColumnSource;
use engine::spec::PartitionSpec;
use engine::time::{Timestamp, utc_day};

use crate::partition::{RowLayout, day_of};

/// Partition that follows from the row's columns; `None` if they do not determine it.
pub(super) fn own_partition(
    schema: &TableSchema,
    layout: &RowLayout,
    batch: &RecordBatch,
    row: usize,
) -> Result<Option<String>, ArrowError> {
    let created = || -> Result<_, ArrowError> {
        let source = ColumnSource::Record(vec!["created_at"]);
        let Some(declared) = schema.columns.iter().find(|column| column.source == source) else {
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
        PartitionSpec::CreatedMonth => {
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
