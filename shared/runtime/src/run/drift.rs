//! Differences between the records of a run and the declaration: new members, values that do not
//! fit, members that are gone.
//!
//! Such a difference fails no run. Values without a column stay in `extra_json`, so that a later
//! release can lift them; people have to hear of it, because a column may be null meanwhile.

use engine::drift::{self, DriftLook};
use engine::item::ResumablePass;

use super::{Run, RunOutcome};
use crate::error::RunError;

impl Run {
    /// Takes the members that the run saw over into the item, and puts the findings into the
    /// report.
    ///
    /// The report names differences of this run alone, the item those of all runs until a whole
    /// full pass has not seen them again.
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
