//! Reads objects and lists, and puts their values into cells.
//!
//! Three visitors call each other as the declaration nests: `ObjectVisitor` (an object whose
//! members have cells), `ListVisitor` (a list column) and `ObjectItem` (a struct in a list). Each
//! keeps the path of `odd` right: it enters a step before it reads a value and leaves it
//! afterwards. If a visitor fails, the path is wrong, but then the whole page is dropped.

use core::fmt;
use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::undeclared;
use crate::buffer::{Cells, ListBuffer, ListItems, StructBuffer};
use crate::odd::{OddValues, ValueStep};
use crate::shape::{MemberTarget, ObjectShape, SeenMembers};

/// Visitor of an object whose members go into the current row of `cells`.
pub(super) struct ObjectVisitor<'a, 'de> {
    pub(super) shape: &'a ObjectShape,
    pub(super) cells: &'a mut Cells,
    pub(super) odd: &'a mut OddValues<'de>,
    pub(super) null: NullTreatment,
}

/// Treatment of a null in place of an object. A null client is an ordinary value, whose columns are
/// null; a null record cannot be a row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NullTreatment {
    /// Cells of the object become null.
    Allowed,
    /// The page goes to `careful`.
    Refused,
}

/// Visitor of a list; a list with a shape holds structs.
struct ListVisitor<'a, 'de> {
    shape: Option<&'a ObjectShape>,
    list: &'a mut ListBuffer,
    odd: &'a mut OddValues<'de>,
}

/// Visitor of an item in a list of structs.
struct ObjectItem<'a, 'de> {
    shape: &'a ObjectShape,
    structs: &'a mut StructBuffer,
    odd: &'a mut OddValues<'de>,
}

/// Result of looking up a member's name. Only unknown names are kept as text.
enum FoundMember<'de> {
    /// Position among the declared members of the object.
    Declared(usize),
    /// Name of an undeclared member.
    Unknown(Cow<'de, str>),
}

/// Seed of a member's name, which looks the name up while it is still part of the input. So names
/// of declared members, which are nearly all, are never copied.
struct NameSeed<'a> {
    shape: &'a ObjectShape,
    hint: usize,
}

impl<'de> DeserializeSeed<'de> for ObjectVisitor<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ObjectVisitor<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        if self.null == NullTreatment::Allowed { Ok(()) } else { Err(undeclared()) }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { shape, cells, odd, null: _ } = self;
        let mut seen = SeenMembers::default();
        let mut hint = 0;
        while let Some(found) = map.next_key_seed(NameSeed { shape, hint })? {
            let index = match found {
                FoundMember::Declared(index) => index,
                FoundMember::Unknown(name) => {
                    odd.unknown(&name, map.next_value::<&RawValue>()?.get());
                    continue;
                }
            };
            // A second value would push a second cell for the same row.
            let Some(member) = shape.member(index).filter(|_| seen.add(index)) else {
                return Err(undeclared());
            };
            hint = index + 1;
            let step = ValueStep::Member(member.name);
            match &member.target {
                MemberTarget::Cell(cell) => {
                    let raw = map.next_value::<&RawValue>()?.get();
                    let buffer = cells.buffers.get_mut(*cell).ok_or_else(undeclared)?;
                    // The path is entered only for a value that is not as declared, because this
                    // runs for each value.
                    odd.put_at(step, buffer.put(raw), raw);
                }
                MemberTarget::Object(shape) => {
                    odd.enter(step);
                    let inner = ObjectVisitor { shape, cells, odd, null: NullTreatment::Allowed };
                    map.next_value_seed(inner)?;
                    odd.leave();
                }
                MemberTarget::Values(cell) => {
                    let list = cells.list(*cell).ok_or_else(undeclared)?;
                    odd.enter(step);
                    map.next_value_seed(ListVisitor { shape: None, list, odd })?;
                    odd.leave();
                }
                MemberTarget::Structs(cell, shape) => {
                    let list = cells.list(*cell).ok_or_else(undeclared)?;
                    odd.enter(step);
                    map.next_value_seed(ListVisitor { shape: Some(shape), list, odd })?;
                    odd.leave();
                }
            }
        }
        // Counted here and not by the caller, so that nested objects count, too.
        odd.presence.note(shape, seen);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for ListVisitor<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ListVisitor<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        // Closing the row adds the null.
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { shape, list, odd } = self;
        match (&mut list.items, shape) {
            (ListItems::Values(buffer), _) => {
                let mut index = 0;
                while let Some(raw) = seq.next_element::<&RawValue>()? {
                    odd.put_at(ValueStep::Item(index), buffer.put(raw.get()), raw.get());
                    index += 1;
                }
            }
            (ListItems::Structs(structs), Some(shape)) => {
                // The step of the item is entered before it is known whether there is an item: the
                // seed needs `odd` while it reads. The last step, of no item, is left after the
                // loop.
                for index in 0.. {
                    odd.enter(ValueStep::Item(index));
                    let item = ObjectItem { shape, structs, odd };
                    if seq.next_element_seed(item)?.is_none() {
                        break;
                    }
                    odd.leave();
                }
                odd.leave();
            }
            (ListItems::Structs(_), None) => return Err(undeclared()),
        }
        list.close();
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for ObjectItem<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ObjectItem<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// A null item is a null struct in the list.
    fn visit_unit<E>(self) -> Result<(), E> {
        self.structs.push_null();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Self { shape, structs, odd } = self;
        ObjectVisitor { shape, cells: &mut structs.cells, odd, null: NullTreatment::Refused }
            .visit_map(map)?;
        structs.close();
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for NameSeed<'_> {
    type Value = FoundMember<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for NameSeed<'_> {
    type Value = FoundMember<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        let declared = self.shape.find(name, self.hint);
        Ok(declared.map_or(FoundMember::Unknown(Cow::Borrowed(name)), FoundMember::Declared))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let declared = self.shape.find(name, self.hint);
        Ok(declared.map_or_else(
            || FoundMember::Unknown(Cow::Owned(name.to_owned())),
            FoundMember::Declared,
        ))
    }
}
