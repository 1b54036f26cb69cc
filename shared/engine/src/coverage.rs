//! Coverage: the part of a stream that a run proves complete, and hence the meaning of an absent
//! record.
//!
//! Rows are deleted in no other way.

use std::collections::{BTreeMap, BTreeSet};

use crate::time::Timestamp;
use crate::window::Period;

/// The part of a table that one reading proves complete, with the instant at which the reading of
/// each part began. A row inside it that was not returned is gone from Harvest, unless the row
/// itself was written after the reading began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Coverage {
    /// Nothing is proven: absence has no meaning.
    #[default]
    Nothing,
    /// The whole stream.
    Whole {
        /// Time at which the first page was requested.
        begun: Timestamp,
    },
    /// All children of each of these parents.
    Parents(BTreeMap<i64, Timestamp>),
    /// All rows of each of these report windows.
    Windows(BTreeMap<Period, Timestamp>),
    /// The records with these ids, each proven gone by itself.
    Records {
        /// Ids.
        ids: BTreeSet<i64>,
        /// Time at which the reading that missed them began.
        begun: Timestamp,
    },
}

/// Facts about a row of the table that coverage depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowFacts {
    /// The id, in tables whose key it is.
    pub id: Option<i64>,
    /// The parent, in tables of children.
    pub parent: Option<i64>,
    /// The window, in tables of reports.
    pub period: Option<Period>,
    /// The row's `synced_at`.
    pub synced_at: Timestamp,
}

impl Coverage {
    /// Whether a row of the table that was not returned is deleted: it lies inside the coverage and
    /// is older than the beginning of the reading that should have returned it.
    #[must_use]
    pub fn deletes(&self, row: &RowFacts) -> bool {
        self.begun_for(row).is_some_and(|begun| row.synced_at < begun)
    }

    /// Returns the beginning of the reading that should have returned the row; `None`: the row is
    /// outside of the coverage.
    #[must_use]
    pub fn begun_for(&self, row: &RowFacts) -> Option<Timestamp> {
        match self {
            Self::Nothing => None,
            Self::Whole { begun } => Some(*begun),
            Self::Parents(parents) => parents.get(&row.parent?).copied(),
            Self::Windows(windows) => windows.get(&row.period?).copied(),
            Self::Records { ids, begun } => row.id.filter(|id| ids.contains(id)).map(|_| *begun),
        }
    }

    /// Whether nothing is covered.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Whole { .. } => false,
            Self::Parents(parents) => parents.is_empty(),
            Self::Windows(windows) => windows.is_empty(),
            Self::Records { ids, .. } => ids.is_empty(),
        }
    }
}

/// Number of rows that one pass may delete without permission of the operator: 5 % of the table or
/// 100 rows, whichever is more, less the rows that the pass has deleted already.
#[must_use]
pub fn delete_allowance(rows: u64, deleted_before: u64) -> u64 {
    (rows / 20).max(100).saturating_sub(deleted_before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_may_delete_a_twentieth_or_a_hundred_rows_in_all() {
        for (rows, deleted_before, allowed) in [
            (0, 0, 100),
            (2_019, 0, 100),
            (2_020, 0, 101),
            (100_000, 0, 5_000),
            (100_000, 4_999, 1),
            (100_000, 5_001, 0),
            (50, 60, 40),
        ] {
            assert_eq!(delete_allowance(rows, deleted_before), allowed, "{rows} {deleted_before}");
        }
    }
}
