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
