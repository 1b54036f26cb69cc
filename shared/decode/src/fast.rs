//! Reads a body in one pass that puts each value into its column. Fails on any deviation from the
//! declaration except values that do not fit and unknown members; `careful` then reads the page
//! again.

mod object;

use core::fmt;
use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use self::object::{Null, Object};
use super::envelope::{MEMBERS, RawEnvelope};
use super::odd::Odd;
use super::rows::{Layout, Rows};

/// Rows, and raw members beside the records.
pub(super) type Page<'de> = (Rows, RawEnvelope<'de>);

/// Reads a whole body.
pub(super) fn page<'de>(layout: &Layout, body: &'de str) -> Result<Page<'de>, serde_json::Error> {
    let mut rows = layout.rows();
    let mut odd = Odd::default();
    let mut json = serde_json::Deserializer::from_str(body);
    let mut records = Records { layout, rows: &mut rows, odd: &mut odd };
    let mut beside = RawEnvelope::default();
    match layout.schema.spec.records_key {
        None => records.one(&mut json)?,
        Some(key) => beside = json.deserialize_map(PageVisitor { key, records })?,
    }
    json.end()?;
    rows.observed.presence = odd.presence;
    Ok((rows, beside))
}

struct PageVisitor<'a, 'de> {
    key: &'static str,
    records: Records<'a, 'de>,
}

/// Visitor of the list of records.
struct Records<'a, 'de> {
    layout: &'a Layout,
    rows: &'a mut Rows,
    odd: &'a mut Odd<'de>,
}

/// Seed of one record.
struct RecordSeed<'a, 'b, 'de>(&'b mut Records<'a, 'de>);

impl<'de> Visitor<'de> for PageVisitor<'_, 'de> {
    type Value = RawEnvelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut beside, mut lists) = (RawEnvelope::default(), 0_u8);
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            if name == self.key {
                lists = lists.saturating_add(1);
                map.next_value_seed(&mut self.records)?;
                continue;
            }
            let member = MEMBERS.iter().position(|member| *member == name);
            match member.and_then(|at| beside.get_mut(at)) {
                Some(place) => *place = Some(map.next_value::<&RawValue>()?.get()),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if lists == 1 { Ok(beside) } else { Err(undeclared()) }
    }
}

impl<'de> Records<'_, 'de> {
    fn one<D: Deserializer<'de>>(&mut self, json: D) -> Result<(), D::Error> {
        let record = Object {
            shape: &self.layout.shape,
            cells: &mut self.rows.cells,
            odd: self.odd,
            null: Null::Refused,
        };
        record.deserialize(json)?;
        if self.odd.is_ambiguous() {
            return Err(undeclared());
        }
        self.layout.close(self.rows, self.odd).map_err(|_| undeclared())
    }
}

impl<'de> DeserializeSeed<'de> for &mut Records<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for &mut Records<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(RecordSeed(self))?.is_some() {}
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for RecordSeed<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        self.0.one(json)
    }
}

/// Error that sends the page to `careful`; its text is never shown.
fn undeclared<E: serde::de::Error>() -> E {
    E::custom("not as declared")
}
