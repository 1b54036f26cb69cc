//! Declared members of objects, with the columns they go to.
//!
//! A shape is the declaration turned into a tree of positions. While a page is read, a member is
//! looked up by name once; its value then goes to a column by number. Example, with the columns in
//! brackets:
//!
//! ```text
//! id            Cell(0)                    [id]
//! client        Object
//!   id          Cell(1)                    [client_id]
//!   name        Cell(2)                    [client_name]
//! line_items    Structs(3)                 [line_items: list of structs]
//!   amount      Cell(0) of the struct
//! ```
//!
//! The numbers must follow the order in which `engine::schema::columns` lists the columns. Both
//! walk the fields depth first, and objects take no column of their own.

use engine::spec::{FieldSpec, FieldType};

use super::begin::MemberBegin;

/// Declared members of an object, in declared order.
#[derive(Debug)]
pub(super) struct ObjectShape {
    /// Number of this kind of object within the stream, by which `PresenceCounts` counts. The
    /// record itself is 0.
    id: usize,
    members: Vec<DeclaredMember>,
}

/// A declared member.
#[derive(Debug)]
pub(super) struct DeclaredMember {
    pub(super) name: &'static str,
    pub(super) begin: MemberBegin,
    pub(super) target: MemberTarget,
}

/// Destination of a member's value. Numbers are positions among the columns of the record, or among
/// those of the list's struct.
#[derive(Debug)]
pub(super) enum MemberTarget {
    /// A single cell.
    Cell(usize),
    /// Cells of the object's own members.
    Object(ObjectShape),
    /// A list cell of simple values.
    Values(usize),
    /// A list cell of structs.
    Structs(usize, ObjectShape),
}

/// Set of the members of one object that have been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SeenMembers([u64; 2]);

impl ObjectShape {
    /// Shape of an object with these fields. Columns are numbered in the order in which
    /// `engine::schema` flattens them.
    pub(super) fn of(fields: &'static [FieldSpec]) -> Self {
        Self::from(fields, &mut 0, &mut 0)
    }

    /// Shape of the object; `next` is the next free column, `ids` the next free number of a shape.
    /// A list of structs has columns of its own, so their numbers begin at 0 again.
    fn from(fields: &'static [FieldSpec], next: &mut usize, ids: &mut usize) -> Self {
        let id = take(ids);
        debug_assert!(fields.len() <= SeenMembers::MEMBERS, "too many members in one object");
        let mut members = Vec::with_capacity(fields.len());
        for field in fields {
            let target = match field.ty {
                FieldType::Int
                | FieldType::Text
                | FieldType::Bool
                | FieldType::Date
                | FieldType::Instant
                | FieldType::Money
                | FieldType::Decimal => MemberTarget::Cell(take(next)),
                FieldType::Texts | FieldType::Ints => MemberTarget::Values(take(next)),
                FieldType::Objects(inner) => {
                    MemberTarget::Structs(take(next), Self::from(inner, &mut 0, ids))
                }
                FieldType::Object(inner) => MemberTarget::Object(Self::from(inner, next, ids)),
            };
            let begin = MemberBegin::new(field.name);
            members.push(DeclaredMember { name: field.name, begin, target });
        }
        Self { id, members }
    }

    /// Position of the member `name`.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|member| member.name == name)
    }

    pub(super) const fn id(&self) -> usize {
        self.id
    }

    /// All members, in declared order.
    pub(super) fn members(&self) -> &[DeclaredMember] {
        &self.members
    }

    pub(super) fn member(&self, index: usize) -> Option<&DeclaredMember> {
        self.members.get(index)
    }
}

impl SeenMembers {
    /// Number of members of one object that the set can hold: one bit each.
    const MEMBERS: usize = 128;

    /// Adds the member; `false` if it was there already. Also `false` for an index outside of the
    /// set, so that such a page is never read by `fast` alone.
    pub(super) fn add(&mut self, index: usize) -> bool {
        let (place, bit) = Self::place(index);
        let Some(word) = self.0.get_mut(place) else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Union of both sets.
    pub(super) const fn with(self, other: Self) -> Self {
        let ([low, high], [other_low, other_high]) = (self.0, other.0);
        Self([low | other_low, high | other_high])
    }

    /// Whether the member is in the set.
    pub(super) fn has(self, index: usize) -> bool {
        let (place, bit) = Self::place(index);
        self.0.get(place).is_some_and(|word| word & bit != 0)
    }

    /// Index of the word that has the member's bit, and the bit. A shift of 128 bits takes several
    /// instructions, for each member of each record.
    const fn place(index: usize) -> (usize, u64) {
        (index / 64, 1 << (index % 64))
    }
}

/// Returns the counter and increments it.
fn take(next: &mut usize) -> usize {
    let index = *next;
    *next += 1;
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_the_members_that_were_added() {
        let (mut seen, mut others) = (SeenMembers::default(), SeenMembers::default());
        for index in [0, 1, 63, 64, 65, 127] {
            assert!(!seen.has(index) && seen.add(index) && seen.has(index), "{index}");
            assert!(!seen.add(index), "{index}");
        }
        assert!(others.add(5) && others.add(70));
        let has: Vec<usize> = (0..200).filter(|index| seen.with(others).has(*index)).collect();
        assert_eq!(has, [0, 1, 5, 63, 64, 65, 70, 127]);
        // Beyond the set no member is new, so that the page is read with more care.
        assert!(!seen.add(128) && !seen.has(128));
    }
}
