//! Bringing a table's files up to today's declaration, without asking Harvest.

use engine::lease::Busy;
use engine::pass::Pass;
use engine::report::Counts;
use engine::spec::StreamSpec;
use lake::erase::Eraser;
use lake::table::{Change, FileEntry};
use lake::upgrade::{UpgradeError, Upgrader};

use crate::context::Context;
use crate::error::RunError;
use crate::run::{Order, Outcome, Run};

/// Files and bytes of one commit: what is lost at most when the process ends.
const PART_FILES: usize = 16;
const PART_BYTES: u64 = 64 << 20;

/// What an upgrade did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upgraded {
    /// Files written anew.
    pub files: u64,
    /// Files of the table.
    pub of: u64,
    /// Rows in the files written anew.
    pub rows: u64,
    /// Commits made.
    pub commits: u64,
}

/// Writes every file of the table anew in which `extra_json` holds what has a column now, and adds
/// the columns that the log lacks. No row changes by it. Killed anywhere, it can be called again
/// and goes on.
///
/// # Errors
/// Where the stores fail. [`Busy`] where a run works on the stream.
pub async fn upgrade(
    context: &Context,
    spec: &'static StreamSpec,
) -> Result<Result<Upgraded, Busy>, RunError> {
    let now = context.clock.now();
    let order = Order { spec, pass: Pass::Full, deadline: None, accept_deletes: false };
    let mut run = match Run::open(context, order, now).await? {
        Ok(run) => run,
        Err(busy) => return Ok(Err(busy)),
    };
    let done = run.rewrite_files(None).await;
    if done.is_ok() {
        run.tidy(&Outcome::Complete).await;
    }
    let given_back = run.give_back().await;
    let done = done?;
    given_back?;
    Ok(Ok(done))
}

impl Run {
    /// Writes files anew that need it; with an eraser, also those that hold what it takes out.
    pub(crate) async fn rewrite_files(
        &mut self,
        eraser: Option<Eraser>,
    ) -> Result<Upgraded, RunError> {
        let stream = self.stream();
        let store = |source: UpgradeError| RunError::Store { stream, source: Box::new(source) };
        let schema = self.table.schema().clone();
        let objects = std::sync::Arc::clone(&self.context.store);
        let upgrader = Upgrader::new(objects, self.table.root(), &schema).map_err(store)?;
        let upgrader = upgrader.erasing(eraser);
        let files = self.table.files().to_vec();
        let mut done = Upgraded { of: files.len() as u64, ..Upgraded::default() };
        let mut part = self.part();
        for (at, file) in files.iter().enumerate() {
            self.renew_if_due().await?;
            let name = format!("{}-{}", part.name, part.add.len());
            let now = self.context.clock.now();
            if let Some(new) = upgrader.upgrade(file, &name, now).await.map_err(store)? {
                part.bytes = part.bytes.saturating_add(new.size);
                part.add.push(new);
                part.remove.push(file.clone());
            }
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
        let note = self.note(Counts::default(), None)?;
        let (now, writer) = (self.context.clock.now(), self.writer());
        let widened = self.table.widen(now, &writer, &note).await;
        if let Some(committed) = widened.map_err(|error| self.commit_error(error))? {
            done.commits = done.commits.saturating_add(1);
            self.advance(&committed).await?;
        }
        Ok(done)
    }

    fn part(&self) -> Part {
        let writer = self.writer();
        let sequence = self.table.recorded_sequence().next();
        let name = format!("{}-{sequence}-{}", writer.epoch, writer.attempt);
        let started = self.context.clock.now();
        Part { writer, name, started, add: Vec::new(), remove: Vec::new(), bytes: 0 }
    }

    /// Commits a part: no row changes, so that the sequence stays.
    async fn commit_part(&mut self, part: Part) -> Result<(), RunError> {
        let note = self.note(Counts::default(), None)?;
        let change = Change { started: part.started, add: part.add, remove: part.remove };
        let now = self.context.clock.now();
        let committed = self.table.commit(now, &part.writer, &change, &note).await;
        let committed = committed.map_err(|error| self.commit_error(error))?;
        self.report.commits = self.report.commits.saturating_add(1);
        self.advance(&committed).await
    }
}

/// Files that one commit replaces.
#[derive(Debug)]
struct Part {
    writer: lake::table::Writer,
    name: String,
    started: engine::time::Timestamp,
    add: Vec<FileEntry>,
    remove: Vec<FileEntry>,
    bytes: u64,
}
