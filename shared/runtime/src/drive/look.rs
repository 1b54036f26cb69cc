//! What the records of a run looked like.

use engine::drift::{Look, Misfits};

use super::Driver;

impl Driver {
    /// What the records looked like that were read so far.
    pub(crate) fn look(&self) -> Look {
        let tally = &self.tally;
        let misfits = tally.misfits.iter().map(|(path, times)| {
            let kinds = tally.kinds.get(path).cloned().unwrap_or_default();
            (path.clone(), Misfits { times: *times, kinds })
        });
        Look {
            unknown: tally.unknown.clone(),
            misfits: misfits.collect(),
            declared: self.decoder.declared(&tally.presence),
        }
    }
}
