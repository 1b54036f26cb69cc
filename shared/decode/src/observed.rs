//! Deviations of records from the declaration.
//!
//! Counting is all that happens here. `engine::drift` decides which deviations are news, and
//! `extra_json` holds the values themselves.

use std::collections::BTreeMap;

use engine::drift::DeviatingValues;

use super::presence::PresenceCounts;

/// Deviations of members, counted by path (list indices as `[]`).
///
/// Indices are dropped so that a misfit in each of a hundred line items is one entry with a number,
/// not a hundred entries. A quarantined record adds to `presence` at most: its other findings are
/// dropped with its row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberDeviations {
    /// Values that did not fit their column, whose cells are null.
    pub misfits: BTreeMap<String, DeviatingValues>,
    /// Values that are numbers with more decimal places than their column. They are apart from
    /// `misfits`, because a column with more decimals would hold them.
    pub finer: BTreeMap<String, DeviatingValues>,
    /// Values that are in their column but came in another JSON type or form.
    pub converted: BTreeMap<String, DeviatingValues>,
    /// Members without a declaration.
    pub unknown: BTreeMap<String, u64>,
    /// Declared members that occurred. A member that never occurs may have been removed by Harvest.
    pub presence: PresenceCounts,
}

impl MemberDeviations {
    /// Adds the deviations of other pages of the same stream. The order of pages does not matter
    /// for counts; the example form of a path is that of the first page added.
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
