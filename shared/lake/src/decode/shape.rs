//! The declared members of an object and the columns that they go to.

use engine::spec::{Field, FieldType};

/// An object's declared members, in declared order.
#[derive(Debug)]
pub(super) struct Shape {
    /// Tells the objects of one stream apart.
    id: usize,
    members: Vec<Member>,
}

/// A declared member.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) target: Target,
}

/// Where a member's value goes. Numbers are positions among the columns of the record, or of the
/// list's struct.
#[derive(Debug)]
pub(super) enum Target {
    /// One cell.
    Cell(usize),
    /// Its own members' cells.
    Object(Shape),
    /// A list cell of simple values.
    Values(usize),
    /// A list cell of structs.
    Structs(usize, Shape),
}

/// Which members of one object have been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(u128);

impl Shape {
    /// The shape of an object with these fields; columns are counted as `engine::schema` flattens
    /// them.
    pub(super) fn of(fields: &'static [Field]) -> Self {
        Self::from(fields, &mut 0, &mut 0)
    }

    fn from(fields: &'static [Field], next: &mut usize, ids: &mut usize) -> Self {
        let id = take(ids);
        debug_assert!(fields.len() <= Seen::MEMBERS, "too many members in one object");
        let mut members = Vec::with_capacity(fields.len());
        for field in fields {
            let target = match field.ty {
                FieldType::Int
                | FieldType::Text
                | FieldType::Bool
                | FieldType::Date
                | FieldType::Instant
                | FieldType::Money
                | FieldType::Decimal => Target::Cell(take(next)),
                FieldType::Texts | FieldType::Ints => Target::Values(take(next)),
                FieldType::Objects(inner) => {
                    Target::Structs(take(next), Self::from(inner, &mut 0, ids))
                }
                FieldType::Object(inner) => Target::Object(Self::from(inner, next, ids)),
            };
            members.push(Member { name: field.name, target });
        }
        Self { id, members }
    }

    /// Position of the member `name`; looks at `hint` first, where the next member usually is.
    pub(super) fn find(&self, name: &str, hint: usize) -> Option<usize> {
        if self.members.get(hint).is_some_and(|member| member.name == name) {
            return Some(hint);
        }
        self.members.iter().position(|member| member.name == name)
    }

    pub(super) const fn id(&self) -> usize {
        self.id
    }

    /// All members, in declared order.
    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    pub(super) fn member(&self, index: usize) -> Option<&Member> {
        self.members.get(index)
    }
}

impl Seen {
    const MEMBERS: usize = 128;

    /// Remembers the member; `false` when it was there before.
    pub(super) fn add(&mut self, index: usize) -> bool {
        let bit = u32::try_from(index).ok().and_then(|index| 1_u128.checked_shl(index));
        let Some(bit) = bit else { return false };
        let new = self.0 & bit == 0;
        self.0 |= bit;
        new
    }

    /// The members of both.
    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn has(self, index: usize) -> bool {
        let bit = u32::try_from(index).ok().and_then(|index| 1_u128.checked_shl(index));
        bit.is_some_and(|bit| self.0 & bit != 0)
    }
}

fn take(next: &mut usize) -> usize {
    let index = *next;
    *next += 1;
    index
}
