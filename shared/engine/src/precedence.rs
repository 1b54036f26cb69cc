//! Precedence of two versions of a record, and the age at which rows may be deleted.

use crate::coverage::{Coverage, RowFacts};
use crate::pass::Pass;
use crate::present::Present;
use crate::time::Timestamp;

/// The two instants that decide between versions of a record, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordVersion {
    /// The record's own `updated_at`.
    pub updated_at: Option<i64>,
    /// `synced_at`, the order of reading.
    pub read_at: Option<i64>,
}

/// Rule by which one version of a record is newer than another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precedence {
    /// Later `updated_at`; where these are equal or one is missing, later reading.
    #[default]
    NewestChange,
    /// Later reading: the last answer of Harvest is the truth, even where Harvest went back to an
    /// older version. Of reads at one instant the later `updated_at`.
    NewestRead,
}

impl Precedence {
    /// Returns the rule of `pass`: a full pass leaves the table as Harvest returns it.
    #[must_use]
    pub const fn of(pass: Pass) -> Self {
        match pass {
            Pass::Incremental => Self::NewestChange,
            Pass::Full => Self::NewestRead,
        }
    }

    /// Whether `new` replaces `old`; a version equal in both instants does.
    #[must_use]
    pub fn replaces(self, new: RecordVersion, old: RecordVersion) -> bool {
        let changed = match (new.updated_at, old.updated_at) {
            (Some(ours), Some(theirs)) if ours != theirs => Some(ours > theirs),
            (Some(_) | None, Some(_) | None) => None,
        };
        let read = (new.read_at != old.read_at).then_some(new.read_at > old.read_at);
        let (first, second) = match self {
            Self::NewestChange => (changed, read),
            Self::NewestRead => (read, changed),
        };
        first.or(second).unwrap_or(true)
    }
}

/// Rules for incoming rows against the table's.
#[derive(Clone, Copy, Debug)]
pub struct PrecedenceRules {
    /// Rule by which a version is newer.
    pub precedence: Precedence,
    /// Time of the judgement: rows of the table whose reading lies in its future were written by a
    /// clock that was ahead, and count as the oldest.
    pub present: Present,
}

impl PrecedenceRules {
    /// Whether `new` replaces the table's version `old`.
    #[must_use]
    pub fn replaces(&self, new: RecordVersion, old: RecordVersion) -> bool {
        let believed =
            |at: &i64| Timestamp::from_microsecond(*at).is_ok_and(|at| !self.present.is_future(at));
        let old = RecordVersion { read_at: old.read_at.filter(believed), ..old };
        self.precedence.replaces(new, old)
    }

    /// Whether `coverage` deletes the table's row `held`, which was not returned.
    #[must_use]
    pub fn deletes(&self, coverage: &Coverage, held: &RowFacts) -> bool {
        coverage.deletes(&RowFacts { synced_at: self.read_at(held.synced_at), ..*held })
    }

    /// Returns the time at which a row of the table was read: its `synced_at`, or the earliest
    /// instant if that lies in the future.
    #[must_use]
    pub fn read_at(&self, synced_at: Timestamp) -> Timestamp {
        if self.present.is_future(synced_at) { Timestamp::MIN } else { synced_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(updated_at: Option<i64>, read_at: i64) -> RecordVersion {
        RecordVersion { updated_at, read_at: Some(read_at) }
    }

    #[test]
    fn a_full_pass_believes_the_later_read_and_an_incremental_one_the_later_change() {
        let check = |new: (Option<i64>, i64), old: (Option<i64>, i64), incremental, full| {
            let (a, b) = (version(new.0, new.1), version(old.0, old.1));
            let by = |pass| Precedence::of(pass).replaces(a, b);
            let found = (by(Pass::Incremental), by(Pass::Full));
            assert_eq!(found, (incremental, full), "{new:?} over {old:?}");
        };
        // Harvest went back to an older version.
        check((Some(1), 9), (Some(2), 8), false, true);
        // The row came in after the page was requested.
        check((Some(2), 8), (Some(1), 9), true, false);
        check((Some(1), 8), (Some(2), 9), false, false);
        check((Some(2), 9), (Some(1), 8), true, true);
        // At one instant, or without `updated_at`.
        check((Some(1), 8), (Some(2), 8), false, false);
        check((Some(2), 8), (Some(1), 8), true, true);
        for (new, old) in [(None, Some(2)), (Some(2), None), (None, None), (Some(2), Some(2))] {
            check((new, 9), (old, 8), true, true);
            check((new, 8), (old, 9), false, false);
            check((new, 8), (old, 8), true, true);
        }
    }

    #[test]
    fn a_row_that_claims_to_be_read_in_the_future_is_the_oldest_of_all() {
        let now: Timestamp = "2026-03-10T09:00:00Z".parse().unwrap();
        let begun = crate::time::minus(now, crate::time::SignedDuration::from_secs(10));
        let held = |synced_at| RowFacts { id: Some(1), parent: None, period: None, synced_at };
        for precedence in [Precedence::NewestChange, Precedence::NewestRead] {
            let judge = PrecedenceRules { precedence, present: Present::ours(now) };
            for (seconds, ahead) in [(-5, false), (50, false), (240, true), (30 * 86_400, true)] {
                let at = crate::time::plus(now, crate::time::SignedDuration::from_secs(seconds));
                let old = version(Some(1), at.as_microsecond());
                let new = version(Some(1), begun.as_microsecond());
                assert_eq!(judge.replaces(new, old), ahead, "{seconds}");
                let coverage = Coverage::Whole { begun };
                assert_eq!(judge.deletes(&coverage, &held(at)), ahead, "{seconds}");
            }
        }
    }
}
