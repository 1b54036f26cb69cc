//! Occurrence of declared members.
//!
//! Harvest can drop a member without notice, and the column is null from then on. Null cells do not
//! show that: many members are null for good reasons. So occurrence of the name is counted,
//! whatever its value. Members of the same name in different kinds of objects (`id` of the record
//! and of its client) are counted apart.

use std::collections::BTreeMap;

use engine::drift;

use super::name::push_name;
use super::shape::{MemberTarget, ObjectShape, SeenMembers};

/// Number of objects read and members that occurred in any of them, for each kind of object of a
/// stream. The index is the shape's id.
///
/// Sets of bits instead of counts by name: this is updated once per object of each record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresenceCounts(Vec<(u64, SeenMembers)>);

impl PresenceCounts {
    /// Counts an object of this shape and the members that it had.
    pub(super) fn note(&mut self, shape: &ObjectShape, seen: SeenMembers) {
        self.add_to(shape.id(), 1, seen);
    }

    /// Adds the counts of other pages of the same stream.
    pub fn add(&mut self, other: &Self) {
        for (id, (objects, seen)) in other.0.iter().enumerate() {
            self.add_to(id, *objects, *seen);
        }
    }

    /// Adds to the counts of one kind of object, which may be the first of its kind.
    fn add_to(&mut self, id: usize, objects: u64, seen: SeenMembers) {
        if self.0.len() <= id {
            self.0.resize(id + 1, (0, SeenMembers::default()));
        }
        if let Some((sum, all)) = self.0.get_mut(id) {
            *sum = sum.saturating_add(objects);
            *all = all.with(seen);
        }
    }

    /// Presence by member path (list indices as `[]`).
    pub(super) fn by_path(&self, shape: &ObjectShape) -> BTreeMap<String, drift::MemberPresence> {
        let mut paths = BTreeMap::new();
        self.collect("", shape, &mut paths);
        paths
    }

    /// Collects the presence of the members of `shape` and below it.
    fn collect(
        &self,
        prefix: &str,
        shape: &ObjectShape,
        paths: &mut BTreeMap<String, drift::MemberPresence>,
    ) {
        // A kind of object that no record had counts 0 objects. Its members are then neither
        // present nor missing.
        let (objects, seen) = self.0.get(shape.id()).copied().unwrap_or_default();
        for (index, member) in shape.members().iter().enumerate() {
            let mut path = prefix.to_owned();
            push_name(&mut path, prefix.is_empty(), member.name);
            match &member.target {
                MemberTarget::Object(inner) => self.collect(&path, inner, paths),
                MemberTarget::Structs(_, inner) => self.collect(&format!("{path}[]"), inner, paths),
                MemberTarget::Cell(_) | MemberTarget::Values(_) => {}
            }
            paths.insert(path, drift::MemberPresence { objects, seen: seen.has(index) });
        }
    }
}
