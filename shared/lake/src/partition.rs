//! Partition files: the Parquet files that hold one partition of a table, or one key range of it.
//!
//! Rows are in key order; the partition column is in the path and in the log, not in the file.

mod days;
mod error;
mod fetch;
mod fit;
mod gather;
mod held;
mod keyed;
mod layout;
mod read;
mod reader;
mod shelf;
mod stats;
mod write;

pub use days::{FileDays, days_of};
pub use error::{PartitionError, TableFile};
pub(crate) use fetch::{Difference, difference, fetch, stored};
pub(crate) use gather::{Pick, equal_rows, gather};
pub use held::{HeldUnits, held_units};
pub(crate) use keyed::{Keyed, day_of};
pub(crate) use layout::{Columns, Layout, column};
pub(crate) use read::open;
pub use read::{Rows, read};
pub(crate) use reader::{reader, row_count};
pub(crate) use shelf::Shelf;
pub(crate) use stats::{Stats, is_counted};
pub(crate) use write::{PartitionWriter, Written};

/// Sizes at which files split, join and flush. The default is what the tables promise; tests use
/// smaller ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most rows of one file: beyond, it splits in equal parts.
    pub file_rows: u64,
    /// Neighbours that together have no more rows than this become one file when one of them is
    /// written anyway.
    pub joined_rows: u64,
    /// Most rows of one row group.
    pub group_rows: usize,
    /// Memory, in bytes, of a row group being written beyond which it is cut.
    pub group_bytes: usize,
    /// Memory, in bytes, for sorting files that someone else wrote, before it spills.
    pub sort_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_rows: 250_000,
            joined_rows: 125_000,
            group_rows: 100_000,
            group_bytes: 64 << 20,
            sort_bytes: 32 << 20,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
