//! Expectations for the files of a table, and findings about one file.

use std::sync::Arc;

use decode::schema::TableSchema;
use delta::table::FileEntry;
use engine::ids::AccountId;

use super::{Check, Finding};
use crate::partition::Layout;

/// Expectations for the files of a table.
#[derive(Debug)]
pub(super) struct FileRules {
    pub(super) schema: TableSchema,
    pub(super) layout: Arc<Layout>,
    pub(super) account: AccountId,
    /// Declared columns that the log still lacks.
    pub(super) not_in_log: Vec<String>,
}

/// Finding about `file`.
pub(super) fn about(
    file: &FileEntry,
    check: Check,
    what: &str,
    expected: String,
    found: String,
) -> Finding {
    Finding { check, file: Some(file.path.clone()), what: what.to_owned(), expected, found }
}
