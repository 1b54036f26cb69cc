//! Expectations for the files of a table, and findings about one file.
//!
//! A module of its own, so that the checks depend on it and not on each other.

use std::sync::Arc;

use decode::schema::TableSchema;
use delta::table::FileEntry;
use engine::ids::AccountId;

use super::finding::{TableCheck, VerifyFinding};
use crate::partition::RowLayout;

/// Expectations for the files of a table. Derived once, and shared with the threads that examine
/// files.
#[derive(Debug)]
pub(super) struct FileRules {
    /// Schema of the table by the current declaration.
    pub(super) schema: TableSchema,
    /// Layout that returns rows as they are stored.
    pub(super) layout: Arc<RowLayout>,
    /// Account that all rows must have.
    pub(super) account: AccountId,
    /// Declared columns that the log still lacks. Until a run adds them, files must not have them:
    /// readers would not see their values.
    pub(super) not_in_log: Vec<String>,
}

/// Finding about `file`.
pub(super) fn about(
    file: &FileEntry,
    check: TableCheck,
    what: &str,
    expected: String,
    found: String,
) -> VerifyFinding {
    VerifyFinding { check, file: Some(file.path.clone()), what: what.to_owned(), expected, found }
}
