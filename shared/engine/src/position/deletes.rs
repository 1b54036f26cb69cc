//! Deletes of a pass: how many there were, and what happens after too many.

use crate::item::{ItemValue, StreamPosition};
use crate::pass::Pass;

/// Counts of rows that a pass deleted and of rows that it was not allowed to delete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassDeletes {
    /// Rows deleted.
    pub deleted: u64,
    /// Rows whose deletion was refused.
    pub refused: u64,
}

impl PassDeletes {
    /// Counts of `pass` before this flush: those of the unfinished pass or, at the beginning of a
    /// pass, the rows deleted by refused passes before it.
    #[must_use]
    pub fn before(position: &StreamPosition, pass: Pass) -> Self {
        let state = position.pass(pass);
        match &state.unfinished {
            Some(unfinished) => Self { deleted: unfinished.deleted, refused: unfinished.refused },
            None => Self { deleted: state.deleted, refused: 0 },
        }
    }

    /// Adds the counts of one flush.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            deleted: self.deleted.saturating_add(other.deleted),
            refused: self.refused.saturating_add(other.refused),
        }
    }

    /// Returns `next` with the deletes of the whole pass. After a refused delete the pass runs
    /// again from its old cursor.
    #[must_use]
    pub fn settle(
        self,
        mut next: StreamPosition,
        before: &StreamPosition,
        pass: Pass,
    ) -> StreamPosition {
        let state = next.pass_mut(pass);
        if let Some(unfinished) = &mut state.unfinished {
            unfinished.deleted = self.deleted;
            unfinished.refused = self.refused;
        } else if self.refused == 0 {
            let counts = state.last_begun != before.pass(pass).last_begun;
            state.deleted = if counts { 0 } else { self.deleted };
            if pass == Pass::Full && counts {
                next.spared = ItemValue::default();
            }
        } else {
            state.last_begun = before.pass(pass).last_begun;
            state.deleted = self.deleted;
            if pass == Pass::Incremental {
                next.cursor = before.cursor;
                next.parked = before.parked.clone();
            }
        }
        next
    }
}
