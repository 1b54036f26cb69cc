//! Keys as bytes, and intervals of them.

use std::collections::BTreeSet;

/// Set of keys as bytes.
pub(crate) type KeySet = BTreeSet<Box<[u8]>>;

/// First and last key as bytes, both inclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRange {
    pub(crate) first: Box<[u8]>,
    pub(crate) last: Box<[u8]>,
}

/// Interval of keys that one file is responsible for: from its first key, inclusive, to the first
/// key of the next file, exclusive.
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
