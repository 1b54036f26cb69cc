//! Keys as bytes, and intervals of them.
//!
//! The bytes come from `RowLayout::key_rows` and sort like the keys that they encode, so comparing
//! two keys needs no types: `[2]` is less than `[10]`, and null is less than any value.

use std::collections::BTreeSet;

/// Set of keys as bytes.
pub(crate) type KeySet = BTreeSet<Box<[u8]>>;

/// First and last key as bytes, both inclusive. Describes rows that exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRange {
    pub(crate) first: Box<[u8]>,
    pub(crate) last: Box<[u8]>,
}

impl KeyRange {
    /// Whether a key can be in both.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Range from the lesser of the first keys to the greater of the last.
    pub(crate) fn with(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// Interval of keys that one file is responsible for: from its first key, inclusive, to the first
/// key of the next file, exclusive. `None` is no bound.
///
/// Unlike a [`KeyRange`], bounds leave no gaps between files. If two files hold the ids 1 to 10 and
/// 20 to 30, a new record 15 belongs to the first one, 0 as well, and 31 to the second one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyBounds {
    pub(crate) from: Option<Box<[u8]>>,
    pub(crate) below: Option<Box<[u8]>>,
}

impl KeyBounds {
    /// Whether keys from `first` to `last` can be within the bounds.
    pub(crate) fn touch(&self, first: &[u8], last: &[u8]) -> bool {
        self.from.as_deref().is_none_or(|from| last >= from)
            && self.below.as_deref().is_none_or(|below| first < below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_overlap_where_a_key_can_be_in_both() {
        let range = |first: u8, last: u8| KeyRange { first: [first].into(), last: [last].into() };
        for (first, last, overlaps) in
            [(0, 2, false), (0, 3, true), (4, 5, true), (6, 9, true), (7, 9, false), (0, 9, true)]
        {
            assert_eq!(range(3, 6).overlaps(&range(first, last)), overlaps, "{first} to {last}");
            assert_eq!(range(first, last).overlaps(&range(3, 6)), overlaps, "{first} to {last}");
        }
        assert_eq!(range(3, 6).with(range(5, 5)), range(3, 6));
        assert_eq!(range(3, 6).with(range(1, 2)), range(1, 6));
        assert_eq!(range(3, 6).with(range(8, 9)), range(3, 9));
    }

    #[test]
    fn bounds_have_their_first_key_and_not_that_of_the_next_file() {
        let bounds = KeyBounds { from: Some([3].into()), below: Some([6].into()) };
        for (first, last, touches) in
            [(0, 2, false), (0, 3, true), (4, 5, true), (5, 9, true), (6, 9, false), (0, 9, true)]
        {
            assert_eq!(bounds.touch(&[first], &[last]), touches, "{first} to {last}");
        }
        assert!(KeyBounds::default().touch(&[0], &[9]));
    }
}
