//! Delta tables on an object store: the log, its commits and checkpoints, and the removal of files
//! that no version needs any more.
//!
//! `store` is the boundary to the objects. `table` opens a table, commits to it and looks at its
//! older versions. `maintenance` removes what is no longer needed. No row is read or written here:
//! that is the business of `lake`.
//!
//! A table with one month of rows consists of these objects:
//!
//! ```text
//! tables/clients/_delta_log/00000000000000000000.json                  version 0: schema
//! tables/clients/_delta_log/00000000000000000001.json                  version 1: a commit
//! tables/clients/_delta_log/00000000000000000010.checkpoint.parquet    versions 0 to 10 as one
//! tables/clients/_delta_log/_last_checkpoint                           hint: 10
//! tables/clients/created_month=2024-01/3-7-ab12-0.parquet              rows, written by `lake`
//! ```
//!
//! A data file belongs to the table only if a version of the log says so. A writer therefore stores
//! its files first and commits afterwards: a crash between the two leaves files that no reader sees
//! and that `maintenance::orphans` deletes later.

pub mod maintenance;
pub mod offload;
pub mod store;
pub mod table;
