//! The Delta table of a stream: its log, its current files, its commits.
//!
//! The log is a folder of commit files with consecutive numbers, the versions. Each consists of
//! actions, one JSON object a line: `protocol`, `metaData` (schema and properties), `txn` (a number
//! by application), `add` and `remove` (files), `commitInfo`. The state of a version is the result
//! of all actions up to it; a checkpoint holds such a result.
//!
//! Three numbers rise and must not be confused:
//!
//! | number | rises with | use |
//! | --- | --- | --- |
//! | version | each commit, also of other engines | name of the next commit file |
//! | sequence | each commit of ours that changes rows | order of the table of changes |
//! | epoch | each change of the lease's holder | refusal of a former holder's commits |
//!
//! Protocol versions are reader 1 and writer 2 without features: one file holds rows, statistics
//! stand in the log, and updates rewrite files. Every reader of Delta tables supports that.

mod action;
mod by_name;
mod changes;
mod check;
mod checkpoint;
mod checkpoint_check;
mod commit;
mod commit_file;
mod content;
mod create;
mod describe;
mod entry;
mod error;
mod following;
mod foreign;
mod listing;
mod location;
mod log;
mod members;
mod names;
mod open;
mod past;
mod put;
mod read;
mod restored;
mod skipping;
mod transaction;

use core::fmt;
use std::sync::Arc;

use decode::schema::TableSchema;
use engine::ids::{AccountId, Epoch, Sequence};
use engine::key::Key;
use engine::time::Timestamp;

use crate::store::ObjectStore;
use action::{EPOCH, SEQUENCE};
use location::LogLocation;

pub use checkpoint_check::CheckpointDefect;
pub use content::{ChangesCommit, CommitFiles, CommitNote, Committed, WriterIdentity};
pub use entry::FileEntry;
pub use error::{CommitError, TableError, rebuild_advice};
pub use following::{ChangeFiles, ChangesLag, following, following_none, lag};
pub use foreign::ForeignChange;
pub(crate) use log::LogState;
pub use names::parse_data_file;
pub(crate) use names::{LAST_CHECKPOINT, LogName, checkpoint_parts, parse_log};
pub use past::{AsOf, PastError};

/// A table at one of its versions.
#[derive(Clone)]
pub struct Table {
    store: Arc<dyn ObjectStore>,
    /// Schema of the declaration; `state` has that of the log.
    schema: TableSchema,
    account: AccountId,
    root: String,
    state: LogState,
    /// Files of `state`, sorted. Every change of `state` is followed by `sort_files`.
    files: Vec<FileEntry>,
    /// Number of commits begun with this object; part of their ids.
    commits: u64,
    /// Time of the newest commit with this object, at which its state was that of the log; `None`
    /// before the first.
    viewed: Option<Timestamp>,
    /// Whether a listing has shown that no version follows. If not, the next commit looks first.
    is_listed: bool,
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
    /// Advances to the newest version. Costs one listing if there is none, plus one read for each
    /// commit since the version of this object.
    ///
    /// # Errors
    /// The same as [`Table::open`]. The object then stays at its version.
    pub async fn refresh(&mut self) -> Result<(), TableError> {
        let state = self.log().follow(&self.state).await?;
        self.show(state)?;
        self.is_listed = true;
        Ok(())
    }

    /// Does the same if this object has not committed. One that has knows the newest version, or one
    /// from which names lead to it: housekeeping after a commit asks for those where it matters.
    pub(crate) async fn refresh_unless_committed(&mut self) -> Result<(), TableError> {
        if self.viewed.is_some() { Ok(()) } else { self.refresh().await }
    }

    /// Advances over the versions that follow, each asked for by its name, and tells whether there
    /// were any. A listing may be outdated on some stores; an object that was written is there for
    /// all readers. Costs one read if there is none.
    ///
    /// # Errors
    /// The same as [`Table::open`]. The object then stays at its version.
    pub async fn advance_by_name(&mut self) -> Result<bool, TableError> {
        let state = self.log().follow_by_name(&self.state).await?;
        self.show(state)
    }

    /// Shows a newer state, if there is one, and tells whether there is.
    fn show(&mut self, state: Option<LogState>) -> Result<bool, TableError> {
        let Some(state) = state else {
            return Ok(false);
        };
        self.check(&state)?;
        self.state = state;
        self.sort_files();
        Ok(true)
    }

    /// Id of the table, different for each table ever created.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.state.meta_data.id
    }

    /// Version that this object shows.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.state.version
    }

    /// Files of this version, ordered by partition (null first), then first key (files of other
    /// engines first).
    #[must_use]
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// Number of rows in all files. A file of another engine without a row count adds none.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// Size of all files in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// Folder of the table in the lake: `tables/<stream>` or `tables/<stream>_changes`.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Account whose rows the table holds.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Store that holds the table.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Declared schema. The log may still lack its newest columns.
    #[must_use]
    pub fn schema(&self) -> &TableSchema {
        &self.schema
    }

    /// Schema as the log has it, which is what readers see.
    #[must_use]
    pub fn log_schema(&self) -> &str {
        &self.state.meta_data.schema_string
    }

    /// Highest epoch that committed; 0 before the first.
    #[must_use]
    pub fn recorded_epoch(&self) -> Epoch {
        Epoch(self.state.recorded(EPOCH))
    }

    /// Number of commits so far that changed rows.
    #[must_use]
    pub fn recorded_sequence(&self) -> Sequence {
        Sequence(self.state.recorded(SEQUENCE))
    }

    /// Note of our newest commit that carries one; `None` if there is none.
    #[must_use]
    pub fn note(&self) -> Option<&CommitNote> {
        self.state.note.as_ref().map(|noted| &noted.note)
    }

    pub(crate) fn state(&self) -> &LogState {
        &self.state
    }

    pub(crate) fn log(&self) -> LogLocation<'_> {
        LogLocation { store: self.store.as_ref(), stream: self.stream(), root: &self.root }
    }

    /// Name of the table, for messages.
    fn stream(&self) -> &str {
        &self.schema.name
    }

    /// Name of the partition column in the log.
    fn partition_column(&self) -> Option<&str> {
        self.schema.partition_column()
    }

    /// Brings `files` in line with `state`, in the order that [`Table::files`] promises.
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
