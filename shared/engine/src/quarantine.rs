//! How many records lie in a stream's quarantine.
//!
//! A record that cannot be a row is kept raw. A full pass reads everything that Harvest returns, so
//! whatever is still bad comes into the quarantine again with it: when the pass is complete, what
//! lay there before it began is superseded.

use serde::{Deserialize, Serialize};

use crate::pass::Pass;

/// What lies in the quarantine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quarantine {
    /// Records, as the last complete full pass and the incremental ones since it left them.
    pub records: u64,
    /// Those of them that came since the unfinished full pass began, and those that it found.
    anew: u64,
}

/// What a run put there.
#[derive(Clone, Copy, Debug)]
pub struct Added {
    /// The run's pass.
    pub pass: Pass,
    /// Whether the run began the pass.
    pub begins: bool,
    /// Records that it put into the quarantine.
    pub records: u64,
    /// Whether it ended a full pass that proves everything before it superseded.
    pub supersedes: bool,
}

impl Quarantine {
    /// What lies there after a run.
    #[must_use]
    pub fn after(self, added: Added) -> Self {
        let before = if added.pass == Pass::Full && added.begins { 0 } else { self.anew };
        let anew = before.saturating_add(added.records);
        let records = match added.pass {
            // What a sweep finds is mostly there already: it counts once.
            Pass::Full if added.supersedes => anew,
            Pass::Full => self.records.max(anew),
            Pass::Incremental => self.records.saturating_add(added.records),
        };
        Self { records, anew }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incremental(records: u64) -> Added {
        Added { pass: Pass::Incremental, begins: true, records, supersedes: false }
    }

    fn full(begins: bool, records: u64, supersedes: bool) -> Added {
        Added { pass: Pass::Full, begins, records, supersedes }
    }

    fn after(runs: &[Added]) -> Vec<u64> {
        let mut all = Quarantine::default();
        let count = |run: &Added| {
            all = all.after(*run);
            all.records
        };
        runs.iter().map(count).collect()
    }

    #[test]
    fn a_sweep_that_finds_the_same_again_is_no_growth() {
        let runs = [
            full(true, 2, true),
            incremental(1),
            full(true, 1, false),
            full(false, 2, true),
            full(true, 3, true),
        ];
        assert_eq!(after(&runs), [2, 3, 3, 3, 3]);
    }

    #[test]
    fn what_is_mended_is_gone_after_the_sweep_and_what_came_during_it_stays() {
        let runs = [incremental(4), full(true, 0, false), incremental(1), full(false, 0, true)];
        assert_eq!(after(&runs), [4, 4, 5, 1]);
    }

    #[test]
    fn a_pass_that_proves_nothing_takes_nothing_away() {
        let runs = [incremental(4), full(true, 2, false), full(true, 1, false)];
        assert_eq!(after(&runs), [4, 4, 4]);
    }
}
