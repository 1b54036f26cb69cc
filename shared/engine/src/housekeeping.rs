//! Retention of files that no reader needs any more.

use crate::time::{SignedDuration, Timestamp, between};

/// Time between two searches for files of dead attempts: listing a table costs a request for each
/// thousand objects, and a dead attempt is rare.
const SEARCH_INTERVAL: SignedDuration = SignedDuration::from_hours(24 * 7);
/// Age of a file that no commit names at which no living attempt can still be writing it.
const ORPHAN_AGE: SignedDuration = SignedDuration::from_hours(24);

/// Time at which removed files are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovalTime {
    /// With the run that removed them: the lake has no other reader or writer.
    AtOnce,
    /// After this duration: readers may still read an older version.
    After(SignedDuration),
}

impl RemovalTime {
    /// Age of a removed file from which it is deleted.
    #[must_use]
    pub const fn retention(self) -> SignedDuration {
        match self {
            Self::AtOnce => SignedDuration::ZERO,
            Self::After(retention) => retention,
        }
    }

    /// Age from which files that no commit names are deleted now; `None`: it is too early to look
    /// for them again after the search at `sought`.
    #[must_use]
    pub fn orphan_age(self, sought: Option<Timestamp>, now: Timestamp) -> Option<SignedDuration> {
        match self {
            Self::AtOnce => Some(SignedDuration::ZERO),
            Self::After(_) => {
                sought.is_none_or(|at| between(at, now) >= SEARCH_INTERVAL).then_some(ORPHAN_AGE)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::plus;

    #[test]
    fn orphans_are_looked_for_weekly_or_at_once() {
        let now = Timestamp::UNIX_EPOCH;
        let usual = RemovalTime::After(SignedDuration::from_hours(48));
        assert_eq!(usual.retention(), SignedDuration::from_hours(48));
        assert_eq!(usual.orphan_age(None, now), Some(ORPHAN_AGE));
        for (hours, found) in [(0, None), (167, None), (168, Some(ORPHAN_AGE))] {
            let later = plus(now, SignedDuration::from_hours(hours));
            assert_eq!(usual.orphan_age(Some(now), later), found, "{hours} h");
        }
        assert_eq!(RemovalTime::AtOnce.orphan_age(Some(now), now), Some(SignedDuration::ZERO));
        assert_eq!(RemovalTime::AtOnce.retention(), SignedDuration::ZERO);
    }
}
