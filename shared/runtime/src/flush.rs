//! Flush: from collected rows to a commit, in the one order that loses nothing.
//!
//! | step | if the process dies after it |
//! | --- | --- |
//! | work objects and quarantined records are stored | no position names them; read again |
//! | data files and files of changes are stored | orphans; the rows are read again |
//! | the person of the token is asked again | the same |
//! | **commit**: files, position in the note | the next run takes the position from the log |
//! | files of changes are appended | the next run appends them |
//! | the state item is written | nothing is left to do |
//!
//! The state item is last, because a cursor ahead of the rows would lose changes for good. A cursor
//! behind them reads some records twice.
//!
//! Two checks come after the merge and directly before the commit, because both may have changed
//! while pages were read: whether the person of the token still sees enough, and whether a person
//! was erased meanwhile.

mod check;

use std::sync::Arc;

use bytes::Bytes;
use delta::store::{ObjectEdit, change};
use delta::table::{CommitError, CommitFiles, Committed, WriterIdentity};
use engine::account::PersonSight;
use engine::coverage::{Coverage, delete_allowance};
use engine::item::StreamPosition;
use engine::pass::Pass;
use engine::position::{PassDeletes, claims};
use engine::precedence::{Precedence, PrecedenceRules};
use engine::report::RowCounts;
use engine::time::Timestamp;
use lake::changes::ChangesOf;
use lake::collect::{CollectedRows, Collector};
use lake::merge::{MergeJob, MergeOutcome, merge};
use lake::partition::FileLimits;

use crate::changes::files_of;
use crate::error::RunError;
use crate::hold::RunBuffer;
use crate::progress::RunMoment;
use crate::run::{Run, RunOrder};

/// Number of times that a merge is repeated because its commit lost a race.
const MERGES: u32 = 3;

impl Run {
    /// Makes the collected rows durable, then the position `after`. Returns the error of a refused
    /// mass delete once everything else is written.
    ///
    /// A refusal is returned by the flush in which it happens. The last flush of the pass returns
    /// it again if it happened in an earlier one, even of an earlier run: the counts are in the
    /// saved position.
    pub(crate) async fn flush(
        &mut self,
        hold: &mut RunBuffer,
        after: StreamPosition,
    ) -> Result<Option<RunError>, RunError> {
        let pass = self.order.pass;
        let before = PassDeletes::before(&self.item.value.position, pass);
        let ends = after.pass(pass).unfinished.is_none();
        // Before the rows: a commit with the other records of a page says that the page was read.
        self.write_quarantine(hold).await?;
        let (collected, coverage) = hold.take()?;
        let stream = self.stream();
        let refusal = |refused| Some(RunError::DeletesRefused { stream, refused });
        // Nothing came and nothing can be absent: no file of the table has to be looked at.
        if collected.is_none() && coverage.is_nothing() {
            let position = before.settle(after, &self.item.value.position, pass);
            self.save_unchanged(position).await?;
            let again = ends && before.refused > 0 && !self.accepts_deletes();
            return Ok(again.then(|| refusal(before.refused)).flatten());
        }
        let collected = match collected {
            Some(collected) => collected,
            None => self.nothing_collected()?,
        };
        let progress = Arc::clone(&self.context.progress);
        progress.on(stream, pass, &RunMoment::Flushing);
        let (counts, mut refused) =
            self.merge_and_commit(Arc::new(collected), coverage, after, before).await?;
        progress.on(stream, pass, &RunMoment::Committed(counts));
        self.report.counts = self.report.counts.plus(counts);
        if ends && !self.accepts_deletes() {
            refused = refused.saturating_add(before.refused);
        }
        Ok(if refused > 0 { refusal(refused) } else { None })
    }

    /// Saves a position without a commit, because no row changed.
    ///
    /// It still may claim something: that nothing changed before the new cursor, as far as this
    /// person sees. Then the person is asked for, as before a commit. If the state is lost, so is
    /// this position, and its part is read again.
    ///
    /// A complete incremental pass that names no objects is written by `close`, together with the
    /// end of the lease: nothing that follows relies on it.
    async fn save_unchanged(&mut self, mut position: StreamPosition) -> Result<(), RunError> {
        let RunOrder { spec, pass, .. } = self.order;
        let claims = claims(spec, pass, &self.item.value.position, &position);
        // A person who sees less was accepted, and is so for later runs, too. One who sees more makes a
        // full pass due.
        if claims || self.person_sights != [PersonSight::Enough; 2] {
            let person = self.person_before_commit(RowCounts::default()).await?;
            position.written_by(self.order.pass, person.id, person.roles);
        }
        if self.leaves_changes_behind(&position).await? {
            Box::pin(self.complete_changes()).await?;
        }
        let ends = pass == Pass::Incremental && position.pass(pass).unfinished.is_none();
        let objects = self.item.value.position.objects().len() + position.objects().len();
        self.item.value.position = position;
        if ends && objects == 0 {
            self.unsaved = true;
            return Ok(());
        }
        self.save_item().await
    }

    /// Whether any number of deletes is accepted, for this run or by the settings.
    pub(crate) fn accepts_deletes(&self) -> bool {
        self.order.accept_deletes || self.context.settings.accept_deletes
    }

    /// Returns an empty collection, to merge a coverage without rows: the merge then only deletes.
    fn nothing_collected(&self) -> Result<CollectedRows, RunError> {
        let schema = self.table.schema();
        Collector::new(schema, None, 0)
            .and_then(Collector::finish)
            .map_err(|error| self.defect(&error))
    }

    /// Merges the rows into the table's files and commits the result with the position `after`,
    /// adjusted by the deletes. Returns the counts, and the number of refused deletes.
    ///
    /// A merge is based on the files of one version. If another commit changed files meanwhile (an
    /// `OPTIMIZE` of another engine, say), the commit is refused as stale, and the merge is
    /// repeated on the new files under new names. The files of the first merge are orphans then.
    async fn merge_and_commit(
        &mut self,
        incoming: Arc<CollectedRows>,
        coverage: Coverage,
        after: StreamPosition,
        before: PassDeletes,
    ) -> Result<(RowCounts, u64), RunError> {
        let stream = self.stream();
        let mut tries = 0_u32;
        loop {
            let started = self.context.clock.now();
            let writer = self.writer();
            let changes = self.planned_changes(started);
            let job =
                self.job(&writer, started, Arc::clone(&incoming), changes.clone(), before.deleted);
            let merged =
                Box::pin(self.merge(MergeJob { coverage: coverage.clone(), ..job })).await?;
            let (deleted, refused) = (merged.counts.deleted, merged.refused_deletes);
            let so_far = before.plus(PassDeletes { deleted, refused });
            let standing = &self.item.value.position;
            let mut position = so_far.settle(after.clone(), standing, self.order.pass);
            // Every record that came was in the table already.
            if !merged.changes_files() {
                self.save_unchanged(position).await?;
                return Ok((merged.counts, merged.refused_deletes));
            }
            if !Box::pin(self.prepare_changes(changes.as_ref())).await? {
                if tries < MERGES {
                    tries = tries.saturating_add(1);
                    continue;
                }
                return Err(self.defect(&"the table of changes does not come to rest"));
            }
            let person = self.person_before_commit(merged.counts).await?;
            self.check_erased().await?;
            position.written_by(self.order.pass, person.id, person.roles);
            let own = files_of(changes, merged.counts, merged.changes);
            let named = if self.leaves_changes_behind(&position).await? { None } else { own };
            let note = self.note_of(&position, merged.counts, named)?;
            let change = CommitFiles { add: merged.add, remove: merged.remove, started };
            let now = self.context.clock.now();
            match self.table.commit(now, &writer, &change, &note).await {
                Ok(committed) => {
                    self.report.commits = self.report.commits.saturating_add(1);
                    self.advance(&committed, position).await?;
                    return Ok((merged.counts, merged.refused_deletes));
                }
                Err(CommitError::Stale { .. }) if tries < MERGES => {
                    tries = tries.saturating_add(1);
                    tracing::info!(stream, tries, "the table changed while it was merged");
                }
                Err(error) => return Err(self.commit_error(error)),
            }
        }
    }

    /// Takes over the position of a commit, brings the table of changes up to it, and writes the
    /// item. The receipt `committed` proves that the commit is durable.
    pub(crate) async fn advance(
        &mut self,
        committed: &Committed,
        position: StreamPosition,
    ) -> Result<(), RunError> {
        self.item.value.position = position;
        self.describes(committed);
        Box::pin(self.complete_changes()).await?;
        self.save_item().await
    }

    /// Returns the merge of `incoming` into the present files. `deleted_before`: rows that the pass
    /// has deleted so far; they are taken off the number that it may delete.
    ///
    /// File names begin with epoch and sequence, by which a later run knows a file of a dead
    /// attempt from one that a living attempt is still to commit.
    pub(crate) fn job(
        &self,
        writer: &WriterIdentity,
        now: Timestamp,
        incoming: Arc<CollectedRows>,
        changes: Option<ChangesOf>,
        deleted_before: u64,
    ) -> MergeJob {
        let max_deletes = if self.accepts_deletes() {
            u64::MAX
        } else {
            delete_allowance(self.table.rows(), deleted_before)
        };
        let sequence = self.table.recorded_sequence().next();
        MergeJob {
            schema: self.table.schema().clone(),
            root: self.table.root().to_owned(),
            files: self.table.files().to_vec(),
            incoming,
            coverage: Coverage::Nothing,
            judge: self.judge(),
            max_deletes,
            name: format!("{}-{sequence}-{}", writer.epoch, writer.attempt),
            now,
            limits: FileLimits::default(),
            changes,
        }
    }

    /// Returns the judge that decides between the table's rows and those of this pass.
    pub(crate) fn judge(&self) -> PrecedenceRules {
        PrecedenceRules {
            precedence: Precedence::of(self.order.pass),
            present: self.context.present(),
        }
    }

    /// Merges and stores the resulting files; the log is not touched.
    pub(crate) async fn merge(&self, job: MergeJob) -> Result<MergeOutcome, RunError> {
        let stream = self.stream();
        merge(Arc::clone(&self.context.store), job)
            .await
            .map_err(|source| RunError::Store { stream, source: Box::new(source) })
    }

    /// Makes raw records durable before the commit that leaves them out.
    ///
    /// A run has one file, which each flush writes whole: earlier records of the run, then the new
    /// ones. So the file that is there is the beginning of the new one. If it is not, a later owner
    /// of the lease has changed it, by an erasure.
    async fn write_quarantine(&self, hold: &RunBuffer) -> Result<(), RunError> {
        if hold.quarantined.is_empty() {
            return Ok(());
        }
        let mut lines = String::new();
        for record in &hold.quarantined {
            let line = serde_json::json!({ "reason": record.reason, "raw": record.raw });
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
        let stream = self.stream();
        let store = &self.context.store;
        let key = format!("quarantine/{stream}/{}.jsonl", self.id);
        let lines = Bytes::from(lines);
        // A file there is from earlier flushes of this run; if it is not, the lease is lost.
        let grown = |there: Option<&Bytes>| match there {
            Some(there) if *there == lines => Ok(ObjectEdit::Keep),
            Some(there) if !lines.starts_with(there) => Err(RunError::LostLease { stream }),
            Some(_) | None => Ok(ObjectEdit::Write(lines.clone())),
        };
        let failed = |source| RunError::Store { stream, source: Box::new(source) };
        change(&**store, &key, grown).await.map_err(failed)??;
        // Checked after the writing: a later erasure finds the file and cleans it.
        let checked = self.check_erased().await;
        if checked.is_err() {
            store.delete(&key).await.map_err(failed)?;
        }
        checked
    }
}
