//! Reads partition files: ours of any age, and those that other engines compacted.
//!
//! Three things may differ from the current declaration. A file may lack columns that were declared
//! later: they are null. It may hold values in `extra_json` that have a column now: they are
//! lifted. And another engine may have chosen other types for the same values: they are converted
//! if no value changes by it. A file that fits is passed through without a copy.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::{DataType, SchemaRef};
use decode::fit::{ColumnMisfit, fit};
use decode::schema::TableSchema;
use delta::table::FileEntry;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowSelection};

use super::content::FileContent;
use super::error::{PartitionError, TableFile};
use super::layout::{ColumnChoice, RowLayout};
use super::reader::{reader, surviving};

/// Number of rows of a batch. Large enough that the work per batch does not count, small enough
/// that a merge keeps few rows of each file in memory. Tests have few rows and want many batches.
const BATCH_ROWS: usize = if cfg!(test) { 4 } else { 8192 };

/// Reads the rows of a partition file with the table's whole schema. The partition column gets the
/// file's value; columns that the file is too old to have are null.
///
/// `content` must have been compared with the log before.
///
/// # Errors
/// `Damaged` when the bytes are not a partition file of the table, `Unsupported` or `Unfit` when
/// another program wrote it in a way that cannot be read. Errors of single row groups come from the
/// iterator.
pub fn read(
    schema: &TableSchema,
    file: &FileEntry,
    content: impl Into<FileContent>,
) -> Result<PartitionRows, PartitionError> {
    let layout = Arc::new(RowLayout::new(schema, ColumnChoice::All)?);
    let stored = open(&layout, &file.path, content)?;
    let column = schema.partition_column();
    let value = match column {
        Some(name) => {
            let index = schema.arrow.index_of(name)?;
            Some((index, partition_value(schema, index, file)?))
        }
        None => None,
    };
    Ok(PartitionRows { stored, value, schema: Arc::clone(&schema.arrow) })
}

/// Iterator over the rows of a partition file, in batches with the table's schema.
#[derive(Debug)]
pub struct PartitionRows {
    stored: FileRows,
    /// Index of the partition column and its single value.
    value: Option<(usize, ArrayRef)>,
    schema: SchemaRef,
}

impl Iterator for PartitionRows {
    type Item = Result<RecordBatch, PartitionError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.stored.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        // The partition column has its place among the others, as in the log.
        let mut columns = batch.columns().to_vec();
        if let Some((index, value)) = &self.value {
            let zeros = Int64Array::from(vec![0; batch.num_rows()]);
            match arrow::compute::take(value, &zeros, None) {
                Ok(column) => columns.insert((*index).min(columns.len()), column),
                Err(error) => return Some(Err(error.into())),
            }
        }
        Some(RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(Into::into))
    }
}

/// Value of the partition column, one for the whole file. A text that should be a number is an
/// error instead of null: the rows would silently change their partition.
fn partition_value(
    schema: &TableSchema,
    index: usize,
    file: &FileEntry,
) -> Result<ArrayRef, PartitionError> {
    let field = schema.arrow.field(index);
    let Some(text) = &file.partition else {
        return Ok(new_null_array(field.data_type(), 1));
    };
    if *field.data_type() == DataType::Utf8 {
        return Ok(Arc::new(StringArray::from(vec![text.as_str()])));
    }
    let number: i64 = text.parse().map_err(|_| PartitionError::Unfit {
        file: TableFile::new(&schema.name, &file.path),
        column: field.name().clone(),
        why: format!("is `{text}`, which is no number"),
    })?;
    Ok(Arc::new(Int64Array::from(vec![number])))
}

/// Reads the rows of a file in `layout`, without the partition column.
///
/// Decodes only the columns of the layout. Columns that the layout does not know are ignored, so
/// that a column added by another program hides no rows.
pub(crate) fn open(
    layout: &Arc<RowLayout>,
    path: &str,
    content: impl Into<FileContent>,
) -> Result<FileRows, PartitionError> {
    selected(layout, path, content.into(), FilePart::Whole)
}

/// Part of a file that is read.
#[derive(Clone, Copy)]
enum FilePart<'a> {
    Whole,
    /// Rows at these positions.
    Spans(&'a [Range<usize>]),
    /// Row group with this number.
    Group(usize),
}

/// Reads the rows at `spans` alone, as [`open`] reads all of them. `spans`: positions in the file, in
/// ascending order and apart from each other.
pub(crate) fn open_spans(
    layout: &Arc<RowLayout>,
    path: &str,
    content: FileContent,
    spans: &[Range<usize>],
) -> Result<FileRows, PartitionError> {
    selected(layout, path, content, FilePart::Spans(spans))
}

/// Reads the rows of one row group, as [`open`] reads all of them.
pub(crate) fn open_group(
    layout: &Arc<RowLayout>,
    path: &str,
    content: FileContent,
    group: usize,
) -> Result<FileRows, PartitionError> {
    selected(layout, path, content, FilePart::Group(group))
}

fn selected(
    layout: &Arc<RowLayout>,
    path: &str,
    content: FileContent,
    part: FilePart<'_>,
) -> Result<FileRows, PartitionError> {
    let file = TableFile::new(&layout.table, path);
    let builder = reader(&file, content)?;
    let rows = usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
    let wanted = layout.schema.fields();
    let roots = builder.parquet_schema().root_schema().get_fields();
    let indices = (0..roots.len())
        .filter(|&index| {
            roots.get(index).is_some_and(|root| wanted.iter().any(|f| f.name() == root.name()))
        })
        .collect::<Vec<_>>();
    let mask = ProjectionMask::roots(builder.parquet_schema(), indices);
    let open = || {
        let builder = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
        match part {
            FilePart::Spans(spans) => {
                let spans = spans.iter().cloned();
                let selection = RowSelection::from_consecutive_ranges(spans, rows);
                builder.with_row_selection(selection).build()
            }
            FilePart::Group(group) => builder.with_row_groups(vec![group]).build(),
            FilePart::Whole => builder.build(),
        }
    };
    let built = surviving(&file, open)?;
    let reader = Some(built.map_err(|error| PartitionError::damaged(&file, error))?);
    Ok(FileRows { reader, layout: Arc::clone(layout), file, lifted: false })
}

/// Iterator over the rows of a partition file in one layout.
#[derive(Debug)]
pub(crate) struct FileRows {
    /// `None` at the end and after an error or a panic: the reader might repeat an error forever,
    /// and its state after a panic is unknown.
    reader: Option<ParquetRecordBatchReader>,
    layout: Arc<RowLayout>,
    file: TableFile,
    /// Whether any row of an older declaration was changed to fit the current one. Known of the
    /// batches returned so far.
    lifted: bool,
}

impl FileRows {
    /// Whether a batch returned so far had rows of an older declaration.
    pub(crate) fn has_lifted(&self) -> bool {
        self.lifted
    }

    /// Brings a batch into the layout: types first, then the current declaration.
    fn fitted(&mut self, batch: &RecordBatch) -> Result<RecordBatch, PartitionError> {
        let schema = &self.layout.schema;
        let fitted = if batch.schema_ref().fields() == schema.fields() {
            RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec())
                .map_err(|error| PartitionError::damaged(&self.file, error))?
        } else {
            let unfit = |ColumnMisfit { column, why }| {
                let file = self.file.clone();
                PartitionError::Unfit { file, column, why }
            };
            fit(batch, schema).map_err(unfit)?
        };
        let (batch, lifted) = self
            .layout
            .lifted(fitted)
            .map_err(|error| PartitionError::damaged(&self.file, error))?;
        self.lifted |= lifted;
        Ok(batch)
    }
}

impl Iterator for FileRows {
    type Item = Result<RecordBatch, PartitionError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = self.reader.take()?;
        match surviving(&self.file, || reader.next()) {
            Ok(None) => None,
            Ok(Some(Ok(batch))) => {
                self.reader = Some(reader);
                Some(self.fitted(&batch))
            }
            Ok(Some(Err(error))) => Some(Err(PartitionError::damaged(&self.file, error))),
            Err(died) => Some(Err(died)),
        }
    }
}
