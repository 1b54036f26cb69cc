//! Upkeep of the table of changes: old changes become one baseline, many small files become few.

use std::sync::Arc;

use delta::table::ChangesCommit;
use engine::time::{Timestamp, month_before};
use lake::changes::{condense, expired, join, scattered};
use lake::partition::FileLimits;

use crate::error::RunError;
use crate::run::Run;

impl Run {
    /// Replaces changes older than their retention by one baseline: the rows as they were at the
    /// end of the last expired month. Does nothing if nothing is expired or all changes are kept.
    pub(crate) async fn expire_changes(&mut self, now: Timestamp) -> Result<(), RunError> {
        let stream = self.stream();
        let Some(changes) = &self.changes else {
            return Ok(());
        };
        let retention = self.context.settings.changes_retention;
        let old = retention.and_then(|months| expired(changes, &month_before(now, months)));
        let Some(old) = old else {
            return Ok(());
        };
        let writer = self.writer();
        let name = format!("{}-{}-{}", writer.epoch, old.sequence, writer.attempt);
        let (store, scratch) = (Arc::clone(&self.context.store), self.context.scratch.clone());
        let add = condense(store, changes, &old, name, FileLimits::default(), scratch)
            .await
            .map_err(|source| RunError::Store { stream, source: Box::new(source) })?;
        let change = ChangesCommit::Expire { add, remove: old.files };
        self.commit_changes(change).await.map_err(|error| self.commit_error(error))
    }

    /// Joins the many change files of one past month into few. A month that goes on is left alone:
    /// the next flush would add a file again.
    pub(crate) async fn join_changes(&mut self, now: Timestamp) -> Result<(), RunError> {
        let stream = self.stream();
        let Some(changes) = &self.changes else {
            return Ok(());
        };
        let limits = FileLimits::default();
        let Some(small) = scattered(changes, &month_before(now, 0), limits) else {
            return Ok(());
        };
        let writer = self.writer();
        let sequence = changes.recorded_sequence();
        let name = format!("{}-{sequence}-{}", writer.epoch, writer.attempt);
        let store = Arc::clone(&self.context.store);
        let add = join(store, changes, &small, name, now, limits)
            .await
            .map_err(|source| RunError::Store { stream, source: Box::new(source) })?;
        let change = ChangesCommit::Join { add, remove: small };
        self.commit_changes(change).await.map_err(|error| self.commit_error(error))
    }
}
