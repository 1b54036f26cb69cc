//! Housekeeping at the end of a run: deletion of files that no reader needs, checkpoints, and
//! shorter tables of changes.
//!
//! Everything here can be left to a later run. So a failure is logged and never fails a run, and
//! nothing is done by a run that made no commit, except after an owner that died: that one may have
//! left files behind. The order matters in two places: removed files are deleted before a
//! checkpoint forgets their tombstones, and a log file is deleted only behind a checkpoint.

use std::sync::Arc;

use delta::maintenance;
use delta::table::Table;
use engine::housekeeping::RemovalTime;
use engine::item::StreamPosition;
use engine::present::age;
use engine::time::{SignedDuration, Timestamp};

use crate::error::RunError;
use crate::run::{Run, RunOutcome};

impl Run {
    /// Removes files that no reader needs any more; a failure of that does not fail the run.
    /// Returns `false` where the lease was lost meanwhile.
    pub(crate) async fn tidy(&mut self, outcome: &RunOutcome) -> bool {
        let keeper = Arc::clone(&self.keeper);
        let tidied = Box::pin(keeper.beside(async {
            self.tidy_up(outcome).await;
            Ok(())
        }));
        !matches!(tidied.await, Err(RunError::LostLease { .. }))
    }

    /// Does the housekeeping of both tables.
    async fn tidy_up(&mut self, outcome: &RunOutcome) {
        if matches!(outcome, RunOutcome::Busy { .. }) {
            return;
        }
        let settings = Arc::clone(&self.context.settings);
        let changed = self.report.commits > 0 || self.has_taken_over();
        if !changed {
            return;
        }
        let now = self.context.clock.now();
        let removal = if settings.tidy_at_once && !settings.keep {
            RemovalTime::AtOnce
        } else {
            RemovalTime::After(settings.retention)
        };
        let retention = removal.retention();
        let stream = self.stream();
        if let Some(age) = removal.orphan_age(self.item.value.orphans_sought, now) {
            self.seek_orphans(now, age).await;
        }
        // A checkpoint forgets removed files after the retention, so they must be gone before, those
        // of this very version: nothing between the two may look for a newer one.
        let vacuumed = maintenance::vacuum(&mut self.table, now, retention).await;
        if let Err(error) = &vacuumed {
            tracing::warn!(stream, %error, "removed files stay behind");
        }
        if vacuumed.is_ok() {
            tidy_log(&mut self.table, now, retention, settings.retention).await;
        }
        // Only after a complete pass: this may take long, and a run that yielded has no time left.
        if matches!(outcome, RunOutcome::Complete) {
            if let Err(error) = Box::pin(self.expire_changes(now)).await {
                tracing::warn!(stream, error = error.chain(), "old changes stay for now");
            }
            if let Err(error) = Box::pin(self.join_changes(now)).await {
                tracing::warn!(stream, error = error.chain(), "changes stay in many files for now");
            }
        }
        if let Some(changes) = &mut self.changes {
            match maintenance::vacuum(changes, now, retention).await {
                Ok(_) => tidy_log(changes, now, retention, settings.retention).await,
                Err(error) => {
                    tracing::warn!(stream, %error, "removed files of changes stay behind");
                }
            }
        }
    }

    /// Deletes leftovers of dead attempts: data files, and work objects that are not named.
    ///
    /// `min_age` protects objects that a living attempt has stored and not named yet. Object keys
    /// are not reused, so a key that neither the item nor the newest note names will never be
    /// named.
    async fn seek_orphans(&mut self, now: Timestamp, min_age: SignedDuration) {
        let (writer, stream) = (self.writer(), self.stream());
        self.item.value.orphans_sought = Some(now);
        if let Err(error) = maintenance::orphans(&mut self.table, now, min_age, &writer).await {
            tracing::warn!(stream, %error, "orphaned files stay behind");
        }
        if let Some(changes) = &mut self.changes {
            let found =
                maintenance::change_orphans(&mut self.table, changes, now, min_age, &writer).await;
            if let Err(error) = found {
                tracing::warn!(stream, %error, "orphaned files of changes stay behind");
            }
        }
        let store = Arc::clone(&self.context.store);
        let listed = match store.list(&format!("work/{stream}/"), None).await {
            Ok(listed) => listed,
            Err(error) => {
                tracing::warn!(stream, %error, "work objects of dead attempts stay behind");
                return;
            }
        };
        let mut named = self.item.value.position.objects();
        // Objects in the last commit's note stay, too: a lost state is repaired from it.
        let noted = self.table.note().map(|note| serde_json::from_value(note.state.clone()));
        match noted {
            None => {}
            Some(Ok(position)) => named.extend(StreamPosition::objects(&position)),
            Some(Err(_)) => return,
        }
        for object in listed {
            if age(object.modified, now) >= min_age && !named.contains(&object.key) {
                self.discard(&object.key).await;
            }
        }
    }
}

/// Writes a checkpoint where one is due, and removes the log files before an old one.
async fn tidy_log(
    table: &mut Table,
    now: Timestamp,
    removed: SignedDuration,
    retention: SignedDuration,
) {
    let old_log = match table.checkpoint_if_due(now, removed).await {
        // More of the log can be removed only after a new checkpoint.
        Ok(Some(_)) => maintenance::clean_log(table, now, retention).await,
        Ok(None) => return,
        Err(error) => Err(error),
    };
    if let Err(error) = old_log {
        tracing::warn!(table = table.root(), %error, "old log files stay behind");
    }
}
