//! Cuts JSON into raw pieces, for pages that are not as declared.
//!
//! A piece is a slice of the body with the text of one value. Nothing is parsed into numbers or
//! maps, which would round `0.1` and forget all but one of repeated members (a map cannot hold a
//! name twice).

use core::fmt;
use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Member of an object: name and text of its value. The name is owned only if it contains escapes.
pub(super) type RawMember<'de> = (Cow<'de, str>, &'de str);

/// Text of the value without surrounding white space.
///
/// Fails if there is anything but one value. Validates the whole text, so that all other functions
/// may assume valid JSON.
pub(super) fn value(json: &str) -> Result<&str, serde_json::Error> {
    serde_json::from_str::<&RawValue>(json).map(RawValue::get)
}

/// Members of an object in textual order, repeated ones included.
///
/// Fails if the value is not an object, or if a member name is not valid text. JSON allows
/// `"\ud800"`, half of a surrogate pair, which stands for no character and has no form in UTF-8.
pub(super) fn members(json: &str) -> Result<Vec<RawMember<'_>>, serde_json::Error> {
    serde_json::from_str::<RawMembers<'_>>(json).map(|members| members.0)
}

/// Items of an array. Fails if the value is not an array.
pub(super) fn items(json: &str) -> Result<Vec<&str>, serde_json::Error> {
    let items: Vec<&RawValue> = serde_json::from_str(json)?;
    Ok(items.into_iter().map(RawValue::get).collect())
}

/// Last member with this name, which is the one that counts.
pub(super) fn member<'de>(members: &[RawMember<'de>], name: &str) -> Option<&'de str> {
    members.iter().rev().find(|(member, _)| member == name).map(|(_, raw)| *raw)
}

/// Type of a JSON value, for people. The first byte decides, because the value is known to be
/// valid.
pub(super) fn kind(json: &str) -> &'static str {
    match json.bytes().next() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "text",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

struct RawMembers<'de>(Vec<RawMember<'de>>);

struct MembersVisitor;

/// Text that borrows from the input unless it contains escapes.
struct MemberName<'de>(Cow<'de, str>);

struct NameVisitor;

impl<'de> Deserialize<'de> for RawMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = RawMembers<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, raw)) = map.next_entry::<MemberName<'de>, &'de RawValue>()? {
            members.push((name.0, raw.get()));
        }
        Ok(RawMembers(members))
    }
}

impl<'de> Deserialize<'de> for MemberName<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

impl<'de> Visitor<'de> for NameVisitor {
    type Value = MemberName<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(MemberName(Cow::Borrowed(name)))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(MemberName(Cow::Owned(name.to_owned())))
    }
}
