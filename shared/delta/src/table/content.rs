//! Content of commits: writer, note and files, and the receipt of a commit.

use engine::ids::{AttemptId, Epoch, Sequence};
use engine::report::RowCounts;
use engine::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::FileEntry;
use super::following::ChangeFiles;

/// Writer of a commit: its attempt and its lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriterIdentity {
    /// Id of the attempt; part of the names of its files.
    pub attempt: AttemptId,
    /// Epoch of the writer's lease.
    pub epoch: Epoch,
}

/// Content of a commit beside its files: stored in `commitInfo` and read back from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitNote {
    /// Id of the run, for people who read the log.
    pub run: String,
    /// Cursor and state of both passes, as the state item holds them. Replaces a lost state item.
    pub state: serde_json::Value,
    /// Numbers of rows that this commit changed.
    pub counts: RowCounts,
    /// Files with the changes of the newest commit that changed rows. Repeated by later commits
    /// until the table of changes is known to contain them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<ChangeFiles>,
}

/// Proof that a version is durable. A cursor write is built from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Version of the table.
    pub version: u64,
    /// Sequence that the version records.
    pub sequence: Sequence,
}

/// Files that a commit adds to and removes from a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitFiles {
    /// Start of writing of the first file in `add`. A commit more than an hour later is refused.
    pub started: Timestamp,
    /// New files, already in the store.
    pub add: Vec<FileEntry>,
    /// Files of the current version that are to leave the table.
    pub remove: Vec<FileEntry>,
}

/// Kinds of commits to a table of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangesCommit {
    /// Adds the changes of the next sequence to those already there.
    Append(ChangeFiles),
    /// Replaces all files by a baseline: every row of the table at that sequence.
    Replace(ChangeFiles),
    /// Replaces old changes by a baseline; the sequence stays.
    Expire {
        /// Files of the baseline.
        add: Vec<FileEntry>,
        /// Files of the old changes.
        remove: Vec<FileEntry>,
    },
    /// Moves the same rows into fewer files; the sequence stays.
    Join {
        /// The new files.
        add: Vec<FileEntry>,
        /// Files that held the rows before.
        remove: Vec<FileEntry>,
    },
    /// Replaces files by redacted ones, after a person was erased; the sequence stays.
    Rewrite {
        /// The redacted files.
        add: Vec<FileEntry>,
        /// Files that held the rows before.
        remove: Vec<FileEntry>,
    },
}
