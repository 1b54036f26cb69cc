//! What a run does before it reads: item and tables say the same, and no former owner can commit.

use engine::item::Position;
use engine::report::Counts;
use lake::table::Table;

use super::Run;
use crate::error::RunError;

impl Run {
    /// Brings item and table together: a commit that the item does not know, an epoch that it does
    /// not know, and an owner that never said goodbye.
    pub(super) async fn catch_up(&mut self) -> Result<(), RunError> {
        self.open_changes_if_due().await?;
        let changed = self.changes.as_ref().map(Table::recorded_epoch).unwrap_or_default();
        let recorded = self.table.recorded_epoch().max(changed);
        // Also the same one: where the state was lost, it may still be another's.
        let behind = recorded >= self.item.value.epoch();
        let (table, known) = (self.table.version(), self.item.value.version);
        let noted =
            self.table.note().and_then(|note| serde_json::from_value(note.state.clone()).ok());
        match noted {
            Some(position) if table != known => self.item.value.position = position,
            // The lake was lost or put back: what the item says of it is no longer true.
            None if table < known => self.item.value.position = Position::default(),
            Some(_) | None => {}
        }
        self.item.value.version = self.table.version();
        self.item.value.sequence = self.table.recorded_sequence();
        if behind && let Some(lease) = &mut self.item.value.lease {
            lease.epoch = recorded.next();
        }
        if behind || self.taken_over {
            self.save_item().await?;
            self.fence().await?;
            self.save_item().await?;
        }
        Box::pin(self.complete_changes()).await
    }

    /// The commit after which a frozen former owner can commit nothing.
    async fn fence(&mut self) -> Result<(), RunError> {
        let note = self.note(Counts::default(), None)?;
        let writer = self.writer();
        let now = self.context.clock.now();
        let committed = self
            .table
            .fence(now, &writer, &note)
            .await
            .map_err(|error| self.commit_error(error))?;
        self.item.value.version = committed.version;
        Ok(())
    }
}
