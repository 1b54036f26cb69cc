//! Partition files: Parquet files that each hold one partition of a table, or one key range of it.
//!
//! A file of ours has these properties, which `verify` checks:
//!
//! * Rows are in strict key order. A merge can then walk file and incoming rows side by side, and
//!   readers skip row groups by key.
//! * The partition column is in the path and the log, not in the file, as Delta prescribes.
//! * Its entry in the log has first and last key, statistics of countable columns and a checksum.
//! * It is never changed or overwritten. A new version of its rows is a new file with another name.
//!
//! Files of other engines have none of them for certain. Their entries name no keys
//! (`FileEntry::keys` is `None`), by which they are told apart everywhere in this crate.
//!
//! Files of a table of changes are the exception: they have our names and checksums, but rows in
//! the order of commits, so they name no keys, either.

mod content;
mod days;
mod error;
mod fetch;

mod held;
mod keyed;
mod layout;
mod output;
mod read;
mod reader;
mod shelf;
mod splice;
mod stats;
mod write;

pub use content::FileContent;
pub use days::{FileDays, days_of};
pub use error::{PartitionError, TableFile};
pub(crate) use fetch::{FileDifference, difference, fetch, stored};

pub use held::{UnitRowCounts, held_units};
pub(crate) use keyed::{KeyedRows, day_of};
pub(crate) use layout::{ColumnChoice, RowLayout};
pub(crate) use output::FileOutput;
pub use read::{PartitionRows, read};
pub(crate) use read::{open, open_group, open_spans};
pub(crate) use reader::{reader, row_count};
pub(crate) use shelf::FileShelf;
pub(crate) use splice::{ChunkSource, SplicedWriter};
pub(crate) use stats::FileStats;
pub(crate) use write::{PartitionWriter, WrittenFile, unwritten};

/// Sizes that control how files are split, joined and flushed. The defaults are part of the tables'
/// documented behaviour; tests use smaller ones.
///
/// A file of 250,000 time entries has about 20 MB: one request, and one buffer in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLimits {
    /// Most rows of a file. More rows are split into files of equal size.
    pub file_rows: u64,
    /// Most rows that neighbouring files may have together to be joined into one, which happens
    /// when one of them is rewritten anyway.
    pub joined_rows: u64,
    /// Most rows of a row group, the unit that readers skip by its statistics.
    pub group_rows: usize,
    /// Memory in bytes at which the row group being written is closed. It bounds the memory of rows
    /// with long texts, where the number of rows does not.
    pub group_bytes: usize,
    /// Memory in bytes for sorting files of other engines, beyond which rows are spilled.
    pub sort_bytes: usize,
    /// Least number of rows of a file of new rows whose encoded columns are copied into the table
    /// of changes. Fewer are encoded again: each copy is a row group, and small ones read slowly.
    pub copied_rows: u64,
}

impl Default for FileLimits {
    fn default() -> Self {
        Self {
            file_rows: 250_000,
            joined_rows: 125_000,
            group_rows: 100_000,
            group_bytes: engine::memory::ROW_GROUP,
            sort_bytes: crate::collect::MEMORY_LIMIT,
            copied_rows: 2_000,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
