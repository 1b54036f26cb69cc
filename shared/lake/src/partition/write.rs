//! Writes one partition file from rows in key order.
//!
//! Size and checksum of the file are part of its entry in the log. They, the statistics and the keys
//! are gathered on the way, so that a written file need not be read again.

use std::sync::Arc;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use delta::store::{ObjectStore, PutIfAbsent};
use delta::table::FileEntry;
use engine::key::Key;
use engine::time::Timestamp;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::Length as _;
use parquet::schema::types::ColumnPath;

use super::content::FileContent;
use super::fetch::content_of;
use super::layout::RowLayout;
use super::output::FileOutput;
use super::stats::FileStats;
use super::{FileLimits, PartitionError};

/// Size in bytes at which a column's dictionary is abandoned for plain values. A larger dictionary
/// costs memory and time in the writer and gains nothing for columns whose values rarely repeat.
const DICTIONARY_BYTES: usize = 256 << 10;

/// Size in bytes at which a data page ends. The values of a page wait for its end in the writer, in every column at
/// once.
const PAGE_BYTES: usize = 64 << 10;

/// Largest number of rows of a small file, which is compressed with Snappy. Zstandard needs a state
/// of 100 KB for each column chunk, to write and to read it: in a file of a few hundred rows and
/// thirty columns that takes longer than all the rest, and saves a few kilobytes.
const SMALL_FILE_ROWS: u64 = 1_000;

/// A partition file under construction.
#[derive(Debug)]
pub(crate) struct PartitionWriter {
    layout: Arc<RowLayout>,
    limits: FileLimits,
    /// Rows of a file that may remain small; none once `writer` exists.
    waiting: Vec<RecordBatch>,
    writer: Option<ArrowWriter<FileOutput>>,
    stats: FileStats,
    /// Whether rows come in key order, so that first and last key bound the file.
    ordered: bool,
    /// First key; `None` in a file of unordered rows.
    first: Option<Key>,
    /// Last key so far.
    last: Option<Key>,
}

/// A complete partition file, not stored yet: its content and all that the log says about it.
#[derive(Debug)]
pub(crate) struct WrittenFile {
    pub(crate) content: FileContent,
    pub(crate) stats: FileStats,
    /// First and last key; `None` in a file of unordered rows, or without rows.
    pub(crate) keys: Option<(Key, Key)>,
    /// Statistics as the log has them.
    pub(crate) log_stats: String,
    /// Checksum of the content, in hexadecimal digits.
    pub(crate) sha256: String,
}

impl WrittenFile {
    /// File with this content. `keys`: the first and last, if the rows are in order.
    ///
    /// # Errors
    /// `Output` when a temporary file fails.
    pub(super) fn new(
        output: FileOutput,
        stats: FileStats,
        keys: Option<(Key, Key)>,
    ) -> Result<Self, PartitionError> {
        let (content, sha256) = output.finish().map_err(PartitionError::Output)?;
        let log_stats = stats.json();
        Ok(Self { content, stats, keys, log_stats, sha256 })
    }

    /// Stores the file under `key`, unless the name is taken by other bytes; returns whether it is
    /// stored.
    ///
    /// # Errors
    /// As the store does. The file may be stored nevertheless; nobody knows its name then.
    pub(crate) async fn put_into(
        &self,
        store: &dyn ObjectStore,
        key: &str,
    ) -> Result<bool, PartitionError> {
        Ok(match self.content.put_if_absent(store, key).await? {
            PutIfAbsent::Stored => true,
            // Each attempt uses its own names: a file with the same content is ours, after a put
            // that lost its answer.
            PutIfAbsent::Exists => {
                let size = self.content.len();
                let there = content_of(store, key, size, PartitionError::Output).await?;
                there.is_some_and(|there| there.sha256() == self.sha256)
            }
        })
    }

    /// Entry of the file in the log, after it was stored at `path`.
    pub(crate) fn entry(
        self,
        path: String,
        partition: Option<&str>,
        modified: Timestamp,
    ) -> FileEntry {
        FileEntry {
            path,
            partition: partition.map(str::to_owned),
            size: self.content.len(),
            modified,
            rows: self.stats.rows(),
            stats: self.log_stats,
            keys: self.keys,
            sha256: Some(self.sha256),
        }
    }
}

impl PartitionWriter {
    /// Writer for rows in strict key order.
    pub(crate) fn new(layout: Arc<RowLayout>, limits: FileLimits) -> Self {
        let stats = FileStats::new(&layout);
        let (first, last, waiting, writer) = (None, None, Vec::new(), None);
        Self { layout, limits, waiting, writer, stats, ordered: true, first, last }
    }

    /// Writer for rows in any order, in which keys may repeat. Its file names no keys in the log.
    pub(crate) fn unordered(layout: Arc<RowLayout>, limits: FileLimits) -> Self {
        Self { ordered: false, ..Self::new(layout, limits) }
    }

    /// Number of rows written so far.
    pub(crate) fn rows(&self) -> u64 {
        self.stats.rows()
    }

    /// Appends rows. In an ordered file their keys must be greater than all keys written before.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<(), PartitionError> {
        let Some(last) = rows.num_rows().checked_sub(1) else {
            return Ok(());
        };
        if self.ordered {
            if self.first.is_none() {
                self.first = Some(self.layout.key(rows, 0)?);
            }
            let before = self.last.replace(self.layout.key(rows, last)?);
            debug_assert!(before < self.last, "partition files are written in key order");
        }
        self.stats.add(rows)?;
        if self.writer.is_none() && self.stats.rows() <= SMALL_FILE_ROWS {
            self.waiting.push(owned(rows)?);
            return Ok(());
        }
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin(Compression::ZSTD(ZstdLevel::try_new(1)?))?,
        };
        encode(&mut writer, rows, self.limits)?;
        self.writer = Some(writer);
        Ok(())
    }

    /// Starts the file with the rows that wait.
    fn begin(
        &mut self,
        compression: Compression,
    ) -> Result<ArrowWriter<FileOutput>, PartitionError> {
        let properties = properties(&self.layout, self.limits, compression);
        let schema = Arc::clone(&self.layout.schema);
        let mut writer = ArrowWriter::try_new(FileOutput::new(), schema, Some(properties))?;
        for rows in std::mem::take(&mut self.waiting) {
            encode(&mut writer, &rows, self.limits)?;
        }
        Ok(writer)
    }

    /// Completes the file.
    pub(crate) fn finish(mut self) -> Result<WrittenFile, PartitionError> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin(Compression::SNAPPY)?,
        };
        let output = writer.into_inner().map_err(unwritten)?;
        WrittenFile::new(output, self.stats, self.first.zip(self.last))
    }
}

/// Copy of the rows. A slice keeps all rows of its batch in memory: a file of few changes from each of
/// many partitions would hold batches of all of them.
fn owned(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let all: UInt64Array = (0..rows.num_rows() as u64).collect();
    take_record_batch(rows, &all)
}

/// Encodes rows, and ends the row group where it has become large.
fn encode(
    writer: &mut ArrowWriter<FileOutput>,
    rows: &RecordBatch,
    limits: FileLimits,
) -> Result<(), PartitionError> {
    writer.write(rows).map_err(unwritten)?;
    // Compares all memory of the row group. The count of bytes in progress leaves out values that
    // wait to be encoded, and is 2 to 5 times too low.
    if writer.memory_size() > limits.group_bytes {
        writer.flush().map_err(unwritten)?;
    }
    Ok(())
}

/// Error of a Parquet writer, whose IO is that of a temporary file.
pub(crate) fn unwritten(error: ParquetError) -> PartitionError {
    let ParquetError::External(source) = error else { return error.into() };
    match source.downcast::<std::io::Error>() {
        Ok(source) => PartitionError::Output(*source),
        Err(source) => ParquetError::External(source).into(),
    }
}

/// Properties of the Parquet file. Zstandard has level 1: a first load is short of processor time,
/// and higher levels trade it for a small gain in size.
pub(super) fn properties(
    layout: &RowLayout,
    limits: FileLimits,
    compression: Compression,
) -> WriterProperties {
    // A small file has one page in each column chunk: an index of pages would repeat what the chunk
    // says, in half as many bytes as the values take.
    let is_small = compression == Compression::SNAPPY;
    let statistics = if is_small { EnabledStatistics::Chunk } else { EnabledStatistics::Page };
    let mut properties = WriterProperties::builder()
        .set_compression(compression)
        .set_offset_index_disabled(is_small)
        .set_max_row_group_row_count(Some(limits.group_rows.max(1)))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_statistics_enabled(statistics)
        .set_created_by(concat!("harvest-lake ", env!("CARGO_PKG_VERSION")).to_owned());
    for (index, field) in layout.schema.fields().iter().enumerate() {
        // Nearly every value of an id or an instant of change is different: a dictionary would be
        // built and then abandoned. In key order the values differ little from one to the next,
        // which delta encoding makes use of.
        let name = field.name().as_str();
        let unique = if let DataType::Timestamp(TimeUnit::Microsecond, _) = field.data_type() {
            matches!(name, "created_at" | "updated_at")
        } else {
            *field.data_type() == DataType::Int64 && layout.keys == [index]
        };
        if unique {
            let column = ColumnPath::from(name);
            properties = properties
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
        }
        // Single bits hardly become shorter by compression, and each column chunk would have a
        // compressor and a decompressor of its own.
        if *field.data_type() == DataType::Boolean {
            let column = ColumnPath::from(name);
            properties = properties.set_column_compression(column, Compression::UNCOMPRESSED);
        }
    }
    properties.build()
}

#[cfg(test)]
mod tests {
    use decode::schema::TableSchema;
    use delta::store::MemoryStore;

    use super::super::ColumnChoice;
    use super::super::content::sha256;
    use super::super::tests::{PLAIN, SampleRecord, batch, block_on};
    use super::*;

    #[test]
    fn rows_that_wait_keep_no_other_rows_in_memory() {
        let schema = TableSchema::of(&PLAIN);
        let many: Vec<SampleRecord> = (0..10_000).map(SampleRecord::new).collect();
        let many = batch(&schema, &many);
        let layout = Arc::new(RowLayout::new(&schema, ColumnChoice::All).unwrap());
        let mut writer = PartitionWriter::unordered(layout, FileLimits::default());
        for row in 0..5 {
            writer.write(&many.slice(row, 1)).unwrap();
        }
        let held: usize = writer.waiting.iter().map(RecordBatch::get_array_memory_size).sum();
        assert!(held < many.get_array_memory_size() / 10, "{held} bytes");
        assert_eq!(writer.finish().unwrap().stats.rows(), 5);
    }

    #[test]
    fn single_bits_are_not_compressed() {
        let schema = TableSchema::of(&streams::TIME_ENTRIES);
        let layout = RowLayout::new(&schema, ColumnChoice::All).unwrap();
        for codec in [Compression::SNAPPY, Compression::ZSTD(ZstdLevel::default())] {
            let properties = properties(&layout, FileLimits::default(), codec);
            for (name, is_compressed) in
                [("billable", false), ("is_running", false), ("notes", true), ("hours", true)]
            {
                let expected = if is_compressed { codec } else { Compression::UNCOMPRESSED };
                assert_eq!(properties.compression(&ColumnPath::from(name)), expected, "{name}");
            }
        }
    }

    #[test]
    fn a_taken_name_is_ours_where_the_bytes_are_equal() {
        let schema = TableSchema::of(&PLAIN);
        let layout = Arc::new(RowLayout::new(&schema, ColumnChoice::All).unwrap());
        let written = |ids: core::ops::Range<i64>| {
            let rows: Vec<SampleRecord> = ids.map(SampleRecord::new).collect();
            let mut writer = PartitionWriter::new(Arc::clone(&layout), FileLimits::default());
            writer.write(&batch(&schema, &rows)).unwrap();
            writer.finish().unwrap()
        };
        // In memory and on the disk, and read back in one part and in several.
        for rows in [3, 30, 3_000] {
            let store = MemoryStore::new();
            let (file, other) = (written(0..rows), written(1..rows + 1));
            let put = |file: &WrittenFile| block_on(file.put_into(&store, "tables/things/a"));
            assert!(put(&file).unwrap());
            assert!(put(&file).unwrap(), "{rows} rows");
            assert!(!put(&other).unwrap(), "{rows} rows");
            let stored = block_on(store.get("tables/things/a")).unwrap().unwrap();
            assert_eq!(sha256(&stored), file.sha256);
        }
    }
}
