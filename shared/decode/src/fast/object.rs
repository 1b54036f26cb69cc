//! Reads objects and lists, and puts their values into cells.
//!
//! Three functions call each other as the declaration nests: `object` (an object whose members have
//! cells), `list` (a list column) and `structs` (its structs); `value` reads what is in them. Each of
//! the three keeps the path of `odd` right: it enters a step before it reads a value and leaves it
//! afterwards. If one fails, the path is wrong, but then the whole page is dropped.

use super::cursor::JsonCursor;
use super::order::MemberOrder;
use crate::buffer::{Cells, ColumnBuffer, ListBuffer, ListItems, StructBuffer};
use crate::odd::{OddValues, ValueStep};
use crate::shape::{MemberTarget, ObjectShape, SeenMembers};

/// Reads an object whose members go into the current row of `cells`.
pub(super) fn object<'de>(
    json: &mut JsonCursor<'de>,
    shape: &ObjectShape,
    cells: &mut Cells,
    odd: &mut OddValues<'de>,
    order: &mut MemberOrder,
) -> Option<()> {
    json.open(b'{')?;
    let mut seen = SeenMembers::default();
    let (mut place, mut is_first) = (0, true);
    while json.more(is_first, b'}')? {
        is_first = false;
        let expected = order.at(shape, place);
        let index = if shape.member(expected).is_some_and(|member| json.is_name(&member.begin)) {
            expected
        } else {
            let name = json.name()?;
            let Some(index) = shape.find(name) else {
                odd.unknown(name, json.value()?);
                continue;
            };
            order.note(shape, place, index);
            index
        };
        // A second value would push a second cell for the same row.
        let member = shape.member(index).filter(|_| seen.add(index))?;
        place = index + 1;
        let step = ValueStep::Member(member.name);
        match &member.target {
            MemberTarget::Cell(cell) => {
                value(json, cells.buffers.get_mut(*cell)?, odd, step)?;
            }
            MemberTarget::Object(shape) => {
                odd.enter(step);
                // A null client is an ordinary value, whose columns are null.
                if !json.is_null()? {
                    object(json, shape, cells, odd, order)?;
                }
                odd.leave();
            }
            MemberTarget::Values(cell) => {
                odd.enter(step);
                list(json, None, cells.list(*cell)?, odd, order)?;
                odd.leave();
            }
            MemberTarget::Structs(cell, shape) => {
                odd.enter(step);
                list(json, Some(shape), cells.list(*cell)?, odd, order)?;
                odd.leave();
            }
        }
    }
    // Counted here and not by the caller, so that nested objects count, too.
    odd.presence.note(shape, seen);
    Some(())
}

/// Reads a value into the next cell of a column.
fn value<'de>(
    json: &mut JsonCursor<'de>,
    buffer: &mut ColumnBuffer,
    odd: &mut OddValues<'de>,
    step: ValueStep,
) -> Option<()> {
    if json.taken(|text| buffer.put_plain(text))? {
        return Some(());
    }
    let raw = json.value()?;
    // The path is entered only for a value that is not as declared, because this runs for each
    // value.
    odd.put_at(step, buffer.put(raw), raw);
    Some(())
}

/// Reads a list; one with a shape holds structs. Closing the row adds the null of a list that is
/// null.
fn list<'de>(
    json: &mut JsonCursor<'de>,
    shape: Option<&ObjectShape>,
    list: &mut ListBuffer,
    odd: &mut OddValues<'de>,
    order: &mut MemberOrder,
) -> Option<()> {
    if json.is_null()? {
        return Some(());
    }
    json.open(b'[')?;
    match (&mut list.items, shape) {
        (ListItems::Values(buffer), _) => {
            let mut index = 0;
            while json.more(index == 0, b']')? {
                value(json, buffer, odd, ValueStep::Item(index))?;
                index += 1;
            }
        }
        (ListItems::Structs(items), Some(shape)) => structs(json, shape, items, odd, order)?,
        (ListItems::Structs(_), None) => return None,
    }
    list.close();
    Some(())
}

/// Reads the items of a list of structs. A null item is a null struct.
fn structs<'de>(
    json: &mut JsonCursor<'de>,
    shape: &ObjectShape,
    items: &mut StructBuffer,
    odd: &mut OddValues<'de>,
    order: &mut MemberOrder,
) -> Option<()> {
    let mut index = 0;
    while json.more(index == 0, b']')? {
        odd.enter(ValueStep::Item(index));
        if json.is_null()? {
            items.push_null();
        } else {
            object(json, shape, &mut items.cells, odd, order)?;
            items.close();
        }
        odd.leave();
        index += 1;
    }
    Some(())
}
