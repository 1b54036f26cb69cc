//! Reads a body in one pass that puts each value into its column. Fails on any deviation from the
//! declaration except values that do not fit and unknown members; `careful` then reads the page
//! again.
//!
//! The pass is a tree of serde visitors that follows the tree of the declaration. A value is taken
//! as its raw text and parsed by its column, so no tree of JSON values is built. That is most of
//! the gain: `serde_json::Value` takes about eight times as long (docs/adr/0024).
//!
//! The pass fails, for example, on: a list of records that is missing or comes twice, a record that
//! is no object, a member that a record has twice, text where an object is declared, a record
//! without a usable id. It need not say which, because `careful` finds out.

mod object;

use core::fmt;
use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use self::object::{NullTreatment, ObjectVisitor};
use super::envelope::{MEMBERS, RawEnvelope};
use super::odd::OddValues;
use super::rows::{DecodedRows, RecordLayout};

/// Rows, and raw members beside the records.
pub(super) type FastPage<'de> = (DecodedRows, RawEnvelope<'de>);

/// Reads a whole body.
pub(super) fn page<'de>(
    layout: &RecordLayout,
    body: &'de str,
) -> Result<FastPage<'de>, serde_json::Error> {
    let mut rows = layout.rows();
    let mut odd = OddValues::default();
    let mut json = serde_json::Deserializer::from_str(body);
    let mut records = RecordsVisitor { layout, rows: &mut rows, odd: &mut odd };
    let mut beside = RawEnvelope::default();
    match layout.schema.spec.records_key {
        None => records.one(&mut json)?,
        Some(key) => beside = json.deserialize_map(PageVisitor { key, records })?,
    }
    // Anything after the body would be lost: `{..}{..}` is not one answer.
    json.end()?;
    rows.observed.presence = odd.presence;
    Ok((rows, beside))
}

/// Visitor of the page, whose records are the member `key`.
struct PageVisitor<'a, 'de> {
    key: &'static str,
    records: RecordsVisitor<'a, 'de>,
}

/// Visitor of the list of records. `odd` is shared by all of them, because it allocates; each
/// record leaves it empty.
struct RecordsVisitor<'a, 'de> {
    layout: &'a RecordLayout,
    rows: &'a mut DecodedRows,
    odd: &'a mut OddValues<'de>,
}

/// Seed of one record.
struct RecordSeed<'a, 'b, 'de>(&'b mut RecordsVisitor<'a, 'de>);

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
                // Of repeated members the last counts, as in `raw::member`.
                Some(place) => *place = Some(map.next_value::<&RawValue>()?.get()),
                // Other members are no facts that anything relies on. They are not kept.
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if lists == 1 { Ok(beside) } else { Err(undeclared()) }
    }
}

impl<'de> RecordsVisitor<'_, 'de> {
    /// Reads one record into a row.
    fn one<D: Deserializer<'de>>(&mut self, json: D) -> Result<(), D::Error> {
        let record = ObjectVisitor {
            shape: &self.layout.shape,
            cells: &mut self.rows.cells,
            odd: self.odd,
            null: NullTreatment::Refused,
        };
        record.deserialize(json)?;
        // An undeclared member that comes twice needs numbered paths, and only `careful` counts
        // occurrences.
        if self.odd.is_ambiguous() {
            return Err(undeclared());
        }
        self.layout.close(self.rows, self.odd).map_err(|_| undeclared())
    }
}

impl<'de> DeserializeSeed<'de> for &mut RecordsVisitor<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for &mut RecordsVisitor<'_, 'de> {
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
