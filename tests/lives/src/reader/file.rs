//! Rows of one data file, and what can be said of all of them.

use core::fmt::Write as _;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray as _, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use bytes::Bytes;
use engine::schema::{CHANGED_AT, Column, ColumnSource, ColumnType, OP, SEQUENCE};
use engine::spec::PartitionSpec;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest as _, Sha256};

use super::cell::{OrderedValue, ordered, text};
use super::{LakeRows, LakeTable};
use crate::declared::declared;
use crate::naive::record::{Row, canonical_extra};

/// One row of a file.
#[derive(Clone, Debug)]
pub struct ReadRow {
    /// Key as text, its parts joined with `|`.
    pub key: String,
    /// Values of the columns that are compared.
    pub row: Row,
    /// The change, in a table of changes.
    pub change: Option<RowChange>,
}

/// Columns of a row of changes that tell of the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// Kind: `I`, `U` or `D`.
    pub op: String,
    /// Time in microseconds since 1970.
    pub changed_at: i64,
    /// Sequence of the commit.
    pub sequence: i64,
}

/// Values of one column in all rows of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnRange {
    /// Number of nulls.
    pub nulls: u64,
    /// Least and greatest value; `None` if all are null.
    pub range: Option<(OrderedValue, OrderedValue)>,
}

/// A data file, decoded.
#[derive(Debug)]
pub struct ReadFile {
    /// Rows in their order.
    pub rows: Vec<ReadRow>,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes in hexadecimal digits.
    pub sha256: String,
    /// Types of its columns.
    pub types: BTreeMap<String, DataType>,
    /// Whether it lacks columns, or members of structs, that are declared today.
    pub is_older: bool,
    /// Ranges of the columns that have an order.
    pub ranges: BTreeMap<String, ColumnRange>,
    /// Keys of its rows as values, in the order of rows.
    pub keys: Vec<Vec<Option<OrderedValue>>>,
    /// Partitions that its rows belong to, as far as rows tell.
    pub partitions: BTreeSet<String>,
    /// All of its values.
    pub batch: RecordBatch,
}

impl ReadFile {
    /// Decodes a file of `table`; `partition` is the value of its partition in the log.
    ///
    /// # Errors
    /// Returns a sentence where the bytes are no Parquet file.
    pub fn decode(
        table: &LakeTable,
        partition: Option<&str>,
        bytes: &Bytes,
    ) -> Result<Self, String> {
        let batch = batch(bytes)?;
        let columns = table.columns();
        let mut types = BTreeMap::new();
        let mut ranges = BTreeMap::new();
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            types.insert(field.name().clone(), field.data_type().clone());
            if let Some(range) = range(array.as_ref()) {
                ranges.insert(field.name().clone(), range);
            }
        }
        let mut sha256 = String::new();
        for byte in Sha256::digest(bytes) {
            write!(sha256, "{byte:02x}").expect("a string takes everything");
        }
        Ok(Self {
            rows: rows(table, partition, &batch),
            size: bytes.len() as u64,
            sha256,
            is_older: columns.iter().any(|column| is_older(table, column, &types)),
            types,
            ranges,
            keys: keys(table, &batch),
            partitions: partitions(table, columns, &batch),
            batch,
        })
    }
}

/// Reads a Parquet file whole.
///
/// # Errors
/// Returns a sentence where the bytes are no Parquet file.
pub fn batch(bytes: &Bytes) -> Result<RecordBatch, String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone());
    let reader = reader.map_err(|error| error.to_string())?;
    let schema: SchemaRef = Arc::clone(reader.schema());
    let reader = reader.build().map_err(|error| error.to_string())?;
    let batches: Result<Vec<RecordBatch>, _> = reader.collect();
    let batches = batches.map_err(|error| error.to_string())?;
    concat_batches(&schema, &batches).map_err(|error| error.to_string())
}

/// Returns the number of rows that a Parquet file promises; `None` if the bytes are no such file.
#[must_use]
pub fn row_count(bytes: &Bytes) -> Option<u64> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).ok()?;
    u64::try_from(reader.metadata().file_metadata().num_rows()).ok()
}

/// Returns the type of a column in the files, as `delta-facts` and the documentation have it.
#[must_use]
pub fn file_type(ty: &ColumnType) -> Option<DataType> {
    match ty {
        ColumnType::Int => Some(DataType::Int64),
        ColumnType::Text => Some(DataType::Utf8),
        ColumnType::Bool => Some(DataType::Boolean),
        ColumnType::Date => Some(DataType::Date32),
        ColumnType::Instant => Some(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
        ColumnType::Decimal { scale } => Some(DataType::Decimal128(18, *scale)),
        ColumnType::Texts | ColumnType::Ints | ColumnType::Structs(_) => None,
    }
}

/// Whether a file with columns of these types lacks what is declared of `column`.
fn is_older(table: &LakeTable, column: &Column, types: &BTreeMap<String, DataType>) -> bool {
    let is_in_log = column.source == ColumnSource::Partition;
    match (types.get(&column.name), &column.ty) {
        (None, _) => !is_in_log || table.partition() != Some(column.name.as_str()),
        (Some(DataType::List(items)), ColumnType::Structs(members)) => match items.data_type() {
            DataType::Struct(fields) => fields.len() < members.len(),
            _ => false,
        },
        (Some(_), _) => false,
    }
}

fn range(column: &dyn Array) -> Option<ColumnRange> {
    use DataType::{Date32, Decimal128, Int64, Timestamp, Utf8};
    let has_order =
        matches!(column.data_type(), Int64 | Date32 | Timestamp(_, _) | Decimal128(_, _) | Utf8);
    if !has_order {
        return None;
    }
    let nulls = column.null_count() as u64;
    if let Some(texts) = column.as_string_opt::<i32>() {
        let texts = texts.iter().flatten();
        let of = |text: &str| OrderedValue::Text(text.to_owned());
        let range = texts.clone().min().zip(texts.max());
        return Some(ColumnRange { nulls, range: range.map(|(low, high)| (of(low), of(high))) });
    }
    let numbers = (0..column.len()).filter_map(|row| ordered(column, row));
    let range = numbers.clone().min().zip(numbers.max());
    Some(ColumnRange { nulls, range })
}

fn rows(table: &LakeTable, partition: Option<&str>, batch: &RecordBatch) -> Vec<ReadRow> {
    let column = |name: &str| batch.column_by_name(name).map(AsRef::as_ref);
    let keys: Vec<Option<&dyn Array>> =
        table.spec.primary_key.iter().map(|name| column(name)).collect();
    let values: Vec<(&Column, Option<&dyn Array>)> =
        declared(table.spec).compared.iter().map(|it| (it, column(&it.name))).collect();
    let is_change = table.rows == LakeRows::Changes;
    let number = |name: &str, row: usize| match ordered(column(name)?, row)? {
        OrderedValue::Number(number) => i64::try_from(number).ok(),
        OrderedValue::Text(_) => None,
    };
    let change = |row: usize| {
        let op = text(column(OP)?, row)?;
        let changed_at = number(CHANGED_AT, row)?;
        Some(RowChange { op, changed_at, sequence: number(SEQUENCE, row)? })
    };
    let row = |row: usize| {
        let parts = keys.iter().map(|array| array.and_then(|array| text(array, row)));
        let parts: Vec<String> = parts.map(Option::unwrap_or_default).collect();
        let cells = values.iter().map(|(column, array)| {
            let text = array.and_then(|array| text(array, row));
            match &column.source {
                // In a stream's own table only the log has it.
                ColumnSource::Partition if !is_change => partition.map(str::to_owned),
                ColumnSource::Extra => text.map(|text| canonical_extra(&text)),
                _ => text,
            }
        });
        ReadRow {
            key: parts.join("|"),
            row: cells.collect(),
            change: is_change.then(|| change(row).expect("the columns of a change")),
        }
    };
    (0..batch.num_rows()).map(row).collect()
}

fn keys(table: &LakeTable, batch: &RecordBatch) -> Vec<Vec<Option<OrderedValue>>> {
    let columns = table.spec.primary_key.iter().map(|name| batch.column_by_name(name));
    let columns: Vec<_> = columns.collect();
    let key = |row| {
        let parts = columns.iter().map(|column| column.and_then(|column| ordered(column, row)));
        parts.collect()
    };
    (0..batch.num_rows()).map(key).collect()
}

/// Returns the partitions that rows belong to by their own columns. Rows without the instant are
/// left out, as are children, whose parent's instant is in no column.
fn partitions(table: &LakeTable, columns: &[Column], batch: &RecordBatch) -> BTreeSet<String> {
    let (of, length) = match (table.rows, table.spec.partition) {
        (LakeRows::Changes, _) => (CHANGED_AT, 7),
        (LakeRows::Records, PartitionSpec::CreatedMonth) => ("created_at", 7),
        (LakeRows::Records, PartitionSpec::StartedMonth) => ("started_at", 7),
        (LakeRows::Records, PartitionSpec::CreatedYear) => ("created_at", 4),
        (LakeRows::Records, PartitionSpec::PeriodYear) => ("period_start", 4),
        (LakeRows::Records, PartitionSpec::ParentCreatedYear | PartitionSpec::None) => {
            return BTreeSet::new();
        }
    };
    let declared = columns.iter().any(|column| column.name == of);
    let Some(column) = batch.column_by_name(of).filter(|_| declared) else {
        return BTreeSet::new();
    };
    let values = (0..batch.num_rows()).filter_map(|row| text(column, row));
    let value = |text: String| {
        let value = &text[..length];
        if length == 4 { value.trim_start_matches('0').to_owned() } else { value.to_owned() }
    };
    values.map(value).collect()
}
