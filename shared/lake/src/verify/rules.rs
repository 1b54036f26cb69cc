//! Expectations for the files of a table, and findings about one file.

use std::sync::Arc;

use decode::schema::TableSchema;
use delta::table::FileEntry;
use engine::ids::AccountId;

use super::{TableCheck, VerifyFinding};
use crate::partition::RowLayout;

/// Expectations for the files of a table.
#[derive(Debug)]
pub(super) struct FileRules {
    pub(super) schema: TableSchema,
    pub(super) layout: Arc<RowLayout>,
    pub(super) account: AccountId,
    /// Declared columns that the log still lacks.
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
