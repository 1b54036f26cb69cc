//! Commits to a table of changes.
//!
//! A table of changes records the sequence up to which it is complete. `Append` raises it by one
//! and `Replace` sets it; both put the files and the number into one commit, so a run that dies
//! before or after it leaves no doubt. The other kinds leave the sequence as it is: they move or
//! redact rows that are already there.

use engine::time::Timestamp;

use super::transaction::{ConflictRule, Transaction};
use super::{ChangesCommit, CommitError, CommitNote, Committed, Table, WriterIdentity};

impl Table {
    /// Commits to this table of changes and records the sequence of the files. To append, the table
    /// must record the sequence just before theirs: 6 if the files have 7. Otherwise changes would
    /// appear twice or be missing.
    ///
    /// # Errors
    /// See [`CommitError`]. `Stale` is also the error of an append whose sequence is not the next
    /// one, and of a replacement with a lower one: its maker has not seen the newest commit of the
    /// stream's table. Nothing is read then. If another writer was faster, this object shows the
    /// newest version, which may record the sequence already.
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
        let replaces = matches!(change, ChangesCommit::Replace(_));
        // A join leaves the rows as they are; readers that follow the log may skip it.
        let data_change = !matches!(change, ChangesCommit::Join { .. });
        if (appends && recorded.next() != sequence) || (replaces && sequence < recorded) {
            let (table, version) = (self.stream().to_owned(), self.state.version);
            return Err(CommitError::Stale { table, version });
        }
        // An append stays valid when another writer rewrites older files.
        let conflicts = if appends { ConflictRule::Rows } else { ConflictRule::Files };
        let transaction = Transaction {
            conflicts,
            sequence: Some(sequence),
            meta_data: self.described_with(add, &remove)?,
            add,
            remove: &remove,
            data_change,
            ..Transaction::new(operation, now, writer, note)
        };
        self.land(&transaction).await
    }
}
