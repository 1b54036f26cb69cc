//! Decodes pages into Arrow, merges them into Parquet partition files and commits them as Delta
//! tables.

pub mod causes;
pub mod changes;
pub mod collect;
pub mod decode;
pub mod erase;
pub mod export;
pub mod maintenance;
pub mod merge;
pub mod offload;
pub mod partition;
pub mod schema;
pub mod store;
pub mod table;
pub mod upgrade;
pub mod verify;
