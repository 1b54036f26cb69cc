//! Partition files of the lake: collects the rows of a run, merges them into Parquet files,
//! records changes, exports, rewrites and verifies.

pub mod blocking;
pub mod changes;
pub mod collect;
pub mod erase;
pub mod export;
pub mod merge;
pub mod partition;
pub mod upgrade;
pub mod verify;
