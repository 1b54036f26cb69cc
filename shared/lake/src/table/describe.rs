//! What a table's log says of its columns: those of the declaration, and which have statistics.

use std::collections::BTreeSet;

use engine::time::Timestamp;

use super::action::{Add, Info, Line, MetaData, Txn};
use super::skipping::{STATS_COLUMNS, stats_columns};
use super::{CommitError, CommitNote, Committed, FileEntry, Table, TableError, Writer};
use crate::schema::Comparison;

/// How often a description that somebody else changed meanwhile is made anew.
const TRIES: u32 = 3;

/// The columns of the schema that a commit leaves in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Columns {
    /// Those that are there.
    Logged,
    /// All that are declared.
    Declared,
}

impl Table {
    /// Whether the log names the columns that have statistics.
    ///
    /// # Errors
    /// When the log's schema cannot be read.
    pub fn is_described(&self) -> Result<bool, TableError> {
        Ok(self.redescribed(Columns::Logged, &[], &[])?.is_none())
    }

    /// Lets the log name the columns that have statistics in every file, no others, without files;
    /// `None` where it does. `note` repeats what the last one said.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn describe(
        &mut self,
        now: Timestamp,
        writer: &Writer,
        note: &CommitNote,
    ) -> Result<Option<Committed>, CommitError> {
        let operation = "SET TBLPROPERTIES";
        for _ in 1..TRIES {
            match self.commit_metadata(Columns::Logged, operation, now, writer, note).await {
                // Others may have said the same, or have brought other files.
                Err(CommitError::Stale { .. }) => {}
                done => return done,
            }
        }
        self.commit_metadata(Columns::Logged, operation, now, writer, note).await
    }

    /// Adds the columns that are declared and that the log does not know yet, without files;
    /// `None` where there are none. `note` repeats what the last one said.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn widen(
        &mut self,
        now: Timestamp,
        writer: &Writer,
        note: &CommitNote,
    ) -> Result<Option<Committed>, CommitError> {
        self.commit_metadata(Columns::Declared, "CHANGE COLUMNS", now, writer, note).await
    }

    async fn commit_metadata(
        &mut self,
        columns: Columns,
        operation: &str,
        now: Timestamp,
        writer: &Writer,
        note: &CommitNote,
    ) -> Result<Option<Committed>, CommitError> {
        let Some(meta_data) = self.redescribed(columns, &[], &[])? else {
            return Ok(None);
        };
        let epoch = Some(Txn::epoch(writer.epoch, now));
        let lines = vec![
            Line { meta_data: Some(meta_data), ..Line::default() },
            Line { txn: epoch, ..Line::default() },
        ];
        let info = Info {
            operation,
            now,
            writer: Some((writer, self.commits)),
            sequence: self.recorded_sequence(),
            note: Some(note),
        };
        let body = self.body(&info, lines)?;
        self.land(writer, &body, |before, after| {
            before.meta_data == after.meta_data && before.files == after.files
        })
        .await
        .map(Some)
    }

    /// The table's metadata after a commit of these files, where it is not what it was.
    pub(super) fn redescribed(
        &self,
        columns: Columns,
        add: &[FileEntry],
        remove: &[FileEntry],
    ) -> Result<Option<MetaData>, TableError> {
        let old = &self.state.meta_data;
        let damaged =
            |error: serde_json::Error| self.log().damaged("_delta_log", error.to_string());
        let mut new = old.clone();
        match self.schema().compare(&old.schema_string).map_err(damaged)? {
            Comparison::Lacks(_) if columns == Columns::Declared => {
                let wider = self.schema().extended_schema_json(&old.schema_string);
                new.schema_string = wider.map_err(damaged)?;
            }
            // What does not fit was refused when the version was read.
            Comparison::Lacks(_)
            | Comparison::Equal
            | Comparison::Unknown(_)
            | Comparison::Differs(_) => {}
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

fn stats(add: &Add) -> &str {
    add.stats.as_deref().unwrap_or_default()
}
