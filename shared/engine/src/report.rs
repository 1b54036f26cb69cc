//! Results of a run as numbers, for people and machines.

use serde::{Deserialize, Serialize};

/// Rows that one commit, run or pass changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RowCounts {
    /// Rows that are new.
    pub inserted: u64,
    /// Rows whose content changed.
    pub updated: u64,
    /// Rows that Harvest no longer has.
    pub deleted: u64,
    /// Records read whose row already held the same content, or a newer one.
    pub unchanged: u64,
}

impl RowCounts {
    /// Whether any row changed.
    #[must_use]
    pub const fn changes_rows(&self) -> bool {
        self.inserted > 0 || self.updated > 0 || self.deleted > 0
    }

    /// Returns the sums of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            inserted: self.inserted.saturating_add(other.inserted),
            updated: self.updated.saturating_add(other.updated),
            deleted: self.deleted.saturating_add(other.deleted),
            unchanged: self.unchanged.saturating_add(other.unchanged),
        }
    }
}
