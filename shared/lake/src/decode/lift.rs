//! Rows of an older declaration as today's would have decoded them: what lies in `extra_json` and
//! now has a column goes there.
//!
//! The record is put together again from the row's columns and its `extra_json`, and decoded. So
//! there is one rule for what fits where, and what does not fit stays.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use engine::schema::Source;
use engine::time::Timestamp;

use super::buffer::Put;
use super::careful;
use super::odd::{Odd, push_json_text};
use super::path::{Place, Step, steps};
use super::raw::{self, RawMember};
use super::rows::{self, Layout, Rows};
use super::shape::{Shape, Target};
use crate::partition::gather;
use crate::schema::TableSchema;

/// Moves values of one table's rows from `extra_json` to their columns.
#[derive(Debug)]
pub(crate) struct Lifter {
    layout: Layout,
    /// Columns that come from the record; they are the first ones.
    own: usize,
    extra: usize,
}

impl Lifter {
    pub(crate) fn of(schema: &TableSchema) -> Self {
        let own = schema.columns.iter();
        let own = own.filter(|column| matches!(column.source, Source::Record(_))).count();
        let extra = schema.columns.iter().position(|column| column.source == Source::Extra);
        Self { layout: Layout::of(schema.clone()), own, extra: extra.unwrap_or(usize::MAX) }
    }

    /// `batch`, all of the table's columns but perhaps the partition, with what can move moved;
    /// `None` where nothing can.
    pub(crate) fn lift(&self, batch: &RecordBatch) -> Result<Option<RecordBatch>, ArrowError> {
        let extra =
            batch.columns().get(self.extra).and_then(|column| column.as_string_opt::<i32>());
        let Some(extra) = extra.filter(|extra| extra.null_count() < extra.len()) else {
            return Ok(None);
        };
        let mut finder = Finder {
            shape: &self.layout.shape,
            scratch: self.layout.rows(),
            known: BTreeMap::new(),
        };
        let mut rows = self.layout.rows();
        let mut moved = Vec::new();
        for (row, text) in extra.iter().enumerate() {
            let Some(text) = text else { continue };
            let Ok(members) = raw::members(text) else { continue };
            if !members.iter().any(|(path, raw)| finder.may_move(path, raw)) {
                continue;
            }
            let Some(record) = self.record(batch, row, &members) else { continue };
            let before = rows.cells.rows();
            if careful::record(&self.layout, &mut rows, &mut Odd::default(), &record).is_err() {
                continue;
            }
            if rows.extra.get(before) == Some(text) {
                rows.cells.truncate(before);
                rows.extra.truncate(before);
            } else {
                moved.push(row as u64);
            }
        }
        if moved.is_empty() {
            return Ok(None);
        }
        self.with(batch, &moved, rows).map(Some)
    }

    /// `batch` with the rows `moved` as `rows` has them.
    fn with(
        &self,
        batch: &RecordBatch,
        moved: &[u64],
        rows: Rows,
    ) -> Result<RecordBatch, ArrowError> {
        let old = take_record_batch(batch, &UInt64Array::from(moved.to_vec()))?;
        let mut columns = rows.cells.finish()?;
        columns.extend(old.columns().iter().skip(self.own).cloned());
        if let Some(extra) = columns.get_mut(self.extra) {
            *extra = std::sync::Arc::new(rows.extra.finish()?);
        }
        let new = RecordBatch::try_new(batch.schema(), columns)?;
        let mut picks: Vec<(usize, usize)> = (0..batch.num_rows()).map(|row| (0, row)).collect();
        for (at, row) in moved.iter().enumerate() {
            if let Some(pick) = usize::try_from(*row).ok().and_then(|row| picks.get_mut(row)) {
                *pick = (1, at);
            }
        }
        gather(&batch.schema(), &[batch, &new], &picks)
    }

    /// The record that the row was made of; `None` where it cannot be told.
    fn record(&self, batch: &RecordBatch, row: usize, extra: &[RawMember<'_>]) -> Option<String> {
        let place = Place::of(extra.iter().map(|(path, raw)| (&**path, *raw)))?;
        let mut json = String::new();
        object(&mut json, &self.layout.shape, batch.columns(), row, Some(&place))?;
        Some(json)
    }
}

/// Tells which paths of `extra_json` have a column.
struct Finder<'a> {
    shape: &'a Shape,
    scratch: Rows,
    /// By path: whether it is declared, and the cell if it has one of its own.
    known: BTreeMap<String, (bool, Option<usize>)>,
}

impl Finder<'_> {
    fn may_move(&mut self, path: &str, raw: &str) -> bool {
        let (declared, cell) = if let Some(known) = self.known.get(path) {
            *known
        } else {
            let found = find(self.shape, path);
            self.known.insert(path.to_owned(), found);
            found
        };
        let buffer = cell.and_then(|cell| self.scratch.cells.buffers.get_mut(cell));
        // Most of what is declared and lies there does so because it does not fit.
        declared
            && buffer.is_none_or(|buffer| {
                let put = buffer.put(raw);
                buffer.truncate(0);
                put == Put::Stored
            })
    }
}

fn find(shape: &Shape, path: &str) -> (bool, Option<usize>) {
    let Some(steps) = steps(path) else { return (false, None) };
    let mut shape = Some(shape);
    let mut cell = None;
    for (at, step) in steps.iter().enumerate() {
        match step {
            Step::Repeat(_) => return (false, None),
            Step::Item(_) => {}
            Step::Member(name) => {
                let inner = shape.and_then(|shape| shape.member(shape.find(name, 0)?));
                let Some(member) = inner else { return (false, None) };
                (shape, cell) = match &member.target {
                    Target::Cell(cell) if at == 0 => (None, Some(*cell)),
                    Target::Cell(_) | Target::Values(_) => (None, None),
                    Target::Object(inner) | Target::Structs(_, inner) => (Some(inner), None),
                };
            }
        }
    }
    (true, cell)
}

fn object(
    json: &mut String,
    shape: &Shape,
    columns: &[ArrayRef],
    row: usize,
    place: Option<&Place<'_>>,
) -> Option<()> {
    json.push('{');
    if place.is_some_and(|place| !place.items.is_empty()) {
        return None;
    }
    for member in shape.members() {
        let inner = place.and_then(|place| place.members.get(member.name));
        named(json, member.name, inner);
        match inner.and_then(|inner| inner.raw) {
            // Kept whole: then its columns are null.
            Some(raw) => {
                let whole =
                    inner.is_none_or(Place::is_leaf) && is_null(&member.target, columns, row);
                json.push_str(whole.then_some(raw)?);
            }
            None => value(json, &member.target, columns, row, inner)?,
        }
    }
    for (name, inner) in place.iter().flat_map(|place| &place.members) {
        if shape.find(name, 0).is_none() {
            named(json, name, Some(inner));
            json.push_str(inner.raw.filter(|_| inner.is_leaf())?);
        }
    }
    json.push('}');
    Some(())
}

/// The member's name, after its earlier occurrences.
fn named(json: &mut String, name: &str, place: Option<&Place<'_>>) {
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

fn is_null(target: &Target, columns: &[ArrayRef], row: usize) -> bool {
    match target {
        Target::Cell(cell) | Target::Values(cell) | Target::Structs(cell, _) => {
            columns.get(*cell).is_none_or(|column| column.is_null(row))
        }
        Target::Object(shape) => {
            shape.members().iter().all(|member| is_null(&member.target, columns, row))
        }
    }
}

fn value(
    json: &mut String,
    target: &Target,
    columns: &[ArrayRef],
    row: usize,
    place: Option<&Place<'_>>,
) -> Option<()> {
    match target {
        Target::Object(shape) => object(json, shape, columns, row, place),
        Target::Cell(cell) => {
            place.is_none_or(Place::is_leaf).then_some(())?;
            simple(json, columns.get(*cell)?, row)
        }
        Target::Values(cell) => list(json, None, columns.get(*cell)?, row, place),
        Target::Structs(cell, shape) => list(json, Some(shape), columns.get(*cell)?, row, place),
    }
}

fn list(
    json: &mut String,
    shape: Option<&Shape>,
    column: &ArrayRef,
    row: usize,
    place: Option<&Place<'_>>,
) -> Option<()> {
    let lists = column.as_list_opt::<i32>()?;
    let items = lists.is_valid(row).then(|| lists.value(row));
    let length = items.as_ref().map_or(0, Array::len);
    // Nothing of what is kept may have no place.
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
        match (place.and_then(|place| place.raw), shape) {
            (Some(raw), _) => {
                let whole = place.is_none_or(Place::is_leaf) && items.is_null(index);
                json.push_str(whole.then_some(raw)?);
            }
            (None, Some(shape)) if items.is_valid(index) => {
                object(json, shape, items.as_struct_opt()?.columns(), index, place)?;
            }
            (None, _) => {
                place.is_none_or(Place::is_leaf).then_some(())?;
                simple(json, &items, index)?;
            }
        }
    }
    json.push(']');
    Some(())
}

/// A single value as JSON that decodes to the same again.
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
        // A struct that is null was handled; nothing else is left.
        debug_assert!(matches!(column.data_type(), DataType::Struct(_)), "{}", column.data_type());
        return None;
    }
    Some(())
}
