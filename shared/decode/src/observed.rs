//! Deviations of records from the declaration.

use std::collections::BTreeMap;

use engine::drift::DeviatingValues;

use super::presence::PresenceCounts;

/// Deviations of members, counted by path (list indices as `[]`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberDeviations {
    /// Values that did not fit their column.
    pub misfits: BTreeMap<String, DeviatingValues>,
    /// Misfits that are numbers with more decimal places than their column.
    pub finer: BTreeMap<String, DeviatingValues>,
    /// Values that are in their column but came in another JSON type or form.
    pub converted: BTreeMap<String, DeviatingValues>,
    /// Members without a declaration.
    pub unknown: BTreeMap<String, u64>,
    /// Declared members that occurred.
    pub presence: PresenceCounts,
}

impl MemberDeviations {
    /// Adds the deviations of other pages of the same stream.
    pub fn add(&mut self, other: Self) {
        let Self { misfits, finer, converted, unknown, presence } = other;
        for (sums, more) in [
            (&mut self.misfits, misfits),
            (&mut self.finer, finer),
            (&mut self.converted, converted),
        ] {
            for (path, values) in more {
                sums.entry(path).or_default().add(values);
            }
        }
        for (path, times) in unknown {
            let sum = self.unknown.entry(path).or_default();
            *sum = sum.saturating_add(times);
        }
        self.presence.add(&presence);
    }
}
