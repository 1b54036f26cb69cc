//! Writes a file from column chunks that were encoded for other files.
//!
//! Encoding and compressing are the longest part of a merge. Chunks are copied instead in two cases:
//!
//! * A new row is written twice: to its table, and to the table of changes, which has the same
//!   columns and a few more. Where all rows of a large file are new, its chunks go into both.
//! * Where rows of a file are only updated, most of its columns stay as they are.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use delta::table::FileEntry;
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
pub(crate) struct ChunkSource<'a> {
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
        self.append_groups(&source, |_, rows| beside(rows.len() as u64))?;
        self.stats.absorb(&file.stats);
        Ok(())
    }

    /// Appends all row groups of `source`. `beside` gets the number of a group and the positions of
    /// its rows, and returns a file of one row group with as many. Its columns come from there, all
    /// others from `source`, whose statistics are not taken over.
    ///
    /// # Errors
    /// The same as [`SplicedWriter::append`].
    pub(crate) fn append_groups(
        &mut self,
        source: &ChunkSource<'_>,
        mut beside: impl FnMut(usize, Range<usize>) -> Result<WrittenFile, PartitionError>,
    ) -> Result<(), PartitionError> {
        let columns = self.file.schema_descr().columns().iter();
        let columns: Vec<ColumnPath> = columns.map(|column| column.path().clone()).collect();
        let mut start = 0;
        for group in 0..source.metadata.num_row_groups() {
            let rows = usize::try_from(source.metadata.row_group(group).num_rows());
            let end = start + rows.map_err(|error| ParquetError::External(error.into()))?;
            let other = beside(group, start..end)?;
            let replaced = ChunkSource::of(&other.content)?;
            let mut into = self.file.next_row_group().map_err(unwritten)?;
            for column in &columns {
                if !replaced.copy(0, column, &mut into).map_err(unwritten)?
                    && !source.copy(group, column, &mut into).map_err(unwritten)?
                {
                    return Err(missing(column).into());
                }
            }
            into.close().map_err(unwritten)?;
            self.stats.absorb(&other.stats);
            self.stats.count((end - start) as u64);
            start = end;
        }
        Ok(())
    }

    /// Whether `source` has the columns of this file, in the same order and of the same types.
    pub(crate) fn has_columns_of(&self, source: &ChunkSource<'_>) -> bool {
        self.file.schema_descr().columns()
            == source.metadata.file_metadata().schema_descr().columns()
    }

    /// Completes the file.
    pub(crate) fn finish(self) -> Result<WrittenFile, PartitionError> {
        WrittenFile::new(self.file.into_inner().map_err(unwritten)?, self.stats, None)
    }

    /// Completes a file that has the rows of `old` with other values in the columns `replaced`, none of
    /// which is part of the key. `None` if the log has no statistics of ours for `old`.
    ///
    /// # Errors
    /// As [`SplicedWriter::finish`].
    pub(crate) fn finish_as(
        self,
        old: &FileEntry,
        replaced: &BTreeSet<String>,
    ) -> Result<Option<WrittenFile>, PartitionError> {
        let Some(stats) = self.stats.json_over(&old.stats, replaced) else { return Ok(None) };
        let file = WrittenFile::new(
            self.file.into_inner().map_err(unwritten)?,
            self.stats,
            old.keys.clone(),
        )?;
        Ok(Some(WrittenFile { log_stats: stats, ..file }))
    }
}

impl<'a> ChunkSource<'a> {
    /// # Errors
    /// When the file is no Parquet file.
    pub(crate) fn of(content: &'a FileContent) -> Result<Self, ParquetError> {
        let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
        Ok(Self { content, metadata: reader.parse_and_finish(content)? })
    }

    /// Whether the statistics of all row groups say that a column has nulls alone.
    pub(crate) fn is_null(&self, column: &str) -> bool {
        self.metadata.row_groups().iter().all(|group| {
            let rows = u64::try_from(group.num_rows()).ok();
            let mut chunks = group.columns().iter();
            let chunk = chunks.find(|chunk| chunk.column_path().string() == column);
            let nulls = chunk.and_then(|chunk| chunk.statistics()?.null_count_opt());
            nulls.is_some() && nulls == rows
        })
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
