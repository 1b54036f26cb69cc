//! Partition files: the Parquet files that hold one partition of a table, or one key range of it.
//!
//! Rows are in key order; the partition column is in the path and in the log, not in the file.

mod gather;
mod keyed;
mod layout;
mod read;
mod shelf;
mod stats;
mod write;

use std::sync::Arc;

use arrow::error::ArrowError;
use parquet::errors::ParquetError;

use crate::store::StoreError;

pub(crate) use gather::{Pick, equal_rows, gather};
pub(crate) use keyed::{Keyed, day_of};
pub(crate) use layout::{Columns, Layout, column};
pub use read::{HeldUnits, Rows, held_units, read};
pub(crate) use read::{fetch, open, row_count};
pub(crate) use shelf::Shelf;
pub(crate) use stats::Stats;
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

/// Why a partition file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PartitionError {
    /// The object store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log names a file that is not there: read the log again; if it still does, the file was
    /// deleted by someone else.
    #[error("the table's log names `{path}`, but there is no such file")]
    Missing {
        /// Key below the lake's root.
        path: String,
    },
    /// The file is not the Parquet file that the log promises.
    #[error("`{path}` is damaged or is no partition file of this table")]
    Damaged {
        /// Key below the lake's root.
        path: String,
        /// What is wrong with it.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// Rows of ours could not be encoded: a mistake in this program.
    #[error("rows could not be encoded as Parquet")]
    Encode(#[from] ParquetError),
    /// Rows of ours do not have their table's schema: a mistake in this program.
    #[error("rows do not fit the schema of their table")]
    Schema(#[from] ArrowError),
}

#[cfg(test)]
pub(crate) mod tests;
