//! Commits to the table of a stream: of rows, and of a writer that takes over.

use engine::ids::Sequence;
use engine::time::Timestamp;

use super::transaction::{ConflictRule, Transaction};
use super::{CommitError, CommitFiles, CommitNote, Committed, Table, WriterIdentity};

impl Table {
    /// Commits `change`, which must be based on the current `files()`, together with `note`. The
    /// sequence rises by one if the note counts changed rows.
    ///
    /// Recognises its own commit when the answer was lost. Retries with the next version when
    /// another writer's commit came first that changed no rows, added no file and removed none that
    /// `change` removes.
    ///
    /// If `change.add` has files, the commit also adds declared columns that the log lacks.
    ///
    /// # Errors
    /// See [`CommitError`]. After `Stale` this object shows the newest version.
    pub async fn commit(
        &mut self,
        now: Timestamp,
        writer: &WriterIdentity,
        change: &CommitFiles,
        note: &CommitNote,
    ) -> Result<Committed, CommitError> {
        let rows_changed = note.counts.changes_rows();
        let recorded = self.recorded_sequence();
        let operation = if rows_changed { "MERGE" } else { "WRITE" };
        let transaction = Transaction {
            conflicts: ConflictRule::Files,
            started: Some(change.started),
            sequence: Some(if rows_changed { recorded.next() } else { recorded }),
            meta_data: self.described_with(&change.add, &change.remove)?,
            add: &change.add,
            remove: &change.remove,
            data_change: rows_changed,
            ..Transaction::new(operation, now, writer, note)
        };
        self.land(&transaction).await
    }

    /// Records the epoch of a writer that takes over, so that the former holder of the lease can no
    /// longer commit. `note` repeats the previous note.
    ///
    /// Without a fence, a former holder that was frozen could wake up and commit its older rows and
    /// position after the new holder has read the table.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn fence(
        &mut self,
        now: Timestamp,
        writer: &WriterIdentity,
        note: &CommitNote,
    ) -> Result<Committed, CommitError> {
        self.land(&Transaction::new("FENCE", now, writer, note)).await
    }

    /// Fences, and continues the sequence at `sequence`, which an earlier table reached. If a former
    /// holder's commit came first and raised the sequence, that could be a number in use, or a lower
    /// one.
    ///
    /// # Errors
    /// See [`CommitError`]. `Stale` after such a commit; this object then shows it.
    pub async fn begin_at(
        &mut self,
        now: Timestamp,
        writer: &WriterIdentity,
        sequence: Sequence,
        note: &CommitNote,
    ) -> Result<Committed, CommitError> {
        let fence = Transaction::new("FENCE", now, writer, note);
        let conflicts = ConflictRule::Rows;
        self.land(&Transaction { sequence: Some(sequence), conflicts, ..fence }).await
    }
}
