//! Ids of the records that a pass has seen, at two bytes each where they are dense.
//!
//! A sweep of a million records may take several runs, and at its end every row without a seen id
//! is a candidate for deletion. The set therefore has to survive a run: it is written as an object
//! below `work/` before the state names it. As a list of numbers it would take 8 MB, as JSON in the
//! state item it would exceed the 400 KB that DynamoDB allows.

use std::io;

use roaring::RoaringTreemap;

/// Set of ids, stored as an object of the lake to outlive a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeenIds(RoaringTreemap);

impl SeenIds {
    /// Decodes a set from the bytes of `to_bytes`.
    ///
    /// # Errors
    /// When the bytes are not a bitmap. The caller must then treat the set as lost, not as empty:
    /// with an empty set every row of the table would be missing.
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        RoaringTreemap::deserialize_from(bytes).map(Self)
    }

    /// Encodes the set in the portable 64-bit format of Roaring bitmaps.
    ///
    /// # Errors
    /// Never in practice: writing to memory does not fail.
    pub fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.0.serialized_size());
        self.0.serialize_into(&mut bytes)?;
        Ok(bytes)
    }

    /// Adds an id. Ids are positive in practice; a negative one becomes a large unsigned number and
    /// comes back as it was.
    pub fn insert(&mut self, id: i64) {
        self.0.insert(id.cast_unsigned());
    }

    /// Whether the set contains the id.
    #[must_use]
    pub fn contains(&self, id: i64) -> bool {
        self.0.contains(id.cast_unsigned())
    }

    /// Number of ids.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_set_comes_back(ids in prop::collection::btree_set(any::<i64>(), 0..50), other: i64) {
            let mut seen = SeenIds::default();
            for id in &ids {
                seen.insert(*id);
            }
            let seen = SeenIds::from_bytes(&seen.to_bytes().unwrap()).unwrap();
            prop_assert!(ids.iter().all(|id| seen.contains(*id)));
            prop_assert_eq!(seen.contains(other), ids.contains(&other));
            prop_assert_eq!(seen.len(), ids.len() as u64);
        }
    }

    #[test]
    fn a_million_ids_of_one_account_take_less_than_three_megabytes() {
        let mut seen = SeenIds::default();
        // Ids of one account have gaps, because all accounts share one numbering.
        (0..1_000_000_i64).for_each(|n| seen.insert(2_412_000_000 + n * 37 + n % 31));
        let bytes = seen.to_bytes().unwrap().len();
        assert!(bytes < 3_000_000, "{bytes}");
    }
}
