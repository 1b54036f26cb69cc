//! Order of members in the objects of a page.
//!
//! Harvest writes the members of all objects of one kind in the same order, which is not that of the
//! columns. So the member that follows is predicted from the object before, and its name is compared
//! with one name alone.

use crate::shape::ObjectShape;

/// For each kind of object and each member, the member that came after it last.
#[derive(Debug, Default)]
pub(super) struct MemberOrder(Vec<Vec<usize>>);

/// Place in an object: 0 before its first member, else the position of the member before and 1.
pub(super) type MemberPlace = usize;

impl MemberOrder {
    /// Position of the member that is expected at `place`. Before it was seen: the next one of the
    /// declaration.
    #[inline]
    pub(super) fn at(&self, shape: &ObjectShape, place: MemberPlace) -> usize {
        let known = self.0.get(shape.id()).and_then(|order| order.get(place));
        known.copied().unwrap_or(place)
    }

    /// Takes note that `member` came at `place`.
    pub(super) fn note(&mut self, shape: &ObjectShape, place: MemberPlace, member: usize) {
        if self.0.len() <= shape.id() {
            self.0.resize(shape.id() + 1, Vec::new());
        }
        let Some(order) = self.0.get_mut(shape.id()) else { return };
        let declared = order.len()..=shape.members().len();
        order.extend(declared);
        if let Some(next) = order.get_mut(place) {
            *next = member;
        }
    }
}
