//! A stream's Delta table: its log, its current files, its commits.

mod action;
mod changes;
mod check;
mod checkpoint;
mod commit;
mod create;
mod describe;
mod error;
mod foreign;
mod listing;
mod log;
mod names;
mod open;
mod past;
mod read;
mod skipping;

use core::fmt;
use std::sync::Arc;

use engine::ids::{AccountId, AttemptId, Epoch, Sequence};
use engine::key::Key;
use engine::report::Counts;
use engine::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::changes::ChangeFiles;
use crate::schema::TableSchema;
use crate::store::ObjectStore;
use action::{EPOCH, SEQUENCE};
use read::Log;

pub use error::{CommitError, TableError};
pub use foreign::Foreign;
pub(crate) use log::LogState;
pub(crate) use names::{LAST_CHECKPOINT, LogName, checkpoint_parts, parse_data_file, parse_log};
pub use past::{AsOf, PastError};

/// A file that is part of the table, or is to become so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Delta statistics as JSON text: decimals exact, instants rounded outwards, no free text.
    /// Empty where there are none.
    pub stats: String,
    /// First and last primary key, from `tags`; `None`: a foreign file.
    pub keys: Option<(Key, Key)>,
    /// Checksum of its bytes, from `tags`; `None`: a foreign file, or one of an earlier release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
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
    /// The files of the changes of the newest commit that changed rows, for as long as they are not
    /// known to be in the table of changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<ChangeFiles>,
}

/// Proof that a version is durable: what a cursor write is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The table's version.
    pub version: u64,
    /// The recorded sequence.
    pub sequence: Sequence,
}

/// What a commit does to the files of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When the first file of `add` was begun. A change of over an hour is refused.
    pub started: Timestamp,
    /// Files that are stored already.
    pub add: Vec<FileEntry>,
    /// Files of the table as it is.
    pub remove: Vec<FileEntry>,
}

/// What a commit does to a table of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangesCommit {
    /// The next commit's changes come to the others.
    Append(ChangeFiles),
    /// A baseline of the table at that commit takes the place of all.
    Replace(ChangeFiles),
    /// A baseline takes the place of old changes; the sequence stays.
    Expire {
        /// The baseline.
        add: Vec<FileEntry>,
        /// The old changes.
        remove: Vec<FileEntry>,
    },
    /// The same rows in other files; the sequence stays.
    Join {
        /// The new files.
        add: Vec<FileEntry>,
        /// Those that had the rows.
        remove: Vec<FileEntry>,
    },
    /// The same changes with less in them, after a person was erased; the sequence stays.
    Rewrite {
        /// The new files.
        add: Vec<FileEntry>,
        /// Those that had the rows.
        remove: Vec<FileEntry>,
    },
}

/// A table at one of its versions.
#[derive(Clone)]
pub struct Table {
    store: Arc<dyn ObjectStore>,
    schema: TableSchema,
    account: AccountId,
    root: String,
    state: LogState,
    files: Vec<FileEntry>,
    /// Commits begun with this object; part of their ids.
    commits: u64,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("store", &self.store)
            .field("root", &self.root)
            .field("version", &self.state.version)
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}

impl Table {
    /// Goes on to the newest version.
    ///
    /// # Errors
    /// As `open`. The object then stays at its version.
    pub async fn refresh(&mut self) -> Result<(), TableError> {
        let Some(state) = self.log().follow(&self.state).await? else {
            return Ok(());
        };
        self.check(&state)?;
        self.state = state;
        self.sort_files();
        Ok(())
    }

    /// The table's own id: another one for each table that is ever created.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.state.meta_data.id
    }

    /// The version this object is at.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.state.version
    }

    /// The files of this version, by partition (null first), then first key (foreign files first).
    #[must_use]
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// Rows of all files; foreign files that do not say how many they have count as none.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// Where the table is in the lake: `tables/<stream>` or `tables/<stream>_changes`.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The account whose rows it holds.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Where it is kept.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The declared schema. The log may still lack its newest columns.
    #[must_use]
    pub fn schema(&self) -> &TableSchema {
        &self.schema
    }

    /// The schema that readers see, as the log has it.
    pub(crate) fn log_schema(&self) -> &str {
        &self.state.meta_data.schema_string
    }

    /// The highest epoch that committed; 0 before the first.
    #[must_use]
    pub fn recorded_epoch(&self) -> Epoch {
        Epoch(self.state.recorded(EPOCH))
    }

    /// How many commits changed rows.
    #[must_use]
    pub fn recorded_sequence(&self) -> Sequence {
        Sequence(self.state.recorded(SEQUENCE))
    }

    /// What the newest commit of ours said; `None` where none has said anything yet.
    #[must_use]
    pub fn note(&self) -> Option<&CommitNote> {
        self.state.note.as_ref().map(|noted| &noted.note)
    }

    pub(crate) fn state(&self) -> &LogState {
        &self.state
    }

    pub(crate) fn log(&self) -> Log<'_> {
        Log { store: self.store.as_ref(), stream: self.stream(), root: &self.root }
    }

    /// Name of the table, for messages.
    fn stream(&self) -> &str {
        &self.schema.name
    }

    /// Name of the partition column in the log.
    fn partition_column(&self) -> Option<&str> {
        self.schema.partition_column()
    }

    fn sort_files(&mut self) {
        fn order(file: &FileEntry) -> (Option<&String>, Option<&Key>, &String) {
            (file.partition.as_ref(), file.keys.as_ref().map(|(first, _)| first), &file.path)
        }
        let column = self.partition_column();
        self.files = self.state.files.iter().map(|(path, add)| add.file(path, column)).collect();
        self.files.sort_by(|a, b| order(a).cmp(&order(b)));
    }
}

#[cfg(test)]
pub(crate) mod tests;
