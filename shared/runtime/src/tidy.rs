//! Housekeeping at the end of a run.

use std::sync::Arc;

use engine::time::SignedDuration;
use lake::maintenance;

use crate::run::{Outcome, Run};

impl Run {
    /// Removes what no reader needs any more. Failing to is no failure of the run.
    pub(crate) async fn tidy(&mut self, outcome: &Outcome) {
        if matches!(outcome, Outcome::Busy { .. }) {
            return;
        }
        let settings = Arc::clone(&self.context.settings);
        let changed = self.report.commits > 0 || self.has_taken_over();
        if !changed {
            return;
        }
        let now = self.context.clock.now();
        let at_once = settings.tidy_at_once && !settings.keep;
        let retention = if at_once { SignedDuration::ZERO } else { settings.retention };
        let writer = self.writer();
        let stream = self.stream();
        if let Err(error) = maintenance::vacuum(&mut self.table, now, retention).await {
            tracing::warn!(stream, %error, "removed files stay behind");
        }
        if at_once
            && let Err(error) =
                maintenance::orphans(&mut self.table, now, SignedDuration::ZERO, &writer).await
        {
            tracing::warn!(stream, %error, "orphaned files stay behind");
        }
        let old_log = match self.table.checkpoint_if_due(now, retention).await {
            // Only behind a new checkpoint can more of the log be old.
            Ok(Some(_)) => maintenance::clean_log(&mut self.table, now, settings.retention).await,
            Ok(None) => return,
            Err(error) => Err(error),
        };
        if let Err(error) = old_log {
            tracing::warn!(stream, %error, "old log files stay behind");
        }
    }
}
