//! Findings of a verification, and the checks that they come from.

use serde::Serialize;

/// A property to verify. A file that cannot be read has no findings about its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TableCheck {
    /// The log is readable, of this account and of a known format.
    Log,
    /// The newest checkpoint can be read and names the files that the commits give. Other engines
    /// read it instead of the commits.
    Checkpoint,
    /// Every file exists, is whole, and is Parquet.
    Files,
    /// Columns and types match the declaration, and ids are never null.
    Schema,
    /// Values written by other programs fit the columns.
    Fit,
    /// Rows are in the order of the primary key. Only files of ours promise that.
    Order,
    /// First and last key in the log's `tags` match the file.
    Tags,
    /// Files of a partition have separate key ranges, so that each key has one place. Only files of
    /// ours promise that.
    Ranges,
    /// Row counts in the log match the files.
    Rows,
    /// Statistics in the log match the rows, with the same rounding. Wrong ones make other engines
    /// skip rows.
    Statistics,
    /// No key occurs twice in the table.
    Unique,
    /// Rows are in the partition that follows from their columns.
    Partition,
    /// Rows all belong to the lake's account. Rows of another one come from a copied folder or a
    /// wrong token.
    Account,
    /// Replaying the table of changes produces the table.
    Changes,
}

impl TableCheck {
    /// All checks, in the order in which reports list them.
    pub const ALL: [Self; 14] = [
        Self::Log,
        Self::Checkpoint,
        Self::Files,
        Self::Schema,
        Self::Fit,
        Self::Order,
        Self::Tags,
        Self::Ranges,
        Self::Rows,
        Self::Statistics,
        Self::Unique,
        Self::Partition,
        Self::Account,
        Self::Changes,
    ];

    /// Name in JSON, the same as the serialised form.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Checkpoint => "checkpoint",
            Self::Files => "files",
            Self::Schema => "schema",
            Self::Fit => "fit",
            Self::Order => "order",
            Self::Tags => "tags",
            Self::Ranges => "ranges",
            Self::Rows => "rows",
            Self::Statistics => "statistics",
            Self::Unique => "unique",
            Self::Partition => "partition",
            Self::Account => "account",
            Self::Changes => "changes",
        }
    }
}

/// A violation. Of several rows of a file that violate one rule, the first, with their number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyFinding {
    /// Check that found it.
    pub check: TableCheck,
    /// File, below the table's folder; `None` if it concerns no file or several.
    pub file: Option<String>,
    /// Description for people.
    pub what: String,
    /// Expected value.
    pub expected: String,
    /// Actual value.
    pub found: String,
}
