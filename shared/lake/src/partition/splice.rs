//! Writes a file from column chunks that were encoded for other files.
//!
//! A new row is written twice: to its table, and to the table of changes, which has the same columns
//! and a few more. Encoding and compressing are the longest part of a merge, so where all rows of a
//! large file are new, its chunks are copied instead of being encoded a second time.

use std::sync::Arc;

use engine::memory::COPIED_CHANGES;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::Length as _;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::ColumnPath;

use super::content::FileContent;
use super::layout::RowLayout;
use super::output::FileOutput;
use super::stats::FileStats;
use super::write::{WrittenFile, properties, unwritten};
use super::{FileLimits, PartitionError};

/// A file under construction. Its rows have no order, as in a table of changes.
pub(crate) struct SplicedWriter {
    file: SerializedFileWriter<FileOutput>,
    stats: FileStats,
}

impl core::fmt::Debug for SplicedWriter {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SplicedWriter").field("rows", &self.stats.rows()).finish_non_exhaustive()
    }
}

/// A complete file whose chunks are copied.
struct ChunkSource<'a> {
    content: &'a FileContent,
    metadata: ParquetMetaData,
}

impl SplicedWriter {
    /// Empty file with the columns of `layout`.
    pub(crate) fn new(layout: &RowLayout, limits: FileLimits) -> Result<Self, PartitionError> {
        // Each copied chunk has a compression of its own; that of the file is not used.
        let properties = properties(layout, limits, Compression::UNCOMPRESSED);
        let schema = Arc::clone(&layout.schema);
        let writer = ArrowWriter::try_new(FileOutput::new(), schema, Some(properties))?;
        let (file, _) = writer.into_serialized_writer()?;
        Ok(Self { file, stats: FileStats::new(layout) })
    }

    /// Whether `file` goes into a file of its own, because this one would become too large. `most`:
    /// number of rows.
    pub(crate) fn is_full_before(&self, file: &WrittenFile, most: u64) -> bool {
        self.stats.rows().saturating_add(file.stats.rows()) > most
            || self.file.bytes_written() as u64 + file.content.len() > COPIED_CHANGES as u64
    }

    /// Appends all rows of `file`. The columns that it lacks come from `beside`, which returns a
    /// file of one row group with as many rows as it is asked for.
    ///
    /// # Errors
    /// When a column of the layout is in neither file, or has another type there. The rows are then
    /// in no file.
    pub(crate) fn append(
        &mut self,
        file: &WrittenFile,
        beside: impl Fn(u64) -> Result<WrittenFile, PartitionError>,
    ) -> Result<(), PartitionError> {
        let source = ChunkSource::of(&file.content)?;
        let columns = self.file.schema_descr().columns().iter();
        let columns: Vec<ColumnPath> = columns.map(|column| column.path().clone()).collect();
        for group in 0..source.metadata.num_row_groups() {
            let rows = u64::try_from(source.metadata.row_group(group).num_rows());
            let other = beside(rows.map_err(|error| ParquetError::External(error.into()))?)?;
            let constant = ChunkSource::of(&other.content)?;
            let mut into = self.file.next_row_group().map_err(unwritten)?;
            for column in &columns {
                if !source.copy(group, column, &mut into).map_err(unwritten)?
                    && !constant.copy(0, column, &mut into).map_err(unwritten)?
                {
                    return Err(missing(column).into());
                }
            }
            into.close().map_err(unwritten)?;
            self.stats.absorb(&other.stats);
        }
        self.stats.absorb(&file.stats);
        self.stats.count(file.stats.rows());
        Ok(())
    }

    /// Completes the file.
    pub(crate) fn finish(self) -> Result<WrittenFile, PartitionError> {
        WrittenFile::new(self.file.into_inner().map_err(unwritten)?, self.stats, None)
    }
}

impl<'a> ChunkSource<'a> {
    fn of(content: &'a FileContent) -> Result<Self, ParquetError> {
        let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
        Ok(Self { content, metadata: reader.parse_and_finish(content)? })
    }

    /// Copies the chunk of a column; `false` if the file has no such column.
    fn copy(
        &self,
        group: usize,
        column: &ColumnPath,
        into: &mut SerializedRowGroupWriter<'_, FileOutput>,
    ) -> Result<bool, ParquetError> {
        let chunks = self.metadata.row_group(group).columns();
        let Some(index) = chunks.iter().position(|chunk| chunk.column_path() == column) else {
            return Ok(false);
        };
        let metadata = self.metadata.row_group(group).column(index).clone();
        let pages = self.metadata.page_index_for_row_group(group);
        let close = ColumnCloseResult {
            bytes_written: u64::try_from(metadata.compressed_size()).unwrap_or_default(),
            rows_written: u64::try_from(self.metadata.row_group(group).num_rows())
                .unwrap_or_default(),
            metadata,
            bloom_filter: None,
            column_index: pages.column_index(index).cloned(),
            offset_index: pages.offset_index(index).cloned(),
        };
        into.append_column(self.content, close)?;
        Ok(true)
    }
}

fn missing(column: &ColumnPath) -> ParquetError {
    ParquetError::General(format!("no file to be copied has the column {column}"))
}
