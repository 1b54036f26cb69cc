//! Encodes rows of a stream's table as Parquet files of its table of changes.
//!
//! A row of changes is `op`, `changed_at`, `sequence`, then all columns of the stream's table,
//! among them its partition column, which is an ordinary column here. `changed_month` is the
//! partition of the table of changes and hence in no file.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use engine::schema::{CHANGED_AT, OP, SEQUENCE};
use engine::spec::PartitionSpec;

use super::{ChangeOp, ChangesOf};
use crate::partition::{
    ColumnChoice, FileLimits, PartitionError, PartitionWriter, RowLayout, SplicedWriter,
    WrittenFile,
};

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
    /// Layout of the columns that a file of the stream's table lacks.
    beside: Arc<RowLayout>,
    /// File under construction whose columns are copied; `None` until there are rows for it.
    copied: Option<SplicedWriter>,
}

impl ChangeEncoder {
    /// Encoder without a file. Schema, sequence and time are fixed for its life: a file of changes
    /// has those of one commit.
    pub(crate) fn new(of: ChangesOf, limits: FileLimits) -> Result<Self, ArrowError> {
        let layout = Arc::new(RowLayout::new(&of.schema, ColumnChoice::All)?);
        let mut lacking = vec![OP, CHANGED_AT, SEQUENCE];
        lacking.extend(of.schema.spec.partition.column());
        let beside = RowLayout::named(&of.schema, &lacking)?;
        Ok(Self { layout, limits, of, writer: None, beside: Arc::new(beside), copied: None })
    }

    /// Whether a file of the stream's table with about `rows` rows, all of them new, is large enough
    /// for [`ChangeEncoder::copy`].
    pub(crate) fn copies(&self, rows: u64) -> bool {
        rows >= self.limits.copied_rows
    }

    /// Appends all rows of a file of the stream's table as inserts, and returns the file of changes
    /// that became full.
    pub(crate) fn copy(
        &mut self,
        file: &WrittenFile,
        partition: Option<&str>,
    ) -> Result<Option<WrittenFile>, PartitionError> {
        let most = self.limits.file_rows;
        let full = match self.copied.take_if(|copied| copied.is_full_before(file, most)) {
            Some(full) => Some(full.finish()?),
            None => None,
        };
        let mut copied = match self.copied.take() {
            Some(copied) => copied,
            None => SplicedWriter::new(&self.layout, self.limits)?,
        };
        copied.append(file, |rows| self.constants(rows, partition))?;
        self.copied = Some(copied);
        Ok(full)
    }

    /// File with the columns that the stream's table lacks, for this number of inserts.
    fn constants(&self, rows: u64, partition: Option<&str>) -> Result<WrittenFile, PartitionError> {
        let count = usize::try_from(rows).unwrap_or(usize::MAX);
        let mut columns = self.of_change(&vec![ChangeOp::Insert; count]);
        columns.extend(kept_in(self.of.schema.spec.partition, partition, count)?);
        let batch = RecordBatch::try_new(Arc::clone(&self.beside.schema), columns)?;
        let limits = FileLimits { group_rows: count, group_bytes: usize::MAX, ..self.limits };
        let mut writer = PartitionWriter::unordered(Arc::clone(&self.beside), limits);
        writer.write(&batch)?;
        writer.finish()
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
        self.write(&self.of_partition(ops, rows, partition)?)
    }

    /// Rows of the table of changes, of one partition of the stream's table. The arguments are
    /// those of [`ChangeEncoder::add`].
    pub(super) fn of_partition(
        &self,
        ops: &[ChangeOp],
        rows: &RecordBatch,
        partition: Option<&str>,
    ) -> Result<RecordBatch, PartitionError> {
        let mut columns = rows.columns().to_vec();
        columns.extend(kept_in(self.of.schema.spec.partition, partition, rows.num_rows())?);
        self.changes(ops, columns)
    }

    /// Appends rows of a table of changes again, as inserts of this commit. Their first three
    /// columns are replaced.
    pub(crate) fn add_again(
        &mut self,
        rows: &RecordBatch,
    ) -> Result<Vec<WrittenFile>, PartitionError> {
        let columns = rows.columns().iter().skip(3).cloned().collect();
        self.write(&self.changes(&vec![ChangeOp::Insert; rows.num_rows()], columns)?)
    }

    /// Appends rows of the table of changes, and begins a new file where one is full.
    pub(super) fn write(&mut self, rows: &RecordBatch) -> Result<Vec<WrittenFile>, PartitionError> {
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
                full.extend(self.writer.take().map(PartitionWriter::finish).transpose()?);
            }
        }
        Ok(full)
    }

    /// Schema of the rows.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.layout.schema
    }

    /// Last files, if any rows are left. The encoder can be used again.
    pub(crate) fn finish(&mut self) -> Result<Vec<WrittenFile>, PartitionError> {
        let encoded = self.writer.take().map(PartitionWriter::finish);
        let copied = self.copied.take().map(SplicedWriter::finish);
        encoded.into_iter().chain(copied).collect()
    }

    /// Rows of the table of changes: the three columns of the change before those of the row.
    fn changes(&self, ops: &[ChangeOp], row: Vec<ArrayRef>) -> Result<RecordBatch, PartitionError> {
        let mut columns = self.of_change(ops);
        columns.extend(row);
        Ok(RecordBatch::try_new(Arc::clone(&self.layout.schema), columns)?)
    }

    /// The three columns of the change.
    fn of_change(&self, ops: &[ChangeOp]) -> Vec<ArrayRef> {
        let count = ops.len();
        let at = TimestampMicrosecondArray::from(vec![self.of.at.as_microsecond(); count]);
        let sequence = i64::try_from(self.of.sequence.0).unwrap_or(i64::MAX);
        vec![
            Arc::new(StringArray::from_iter_values(ops.iter().map(|op| op.letter()))),
            Arc::new(at.with_timezone("UTC")),
            Arc::new(Int64Array::from(vec![sequence; count])),
        ]
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
        PartitionSpec::CreatedMonth | PartitionSpec::StartedMonth => DataType::Utf8,
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

#[cfg(test)]
mod tests;
