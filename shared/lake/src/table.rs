//! A stream's Delta table: its log, its current files, its commits.

use engine::ids::{AttemptId, Epoch, Sequence};
use engine::key::Key;
use engine::report::Counts;
use engine::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A file that is part of the table, or is to become so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Path below the table's root, `created_month=2024-01/3-7-ab12-0.parquet`.
    pub path: String,
    /// Text value of the partition column; `None`: the null partition, or no partition column.
    pub partition: Option<String>,
    /// Bytes.
    pub size: u64,
    /// When it was written.
    pub modified: Timestamp,
    /// Rows in it.
    pub rows: u64,
    /// Delta statistics as JSON text (`delta-facts` rules: exact decimals, no free text).
    pub stats: String,
    /// First and last primary key, from `tags`; `None`: a foreign file.
    pub keys: Option<(Key, Key)>,
}

/// Who commits, and on what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// The attempt; part of file names.
    pub attempt: AttemptId,
    /// The writer's lease.
    pub epoch: Epoch,
}

/// What a commit says beside its files; goes into `commitInfo` and comes back from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitNote {
    /// The run, for people.
    pub run: String,
    /// Cursor and the state of both passes, as the state item holds them: repairs a lost item.
    pub state: serde_json::Value,
    /// What this commit changed.
    pub counts: Counts,
}

/// Proof that a version is durable: what a cursor write is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The table's version.
    pub version: u64,
    /// The recorded sequence.
    pub sequence: Sequence,
}
