//! Preparation of a run: makes item and tables agree, and keeps former owners from committing.
//!
//! The table's log is the truth, the item a cache of it. They differ after a crash between commit
//! and item, after the state was lost or put back, after a table was restored, deleted or
//! exchanged, and after another engine has written. In all these cases the position in the log's
//! newest note replaces the item's:
//!
//! | the item describes | the log has a note | position |
//! | --- | --- | --- |
//! | this version of the table | | the item's |
//! | another version, or another table | yes | the note's |
//! | another table | no | none: everything is read, by the same person or one who sees as much |
//! | a later version of the table | no | the same |
//! | an earlier version of the table | no | the item's |
//!
//! A cursor that is too early costs requests. One that is too late loses changes for good, so every
//! doubt is settled towards the earlier position.

use delta::table::{Committed, ForeignChange, Table};
use engine::ids::Sequence;
use engine::item::{ItemValue, StreamPosition};
use engine::pass::Pass;
use engine::persisted::PersistedInstants;
use engine::plan::goes_incrementally;
use engine::present::{AheadInstant, told};
use engine::report::RowCounts;
use engine::testimony::Testimony;
use engine::time::Timestamp;

use super::Run;
use crate::error::RunError;

impl Run {
    /// Makes item and table agree. Handles a commit that the item does not know, another table than
    /// the item's, rows that another engine changed, instants in the future, an epoch that the item
    /// does not know, and a former owner that never gave the lease back.
    ///
    /// Decisions come first, in memory; then the item is saved, then a commit is made, then the
    /// item is saved again. The first save shows that this run still has the lease, and stores the
    /// epoch before any commit bears it.
    pub(super) async fn catch_up(&mut self) -> Result<(), RunError> {
        let testimony = self.item.value.testimony(self.table.version(), &self.table.mark());
        // What the item says of files is another table's, too.
        if testimony == Testimony::OfAnother {
            let stream = self.stream();
            tracing::info!(stream, "the state speaks of another table: the log is right");
            self.item.value.changes = None;
            self.item.value.orphans_sought = None;
        }
        self.open_changes_if_due().await?;
        let changed = self.changes.as_ref().map(Table::recorded_epoch).unwrap_or_default();
        let recorded = self.table.recorded_epoch().max(changed);
        // An equal epoch counts as behind, too: where the state was lost, another owner may still
        // hold it.
        let behind = recorded >= self.item.value.epoch();
        self.take_position(testimony);
        let set_back = self.set_back(testimony).await?;
        let passed = self.passed_sequence();
        self.seek_parked().await?;
        // After both of them: a position from the log may hold instants of a wrong clock, too.
        self.free();
        self.item.value.version = self.table.version();
        // Not forgotten before a commit goes on from it.
        self.item.value.sequence = passed.unwrap_or_else(|| self.table.recorded_sequence());
        self.item.value.table = Some(self.table.mark());
        if behind && let Some(lease) = &mut self.item.value.lease {
            lease.epoch = recorded.next();
        }
        if testimony != Testimony::True || !self.notices.is_empty() {
            self.read_whole_if_needed();
        }
        if behind || self.taken_over || set_back || passed.is_some() {
            self.save_item().await?;
            if set_back || passed.is_some() {
                // A commit makes this change known even if the state is lost afterwards. It has a
                // sequence of its own, so that the table of changes begins anew.
                let told = self.changes.as_ref().map(Table::recorded_sequence).unwrap_or_default();
                let last = self.table.recorded_sequence().max(told);
                self.go_on_from(last.max(passed.unwrap_or_default()).next()).await?;
            } else {
                self.fence().await?;
            }
            self.save_item().await?;
        }
        Box::pin(self.complete_changes()).await
    }

    /// Last sequence that the item knows of this table, if the table's log has not come so far: the table
    /// was put back from a copy, or deleted and made anew. Readers of its changes may know that
    /// sequence, and would miss those that are given again. A table with a history of its own, as that of
    /// another lake with the same state, gives its own sequences.
    fn passed_sequence(&self) -> Option<Sequence> {
        let (item, recorded) = (&self.item.value, self.table.recorded_sequence());
        let same = item.table.as_ref().is_some_and(|known| known.id == self.table.mark().id);
        let is_new = recorded == Sequence::default();
        ((same || is_new) && item.sequence > recorded).then_some(item.sequence)
    }

    /// Takes the position from the log where the item does not describe the table as it is.
    fn take_position(&mut self, testimony: Testimony) {
        if testimony == Testimony::True {
            return;
        }
        let item = &mut self.item.value;
        match (noted(&self.table), testimony) {
            (Some(position), _) => item.position = position,
            (None, Testimony::OfAnother) => item.position.forget(),
            // The lake was lost or put back: the item's position is no longer true.
            (None, _) if self.table.version() < item.version => item.position.forget(),
            (None, _) => {}
        }
    }

    /// Sets the position back where another engine changed rows: to the position of the version
    /// whose rows it restored, otherwise to the beginning. Returns whether another engine changed
    /// any.
    async fn set_back(&mut self, testimony: Testimony) -> Result<bool, RunError> {
        let stream = self.stream();
        let Some(foreign) = self.table.foreign().cloned() else {
            return Ok(false);
        };
        if matches!(foreign, ForeignChange::Untold { .. }) && testimony == Testimony::True {
            // The item was written by a run that saw the log when it still showed such changes.
            return Ok(false);
        }
        let restored = self.table.restored().await;
        let restored =
            restored.map_err(|source| RunError::Table { stream, source: Box::new(source) })?;
        let mut to = None;
        if let Some((version, note)) = restored
            && let Ok(mut position) = serde_json::from_value::<StreamPosition>(note.state)
            && self.load(&position.parked).await?.is_some()
        {
            // A version without rows, which a DELETE of all rows looks like, was written by nobody.
            // A person who sees less than the last writer would read too few of them.
            if position.roles.is_empty() {
                let before = &self.item.value.position;
                position.written_by(Pass::Full, before.person, before.roles.clone());
            }
            self.item.value.position = position;
            to = Some(version);
        }
        let what = match to {
            Some(version) => format!(
                "its rows are those of version {version}, and what changed since then is read again"
            ),
            None => "everything is read again".to_owned(),
        };
        if to.is_none() {
            self.item.value.position.begin_anew();
            self.item.value.position.rebases_changes = true;
        }
        self.notice(format!("another engine changed rows of the table ({foreign}): {what}"));
        Ok(true)
    }

    /// Sets the position to the beginning if the list of parked parents is gone. An incremental pass
    /// asks for the children of those alone and of changed parents: it would never ask for those
    /// that the list had.
    async fn seek_parked(&mut self) -> Result<(), RunError> {
        let position = &self.item.value.position;
        if self.load(&position.parked).await?.is_none() {
            self.item.value.position.begin_anew();
            self.item.value.position.parked = ItemValue::default();
            let what = "the list of parents whose children could not be read is gone from the lake";
            self.notice(format!("{what}: everything is read again"));
        }
        Ok(())
    }

    /// Removes instants in the future from the item, also those that came from the log.
    fn free(&mut self) {
        let present = self.context.present();
        let mut ahead = core::mem::take(&mut self.item.ahead);
        for found in self.item.value.free(&present) {
            if !ahead.contains(&found) {
                ahead.push(found);
            }
        }
        if let Some(sentence) = told(&ahead) {
            self.notice(sentence);
        }
    }

    /// Turns an incremental pass into a full one where the position no longer allows the former.
    fn read_whole_if_needed(&mut self) {
        let spec = self.order.spec;
        let anew = !goes_incrementally(spec, &self.item.value.position);
        if anew && self.order.pass == Pass::Incremental {
            self.order.pass = Pass::Full;
            self.report.pass = Pass::Full;
            self.item.value.working_on = Some(Pass::Full);
        }
    }

    /// Adds a notice for people: the report has it once, and `status` shows it until the next pass.
    pub(super) fn notice(&mut self, what: String) {
        tracing::warn!(stream = self.stream(), "{what}");
        let health = &mut self.item.value.health;
        health.warning = Some(match health.warning.take().filter(|_| !self.notices.is_empty()) {
            Some(before) => format!("{before}; {what}"),
            None => what.clone(),
        });
        self.notices.push(what);
    }

    /// Adds a notice that the cursor lay in Harvest's future: an incremental pass missed the
    /// changes before it.
    pub(super) fn tell_cursor_ahead(&mut self, cursor: Option<Timestamp>) {
        let sentence = cursor.and_then(|at| told(&[AheadInstant { what: "the cursor", at }]));
        self.notices.extend(sentence);
    }

    /// Moves the notices into the report, before its own warning.
    pub(super) fn tell(&mut self) {
        let all: Vec<String> = self.notices.drain(..).chain(self.report.warning.take()).collect();
        self.report.warning = (!all.is_empty()).then(|| all.join("; "));
    }

    /// Makes the item describe the table as `committed` left it.
    pub(crate) fn describes(&mut self, committed: &Committed) {
        self.item.value.version = committed.version;
        self.item.value.sequence = committed.sequence;
        self.item.value.table = Some(self.table.mark());
    }

    /// Commits a fence, after which a former owner that was suspended can commit nothing.
    async fn fence(&mut self) -> Result<(), RunError> {
        let note = self.note(RowCounts::default(), None)?;
        let writer = self.writer();
        let now = self.context.clock.now();
        let committed = self
            .table
            .fence(now, &writer, &note)
            .await
            .map_err(|error| self.commit_error(error))?;
        self.describes(&committed);
        Ok(())
    }
}

/// Position of the stream in the note of the table's last commit; `None`: no readable one.
fn noted(table: &Table) -> Option<StreamPosition> {
    table.note().and_then(|note| serde_json::from_value(note.state.clone()).ok())
}
