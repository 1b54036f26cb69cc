//! Work of the operator on a stream, under the stream's lease.
//!
//! It is no crate of its own because it needs the inside of a run: its lease, its table, its
//! commits.

pub mod erase;
pub mod quarantine;
pub mod reset;
pub mod upgrade;
