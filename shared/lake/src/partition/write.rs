//! Writes one partition file from rows in key order.
//!
//! The file is built in memory: it is put into the store as one object, and its size and checksum
//! are part of its entry in the log. Statistics and keys are gathered on the way, so that a written
//! file need not be read again.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, TimeUnit};
use bytes::Bytes;
use delta::table::FileEntry;
use engine::key::Key;
use engine::time::Timestamp;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use sha2::{Digest as _, Sha256};

use super::layout::RowLayout;
use super::stats::FileStats;
use super::{FileLimits, PartitionError};

/// Size in bytes at which a column's dictionary is abandoned for plain values. A larger dictionary
/// costs memory and time in the writer and gains nothing for columns whose values rarely repeat.
const DICTIONARY_BYTES: usize = 256 << 10;

/// A partition file under construction, in memory.
#[derive(Debug)]
pub(crate) struct PartitionWriter {
    layout: Arc<RowLayout>,
    writer: ArrowWriter<Vec<u8>>,
    stats: FileStats,
    /// Whether rows come in key order, so that first and last key bound the file.
    ordered: bool,
    /// First key; `None` in a file of unordered rows.
    first: Option<Key>,
    /// Last key so far.
    last: Option<Key>,
    group_bytes: usize,
}

/// A complete partition file, not stored yet: its content and all that the log says about it.
#[derive(Debug)]
pub(crate) struct WrittenFile {
    pub(crate) bytes: Bytes,
    pub(crate) rows: u64,
    /// Delta statistics as JSON text.
    pub(crate) stats: String,
    /// First and last key; `None` in a file of unordered rows, or without rows.
    pub(crate) keys: Option<(Key, Key)>,
    /// Checksum of `bytes`, in hexadecimal digits.
    pub(crate) sha256: String,
}

impl WrittenFile {
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
            size: self.bytes.len() as u64,
            modified,
            rows: self.rows,
            stats: self.stats,
            keys: self.keys,
            sha256: Some(self.sha256),
        }
    }
}

/// SHA-256 of a file, in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        for digit in [byte >> 4, byte & 0xf] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    text
}

impl PartitionWriter {
    /// Writer for rows in strict key order.
    pub(crate) fn new(layout: Arc<RowLayout>, limits: FileLimits) -> Result<Self, PartitionError> {
        let properties = properties(&layout, limits)?;
        let writer =
            ArrowWriter::try_new(Vec::new(), Arc::clone(&layout.schema), Some(properties))?;
        let stats = FileStats::new(&layout);
        let group_bytes = limits.group_bytes;
        let (first, last) = (None, None);
        Ok(Self { layout, writer, stats, ordered: true, first, last, group_bytes })
    }

    /// Writer for rows in any order, in which keys may repeat. Its file names no keys in the log.
    pub(crate) fn unordered(
        layout: Arc<RowLayout>,
        limits: FileLimits,
    ) -> Result<Self, PartitionError> {
        Ok(Self { ordered: false, ..Self::new(layout, limits)? })
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
        self.writer.write(rows)?;
        // Compares all memory of the row group. The count of bytes in progress leaves out values
        // that wait to be encoded, and is 2 to 5 times too low.
        if self.writer.memory_size() > self.group_bytes {
            self.writer.flush()?;
        }
        Ok(())
    }

    /// Completes the file.
    pub(crate) fn finish(self) -> Result<WrittenFile, PartitionError> {
        let bytes: Bytes = self.writer.into_inner()?.into();
        Ok(WrittenFile {
            rows: self.stats.rows(),
            stats: self.stats.json(),
            keys: self.first.zip(self.last),
            sha256: sha256(&bytes),
            bytes,
        })
    }
}

/// Properties of the Parquet file. Zstandard at level 1: a first load is short of processor time,
/// and higher levels trade it for a small gain in size.
fn properties(layout: &RowLayout, limits: FileLimits) -> Result<WriterProperties, PartitionError> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(limits.group_rows.max(1)))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Page)
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
    }
    Ok(properties.build())
}
