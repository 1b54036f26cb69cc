//! Column descriptions in a table's log: the declared columns, and those that have statistics.
//!
//! Both are parts of the table's metadata, which every commit may carry. Commits with files bring
//! them up to date; the functions here do it for tables whose files do not change, for example
//! after an upgrade to a release with a new column or after another engine's compaction.

use std::collections::BTreeSet;

use decode::schema::SchemaComparison;
use engine::time::Timestamp;

use super::action::{Add, MetaData};
use super::skipping::{STATS_COLUMNS, stats_columns};
use super::transaction::{ConflictRule, Transaction};
use super::{CommitError, CommitNote, Committed, FileEntry, Table, TableError, WriterIdentity};

/// Number of attempts to write a description while other writers change it.
const TRIES: u32 = 3;

/// Columns that a commit leaves in the schema of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DescribedColumns {
    /// Columns already in the log.
    Logged,
    /// All declared columns.
    Declared,
}

impl Table {
    /// Whether the log has all declared columns, and names exactly those that have statistics in
    /// every file.
    ///
    /// # Errors
    /// When the schema in the log cannot be read.
    pub fn is_described(&self) -> Result<bool, TableError> {
        Ok(self.redescribed(DescribedColumns::Declared, &[], &[])?.is_none())
    }

    /// Commits, without files, the declared columns that the log lacks, and the list of columns that
    /// have statistics in every file. Returns `None` if the log has both already. `note` repeats the
    /// previous note.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn describe(
        &mut self,
        now: Timestamp,
        writer: &WriterIdentity,
        note: &CommitNote,
    ) -> Result<Option<Committed>, CommitError> {
        for _ in 1..TRIES {
            match self.commit_description(now, writer, note).await {
                // Another writer may have committed the same description, or other files.
                Err(CommitError::Stale { .. }) => {}
                done => return done,
            }
        }
        self.commit_description(now, writer, note).await
    }

    /// Commits new metadata, without files. `None` if the metadata is right already.
    async fn commit_description(
        &mut self,
        now: Timestamp,
        writer: &WriterIdentity,
        note: &CommitNote,
    ) -> Result<Option<Committed>, CommitError> {
        let Some(meta_data) = self.redescribed(DescribedColumns::Declared, &[], &[])? else {
            return Ok(None);
        };
        let widens = meta_data.schema_string != self.state.meta_data.schema_string;
        let operation = if widens { "CHANGE COLUMNS" } else { "SET TBLPROPERTIES" };
        // Any other file may lack statistics that this description promises.
        let transaction = Transaction {
            conflicts: ConflictRule::AllFiles,
            meta_data: Some(meta_data),
            ..Transaction::new(operation, now, writer, note)
        };
        self.land(&transaction).await.map(Some)
    }

    /// Metadata of the table after a commit of these files; `None` if it stays the same. Only new
    /// files can have columns that the log lacks; without files, [`Table::describe`] adds columns.
    pub(super) fn described_with(
        &self,
        add: &[FileEntry],
        remove: &[FileEntry],
    ) -> Result<Option<MetaData>, TableError> {
        let columns =
            if add.is_empty() { DescribedColumns::Logged } else { DescribedColumns::Declared };
        self.redescribed(columns, add, remove)
    }

    /// Metadata of the table after a commit of these files; `None` if it stays the same. Columns
    /// and properties of the log that this release does not set are kept.
    fn redescribed(
        &self,
        columns: DescribedColumns,
        add: &[FileEntry],
        remove: &[FileEntry],
    ) -> Result<Option<MetaData>, TableError> {
        let old = &self.state.meta_data;
        let damaged =
            |error: serde_json::Error| self.log().damaged("_delta_log", error.to_string());
        let mut new = old.clone();
        match self.schema().compare(&old.schema_string).map_err(damaged)? {
            SchemaComparison::Lacks(_) if columns == DescribedColumns::Declared => {
                let wider = self.schema().extended_schema_json(&old.schema_string);
                new.schema_string = wider.map_err(damaged)?;
            }
            // Schemas that do not fit were refused when the version was read.
            SchemaComparison::Lacks(_)
            | SchemaComparison::Equal
            | SchemaComparison::Unknown(_)
            | SchemaComparison::Differs(_) => {}
        }
        let gone: BTreeSet<&str> = remove.iter().map(|file| &file.path[..]).collect();
        let files = self.state.files.iter();
        let stay = files.filter(|(path, _)| !gone.contains(&path[..])).map(|(_, add)| stats(add));
        let stats = stay.chain(add.iter().map(|file| &file.stats[..]));
        let named = stats_columns(self.schema(), &new.schema_string, stats).map_err(damaged)?;
        new.configuration.insert(STATS_COLUMNS.to_owned(), Some(named));
        Ok((new != *old).then_some(new))
    }
}

/// Statistics of a file as JSON text; empty if there are none.
fn stats(add: &Add) -> &str {
    add.stats.as_deref().unwrap_or_default()
}
