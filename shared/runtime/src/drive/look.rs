//! What the records of a run looked like.

use engine::drift::Look;

use super::Driver;

impl Driver {
    /// What the records looked like that were read so far.
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
