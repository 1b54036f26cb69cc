//! Reads a body record by record: cuts the page into raw records and each record into raw members,
//! so that no record can affect another.
//!
//! This is the definition of what a page means; `fast` is a quicker way to the same rows for
//! ordinary pages. Everything that a page may do wrong is decided here:
//!
//! | deviation | result |
//! | --- | --- |
//! | a record that is no object, or has an unreadable name | quarantined |
//! | a record without a usable id | quarantined |
//! | the list of records comes twice | the last one counts, the others are quarantined |
//! | a member that comes twice | the last one counts, the others stay raw |
//! | a value of another type in place of an object or a list | stays raw, its columns are null |

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::QuarantinedRecord;
use super::buffer::{Cells, ListBuffer, ListItems, StructBuffer};
use super::envelope::{self, PageEnvelope};
use super::error::PageError;
use super::odd::{OddValues, ValueStep};
use super::raw::{self, RawMember};
use super::rows::{DecodedRows, RecordLayout};
use super::shape::{MemberTarget, ObjectShape, SeenMembers};

/// Reads a whole body. Fails only where `PageError` says that the page proves nothing.
pub(super) fn page(
    layout: &RecordLayout,
    body: &str,
) -> Result<(DecodedRows, PageEnvelope), PageError> {
    let members = envelope::page_members(body)?;
    let mut rows = layout.rows();
    let (records, envelope) = match layout.schema.spec.records_key {
        Some(key) => {
            let records = envelope::records(&members, key)?;
            rows.quarantined = records.superseded(key);
            (records.last, PageEnvelope::of_members(&members)?)
        }
        None => (vec![envelope::body_value(body)?], PageEnvelope::default()),
    };
    let mut odd = OddValues::default();
    for raw in records {
        if let Err(reason) = record(layout, &mut rows, &mut odd, raw) {
            rows.quarantined.push(QuarantinedRecord { raw: raw.to_owned(), reason });
        }
    }
    rows.observed.presence = odd.presence;
    Ok((rows, envelope))
}

/// Adds a row, or returns the reason why the record cannot be one. In that case `rows` and `odd`
/// are as before, except for the counts of presence.
pub(super) fn record<'de>(
    layout: &RecordLayout,
    rows: &mut DecodedRows,
    odd: &mut OddValues<'de>,
    raw: &'de str,
) -> Result<(), String> {
    if !raw.starts_with('{') {
        return Err(format!("not an object but {}", raw::kind(raw)));
    }
    let members =
        raw::members(raw).map_err(|_| "the name of a member is not valid text".to_owned())?;
    object(&layout.shape, &mut rows.cells, odd, &members);
    layout.close(rows, odd)
}

/// Puts the members of an object into the current row of `cells`. Members that are missing get no
/// cell here: closing the row adds nulls.
fn object<'de>(
    shape: &ObjectShape,
    cells: &mut Cells,
    odd: &mut OddValues<'de>,
    members: &[RawMember<'de>],
) {
    // Occurrences of each name that are still to come. An occurrence that leaves none is the last
    // one, which counts.
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, _) in members {
        *left.entry(name).or_default() += 1;
    }
    let mut nth: BTreeMap<&str, usize> = BTreeMap::new();
    let mut seen = SeenMembers::default();
    for (name, raw) in members {
        let name: &str = name;
        let rest = left.entry(name).or_default();
        *rest = rest.saturating_sub(1);
        if *rest > 0 {
            let nth = nth.entry(name).or_default();
            *nth += 1;
            odd.repeated(name, *nth, raw);
            continue;
        }
        match shape.find(name).and_then(|index| Some((index, shape.member(index)?))) {
            Some((index, member)) => {
                seen.add(index);
                odd.enter(ValueStep::Member(member.name));
                put(&member.target, cells, odd, raw);
                odd.leave();
            }
            None => odd.unknown(name, raw),
        }
    }
    odd.presence.note(shape, seen);
}

/// Puts the value at the current path into its place.
fn put<'de>(target: &MemberTarget, cells: &mut Cells, odd: &mut OddValues<'de>, raw: &'de str) {
    match target {
        MemberTarget::Cell(cell) => {
            if let Some(buffer) = cells.buffers.get_mut(*cell) {
                odd.put(buffer.put(raw), raw);
            }
        }
        MemberTarget::Object(shape) => match readable_object(raw) {
            Some(members) => object(shape, cells, odd, &members),
            None if raw == "null" => {}
            None => odd.misfit(raw),
        },
        MemberTarget::Values(cell) => list(None, cells.list(*cell), odd, raw),
        MemberTarget::Structs(cell, shape) => list(Some(shape), cells.list(*cell), odd, raw),
    }
}

/// Puts the items of a list into the list column. `shape` is that of structs.
fn list<'de>(
    shape: Option<&ObjectShape>,
    list: Option<&mut ListBuffer>,
    odd: &mut OddValues<'de>,
    raw: &'de str,
) {
    let Some(list) = list else { return };
    if raw == "null" {
        // Closing the row adds the null.
        return;
    }
    let Ok(items) = raw::items(raw) else {
        return odd.misfit(raw);
    };
    for (index, raw) in items.into_iter().enumerate() {
        // Each item gets a place in the list, also one that does not fit, so that indices in paths
        // are those of the record.
        odd.enter(ValueStep::Item(index));
        match (&mut list.items, shape) {
            (ListItems::Structs(structs), Some(shape)) => item(shape, structs, odd, raw),
            (ListItems::Values(buffer), _) => odd.put(buffer.put(raw), raw),
            // Shape and columns follow from the same declaration, so structs always have a shape.
            (ListItems::Structs(structs), None) => structs.push_null(),
        }
        odd.leave();
    }
    list.close();
}

/// Adds an item to a list of structs: the struct, or null for any other value.
fn item<'de>(
    shape: &ObjectShape,
    structs: &mut StructBuffer,
    odd: &mut OddValues<'de>,
    raw: &'de str,
) {
    if let Some(members) = readable_object(raw) {
        object(shape, &mut structs.cells, odd, &members);
        structs.close();
        return;
    }
    structs.push_null();
    if raw != "null" {
        odd.misfit(raw);
    }
}

/// Members of an object, if all its member names are valid text. Any other value has no members
/// that could go to columns, and stays raw as a whole.
fn readable_object(raw: &str) -> Option<Vec<(Cow<'_, str>, &str)>> {
    raw.starts_with('{').then(|| raw::members(raw).ok()).flatten()
}
