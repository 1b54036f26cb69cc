//! Errors of tables and commits, worded for the person who has to act on them.

use engine::ids::{AccountId, Epoch};
use engine::time::Timestamp;

use super::ForeignChange;
use crate::store::StoreError;

/// Reasons why a table cannot be used. `table` is the stream's name.
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
        /// Newest format that this release knows.
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
        /// Account whose rows the table holds.
        found: AccountId,
        /// Account whose rows were to be written.
        wanted: AccountId,
    },
    /// Another program created the Delta table.
    #[error(
        "table `{table}` was not written by harvest-lake ({what}): move it away or use another \
         folder"
    )]
    NotOurs {
        /// The stream.
        table: String,
        /// Evidence.
        what: String,
    },
    /// Another program enabled features that this writer does not support.
    #[error(
        "table `{table}` asks for {found}, harvest-lake writes Delta reader version 1 and writer \
         version 2 without features: {undo}, or {}",
        rebuild_advice(table)
    )]
    Protocol {
        /// The stream.
        table: String,
        /// Protocol versions, features or properties.
        found: String,
        /// Instruction to undo it.
        undo: &'static str,
    },
    /// The table has columns that the declaration does not know.
    #[error(
        "table `{table}` has columns that this version does not know ({}): upgrade harvest-lake if \
         a newer version added them, otherwise undo the commit that did (`RESTORE TABLE`)",
        columns.join(", ")
    )]
    UnknownColumn {
        /// The stream.
        table: String,
        /// Names of the columns.
        columns: Vec<String>,
    },
    /// The table's columns have other types than the declaration.
    #[error(
        "table `{table}` has other column types than this version ({}): undo the commit that \
         changed them (`RESTORE TABLE`), or {}",
        columns.join(", "),
        rebuild_advice(table)
    )]
    OtherTypes {
        /// The stream.
        table: String,
        /// Names of the columns.
        columns: Vec<String>,
    },
    /// The log is incomplete or unreadable.
    #[error(
        "the log of table `{table}` is damaged, {file}: {what}; restore tables/{table}/{file} from \
         a backup, or {}",
        rebuild_advice(table)
    )]
    Damaged {
        /// The stream.
        table: String,
        /// The file, below the table's folder.
        file: String,
        /// The defect.
        what: String,
    },
    /// An operation of the object store failed.
    #[error("table `{table}` could not be reached")]
    Store {
        /// The stream.
        table: String,
        /// The cause.
        #[source]
        source: StoreError,
    },
}

impl TableError {
    /// Returns what is wrong with the table or its log, without an instruction where that depends on
    /// what else is there.
    pub(super) fn defect(&self) -> String {
        if let Self::Damaged { what, .. } = self { what.clone() } else { self.to_string() }
    }
}

/// Returns an instruction for a table that cannot be continued. The ledger of runs, which no stream
/// fills, is made anew where it is missing.
#[must_use]
pub fn rebuild_advice(table: &str) -> String {
    if table.starts_with('_') {
        format!(
            "move the folder tables/{table} away: the next sync makes it anew, without its history"
        )
    } else {
        format!("rebuild the table with `harvest-lake reset {table}`, then sync")
    }
}

/// Reasons why a commit failed. It is certain that the commit did not happen and will not happen,
/// with one exception: after `Table` with a `Store` cause the outcome is unknown, because the put
/// may have succeeded without an answer.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// A newer holder of the lease has committed. The caller stops and changes nothing.
    #[error("table `{table}` is at epoch {recorded}, ours is {ours}: another run has taken over")]
    Fenced {
        /// The stream.
        table: String,
        /// Epoch in the log.
        recorded: Epoch,
        /// Epoch of this writer.
        ours: Epoch,
    },
    /// Other files were committed meanwhile. The caller merges again with the table's newest files.
    /// The table object already shows them, except when an append to a table of changes was refused
    /// before anything was read.
    #[error("table `{table}` changed while it was merged: version {version} is there now")]
    Stale {
        /// The stream.
        table: String,
        /// Newest version.
        version: u64,
    },
    /// Another engine changed rows meanwhile. The position of the stream must be determined first.
    #[error(
        "another engine changed rows of table `{table}` ({change}) while this run worked on it: \
         nothing of this run is written, the next one reads what is missing"
    )]
    Foreign {
        /// The stream.
        table: String,
        /// The change of the other engine.
        change: ForeignChange,
    },
    /// The attempt is so old that clean-up may have deleted log files that it has not read.
    #[error(
        "the files for table `{table}` were begun at {started}, over an hour ago: the next run \
         reads again"
    )]
    TooOld {
        /// The stream.
        table: String,
        /// Start of writing of its first file.
        started: Timestamp,
    },
    /// Other writers took every version that was tried.
    #[error("other writers were faster at each version of table `{table}`: run again")]
    Contended {
        /// The stream.
        table: String,
    },
    /// The change is inconsistent: a bug of the caller.
    #[error("change of table `{table}` is impossible: {what}")]
    Impossible {
        /// The stream.
        table: String,
        /// Reason.
        what: String,
    },
    /// The table cannot be used. If the object store is the cause, the outcome of the commit is
    /// unknown until the table is opened anew.
    #[error(transparent)]
    Table(#[from] TableError),
}
