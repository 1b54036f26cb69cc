//! Commits to a table of changes.
//!
//! A table of changes records the sequence up to which it is complete. `Append` raises it by one
//! and `Replace` sets it; both put the files and the number into one commit, so a run that dies
//! before or after it leaves no doubt. The other kinds leave the sequence as it is: they move or
//! redact rows that are already there.

use std::collections::BTreeSet;

use engine::time::Timestamp;

use super::action::{Add, CommitInfo, LogLine, Remove, Txn};
use super::commit::follows;
use super::describe::DescribedColumns;
use super::{ChangesCommit, CommitError, CommitNote, Committed, Table, WriterIdentity};

impl Table {
    /// Commits to this table of changes and records the sequence of the files. To append, the table
    /// must record the sequence just before theirs: 6 if the files have 7. Otherwise changes would
    /// appear twice or be missing.
    ///
    /// # Errors
    /// See [`CommitError`]. `Stale` is also the error of an append whose sequence is not the next
    /// one. Nothing is read then. If another writer was faster, this object shows the newest
    /// version, which may record the sequence already.
    pub async fn commit_changes(
        &mut self,
        now: Timestamp,
        writer: &WriterIdentity,
        change: &ChangesCommit,
        note: &CommitNote,
    ) -> Result<Committed, CommitError> {
        let recorded = self.recorded_sequence();
        let (operation, sequence, add, remove) = match change {
            ChangesCommit::Append(made) => ("WRITE", made.sequence, &made.files, Vec::new()),
            ChangesCommit::Replace(made) => {
                ("REPLACE", made.sequence, &made.files, self.files.clone())
            }
            ChangesCommit::Expire { add, remove } => ("EXPIRE", recorded, add, remove.clone()),
            ChangesCommit::Rewrite { add, remove } => ("REWRITE", recorded, add, remove.clone()),
            ChangesCommit::Join { add, remove } => ("OPTIMIZE", recorded, add, remove.clone()),
        };
        let appends = matches!(change, ChangesCommit::Append(_));
        // A join leaves the rows as they are; readers that follow the log may skip it.
        let data_change = !matches!(change, ChangesCommit::Join { .. });
        if appends && recorded.next() != sequence {
            let (table, version) = (self.stream().to_owned(), self.state.version);
            return Err(CommitError::Stale { table, version });
        }
        self.check_files(add, &remove)?;
        let column = self.partition_column();
        let mut lines = Vec::new();
        let columns =
            if add.is_empty() { DescribedColumns::Logged } else { DescribedColumns::Declared };
        if let Some(meta_data) = self.redescribed(columns, add, &remove)? {
            lines.push(LogLine { meta_data: Some(meta_data), ..LogLine::default() });
        }
        for txn in [Txn::epoch(writer.epoch, now), Txn::sequence(sequence, now)] {
            lines.push(LogLine { txn: Some(txn), ..LogLine::default() });
        }
        for file in &remove {
            let remove = Some(Remove::of(file, column, data_change, now));
            lines.push(LogLine { remove, ..LogLine::default() });
        }
        for file in add {
            let add = Some(Add::of(file, column, data_change));
            lines.push(LogLine { add, ..LogLine::default() });
        }
        let writer_number = Some((writer, self.commits));
        let info = CommitInfo { operation, now, writer: writer_number, sequence, note: Some(note) };
        let body = self.body(&info, lines)?;
        let removed: BTreeSet<&str> = remove.iter().map(|file| &file.path[..]).collect();
        self.land(writer, &body, |before, after| {
            // An append stays valid when another writer rewrites older files.
            let sequence = super::SEQUENCE;
            let at_ease = before.recorded(sequence) == after.recorded(sequence)
                && before.meta_data == after.meta_data;
            if appends { at_ease } else { follows(before, after, &removed) }
        })
        .await
    }
}
