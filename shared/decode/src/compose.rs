//! Rebuilds the JSON record that a row's columns and its `extra_json` were made from.
//!
//! The result decodes to the same row; it need not be the same text. Members come in declared
//! order, undeclared ones at the end, and declared members that Harvest left out come as null.
//!
//! Everything is refused that no record could have produced: a raw value for a column that is not
//! null, a value at item 5 of a list of three. Rows like this were changed by another program. A
//! guess would lose one of the two values, so `None` leaves such a row as it is.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use engine::time::Timestamp;

use super::odd::push_json_text;
use super::path::ExtraNode;
use super::rows;
use super::shape::{MemberTarget, ObjectShape};

/// Appends the record or object with the values in row `row` of `columns` and at `place`, as JSON.
/// `None` if a part of `place` has no position in it.
///
/// On `None`, `json` holds the beginning of the record and must be dropped.
pub(super) fn object(
    json: &mut String,
    shape: &ObjectShape,
    columns: &[ArrayRef],
    row: usize,
    place: Option<&ExtraNode<'_>>,
) -> Option<()> {
    json.push('{');
    // An object has no items, so a kept item has no position in it.
    if place.is_some_and(|place| !place.items.is_empty()) {
        return None;
    }
    for member in shape.members() {
        let inner = place.and_then(|place| place.members.get(member.name));
        named(json, member.name, inner);
        match inner.and_then(|inner| inner.raw.as_deref()) {
            // A value kept whole implies that its columns are null.
            Some(raw) => {
                let whole =
                    inner.is_none_or(ExtraNode::is_leaf) && is_null(&member.target, columns, row);
                json.push_str(whole.then_some(raw)?);
            }
            None => value(json, &member.target, columns, row, inner)?,
        }
    }
    for (name, inner) in place.iter().flat_map(|place| &place.members) {
        if shape.find(name).is_none() {
            named(json, name, Some(inner));
            json.push_str(inner.raw.as_deref().filter(|_| inner.is_leaf())?);
        }
    }
    json.push('}');
    Some(())
}

/// Appends the member's name, preceded by its earlier occurrences. Their numbers are those of their
/// order, so decoding numbers them the same way again.
fn named(json: &mut String, name: &str, place: Option<&ExtraNode<'_>>) {
    let name_of = |json: &mut String| {
        if !json.ends_with('{') {
            json.push(',');
        }
        push_json_text(json, name);
        json.push(':');
    };
    for raw in place.iter().flat_map(|place| place.repeats.values()) {
        name_of(json);
        json.push_str(raw);
    }
    name_of(json);
}

/// Whether all columns of the member are null. A column that the batch lacks counts as null.
fn is_null(target: &MemberTarget, columns: &[ArrayRef], row: usize) -> bool {
    match target {
        MemberTarget::Cell(cell) | MemberTarget::Values(cell) | MemberTarget::Structs(cell, _) => {
            columns.get(*cell).is_none_or(|column| column.is_null(row))
        }
        MemberTarget::Object(shape) => {
            shape.members().iter().all(|member| is_null(&member.target, columns, row))
        }
    }
}

/// Appends the value of a declared member from its columns and from what is kept below it.
fn value(
    json: &mut String,
    target: &MemberTarget,
    columns: &[ArrayRef],
    row: usize,
    place: Option<&ExtraNode<'_>>,
) -> Option<()> {
    match target {
        MemberTarget::Object(shape) => object(json, shape, columns, row, place),
        MemberTarget::Cell(cell) => {
            place.is_none_or(ExtraNode::is_leaf).then_some(())?;
            simple(json, columns.get(*cell)?, row)
        }
        MemberTarget::Values(cell) => list(json, None, columns.get(*cell)?, row, place),
        MemberTarget::Structs(cell, shape) => {
            list(json, Some(shape), columns.get(*cell)?, row, place)
        }
    }
}

/// Appends a list from its column. Items that did not fit are null in the column, and their raw
/// values come from `place`.
fn list(
    json: &mut String,
    shape: Option<&ObjectShape>,
    column: &ArrayRef,
    row: usize,
    place: Option<&ExtraNode<'_>>,
) -> Option<()> {
    let lists = column.as_list_opt::<i32>()?;
    let items = lists.is_valid(row).then(|| lists.value(row));
    let length = items.as_ref().map_or(0, Array::len);
    // Every kept value must have a position in the list.
    let reach = place.is_none_or(|place| {
        place.members.is_empty() && place.items.keys().all(|index| *index < length)
    });
    reach.then_some(())?;
    let Some(items) = items else {
        json.push_str("null");
        return Some(());
    };
    json.push('[');
    for index in 0..length {
        if index > 0 {
            json.push(',');
        }
        let place = place.and_then(|place| place.items.get(&index));
        match (place.and_then(|place| place.raw.as_deref()), shape) {
            (Some(raw), _) => {
                let whole = place.is_none_or(ExtraNode::is_leaf) && items.is_null(index);
                json.push_str(whole.then_some(raw)?);
            }
            (None, Some(shape)) if items.is_valid(index) => {
                object(json, shape, items.as_struct_opt()?.columns(), index, place)?;
            }
            (None, _) => {
                place.is_none_or(ExtraNode::is_leaf).then_some(())?;
                simple(json, &items, index)?;
            }
        }
    }
    json.push(']');
    Some(())
}

/// Appends a single value as JSON that decodes to the same value. Numbers are written from their
/// integers and unscaled values, without a float between.
fn simple(json: &mut String, column: &ArrayRef, row: usize) -> Option<()> {
    if column.is_null(row) {
        json.push_str("null");
    } else if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
        json.push_str(&numbers.value(row).to_string());
    } else if let Some(texts) = column.as_string_opt::<i32>() {
        push_json_text(json, texts.value(row));
    } else if let Some(flags) = column.as_boolean_opt() {
        json.push_str(if flags.value(row) { "true" } else { "false" });
    } else if let Some(decimals) = column.as_primitive_opt::<Decimal128Type>() {
        json.push_str(&decimals.value_as_string(row));
    } else if let Some(days) = column.as_primitive_opt::<Date32Type>() {
        push_json_text(json, &rows::day(days.value(row))?.to_string());
    } else if let Some(instants) = column.as_primitive_opt::<TimestampMicrosecondType>() {
        let at = Timestamp::from_microsecond(instants.value(row)).ok()?;
        push_json_text(json, &at.to_string());
    } else {
        // Null structs were handled above, so no other type remains.
        debug_assert!(matches!(column.data_type(), DataType::Struct(_)), "{}", column.data_type());
        return None;
    }
    Some(())
}
