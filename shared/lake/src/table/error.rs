//! Why a table cannot be read or changed, for the person who has to do something about it.

use engine::ids::{AccountId, Epoch};
use engine::time::Timestamp;

use super::Foreign;
use crate::store::StoreError;

/// Why a table cannot be used. `table` is the stream's name.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A newer version of this software wrote the table.
    #[error(
        "table `{table}` has format {found}, this version knows formats up to {known}: \
         upgrade harvest-lake"
    )]
    NewerFormat {
        /// The stream.
        table: String,
        /// `harvest-lake.format` of the table.
        found: u32,
        /// The newest that we know.
        known: u32,
    },
    /// The table holds another Harvest account.
    #[error(
        "table `{table}` holds account {found}, not {wanted}: use another folder or bucket for \
         each account"
    )]
    OtherAccount {
        /// The stream.
        table: String,
        /// Whose rows it holds.
        found: AccountId,
        /// Whose rows were to be written.
        wanted: AccountId,
    },
    /// There is a Delta table, but not of ours.
    #[error(
        "table `{table}` was not written by harvest-lake ({what}): move it away or use another \
         folder"
    )]
    NotOurs {
        /// The stream.
        table: String,
        /// How that shows.
        what: String,
    },
    /// Another program switched on what we cannot honour.
    #[error(
        "table `{table}` asks for {found}, harvest-lake writes Delta reader version 1 and writer \
         version 2 without features: undo it where it was switched on (`ALTER TABLE ... DROP \
         FEATURE ... TRUNCATE HISTORY` or `UNSET TBLPROPERTIES`), or rebuild the table with \
         `harvest-lake reset {table}`"
    )]
    Protocol {
        /// The stream.
        table: String,
        /// Versions, features or properties.
        found: String,
    },
    /// The table has columns that the declaration does not know.
    #[error(
        "table `{table}` has columns that this version does not know ({}): upgrade harvest-lake, \
         or drop them where they were added",
        columns.join(", ")
    )]
    UnknownColumn {
        /// The stream.
        table: String,
        /// Their names.
        columns: Vec<String>,
    },
    /// The table's columns have other types than the declaration.
    #[error(
        "table `{table}` has other column types than this version ({}): rebuild it with \
         `harvest-lake reset {table}`",
        columns.join(", ")
    )]
    OtherTypes {
        /// The stream.
        table: String,
        /// Their names.
        columns: Vec<String>,
    },
    /// The log cannot be read without guessing.
    #[error(
        "the log of table `{table}` is damaged, {file}: {what}; restore tables/{table}/{file} from \
         a backup, or rebuild the table with `harvest-lake reset {table}`"
    )]
    Damaged {
        /// The stream.
        table: String,
        /// The file, below the table's folder.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// The object store did not do it.
    #[error("table `{table}` could not be reached")]
    Store {
        /// The stream.
        table: String,
        /// The cause.
        #[source]
        source: StoreError,
    },
}

/// Why a commit did not happen. After all but `Table` with a `Store` cause it is certain that it
/// did not, and will not.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// A newer holder of the lease has committed: stop, change nothing.
    #[error("table `{table}` is at epoch {recorded}, ours is {ours}: another run has taken over")]
    Fenced {
        /// The stream.
        table: String,
        /// The epoch in the log.
        recorded: Epoch,
        /// The writer's epoch.
        ours: Epoch,
    },
    /// The files changed meanwhile. The table is loaded anew: merge again with its files.
    #[error("table `{table}` changed while it was merged: version {version} is there now")]
    Stale {
        /// The stream.
        table: String,
        /// The version now.
        version: u64,
    },
    /// Another engine changed rows meanwhile: where the stream stands has to be found out first.
    #[error(
        "another engine changed rows of table `{table}` ({change}) while this run worked on it: \
         nothing of this run is written, the next one reads what is missing"
    )]
    Foreign {
        /// The stream.
        table: String,
        /// What it did.
        change: Foreign,
    },
    /// The attempt is so old that the log may have been cleaned of what it does not know.
    #[error("the files for table `{table}` were begun at {started}, over an hour ago: read anew")]
    TooOld {
        /// The stream.
        table: String,
        /// When the first of its files was begun.
        started: Timestamp,
    },
    /// Others always committed first.
    #[error("table `{table}` is committed to so fast by others that no version was left for us")]
    Contended {
        /// The stream.
        table: String,
    },
    /// A change that cannot be one: a bug of the caller.
    #[error("change of table `{table}` is impossible: {what}")]
    Impossible {
        /// The stream.
        table: String,
        /// Why.
        what: String,
    },
    /// The table cannot be used; where the object store is the cause, whether the commit happened
    /// is unknown, and a table opened anew tells.
    #[error(transparent)]
    Table(#[from] TableError),
}
