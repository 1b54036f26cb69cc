//! Errors of partition files, worded for the person who has to act on them.

use core::fmt;
use std::sync::Arc;

use arrow::error::ArrowError;
use delta::store::StoreError;
use delta::table::rebuild_advice;
use parquet::errors::ParquetError;

/// File of a table, as messages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFile {
    /// Name of the table.
    pub table: String,
    /// Path below the table's root.
    pub path: String,
}

impl TableFile {
    pub(crate) fn new(table: &str, path: &str) -> Self {
        Self { table: table.to_owned(), path: path.to_owned() }
    }

    /// Instruction to bring back the rows of a lost file.
    fn remedy(&self) -> String {
        let table = &self.table;
        let backup = "put it back from a backup (on S3 an older version of the object)";
        if table.ends_with("_changes") {
            return format!(
                "{backup}, or let the table of changes begin anew with `harvest-lake reset {table}`"
            );
        }
        format!("{backup}, or {}", rebuild_advice(table))
    }
}

impl fmt::Display for TableFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tables/{}/{}", self.table, self.path)
    }
}

/// Reasons why a partition file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PartitionError {
    /// The object store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log names a file that does not exist. Read the log again; if it still names the file,
    /// someone else deleted it.
    #[error("`{file}` is missing, though the table's log names it: {}", file.remedy())]
    Missing {
        /// The file.
        file: TableFile,
    },
    /// The object is not the one that the log names: it was cut short or replaced.
    #[error(
        "`{file}` is not the file that the table's log names (that has {expected}, this {found}): {}",
        file.remedy()
    )]
    Swapped {
        /// The file.
        file: TableFile,
        /// Size, checksum or row count in the log.
        expected: String,
        /// Size, checksum or row count of the object.
        found: String,
    },
    /// The file is not valid Parquet.
    #[error("`{file}` is damaged: {}", file.remedy())]
    Damaged {
        /// The file.
        file: TableFile,
        /// Defect.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// Another program's file is valid, but contains values that a column cannot represent.
    #[error(
        "`{file}` was written by another program and is whole, but `{column}` in it {why}: have \
         that program write the rows again with the column's type, or undo its commit there \
         (`RESTORE TABLE`), or {}",
        rebuild_advice(&file.table)
    )]
    Unfit {
        /// The file.
        file: TableFile,
        /// The column.
        column: String,
        /// Reason, worded to follow the column's name.
        why: String,
    },
    /// Another program wrote a valid file in a way that this reader does not support.
    #[error(
        "`{file}` was written by another program and is whole, but {how}, which harvest-lake does \
         not read: have that program write it again in another way (`OPTIMIZE` with another \
         codec), or {}",
        rebuild_advice(&file.table)
    )]
    Unsupported {
        /// The file.
        file: TableFile,
        /// Unsupported property of the file.
        how: &'static str,
    },
    /// The temporary file through which a large file is read failed.
    #[error(
        "the temporary file through which `{file}` is read failed: free space in the folder of \
         temporary files, or name another one in `TMPDIR`"
    )]
    Scratch {
        /// The file of the table.
        file: TableFile,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// The temporary file failed in which a new file of the table is built.
    #[error(
        "the temporary file for a new file of the table failed: free space in the folder of temporary \
         files, or name another one in `TMPDIR`"
    )]
    Output(#[source] std::io::Error),
    /// The process is ending; nothing is wrong with the file.
    #[error("the work on a file was stopped, because the process is ending")]
    Stopped,
    /// Our rows could not be encoded: a bug of this program.
    #[error("rows could not be encoded as Parquet")]
    Encode(#[from] ParquetError),
    /// Our rows do not have their table's schema: a bug of this program.
    #[error("rows do not fit the schema of their table")]
    Schema(#[from] ArrowError),
}

impl PartitionError {
    pub(super) fn damaged(
        file: &TableFile,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Damaged { file: file.clone(), source: Arc::new(error) }
    }

    /// Message of the error and of its causes, in one line.
    pub(crate) fn chain(&self) -> String {
        engine::causes::chained(self)
    }
}
