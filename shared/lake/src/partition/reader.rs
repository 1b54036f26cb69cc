//! Reads Parquet files of any writer.
//!
//! Parquet describes values by physical and logical types. Many writers, ours too, add an Arrow
//! schema to the metadata, which may describe the same values differently, for example as
//! dictionaries. The reader goes by the Parquet types alone, so that a file has one meaning whoever
//! wrote it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Compression, Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;

use super::content::FileContent;
use super::error::{PartitionError, TableFile};

/// Number of rows in a file, by its own metadata.
///
/// # Errors
/// `Damaged` or `Unsupported`, as when the rows were read.
pub(crate) fn row_count(
    table: &str,
    path: &str,
    content: FileContent,
) -> Result<u64, PartitionError> {
    let file = TableFile::new(table, path);
    let rows = reader(&file, content)?.metadata().file_metadata().num_rows();
    u64::try_from(rows).map_err(|error| PartitionError::damaged(&file, error))
}

/// Reader of a Parquet file of any writer. Uses the Parquet types and ignores the Arrow types that
/// the writer may have added.
///
/// # Errors
/// `Unsupported` for a whole file that this reader cannot decode, `Damaged` for anything else that
/// it refuses. The distinction matters to the operator: the first has a remedy without a backup.
pub(crate) fn reader(
    file: &TableFile,
    content: FileContent,
) -> Result<ParquetRecordBatchReaderBuilder<FileContent>, PartitionError> {
    let unsupported = |how| Err(PartitionError::Unsupported { file: file.clone(), how });
    // Files with an encrypted footer end with this magic number instead of `PAR1` (Parquet modular
    // encryption). Without this check the file would count as damaged.
    if content.ends_with(b"PARE") {
        return unsupported("encrypted");
    }
    let failed = |error| PartitionError::damaged(file, error);
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let load = || ArrowReaderMetadata::load(&content, options.clone());
    let mut metadata = surviving(file, load)?.map_err(failed)?;
    // LZO is in the Parquet format, but the library has no decoder for it.
    let groups = metadata.metadata().row_groups().iter();
    if groups.flat_map(RowGroupMetaData::columns).any(|it| it.compression() == Compression::LZO) {
        return unsupported("compressed with LZO");
    }
    if let Some(schema) = in_micros(&metadata) {
        let whole = Arc::clone(metadata.metadata());
        let read = || ArrowReaderMetadata::try_new(whole, options.with_schema(schema));
        metadata = surviving(file, read)?.map_err(failed)?;
    }
    Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(content, metadata))
}

/// Runs `work` and turns its panic into an error: the Parquet reader panics on some damaged files.
/// A damaged file of one table must not end a process that works on others.
pub(super) fn surviving<T>(
    file: &TableFile,
    work: impl FnOnce() -> T,
) -> Result<T, PartitionError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        let what = "the Parquet reader panicked".to_owned();
        PartitionError::damaged(file, ParquetError::General(what))
    })
}

/// Schema of the file with 96-bit instants read as microseconds; in nanoseconds, instants before
/// 1677 and after 2262 would overflow. `None` if there are no such instants.
///
/// INT96 is a deprecated type of Parquet, in which Spark writes instants unless it is told
/// otherwise.
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

/// The field with its 96-bit instants as microseconds. Takes one element of `is_wide` for each
/// leaf, as Parquet lists its columns: leaves in order, depth first.
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
