//! Differences between the records of a run and the declaration.

use engine::drift::{self, DriftLook};
use engine::item::ResumablePass;

use super::{Run, RunOutcome};
use crate::error::RunError;

impl Run {
    /// Stores the members that the run saw in the item, and puts the findings into the report.
    pub(super) fn watch(
        &mut self,
        look: &DriftLook,
        unfinished: Option<&ResumablePass>,
        ended: &Result<RunOutcome, RunError>,
    ) {
        let drift = &mut self.item.value.health.drift;
        *drift = drift.after(drift::DriftRun {
            look,
            pass: self.order.pass,
            pass_began: unfinished.map_or(self.begun, |unfinished| unfinished.begun),
            completes: matches!(ended, Ok(RunOutcome::Complete)),
            now: self.begun,
        });
        self.report.drift = drift.findings_of(look);
        for finding in &self.report.drift {
            tracing::info!(stream = self.order.spec.name, finding = finding.sentence(), "drift");
        }
    }
}
