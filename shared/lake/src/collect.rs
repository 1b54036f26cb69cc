//! Collects the rows of a run until they are merged, in memory that does not grow with their
//! number.
//!
//! Pages arrive in the order of Harvest's lists; files need the order of partition and primary key.
//! This is an external sort:
//!
//! 1. Rows wait unsorted, up to a limit in bytes ([`MEMORY_LIMIT`] unless set otherwise).
//! 2. Beyond it they are sorted and written to a temporary file, as a spill. Each spill is cut into
//!    chunks, of which only the first and last key stay in memory.
//! 3. Spills that hold rows of the same keys are merged into fewer, if there are many.
//! 4. Reading merges all spills: of those that reach over a key, one chunk each is in memory at a
//!    time.
//!
//! A key may be collected several times: pages overlap, and a run reads a little before its cursor
//! again. All versions are stored, and reading returns one of them, chosen by `engine::precedence`.
//! The choice is made by the reader because it differs: a full pass prefers the version read last,
//! an incremental pass the version changed last.
//!
//! Beside this sort, the module has [`UnitBuffer`] for the rows of an incomplete unit and
//! [`SeenIds`] for the ids that a sweep has seen.

mod bounds;
mod collected;
mod fan_in;
mod heads;
mod runs;
mod seen;
mod sorted;
mod spill_file;
mod units;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use arrow::error::ArrowError;

use crate::partition::{ColumnChoice, RowLayout};
use crate::scratch::ScratchFile;
pub(crate) use bounds::{KeyBounds, KeyRange, KeySet};
use decode::schema::TableSchema;

pub use collected::{CollectedRows, SortedRows};
use fan_in::FAN_IN;
use runs::{PendingRows, SortedSpill};
pub use seen::SeenIds;
pub(crate) use sorted::{KeyVersions, SpillMerge};
pub(crate) use spill_file::SpillFile;
pub use units::{UnitBuffer, UnitError};

/// Memory in bytes that the rows of a run may take before they are spilled to disk. A Lambda worker
/// decodes pages, merges files and encodes Parquet beside them.
pub const MEMORY_LIMIT: usize = engine::memory::COLLECTED;

/// Reasons why rows could not be collected or read back. Harvest has to be asked for them again.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The temporary file failed: free space in the folder of temporary files and run again.
    #[error("rows could not be spilled to a temporary file")]
    Scratch(#[from] std::io::Error),
    /// The temporary file does not hold the bytes written to it: the disk is damaged, or another
    /// program wrote to the file.
    #[error("spilled rows could not be read back")]
    Spilled(#[source] ArrowError),
    /// The rows do not have their table's schema: a bug of this program.
    #[error("rows do not fit the schema of their table")]
    Rows(#[from] ArrowError),
}

/// Collects the decoded rows of a run.
#[derive(Debug)]
pub struct Collector {
    layout: Arc<RowLayout>,
    /// Index of the partition column in pushed batches.
    partition: Option<usize>,
    /// Folder of the temporary files; `None` for that of the system.
    scratch: Option<PathBuf>,
    /// Size in bytes of unsorted rows at which they are spilled.
    memory_limit: usize,
    /// Rows since the last spill.
    pending: PendingRows,
    /// Earlier rows, each element sorted, in order of arrival. The order matters: of two equally
    /// new versions, the one that arrived later counts.
    runs: Vec<SortedSpill>,
    /// Temporary file of the last runs. Spills that are merged together share one, which goes with
    /// them.
    file: Option<ScratchFile>,
    /// Number of rows pushed so far, repeated keys included.
    rows: u64,
    /// Size of all rows pushed so far, in bytes.
    bytes: u64,
}

impl Collector {
    /// Empty collector. Beyond `memory_limit` bytes it sorts rows and spills them into an unnamed
    /// file in `scratch`, or in the system's folder of temporary files.
    ///
    /// # Errors
    /// When the schema's key columns cannot be compared.
    pub fn new(
        schema: &TableSchema,
        scratch: Option<PathBuf>,
        memory_limit: usize,
    ) -> Result<Self, CollectError> {
        let layout = Arc::new(RowLayout::new(schema, ColumnChoice::All)?);
        let partition = schema.spec.partition.column();
        let partition = partition.map(|name| schema.arrow.index_of(name)).transpose()?;
        Ok(Self::with_layout(layout, partition, scratch, memory_limit))
    }

    /// Empty collector for rows in `layout`. `partition` is `None` if callers push into partitions
    /// that they name themselves, or if the table has none.
    pub(crate) fn with_layout(
        layout: Arc<RowLayout>,
        partition: Option<usize>,
        scratch: Option<PathBuf>,
        memory_limit: usize,
    ) -> Self {
        Self {
            layout,
            partition,
            scratch,
            memory_limit,
            pending: PendingRows::default(),
            runs: Vec::new(),
            file: None,
            rows: 0,
            bytes: 0,
        }
    }

    /// Adds decoded rows, with the table's schema, in any order.
    ///
    /// The partition column is removed from the rows, because its value is in the path of the file.
    /// Adjoining rows of one partition are shared as one slice instead of being copied: the rows of
    /// a page mostly lie in one or two months.
    ///
    /// # Errors
    /// `Scratch` when spilling fails; the rows pushed so far are then lost.
    pub fn push(&mut self, rows: RecordBatch) -> Result<(), CollectError> {
        let Some(partition) = self.partition else {
            return self.push_into(None, rows);
        };
        let mut start = 0;
        let column = decode::gather::column(&rows, partition)?;
        let mut spans = Vec::new();
        while start < rows.num_rows() {
            let length = same_value(column.as_ref(), start);
            spans.push((partition_text(column.as_ref(), start)?, start, length));
            start += length;
        }
        let mut stored = rows;
        stored.remove_column(partition);
        for (value, start, length) in spans {
            self.hold(value, stored.slice(start, length));
        }
        self.added(stored.get_array_memory_size())
    }

    /// Adds rows, without the partition column, to one partition. For rows that come from files: a
    /// file has no partition column.
    pub(crate) fn push_into(
        &mut self,
        partition: Option<String>,
        rows: RecordBatch,
    ) -> Result<(), CollectError> {
        let bytes = rows.get_array_memory_size();
        self.hold(partition, rows);
        self.added(bytes)
    }

    /// Keeps the rows in memory. Empty batches are left out, so that a partition is listed only if
    /// it has rows.
    fn hold(&mut self, partition: Option<String>, rows: RecordBatch) {
        if rows.num_rows() > 0 {
            self.rows += rows.num_rows() as u64;
            self.pending.push(partition, rows);
        }
    }

    /// Counts `bytes` of new rows and spills everything in memory once it exceeds the limit. The
    /// limit is checked after the rows were added, so that one batch larger than the limit is no
    /// special case.
    fn added(&mut self, bytes: usize) -> Result<(), CollectError> {
        self.bytes += bytes as u64;
        self.pending.bytes += bytes;
        if self.pending.bytes > self.memory_limit {
            self.spill()?;
        }
        Ok(())
    }

    /// Sorts the rows in memory into a spill.
    fn spill(&mut self) -> Result<(), CollectError> {
        let file = match &mut self.file {
            Some(file) if !self.runs.len().is_multiple_of(FAN_IN) => file,
            file => file.insert(ScratchFile::create(self.scratch.as_deref())?),
        };
        let pending = core::mem::take(&mut self.pending);
        self.runs.push(pending.spill(&self.layout, file)?);
        Ok(())
    }

    /// Size in bytes of the rows pushed so far, in memory and spilled, as Arrow holds them.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Number of rows pushed so far, repeated keys included.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the collected rows, which can be merged any number of times. If some were spilled, the
    /// last ones are spilled, too.
    ///
    /// # Errors
    /// When the last rows cannot be sorted or spilled.
    pub fn finish(mut self) -> Result<CollectedRows, CollectError> {
        if self.runs.is_empty() && !self.pending.is_empty() {
            self.runs.push(self.pending.sort(&self.layout)?);
        } else if !self.pending.is_empty() {
            // A merge needs its memory for other things than the last of many rows.
            self.spill()?;
        }
        let runs = fan_in::limited(self.runs, &self.layout, self.scratch.as_deref())?;
        Ok(CollectedRows::new(self.layout, self.scratch, runs, self.rows))
    }
}

/// Number of rows from `start` on with the same partition value. At least 1, so that the caller
/// makes progress even on a column of an unexpected type, which `partition_text` reports.
fn same_value(column: &dyn Array, start: usize) -> usize {
    let same = |row: usize| -> bool {
        if column.is_null(start) || column.is_null(row) {
            return column.is_null(start) && column.is_null(row);
        }
        if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
            numbers.value(row) == numbers.value(start)
        } else if let Some(texts) = column.as_string_opt::<i32>() {
            texts.value(row) == texts.value(start)
        } else {
            false
        }
    };
    (start..column.len()).take_while(|&row| row == start || same(row)).count()
}

/// Partition value as in paths and in the log: the text itself, or an integer as digits. `None` is
/// the null partition, with records whose `created_at` is missing.
fn partition_text(column: &dyn Array, row: usize) -> Result<Option<String>, ArrowError> {
    if column.is_null(row) {
        return Ok(None);
    }
    if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
        return Ok(Some(numbers.value(row).to_string()));
    }
    match column.as_string_opt::<i32>() {
        Some(texts) => Ok(Some(texts.value(row).to_owned())),
        None => Err(unpartitionable(column.data_type())),
    }
}

fn unpartitionable(ty: &DataType) -> ArrowError {
    ArrowError::SchemaError(format!("a partition column cannot be of type {ty}"))
}

#[cfg(test)]
mod tests;
