//! Parquet files, whoever wrote them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Compression, Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;

use super::error::{PartitionError, TableFile};

/// How many rows a file holds, whatever the log says.
pub(crate) fn row_count(table: &str, path: &str, bytes: Bytes) -> Result<u64, PartitionError> {
    let file = TableFile::new(table, path);
    let rows = reader(&file, bytes)?.metadata().file_metadata().num_rows();
    u64::try_from(rows).map_err(|error| PartitionError::damaged(&file, error))
}

/// A reader of a Parquet file, whoever wrote it. Its types are those of Parquet, not those that the
/// writer had in memory.
pub(crate) fn reader(
    file: &TableFile,
    bytes: Bytes,
) -> Result<ParquetRecordBatchReaderBuilder<Bytes>, PartitionError> {
    let unsupported = |how| Err(PartitionError::Unsupported { file: file.clone(), how });
    if bytes.ends_with(b"PARE") {
        return unsupported("encrypted");
    }
    let failed = |error| PartitionError::damaged(file, error);
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let load = || ArrowReaderMetadata::load(&bytes, options.clone());
    let mut metadata = surviving(file, load)?.map_err(failed)?;
    let groups = metadata.metadata().row_groups().iter();
    if groups.flat_map(RowGroupMetaData::columns).any(|it| it.compression() == Compression::LZO) {
        return unsupported("compressed with LZO");
    }
    if let Some(schema) = in_micros(&metadata) {
        let whole = Arc::clone(metadata.metadata());
        let read = || ArrowReaderMetadata::try_new(whole, options.with_schema(schema));
        metadata = surviving(file, read)?.map_err(failed)?;
    }
    Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, metadata))
}

/// The outcome of `work` on the bytes of a file: the Parquet reader panics at some that are damaged.
pub(super) fn surviving<T>(
    file: &TableFile,
    work: impl FnOnce() -> T,
) -> Result<T, PartitionError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        let what = "the Parquet reader did not survive it".to_owned();
        PartitionError::damaged(file, ParquetError::General(what))
    })
}

/// The file's schema with instants of 96 bits to the microsecond: in nanoseconds those far from now
/// would not fit. `None` where there are none.
fn in_micros(metadata: &ArrowReaderMetadata) -> Option<SchemaRef> {
    let columns = metadata.parquet_schema().columns();
    let mut is_wide = columns.iter().map(|column| column.physical_type() == Type::INT96);
    if !is_wide.clone().any(|wide| wide) {
        return None;
    }
    let fields = metadata.schema().fields().iter();
    let fields: Fields = fields.map(|field| narrowed(field, &mut is_wide)).collect();
    Some(Arc::new(Schema::new_with_metadata(fields, metadata.schema().metadata().clone())))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "Arrow's types: all others are leaves")]
fn narrowed(field: &FieldRef, is_wide: &mut impl Iterator<Item = bool>) -> FieldRef {
    let ty = match field.data_type() {
        DataType::Struct(members) => {
            DataType::Struct(members.iter().map(|member| narrowed(member, is_wide)).collect())
        }
        DataType::List(item) => DataType::List(narrowed(item, is_wide)),
        DataType::Map(entries, sorted) => DataType::Map(narrowed(entries, is_wide), *sorted),
        leaf if is_wide.next() == Some(true) => match leaf {
            DataType::Timestamp(_, zone) => {
                DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
            }
            other => other.clone(),
        },
        leaf => leaf.clone(),
    };
    Arc::new(field.as_ref().clone().with_data_type(ty))
}
