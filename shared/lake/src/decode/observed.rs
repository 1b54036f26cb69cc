//! What records hold that their columns do not, or not in the form in which it came.

use std::collections::BTreeMap;

use engine::drift::Values;

use super::presence::Presence;

/// How often each member was not as declared, by path (list indices as `[]`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Values that did not fit their column.
    pub misfits: BTreeMap<String, Values>,
    /// Numbers with more places after the point than their column: misfits, too.
    pub finer: BTreeMap<String, Values>,
    /// Values that are in their column, and came in another JSON type or form.
    pub converted: BTreeMap<String, Values>,
    /// Members that the declaration does not know.
    pub unknown: BTreeMap<String, u64>,
    /// Which declared members occurred.
    pub presence: Presence,
}

impl Observed {
    /// Adds what other pages of the same stream showed.
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
