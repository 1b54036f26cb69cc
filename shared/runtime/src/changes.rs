//! The table of changes, which follows the stream's table: never ahead, at most one commit behind.
//!
//! A program that copies a table elsewhere reads `<stream>_changes` from the last sequence that it
//! knows. It must be able to rely on two things: no change is missing, and no sequence means two
//! different commits. Two commits in two logs cannot be one, so the order is fixed:
//!
//! 1. The files of changes are stored together with the data files.
//! 2. The commit of the stream's table names them in its note.
//! 3. A commit of the table of changes appends them.
//!
//! If the process dies between 2 and 3, the next run finds the names and appends the files before
//! it does anything else; later notes repeat the names until then. If they can no longer be
//! appended (a file is gone, or more than one commit was missed), the history begins anew: all rows
//! of the table as inserts, at a sequence that was never used. Readers recognise that by the least
//! sequence.

mod upkeep;

use std::collections::BTreeMap;
use std::sync::Arc;

use decode::schema::TableSchema;
use delta::table::{ChangeFiles, ChangesLag, following, lag};
use delta::table::{ChangesCommit, CommitError, CommitNote, Table};
use engine::ids::Sequence;
use engine::item::StreamPosition;
use engine::pass::Pass;
use engine::report::RowCounts;
use engine::testimony::Testimony;
use engine::time::Timestamp;
use lake::changes::{BaselineWriter, ChangesOf};
use lake::partition::FileLimits;

use crate::error::RunError;
use crate::ledger::is_ledger;
use crate::run::Run;

/// Number of times that a commit is decided anew because it lost a race.
const TRIES: u32 = 3;

impl Run {
    /// Whether the operator wants the changes of this stream.
    fn keeps_changes(&self) -> bool {
        !is_ledger(self.order.spec) && self.context.settings.keeps_changes(self.stream())
    }

    /// Opens the table of changes before anything else is decided, unless the item reliably says
    /// that it is up to the stream's table.
    ///
    /// To open it costs requests, and most runs of a quiet stream change no row. The item is
    /// reliable if the last owner gave the lease back, no other engine has written, and the item
    /// describes this very commit of this very table. It knows nothing of what others did to the table
    /// of changes itself: each full pass looks.
    pub(crate) async fn open_changes_if_due(&mut self) -> Result<(), RunError> {
        let (item, table) = (&self.item.value, &self.table);
        let settled = self.order.pass != Pass::Full
            && !self.has_taken_over()
            && table.recorded_epoch() < item.epoch()
            && table.foreign().is_none()
            && item.testimony(table.version(), &table.mark()) == Testimony::True
            && item.changes == Some(table.recorded_sequence());
        if self.keeps_changes() && !settled {
            self.open_changes().await?;
        }
        Ok(())
    }

    /// Opens or creates the table of changes, unless it is open.
    async fn open_changes(&mut self) -> Result<(), RunError> {
        if self.changes.is_some() {
            return Ok(());
        }
        let stream = self.stream();
        let store = Arc::clone(&self.context.store);
        let now = self.context.clock.now();
        let opened =
            Table::create_changes(store, self.order.spec, self.context.settings.account, now);
        let opened =
            opened.await.map_err(|source| RunError::Table { stream, source: Box::new(source) })?;
        self.changes = Some(opened);
        Ok(())
    }

    /// Returns the schema and the sequence with which a merge writes its changes; `None` if changes
    /// are not kept. `at`: time of the changes. [`Self::prepare_changes`] must follow before the
    /// commit: most merges change no row, and then the table of changes is not opened.
    pub(crate) fn planned_changes(&self, at: Timestamp) -> Option<ChangesOf> {
        let sequence = self.table.recorded_sequence().next();
        let schema = || TableSchema::changes_of(self.order.spec);
        self.keeps_changes().then(|| ChangesOf { schema: schema(), at, sequence })
    }

    /// Brings the table of changes up to the stream's table, which may not change before that.
    /// Returns whether `planned` is still right: the stream's table got another sequence if the table
    /// of changes had missed one.
    pub(crate) async fn prepare_changes(
        &mut self,
        planned: Option<&ChangesOf>,
    ) -> Result<bool, RunError> {
        let Some(planned) = planned else { return Ok(true) };
        self.open_changes().await?;
        self.complete_changes().await?;
        Ok(planned.sequence == self.table.recorded_sequence().next())
    }

    /// Brings the table of changes, where it is open, up to the stream's table: appends the change
    /// files of the last commit, or begins anew with all rows where it missed a commit.
    ///
    /// Each turn of the loop looks at both logs again, because each commit in it may find that the
    /// log has changed. The loop ends when the lag is `None`.
    pub(crate) async fn complete_changes(&mut self) -> Result<(), RunError> {
        let mut tries = 0_u32;
        loop {
            let Some(changes) = &self.changes else {
                return Ok(());
            };
            let ahead = changes.recorded_sequence();
            let lagging = lag(&self.table, changes);
            // The stream's table was fenced, this one was not: a frozen former owner could still
            // append its files here.
            if changes.recorded_epoch() < self.table.recorded_epoch() && lagging == ChangesLag::None
            {
                self.fence_changes().await?;
            }
            let done = match lagging {
                ChangesLag::None => {
                    self.item.value.changes = Some(self.table.recorded_sequence());
                    return Ok(());
                }
                ChangesLag::Append(files) if self.are_there(&files).await? => {
                    self.commit_changes(ChangesCommit::Append(files)).await
                }
                ChangesLag::Append(_) | ChangesLag::Baseline => {
                    // A new sequence also where both record the same one: the table of changes does
                    // not hold the changes that lead to the stream's table.
                    if ahead >= self.table.recorded_sequence() {
                        self.go_on_from(ahead.next()).await?;
                    }
                    // Keeps former owners of the lease from committing. The fence may also bring a
                    // newer version into view, so the lag is judged again after it.
                    self.fence_changes().await?;
                    match &self.changes {
                        // Then the stream's table may have a newer version, too.
                        Some(changes) if changes.recorded_sequence() != ahead => Ok(()),
                        Some(changes) if lag(&self.table, changes) != ChangesLag::None => {
                            let files = self.write_baseline().await?;
                            self.commit_changes(ChangesCommit::Replace(files)).await
                        }
                        Some(_) | None => Ok(()),
                    }
                }
            };
            match done {
                Err(CommitError::Stale { .. }) if tries < TRIES => tries = tries.saturating_add(1),
                done => done.map_err(|error| self.commit_error(error))?,
            }
        }
    }

    /// Change files that a commit of the stream's table names: its own, or those that still have to
    /// be appended.
    pub(crate) fn named_changes(&self, own: Option<ChangeFiles>) -> Option<ChangeFiles> {
        if own.is_some() {
            return own;
        }
        let recorded = self.changes.as_ref().map(Table::recorded_sequence);
        let pending = self.table.note()?.changes.clone()?;
        (recorded != Some(pending.sequence)).then_some(pending)
    }

    /// Whether the pending change files still exist. The store is not asked where the item says
    /// that the sequence before theirs was the last one appended: then the files are new.
    async fn are_there(&self, pending: &ChangeFiles) -> Result<bool, RunError> {
        let (stream, Some(changes)) = (self.stream(), &self.changes) else {
            return Ok(false);
        };
        if self.item.value.changes.map(Sequence::next) == Some(pending.sequence) {
            return Ok(true);
        }
        let mut partitions: BTreeMap<&str, BTreeMap<String, u64>> = BTreeMap::new();
        for file in &pending.files {
            let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let key = format!("{}/{}", changes.root(), file.path);
            partitions.entry(folder).or_default().insert(key, file.size);
        }
        for (folder, mut missing) in partitions {
            let prefix = format!("{}/{folder}/", changes.root());
            let listed = self.context.store.list(&prefix, None).await;
            let listed =
                listed.map_err(|source| RunError::Store { stream, source: Box::new(source) })?;
            for object in listed {
                // A file of another size is not the one that the commit names.
                if missing.get(&object.key) == Some(&object.size) {
                    missing.remove(&object.key);
                }
            }
            if !missing.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Commits to the table of changes, with the counts of the stream's newest commit in the note.
    async fn commit_changes(&mut self, change: ChangesCommit) -> Result<(), CommitError> {
        let (writer, now) = (self.writer(), self.context.clock.now());
        let counts = self.table.note().map(|note| note.counts).unwrap_or_default();
        let note = self.changes_note(counts);
        if let Some(changes) = &mut self.changes {
            changes.commit_changes(now, &writer, &change, &note).await?;
        }
        Ok(())
    }

    /// Continues the stream's table, which was lost or put back, at `sequence`: a sequence used
    /// twice would hide that from readers of the changes.
    pub(crate) async fn go_on_from(&mut self, sequence: Sequence) -> Result<(), RunError> {
        let (writer, now) = (self.writer(), self.context.clock.now());
        let note = self.note(RowCounts::default(), None)?;
        let committed = self.table.begin_at(now, &writer, sequence, &note).await;
        let committed = committed.map_err(|error| self.commit_error(error))?;
        self.describes(&committed);
        Ok(())
    }

    /// Makes the table of changes begin anew after the flush to `after`, if everything was read again because
    /// another engine had changed rows: nothing that it has says which rows it had, and a merge does not tell how it
    /// removed rows of one key. Returns whether it does; the commit of the flush then names no files of
    /// changes.
    pub(crate) async fn leaves_changes_behind(
        &mut self,
        after: &StreamPosition,
    ) -> Result<bool, RunError> {
        let was_due = self.item.value.position.rebases_changes;
        let rebases = self.keeps_changes() && was_due && !after.rebases_changes;
        if rebases {
            self.open_changes().await?;
            self.go_on_from(self.table.recorded_sequence().next()).await?;
        }
        Ok(rebases)
    }

    /// Commits a fence to the table of changes, after which no former owner can commit to it.
    async fn fence_changes(&mut self) -> Result<(), RunError> {
        let (writer, now) = (self.writer(), self.context.clock.now());
        let note = self.changes_note(RowCounts::default());
        let Some(changes) = &mut self.changes else {
            return Ok(());
        };
        let fenced = changes.fence(now, &writer, &note).await;
        fenced.map(drop).map_err(|error| self.commit_error(error))
    }

    /// Returns a note for the table of changes. It holds no position: that is in the notes of the
    /// stream's table alone. It names the table that is followed, because sequences of two tables
    /// may be equal by chance.
    pub(crate) fn changes_note(&self, counts: RowCounts) -> CommitNote {
        let state = following(&self.table);
        CommitNote { run: self.id.to_string(), state, counts, changes: None }
    }

    /// Writes all rows of the stream's table as inserts of its newest commit. Reads one file of the
    /// table at a time, so that memory is bounded by a file and not by the table.
    async fn write_baseline(&mut self) -> Result<ChangeFiles, RunError> {
        let stream = self.stream();
        let failed = |source: lake::blocking::RewriteError| RunError::Store {
            stream,
            source: Box::new(source),
        };
        let Some(schema) = self.changes.as_ref().map(|changes| changes.schema().clone()) else {
            return Err(self.defect(&"the table of changes is not open"));
        };
        let (writer, sequence) = (self.writer(), self.table.recorded_sequence());
        let name = format!("{}-{sequence}-{}", writer.epoch, writer.attempt);
        let of = ChangesOf { schema, at: self.context.clock.now(), sequence };
        let store = Arc::clone(&self.context.store);
        let mut baseline =
            BaselineWriter::new(store, self.table.schema(), of, name, FileLimits::default())
                .map_err(failed)?;
        for file in self.table.files().to_vec() {
            baseline = baseline.add(&file).await.map_err(failed)?;
        }
        let files = baseline.finish().await.map_err(failed)?;
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        tracing::info!(stream, %sequence, rows, "the table of changes begins with all rows");
        Ok(ChangeFiles { sequence, files })
    }
}

/// Returns the change files of a commit; `None` where it changes no row.
pub(crate) fn files_of(
    of: Option<ChangesOf>,
    counts: RowCounts,
    files: Vec<delta::table::FileEntry>,
) -> Option<ChangeFiles> {
    let sequence: Sequence = of.filter(|_| counts.changes_rows())?.sequence;
    Some(ChangeFiles { sequence, files })
}
