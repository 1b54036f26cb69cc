//! Brings rows of an older declaration up to the current one: values in `extra_json` that have a
//! column now move there.
//!
//! The record is rebuilt from the row's columns and its `extra_json` and decoded again. So the
//! usual rules decide about every value, and values that do not fit stay.
//!
//! Example: Harvest adds `projects.color`, and records keep it as `{"color": "red"}` in
//! `extra_json`. A later release declares `color`. Files of before are not rewritten for that:
//! whenever one is read, this module shows its rows with the column filled and `extra_json` null,
//! as if they had just been read from Harvest. So a record that is read again equals its row, and
//! does not count as changed.
//!
//! Lifting never loses a value and never fails for a row: a row that cannot be rebuilt stays as it
//! is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::error::ArrowError;
use engine::schema::ColumnSource;

use super::careful;
use super::compose::object;
use super::odd::OddValues;
use super::path::{ExtraNode, PathStep, kept, steps};
use super::raw::{self, RawMember};
use super::rows::{DecodedRows, RecordLayout};
use super::shape::{MemberTarget, ObjectShape};
use super::strict;
use crate::gather::gather;
use crate::schema::TableSchema;

/// Moves values of one table's rows from `extra_json` to their columns. A table of changes begins
/// with columns of the change, so positions in the record are shifted by `before`.
#[derive(Debug)]
pub struct RowLifter {
    layout: RecordLayout,
    /// Number of columns before those of the record.
    before: usize,
    /// Number of columns of the record.
    own: usize,
    /// Position of `extra_json` in the table.
    extra: usize,
}

impl RowLifter {
    /// Lifter of the rows of `schema`.
    #[must_use]
    pub fn of(schema: &TableSchema) -> Self {
        let is_own = |source: &ColumnSource| matches!(source, ColumnSource::Record(_));
        let columns = || schema.columns.iter().map(|column| &column.source);
        let before = columns().position(is_own).unwrap_or_default();
        let own = columns().filter(|source| is_own(source)).count();
        let extra =
            columns().position(|source| *source == ColumnSource::Extra).unwrap_or(usize::MAX);
        // In a table of changes the record has the same columns, at other positions.
        Self { layout: RecordLayout::of(TableSchema::of(schema.spec)), before, own, extra }
    }

    /// Moves all values of `batch` that can move. `batch` has all columns of the table, the
    /// partition column being optional. `None` if no value can move.
    ///
    /// # Errors
    /// When the batch does not have the table's columns.
    pub fn lift(&self, batch: &RecordBatch) -> Result<Option<RecordBatch>, ArrowError> {
        let extra =
            batch.columns().get(self.extra).and_then(|column| column.as_string_opt::<i32>());
        let Some(extra) = extra.filter(|extra| extra.null_count() < extra.len()) else {
            return Ok(None);
        };
        // Most rows have no `extra_json`, and most values there cannot move. So each row first
        // passes a cheap check, and only promising ones are rebuilt, which costs as much as
        // decoding.
        let mut finder = ColumnFinder {
            shape: &self.layout.shape,
            scratch: self.layout.rows(),
            known: BTreeMap::new(),
        };
        let mut rows = self.layout.rows();
        let mut moved = Vec::new();
        for (row, text) in extra.iter().enumerate() {
            let Some(text) = text else { continue };
            // Another program may have written other text there; that row stays as it is.
            let Ok(members) = raw::members(text) else { continue };
            let concerned = |(name, value): &RawMember<'_>| {
                kept(name, value).is_some_and(|(path, raw)| {
                    // Earlier releases kept raw values that strict readers may refuse.
                    let odd = matches!(raw, Cow::Borrowed(raw) if !strict::is_strict(raw));
                    odd || finder.may_move(path, &raw)
                })
            };
            if !members.iter().any(concerned) {
                continue;
            }
            let Some(record) = self.record(batch, row, &members) else { continue };
            // From here on the row is decoded like a record of an answer.
            let before = rows.cells.rows();
            if careful::record(&self.layout, &mut rows, &mut OddValues::default(), &record).is_err()
            {
                continue;
            }
            // Unchanged `extra_json` means that no value moved.
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

    /// Replaces the rows `moved` of `batch` by `rows`, which are in the same order. Columns that
    /// are not in the record keep their values: nothing was read from Harvest.
    fn with(
        &self,
        batch: &RecordBatch,
        moved: &[u64],
        rows: DecodedRows,
    ) -> Result<RecordBatch, ArrowError> {
        let old = take_record_batch(batch, &UInt64Array::from(moved.to_vec()))?;
        let mut columns: Vec<_> = old.columns().iter().take(self.before).cloned().collect();
        columns.extend(rows.cells.finish()?);
        columns.extend(old.columns().iter().skip(self.before + self.own).cloned());
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

    /// Record that the row was made from; `None` if it cannot be determined.
    fn record(&self, batch: &RecordBatch, row: usize, extra: &[RawMember<'_>]) -> Option<String> {
        let place = ExtraNode::of(extra.iter().map(|(path, raw)| (&**path, *raw)))?;
        let mut json = String::new();
        let columns = batch.columns().get(self.before..)?;
        object(&mut json, &self.layout.shape, columns, row, Some(&place))?;
        Some(json)
    }
}

/// Decides which paths of `extra_json` have a column. `scratch` has a buffer per column to try
/// values in; each try is undone.
struct ColumnFinder<'a> {
    shape: &'a ObjectShape,
    scratch: DecodedRows,
    /// Findings by path: whether it is declared, and its cell if it has one.
    known: BTreeMap<String, (bool, Option<usize>)>,
}

impl ColumnFinder<'_> {
    /// Whether decoding again may move this value. May be wrong in one direction: `true` for a
    /// value that stays after all, never `false` for one that could move.
    fn may_move(&mut self, path: &str, raw: &str) -> bool {
        let (declared, cell) = if let Some(known) = self.known.get(path) {
            *known
        } else {
            let found = find(self.shape, path);
            self.known.insert(path.to_owned(), found);
            found
        };
        let buffer = cell.and_then(|cell| self.scratch.cells.buffers.get_mut(cell));
        // Most declared values in `extra_json` are there because they do not fit.
        declared
            && buffer.is_none_or(|buffer| {
                let put = buffer.put(raw);
                buffer.truncate(0);
                put.is_held()
            })
    }
}

/// Whether the path is declared, and its cell if it is a single one at the top level. Values in
/// objects and lists have no such cell here, so they are always tried. An earlier occurrence of a
/// repeated member has no column.
fn find(shape: &ObjectShape, path: &str) -> (bool, Option<usize>) {
    let Some(steps) = steps(path) else { return (false, None) };
    let mut shape = Some(shape);
    let mut cell = None;
    for (at, step) in steps.iter().enumerate() {
        match step {
            PathStep::Repeat(_) => return (false, None),
            PathStep::Item(_) => {}
            PathStep::Member(name) => {
                let inner = shape.and_then(|shape| shape.member(shape.find(name)?));
                let Some(member) = inner else { return (false, None) };
                (shape, cell) = match &member.target {
                    MemberTarget::Cell(cell) if at == 0 => (None, Some(*cell)),
                    MemberTarget::Cell(_) | MemberTarget::Values(_) => (None, None),
                    MemberTarget::Object(inner) | MemberTarget::Structs(_, inner) => {
                        (Some(inner), None)
                    }
                };
            }
        }
    }
    (true, cell)
}
