//! Look of a run's records, for the findings about the declaration.

use engine::drift::DriftLook;

use super::Driver;

impl Driver {
    /// Returns the look of the records that were read so far.
    pub(crate) fn look(&self) -> DriftLook {
        let observed = &self.tally.observed;
        DriftLook {
            unknown: observed.unknown.clone(),
            misfits: observed.misfits.clone(),
            finer: observed.finer.clone(),
            converted: observed.converted.clone(),
            declared: self.sender.decoder.declared(&observed.presence),
        }
    }
}
