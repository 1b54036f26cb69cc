//! Adds to the logs of both tables the columns that this release declares, and the names of those
//! with statistics, where an earlier release or another program left them out.
//!
//! A deployment tells Athena of a new column at once, and its queries fail until the log has it.
//!
//! Some readers take a bound that they miss for one that no value meets, and a filter on such a
//! column finds no row. They do not if the log names the columns that have statistics in every
//! file. Each commit of this release keeps that list right; this module repairs older logs.

use std::sync::Arc;

use delta::table::{CommitError, CommitNote, Table, TableError, WriterIdentity};
use engine::report::RowCounts;

use super::Run;
use crate::error::RunError;

impl Run {
    /// Corrects the description of the columns in both logs.
    ///
    /// The stream's table comes last, because its log is what tells a run that something is due: a
    /// run that dies in between is followed by one that finds the work again.
    pub(super) async fn describe(&mut self) -> Result<(), RunError> {
        let stream = self.stream();
        let failed = |source: TableError| RunError::Table { stream, source: Box::new(source) };
        let due = !self.table.is_described().map_err(failed)?;
        let note = self.changes_note(RowCounts::default());
        let (writer, now) = (self.writer(), self.context.clock.now());
        if let Some(changes) = &mut self.changes {
            let described = changes.describe(now, &writer, &note).await;
            described.map_err(|error| self.commit_error(error))?;
        } else if due {
            // Also where changes are no longer kept: the earlier ones can still be read.
            let described = self.describe_closed_changes(&writer, &note).await;
            described.map_err(|error| self.commit_error(error))?;
        }
        if !due {
            return Ok(());
        }
        let (note, writer) = (self.note(RowCounts::default(), None)?, self.writer());
        let described = self.table.describe(now, &writer, &note).await;
        if let Some(committed) = described.map_err(|error| self.commit_error(error))? {
            self.item.value.version = committed.version;
            self.save_item().await?;
        }
        Ok(())
    }

    /// Corrects the description in the log of a table of changes that this run has not opened.
    async fn describe_closed_changes(
        &self,
        writer: &WriterIdentity,
        note: &CommitNote,
    ) -> Result<(), CommitError> {
        let (store, spec) = (Arc::clone(&self.context.store), self.order.spec);
        let opened = Table::open_changes(store, spec, self.context.settings.account).await?;
        if let Some(mut changes) = opened {
            let now = self.context.clock.now();
            changes.describe(now, writer, note).await?;
        }
        Ok(())
    }
}
