//! Reads partition files, ours of any age and those that others compacted.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, StructArray, new_null_array};
use arrow::array::{Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use bytes::Bytes;
use engine::window::Period;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::PartitionError;
use super::keyed::Keyed;
use super::layout::{Columns, Layout};
use crate::schema::TableSchema;
use crate::store::ObjectStore;
use crate::table::FileEntry;

/// Rows of one batch. Tests have few rows and want many batches.
const BATCH_ROWS: usize = if cfg!(test) { 4 } else { 8192 };

/// The whole object of a file that the log names.
pub(crate) async fn fetch(
    store: &dyn ObjectStore,
    root: &str,
    path: &str,
) -> Result<Bytes, PartitionError> {
    let path = format!("{root}/{path}");
    let bytes = store.get(&path).await?;
    bytes.ok_or(PartitionError::Missing { path })
}

/// The rows of a partition file with the table's whole schema: the partition column has the file's
/// value, columns that the file is too old to hold are null.
///
/// # Errors
/// `Damaged` where the bytes are no partition file of the table.
pub fn read(schema: &TableSchema, file: &FileEntry, bytes: Bytes) -> Result<Rows, PartitionError> {
    let layout = Arc::new(Layout::new(schema, Columns::All)?);
    let stored = open(&layout, &file.path, bytes)?;
    let column = schema.partition_column();
    let value = match column {
        Some(name) => {
            let index = schema.arrow.index_of(name)?;
            Some((index, partition_value(schema.arrow.field(index).data_type(), file)?))
        }
        None => None,
    };
    Ok(Rows { stored, value, schema: Arc::clone(&schema.arrow) })
}

/// The rows of one partition file, batch by batch, with the table's schema.
#[derive(Debug)]
pub struct Rows {
    stored: Stored,
    /// The partition column's index and its one value.
    value: Option<(usize, ArrayRef)>,
    schema: SchemaRef,
}

impl Iterator for Rows {
    type Item = Result<RecordBatch, PartitionError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.stored.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
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

fn partition_value(ty: &DataType, file: &FileEntry) -> Result<ArrayRef, PartitionError> {
    let Some(text) = &file.partition else {
        return Ok(new_null_array(ty, 1));
    };
    if *ty == DataType::Utf8 {
        return Ok(Arc::new(StringArray::from(vec![text.as_str()])));
    }
    let number: i64 = text.parse().map_err(|error| damaged(&file.path, error))?;
    Ok(Arc::new(Int64Array::from(vec![number])))
}

/// The rows of a file in `layout`, as they are stored.
pub(crate) fn open(
    layout: &Arc<Layout>,
    path: &str,
    bytes: Bytes,
) -> Result<Stored, PartitionError> {
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|error| damaged(path, error))?;
    let wanted = layout.schema.fields();
    let roots = builder.parquet_schema().root_schema().get_fields();
    let indices = (0..roots.len())
        .filter(|&index| {
            roots.get(index).is_some_and(|root| wanted.iter().any(|f| f.name() == root.name()))
        })
        .collect::<Vec<_>>();
    let mask = ProjectionMask::roots(builder.parquet_schema(), indices);
    let reader = builder
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(|error| damaged(path, error))?;
    Ok(Stored { reader, layout: Arc::clone(layout), path: path.to_owned(), lifted: false })
}

/// How many rows a file holds, whatever the log says.
pub(crate) fn row_count(path: &str, bytes: Bytes) -> Result<u64, PartitionError> {
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|error| damaged(path, error))?;
    let rows = builder.metadata().file_metadata().num_rows();
    u64::try_from(rows).map_err(|error| damaged(path, error))
}

/// The rows of one partition file in one layout.
#[derive(Debug)]
pub(crate) struct Stored {
    reader: ParquetRecordBatchReader,
    layout: Arc<Layout>,
    path: String,
    /// Whether any row was stored by an older declaration and now fills a column that it did not.
    lifted: bool,
}

impl Stored {
    pub(crate) fn has_lifted(&self) -> bool {
        self.lifted
    }

    fn fitted(&mut self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let (batch, lifted) = self.layout.lifted(fit(batch, &self.layout.schema)?)?;
        self.lifted |= lifted;
        Ok(batch)
    }
}

impl Iterator for Stored {
    type Item = Result<RecordBatch, PartitionError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        let fitted = batch.and_then(|batch| self.fitted(&batch));
        Some(fitted.map_err(|error| damaged(&self.path, error)))
    }
}

fn damaged(path: &str, error: impl std::error::Error + Send + Sync + 'static) -> PartitionError {
    PartitionError::Damaged { path: path.to_owned(), source: Arc::new(error) }
}

/// The columns of `schema`, by name; those that the file lacks are null.
fn fit(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    if batch.schema_ref().fields() == schema.fields() {
        return RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec());
    }
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) => fit_type(column, field.data_type()),
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)
}

/// `column` as `ty`: members that structs lack are null, equal types under other names are taken.
fn fit_type(column: &ArrayRef, ty: &DataType) -> Result<ArrayRef, ArrowError> {
    if column.data_type() == ty {
        return Ok(Arc::clone(column));
    }
    if let DataType::List(item) = ty {
        let list = match column.as_list_opt::<i32>() {
            Some(list) => list.clone(),
            // Another kind of list, such as one with 64-bit offsets.
            None => cast(column, &with_short_offsets(column.data_type(), ty))?.as_list().clone(),
        };
        let values = fit_type(list.values(), item.data_type())?;
        let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
        return Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, nulls)?));
    }
    let (DataType::Struct(fields), Some(held)) = (ty, column.as_struct_opt()) else {
        return cast(column, ty);
    };
    let members = fields.iter().map(|field| match held.column_by_name(field.name()) {
        Some(member) => fit_type(member, field.data_type()),
        None => Ok(new_null_array(field.data_type(), held.len())),
    });
    let members = members.collect::<Result<_, _>>()?;
    Ok(Arc::new(StructArray::try_new(fields.clone(), members, held.nulls().cloned())?))
}

/// A list type with 32-bit offsets and the items of `from`; `to` where `from` is no list.
fn with_short_offsets(from: &DataType, to: &DataType) -> DataType {
    if let DataType::LargeList(item) | DataType::ListView(item) | DataType::LargeListView(item) =
        from
    {
        DataType::List(Arc::clone(item))
    } else {
        to.clone()
    }
}

/// How many rows a table holds of each unit of its coverage; the map that does not belong to the
/// stream's kind is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldUnits {
    /// Children per parent.
    pub parents: BTreeMap<i64, u64>,
    /// Rows per report window.
    pub periods: BTreeMap<Period, u64>,
}

/// Counts the rows of each parent or report window in the table's files; reads those columns only.
///
/// # Errors
/// Where a file cannot be read.
pub async fn held_units(
    store: &dyn ObjectStore,
    root: &str,
    schema: &TableSchema,
    files: &[FileEntry],
) -> Result<HeldUnits, PartitionError> {
    let layout = Arc::new(Layout::new(schema, Columns::Versions)?);
    let mut held = HeldUnits::default();
    for file in files {
        let rows = open(&layout, &file.path, fetch(store, root, &file.path).await?)?;
        for batch in rows {
            count_units(&layout.keyed(batch?)?, &mut held);
        }
    }
    Ok(held)
}

fn count_units(rows: &Keyed, held: &mut HeldUnits) {
    for row in 0..rows.len() {
        let (parent, period) = rows.unit(row);
        if let Some(parent) = parent {
            *held.parents.entry(parent).or_default() += 1;
        }
        if let Some(period) = period {
            *held.periods.entry(period).or_default() += 1;
        }
    }
}
