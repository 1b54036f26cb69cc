//! Encodes rows of a stream's table as Parquet files of its table of changes.
//!
//! A row of changes is `op`, `changed_at`, `sequence`, then all columns of the stream's table,
//! among them its partition column, which is an ordinary column here. `changed_month` is the
//! partition of the table of changes and hence in no file.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use engine::spec::PartitionSpec;

use super::{ChangeOp, ChangesOf};
use crate::partition::{
    ColumnChoice, FileLimits, PartitionError, PartitionWriter, RowLayout, WrittenFile,
};

/// Memory in bytes at which a row group is closed. It is small because the stream's own file is
/// being written at the same time.
const GROUP_BYTES: usize = 32 << 20;

/// Encodes changes into files, one at a time. Rows come in any order of keys; the file keeps the
/// order in which they are added.
#[derive(Debug)]
pub(crate) struct ChangeEncoder {
    layout: Arc<RowLayout>,
    limits: FileLimits,
    /// Values of the first columns.
    of: ChangesOf,
    /// File under construction; `None` until there are rows for it.
    writer: Option<PartitionWriter>,
}

impl ChangeEncoder {
    /// Encoder without a file. Schema, sequence and time are fixed for its life: a file of changes
    /// has those of one commit.
    pub(crate) fn new(of: ChangesOf, limits: FileLimits) -> Result<Self, ArrowError> {
        let layout = Arc::new(RowLayout::new(&of.schema, ColumnChoice::All)?);
        let limits = FileLimits { group_bytes: limits.group_bytes.min(GROUP_BYTES), ..limits };
        Ok(Self { layout, limits, of, writer: None })
    }

    /// Appends changed rows of one partition of the stream's table and returns the files that
    /// became full.
    ///
    /// `ops` has one element for each row. `partition` becomes the value of the stream's partition
    /// column, which the rows lack as they come from files.
    pub(crate) fn add(
        &mut self,
        ops: &[ChangeOp],
        rows: &RecordBatch,
        partition: Option<&str>,
    ) -> Result<Vec<WrittenFile>, PartitionError> {
        let mut columns = rows.columns().to_vec();
        columns.extend(kept_in(self.of.schema.spec.partition, partition, rows.num_rows())?);
        self.append(ops, columns)
    }

    /// Appends rows of a table of changes again, as inserts of this commit. Their first three
    /// columns are replaced.
    pub(crate) fn add_again(
        &mut self,
        rows: &RecordBatch,
    ) -> Result<Vec<WrittenFile>, PartitionError> {
        let columns = rows.columns().iter().skip(3).cloned().collect();
        self.append(&vec![ChangeOp::Insert; rows.num_rows()], columns)
    }

    /// Appends rows with all columns of the stream's table, and begins a new file where one is
    /// full.
    fn append(
        &mut self,
        ops: &[ChangeOp],
        row: Vec<ArrayRef>,
    ) -> Result<Vec<WrittenFile>, PartitionError> {
        let rows = self.changes(ops, row)?;
        let mut full = Vec::new();
        let mut start = 0;
        while start < rows.num_rows() {
            let (layout, limits) = (&self.layout, self.limits);
            let new = || PartitionWriter::unordered(Arc::clone(layout), limits);
            let writer = self.writer.get_or_insert_with(new);
            let room = usize::try_from(self.limits.file_rows.saturating_sub(writer.rows()));
            let length = room.unwrap_or(usize::MAX).clamp(1, rows.num_rows() - start);
            writer.write(&rows.slice(start, length))?;
            start += length;
            if writer.rows() >= self.limits.file_rows {
                full.extend(self.finish()?);
            }
        }
        Ok(full)
    }

    /// Last file, if any rows are left. The encoder can be used again.
    pub(crate) fn finish(&mut self) -> Result<Option<WrittenFile>, PartitionError> {
        self.writer.take().map(PartitionWriter::finish).transpose()
    }

    /// Rows of the table of changes: the three columns of the change before those of the row.
    fn changes(&self, ops: &[ChangeOp], row: Vec<ArrayRef>) -> Result<RecordBatch, PartitionError> {
        let count = ops.len();
        let at = TimestampMicrosecondArray::from(vec![self.of.at.as_microsecond(); count]);
        let sequence = i64::try_from(self.of.sequence.0).unwrap_or(i64::MAX);
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(ops.iter().map(|op| op.letter()))),
            Arc::new(at.with_timezone("UTC")),
            Arc::new(Int64Array::from(vec![sequence; count])),
        ];
        columns.extend(row);
        Ok(RecordBatch::try_new(Arc::clone(&self.layout.schema), columns)?)
    }
}

/// Column with the partition of the stream's table; `None` if the table has no partitions. Without
/// it a reader could not rebuild the stream's table from its changes.
fn kept_in(
    kind: PartitionSpec,
    value: Option<&str>,
    rows: usize,
) -> Result<Option<ArrayRef>, ArrowError> {
    let ty = match kind {
        PartitionSpec::None => return Ok(None),
        PartitionSpec::CreatedMonth => DataType::Utf8,
        PartitionSpec::CreatedYear
        | PartitionSpec::ParentCreatedYear
        | PartitionSpec::PeriodYear => DataType::Int64,
    };
    let Some(value) = value else {
        return Ok(Some(new_null_array(&ty, rows)));
    };
    if ty == DataType::Utf8 {
        return Ok(Some(Arc::new(StringArray::from(vec![value; rows]))));
    }
    let number: i64 = value.parse().map_err(|error| {
        ArrowError::ParseError(format!("the partition `{value}` is no number: {error}"))
    })?;
    Ok(Some(Arc::new(Int64Array::from(vec![number; rows]))))
}
