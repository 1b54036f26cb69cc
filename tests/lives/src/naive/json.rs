//! JSON that keeps the text of numbers, the order of members, and repeated members.

use core::fmt;
use std::collections::BTreeSet;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Deepest nesting, longest number and greatest power of ten that every reader of JSON takes
/// (`docs/drift.md`).
const MOST_DEPTH: usize = 100;
const MOST_DIGITS: usize = 300;
const MOST_ORDER: i64 = 300;

/// One value, by its kind. Numbers and nested values keep their text.
#[derive(Clone, Debug)]
pub enum JsonKind<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Flag(bool),
    /// The literal of a number.
    Number(&'a str),
    /// A text; `None` if it has half a surrogate pair.
    Text(Option<String>),
    /// The items of a list.
    List(Vec<&'a str>),
    /// The members of an object in their order; `None` if a name has half a surrogate pair.
    Object(Option<Vec<(String, &'a str)>>),
}

/// Returns the kind of a valid JSON value.
#[must_use]
pub fn kind(raw: &str) -> JsonKind<'_> {
    match raw.as_bytes()[0] {
        b'n' => JsonKind::Null,
        b't' => JsonKind::Flag(true),
        b'f' => JsonKind::Flag(false),
        b'"' => JsonKind::Text(serde_json::from_str(raw).ok()),
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(raw).expect("a list");
            JsonKind::List(items.into_iter().map(RawValue::get).collect())
        }
        b'{' => JsonKind::Object(members(raw)),
        _ => JsonKind::Number(raw),
    }
}

/// Returns the members of an object in their order, repeated ones too; `None` if it is none.
#[must_use]
pub fn members(raw: &str) -> Option<Vec<(String, &str)>> {
    serde_json::from_str::<OrderedMembers<'_>>(raw).ok().map(|members| members.0)
}

/// Returns the value without white space between its parts. Numbers keep their text, and texts lose
/// needless escapes.
#[must_use]
pub fn canonical(raw: &str) -> String {
    match kind(raw) {
        JsonKind::Text(Some(text)) => quoted(&text),
        JsonKind::List(items) => {
            let items: Vec<String> = items.into_iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        JsonKind::Object(Some(members)) => {
            let members = members.into_iter();
            let members: Vec<String> = members
                .map(|(name, value)| format!("{}:{}", quoted(&name), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        JsonKind::Null
        | JsonKind::Flag(_)
        | JsonKind::Number(_)
        | JsonKind::Text(None)
        | JsonKind::Object(None) => raw.to_owned(),
    }
}

/// Returns `text` as a JSON string.
#[must_use]
pub fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text")
}

/// Whether every reader of JSON takes the value for the same.
#[must_use]
pub fn is_plain(raw: &str) -> bool {
    plain_within(raw, MOST_DEPTH)
}

fn plain_within(raw: &str, levels: usize) -> bool {
    match kind(raw) {
        JsonKind::Null | JsonKind::Flag(_) => true,
        JsonKind::Number(literal) => {
            let order = super::value::PlainNumber::of(literal).map_or(0, |number| number.order());
            literal.len() <= MOST_DIGITS && order.abs() <= MOST_ORDER
        }
        JsonKind::Text(text) => text.is_some(),
        JsonKind::List(items) => {
            levels > 0 && items.into_iter().all(|item| plain_within(item, levels - 1))
        }
        JsonKind::Object(None) => false,
        JsonKind::Object(Some(members)) => {
            let names: BTreeSet<&String> = members.iter().map(|(name, _)| name).collect();
            levels > 0
                && names.len() == members.len()
                && members.iter().all(|(_, value)| plain_within(value, levels - 1))
        }
    }
}

struct OrderedMembers<'de>(Vec<(String, &'de str)>);

impl<'de> Deserialize<'de> for OrderedMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = OrderedMembers<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            members.push((name, value.get()));
        }
        Ok(OrderedMembers(members))
    }
}
