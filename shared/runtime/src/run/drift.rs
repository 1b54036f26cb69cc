//! Differences between the records of a run and the declaration.

use engine::drift::{self, Look};
use engine::item::Unfinished;

use super::{Outcome, Run};
use crate::error::RunError;

impl Run {
    /// Stores the members that the run saw in the item, and puts the findings into the report.
    pub(super) fn watch(
        &mut self,
        look: &Look,
        unfinished: Option<&Unfinished>,
        ended: &Result<Outcome, RunError>,
    ) {
        let drift = &mut self.item.value.health.drift;
        *drift = drift.after(drift::DriftRun {
            look,
            pass: self.order.pass,
            pass_began: unfinished.map_or(self.begun, |unfinished| unfinished.begun),
            completes: matches!(ended, Ok(Outcome::Complete)),
            now: self.begun,
        });
        self.report.drift = drift.findings_of(look);
        for finding in &self.report.drift {
            tracing::info!(stream = self.order.spec.name, finding = finding.sentence(), "drift");
        }
    }
}
