//! Saved form of long lists: ids as distances from one to the next, years once per stretch. Its
//! size matters because a pass over a hundred thousand parents is saved every few minutes.
//!
//! `[480123, 480124, 480131]` is saved as `[480123, 1, 7]`. Differences wrap around, so that any
//! two ids have one and every list is read back exactly.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Parent, Unit};

/// A set of ids; in JSON the first one and the distances of those that follow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdSet(#[serde(with = "id_set")] pub BTreeSet<i64>);

/// Rows, or parents of rows, that a full pass missed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AbsentRows {
    /// Missing without proof that they are gone: the next full pass begins with them.
    pub once: IdSet,
    /// Missing in the full pass before, too, and therefore to be deleted. If that is refused, the next
    /// full pass begins with them as well.
    pub twice: IdSet,
}

/// Returns ids as the first one and the distances of those that follow.
fn distances(ids: impl IntoIterator<Item = i64>) -> Vec<i64> {
    let mut before = 0_i64;
    let step = |id: i64| {
        let distance = id.wrapping_sub(before);
        before = id;
        distance
    };
    ids.into_iter().map(step).collect()
}

/// Returns the ids whose [`distances`] these are.
fn ids(distances: Vec<i64>) -> impl Iterator<Item = i64> {
    let mut before = 0_i64;
    distances.into_iter().map(move |distance| {
        before = before.wrapping_add(distance);
        before
    })
}

/// Stretch of a queue of units in the saved form.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum IdStretch {
    /// Parents of one year, in order.
    Parents(Option<i64>, Vec<i64>),
    /// Any other unit.
    One(Unit),
}

/// The saved form of a queue of units, for `#[serde(with)]`.
pub(super) mod queue {
    use std::collections::VecDeque;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::{IdStretch, Parent, Unit, distances, ids};

    pub(crate) fn serialize<S: Serializer>(
        queue: &VecDeque<Unit>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let mut stretches = Vec::new();
        let mut parents: Option<(Option<i64>, Vec<i64>)> = None;
        let stretch =
            |(year, ids): (Option<i64>, Vec<i64>)| IdStretch::Parents(year, distances(ids));
        for unit in queue {
            match (unit, &mut parents) {
                (Unit::Parent(parent), Some((year, ids))) if parent.created_year == *year => {
                    ids.push(parent.id);
                }
                (Unit::Parent(parent), open) => {
                    let begun = (parent.created_year, vec![parent.id]);
                    stretches.extend(open.replace(begun).map(stretch));
                }
                (Unit::Stream | Unit::Window(_), open) => {
                    stretches.extend(open.take().map(stretch));
                    stretches.push(IdStretch::One(*unit));
                }
            }
        }
        stretches.extend(parents.map(stretch));
        to.collect_seq(stretches)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<VecDeque<Unit>, D::Error> {
        let mut queue = VecDeque::new();
        for stretch in Vec::<IdStretch>::deserialize(from)? {
            match stretch {
                IdStretch::Parents(created_year, steps) => {
                    queue.extend(ids(steps).map(|id| Unit::Parent(Parent { id, created_year })));
                }
                IdStretch::One(unit) => queue.push_back(unit),
            }
        }
        Ok(queue)
    }
}

/// The saved form of a set of ids, for `#[serde(with)]`.
pub(super) mod id_set {
    use std::collections::BTreeSet;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::{distances, ids};

    pub(crate) fn serialize<S: Serializer>(set: &BTreeSet<i64>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(distances(set.iter().copied()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeSet<i64>, D::Error> {
        Ok(ids(Vec::deserialize(from)?).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, VecDeque};

    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::window::WindowGrid;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Saved {
        #[serde(with = "queue")]
        queue: VecDeque<Unit>,
        #[serde(with = "id_set")]
        listed: BTreeSet<i64>,
    }

    fn parent(id: i64, created_year: Option<i64>) -> Unit {
        Unit::Parent(Parent { id, created_year })
    }

    proptest! {
        #[test]
        fn any_list_comes_back(
            units in proptest::collection::vec((any::<u8>(), any::<i64>(), 0_i64..3), 0..60),
            listed in proptest::collection::btree_set(any::<i64>(), 0..60),
        ) {
            let queue = units.into_iter().map(|(what, id, year)| match what {
                0..8 => Unit::Stream,
                8..16 => Unit::Window(WindowGrid::Month.window(date(2024, 2, 1))),
                16..32 => parent(id, None),
                _ => parent(id, Some(2020 + year)),
            });
            let saved = Saved { queue: queue.collect(), listed };
            let text = serde_json::to_string(&saved).unwrap();
            prop_assert_eq!(serde_json::from_str::<Saved>(&text).unwrap(), saved);
        }
    }

    #[test]
    fn a_hundred_thousand_parents_take_less_than_a_megabyte() {
        // Ids as an account sees them: it shares the numbers with all others.
        let ids: Vec<i64> = (0..100_000).map(|n| 13_150_000 + n * 611 + n % 89).collect();
        let queue = ids.iter().map(|id| parent(*id, Some(2015 + id / 9_000_000))).collect();
        let text = serde_json::to_string(&Saved { queue, listed: ids.into_iter().collect() });
        let bytes = text.unwrap().len();
        assert!(bytes < 850_000, "{bytes}");
    }
}
