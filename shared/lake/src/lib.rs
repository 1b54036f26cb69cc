//! The rows of the tables and their files: collects the rows of a run, merges them into Parquet
//! files, records changes, exports, scans, rewrites and verifies.
//!
//! The crate stores files and returns their entries for the log. It never commits. The caller first
//! stores files through this crate and then names them in one commit of `delta`, so that a process
//! that dies in between leaves files that no log names. Readers never see them, and housekeeping
//! deletes them.
//!
//! Three decisions are made elsewhere and only applied here: what the absence of a record means
//! (`engine::coverage`), which of two versions of a record is newer (`engine::precedence`), and
//! what time it is (an argument of every function that needs it).

pub mod blocking;
pub mod changes;
pub mod collect;
pub mod erase;
pub mod export;
pub mod merge;
pub mod partition;
pub mod person;
pub mod progress;
pub mod scan;
mod scratch;
pub mod text;
pub mod upgrade;
pub mod verify;
mod walk;
