//! Upgrade of a table's files to today's declaration, without requests to Harvest.
//!
//! A release may declare members that were unknown before. Their values are in `extra_json` of
//! older rows, and every reader of this project lifts them when it opens a file. Other engines read
//! the files as they are; for them the files are written anew. The rows mean the same before and
//! after, so neither sequence nor `synced_at` changes, and the table of changes gets no entries.
//!
//! An erasure takes the same way, with an eraser that also removes a person's data.

use std::sync::Arc;

use delta::maintenance;
use delta::table::{ChangesCommit, CommitError, CommitFiles, FileEntry, Table};
use engine::lease::BusyLease;
use engine::pass::Pass;
use engine::report::RowCounts;
use engine::spec::StreamSpec;
use engine::time::SignedDuration;
use lake::erase::Eraser;
use lake::upgrade::{UpgradeError, Upgrader};

use crate::context::Context;
use crate::error::RunError;
use crate::progress::RunMoment;
use crate::run::leave::abandoned;
use crate::run::{Run, RunOrder, RunOutcome};

/// Number of files after which an upgrade commits. Uncommitted work is lost if the process dies.
const PART_FILES: usize = 16;
/// Size of the new files after which an upgrade commits, in bytes.
const PART_BYTES: u64 = 64 << 20;

/// Counts of an upgrade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpgradeCounts {
    /// Files written anew.
    pub files: u64,
    /// Files of the table.
    pub of: u64,
    /// Rows in the files written anew.
    pub rows: u64,
    /// Commits made.
    pub commits: u64,
    /// Files of the table of changes written anew.
    pub changes: u64,
}

/// Writes those files of the table anew in which `extra_json` holds members that have a column
/// now, and adds the columns that the log lacks. No row counts as changed. If the process dies, a
/// second call goes on.
///
/// # Errors
/// Fails if the stores fail. Returns [`BusyLease`] if a run works on the stream.
pub async fn upgrade(
    context: &Context,
    spec: &'static StreamSpec,
) -> Result<Result<UpgradeCounts, BusyLease>, RunError> {
    let now = context.clock.now();
    let order = RunOrder { spec, pass: Pass::Full, deadline: None, accept_deletes: false };
    let mut run = match Box::pin(Run::open(context, order, now)).await {
        Err(error) => return Err(abandoned(context, spec.name, error).await),
        Ok(Ok(run)) => run,
        Ok(Err(busy)) => return Ok(Err(busy)),
    };
    let keeper = Arc::clone(&run.keeper);
    let done = Box::pin(keeper.beside(run.upgrade())).await;
    if done.is_ok() {
        Box::pin(run.tidy(&RunOutcome::Complete)).await;
    }
    let given_back = run.give_back().await;
    let done = done?;
    given_back?;
    Ok(Ok(done))
}

impl Run {
    /// Upgrades the stream's table and its table of changes.
    async fn upgrade(&mut self) -> Result<UpgradeCounts, RunError> {
        let mut done = self.rewrite_files(None).await?;
        done.changes = self.rewrite_changes(None, false).await?;
        Ok(done)
    }

    /// Writes the files of the table of changes anew that need it, each by its own commit, and
    /// returns their number. `forgets`: the files that they replace, and those of dead attempts,
    /// are deleted at once.
    pub(crate) async fn rewrite_changes(
        &mut self,
        eraser: Option<Eraser>,
        forgets: bool,
    ) -> Result<u64, RunError> {
        let (stream, spec) = (self.stream(), self.order.spec);
        let failed = |source| RunError::Table { stream, source: Box::new(source) };
        let unwritten = |source: UpgradeError| RunError::Store { stream, source: Box::new(source) };
        let store = Arc::clone(&self.context.store);
        // Also where changes are no longer kept: the earlier ones are still there.
        let opened =
            Table::open_changes(Arc::clone(&store), spec, self.context.settings.account).await;
        let Some(mut changes) = opened.map_err(failed)? else {
            return Ok(0);
        };
        // No file may be overlooked because a listing was outdated.
        changes.advance_by_name().await.map_err(failed)?;
        let schema = changes.schema().clone();
        let upgrader = Upgrader::new(store, changes.root(), &schema).map_err(unwritten)?;
        let upgrader = upgrader.erasing(eraser);
        let mut count = 0_u64;
        for file in changes.files().to_vec() {
            let (writer, now) = (self.writer(), self.context.clock.now());
            let sequence = changes.recorded_sequence();
            let name = format!("{}-{sequence}-{}-0", writer.epoch, writer.attempt);
            let new = upgrader.upgrade(&file, &name, now).await.map_err(unwritten)?;
            self.tell_file(&file);
            let Some(new) = new else { continue };
            let change = ChangesCommit::Rewrite { add: vec![new], remove: vec![file] };
            let note = self.changes_note(RowCounts::default());
            let committed = changes.commit_changes(now, &writer, &change, &note).await;
            committed.map_err(|error| self.commit_error(error))?;
            self.report.commits = self.report.commits.saturating_add(1);
            count = count.saturating_add(1);
        }
        if forgets {
            let (writer, now) = (self.writer(), self.context.clock.now());
            let zero = SignedDuration::ZERO;
            maintenance::vacuum(&mut changes, now, zero).await.map_err(failed)?;
            let table = &mut self.table;
            let orphans = maintenance::change_orphans(table, &mut changes, now, zero, &writer);
            orphans.await.map_err(failed)?;
        }
        // An open table of changes is replaced, because it is at another version now.
        self.changes = self.changes.take().map(|_| changes);
        Ok(count)
    }

    /// Writes the files anew that need it; with an eraser also those with data that it removes.
    ///
    /// Files are committed in parts, so that a process that dies loses one part and not an hour of
    /// work. The list of files is taken once: only the holder of the lease writes, and a commit of
    /// another engine that changes files refuses the next part.
    pub(crate) async fn rewrite_files(
        &mut self,
        eraser: Option<Eraser>,
    ) -> Result<UpgradeCounts, RunError> {
        let stream = self.stream();
        let store = |source: UpgradeError| RunError::Store { stream, source: Box::new(source) };
        let schema = self.table.schema().clone();
        let objects = Arc::clone(&self.context.store);
        let upgrader = Upgrader::new(objects, self.table.root(), &schema).map_err(store)?;
        let upgrader = upgrader.erasing(eraser);
        self.advance_by_name().await?;
        let files = self.table.files().to_vec();
        let mut done = UpgradeCounts { of: files.len() as u64, ..UpgradeCounts::default() };
        let mut part = self.part();
        for (at, file) in files.iter().enumerate() {
            let name = format!("{}-{}", part.name, part.add.len());
            let now = self.context.clock.now();
            if let Some(new) = upgrader.upgrade(file, &name, now).await.map_err(store)? {
                part.bytes = part.bytes.saturating_add(new.size);
                part.add.push(new);
                part.remove.push(file.clone());
            }
            self.tell_file(file);
            let full = part.add.len() >= PART_FILES || part.bytes >= PART_BYTES;
            let last = at + 1 == files.len() && !part.add.is_empty();
            if full || last {
                let part = core::mem::replace(&mut part, self.part());
                done.files = done.files.saturating_add(part.add.len() as u64);
                done.rows = part.add.iter().fold(done.rows, |sum, it| sum.saturating_add(it.rows));
                done.commits = done.commits.saturating_add(1);
                self.commit_part(part).await?;
            }
        }
        Ok(done)
    }

    /// Tells whoever watches that the work is through with a file.
    fn tell_file(&self, file: &FileEntry) {
        let moment = RunMoment::File { bytes: file.size };
        self.context.progress.on(self.stream(), Pass::Full, &moment);
    }

    /// Advances the table over versions that an outdated listing did not show, so that no file is
    /// overlooked. Fails if another engine changed rows in them, as a commit would.
    async fn advance_by_name(&mut self) -> Result<(), RunError> {
        let stream = self.stream();
        let known = self.table.foreign().cloned();
        let advanced = self.table.advance_by_name().await;
        advanced.map_err(|source| RunError::Table { stream, source: Box::new(source) })?;
        match self.table.foreign() {
            Some(change) if known.as_ref() != Some(change) => {
                let (table, change) = (stream.to_owned(), change.clone());
                Err(self.commit_error(CommitError::Foreign { table, change }))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Returns an empty part with a writer of its own: no two parts write the same file name.
    fn part(&self) -> UpgradePart {
        let writer = self.writer();
        let sequence = self.table.recorded_sequence().next();
        let name = format!("{}-{sequence}-{}", writer.epoch, writer.attempt);
        let started = self.context.clock.now();
        UpgradePart { writer, name, started, add: Vec::new(), remove: Vec::new(), bytes: 0 }
    }

    /// Commits a part. No row counts as changed, so the sequence stays.
    async fn commit_part(&mut self, part: UpgradePart) -> Result<(), RunError> {
        let note = self.note(RowCounts::default(), None)?;
        let change = CommitFiles { started: part.started, add: part.add, remove: part.remove };
        let now = self.context.clock.now();
        let committed = self.table.commit(now, &part.writer, &change, &note).await;
        let committed = committed.map_err(|error| self.commit_error(error))?;
        self.report.commits = self.report.commits.saturating_add(1);
        self.advance(&committed, self.item.value.position.clone()).await
    }
}

/// Files that one commit replaces.
#[derive(Debug)]
struct UpgradePart {
    writer: delta::table::WriterIdentity,
    name: String,
    started: engine::time::Timestamp,
    add: Vec<FileEntry>,
    remove: Vec<FileEntry>,
    bytes: u64,
}
