//! Numbers for keys that come again and again, and names for ids.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Keys in the order in which they were first seen, each with its place.
#[derive(Clone, Debug)]
pub(crate) struct Register<K> {
    places: BTreeMap<K, u32>,
    keys: Vec<K>,
}

impl<K> Default for Register<K> {
    fn default() -> Self {
        Self { places: BTreeMap::new(), keys: Vec::new() }
    }
}

impl<K: Clone + Ord> Register<K> {
    /// Place of a key, which is added if it is new. Calls `added` in that case.
    pub(crate) fn place(&mut self, key: &K, added: impl FnOnce()) -> u32 {
        if let Some(place) = self.places.get(key) {
            return *place;
        }
        added();
        let place = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        self.places.insert(key.clone(), place);
        self.keys.push(key.clone());
        place
    }

    /// All keys, in the order of their places.
    pub(crate) fn keys(&self) -> &[K] {
        &self.keys
    }
}

/// Code of a currency, such as `EUR`. Clones are cheap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CurrencyCode(pub(crate) Arc<str>);

impl Serialize for CurrencyCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A client's project in one currency, by which amounts are kept apart. Each part may be missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Engagement {
    pub(crate) client: Option<i64>,
    pub(crate) project: Option<i64>,
    pub(crate) currency: Option<CurrencyCode>,
}

/// Names by id, as records of other tables repeat them: for records that have no row of their own
/// any more. Of several the greatest stays, as in the answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RepeatedNames {
    pub(crate) clients: BTreeMap<i64, String>,
    pub(crate) projects: BTreeMap<i64, String>,
    pub(crate) people: BTreeMap<i64, String>,
}

impl RepeatedNames {
    /// Adds the names of other records.
    pub(crate) fn join(&mut self, others: &Self) {
        for (mine, theirs) in [
            (&mut self.clients, &others.clients),
            (&mut self.projects, &others.projects),
            (&mut self.people, &others.people),
        ] {
            for (id, name) in theirs {
                note(mine, Some(*id), Some(name));
            }
        }
    }
}

/// Notes a name under its id.
pub(crate) fn note(names: &mut BTreeMap<i64, String>, id: Option<i64>, name: Option<&str>) {
    let (Some(id), Some(name)) = (id, name.and_then(shown)) else { return };
    let known = names.entry(id).or_default();
    if known.as_str() < name {
        name.clone_into(known);
    }
}

/// The name, unless it is empty or a hash of 64 digits, which stands for a name that is not kept.
pub(crate) fn shown(name: &str) -> Option<&str> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_hash = name.len() == 64 && name.bytes().all(is_digit);
    (!name.trim().is_empty() && !is_hash).then_some(name)
}

/// Places of everything that sums name.
#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) engagements: Register<Engagement>,
    pub(crate) clients: BTreeMap<i64, u32>,
    pub(crate) projects: BTreeMap<i64, u32>,
    pub(crate) people: BTreeMap<i64, u32>,
}

impl Places {
    /// Place of an engagement, which is added if it is new.
    pub(crate) fn engagement(&mut self, engagement: &Engagement) -> u32 {
        self.engagements.place(engagement, || ())
    }

    /// Place of a client.
    pub(crate) fn client(&self, id: Option<i64>) -> Option<u32> {
        self.clients.get(&id?).copied()
    }

    /// Place of a project.
    pub(crate) fn project(&self, id: Option<i64>) -> Option<u32> {
        self.projects.get(&id?).copied()
    }

    /// Place of a person.
    pub(crate) fn person(&self, id: Option<i64>) -> Option<u32> {
        self.people.get(&id?).copied()
    }
}
