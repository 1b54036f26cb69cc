//! Look of a run's records, for the findings about the declaration.

use engine::drift::Look;

use super::Driver;

impl Driver {
    /// Returns the look of the records that were read so far.
    pub(crate) fn look(&self) -> Look {
        let observed = &self.tally.observed;
        Look {
            unknown: observed.unknown.clone(),
            misfits: observed.misfits.clone(),
            finer: observed.finer.clone(),
            converted: observed.converted.clone(),
            declared: self.decoder.declared(&observed.presence),
        }
    }
}
