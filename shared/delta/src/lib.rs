//! Delta tables on an object store: the log, its commits and checkpoints, and the removal of files
//! that no version needs any more.
//!
//! `store` is the boundary to the objects. `table` opens a table, commits to it and looks at its
//! older versions. `maintenance` removes what is no longer needed. No row is read or written here:
//! that is the business of `lake`.

pub mod maintenance;
pub mod offload;
pub mod store;
pub mod table;
