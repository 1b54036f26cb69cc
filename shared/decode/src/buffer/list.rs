//! Cells of list columns under construction.
//!
//! As in Arrow, a list column is one sequence of all items and the end of each list in it. Lists
//! `[a, b]`, null, `[c]` are the items `a b c` with the ends `2 2 3`; the second is marked invalid.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, NullBufferBuilder, StructArray};
use arrow::datatypes::Fields;
use arrow::error::ArrowError;
use engine::schema::Member;

use super::values::{offsets, start};
use super::{Cells, ColumnBuffer};
use crate::schema::{element, struct_fields};

/// Lists, with their items stored end to end. Items that were pushed after the last end belong to
/// the open list, which `close` ends.
#[derive(Debug)]
pub(crate) struct ListBuffer {
    pub(crate) items: ListItems,
    pub(super) ends: Vec<usize>,
    pub(super) valid: NullBufferBuilder,
}

/// Items of all lists of a column: simple values, or structs.
#[derive(Debug)]
pub(crate) enum ListItems {
    Values(ColumnBuffer),
    Structs(StructBuffer),
}

/// Structs, with one buffer per member. A struct is one row of `cells`, a null struct too: Arrow
/// requires members of equal length.
#[derive(Debug)]
pub(crate) struct StructBuffer {
    pub(crate) cells: Cells,
    valid: NullBufferBuilder,
    fields: Fields,
}

impl ListBuffer {
    /// Column without lists.
    pub(super) fn new(items: ListItems) -> Self {
        Self { items, ends: Vec::new(), valid: NullBufferBuilder::new(0) }
    }

    /// Closes a list after its items have been pushed.
    pub(crate) fn close(&mut self) {
        self.ends.push(self.items.len());
        self.valid.append_non_null();
    }

    /// Adds a null list.
    pub(super) fn push_null(&mut self) {
        self.ends.push(self.items.len());
        self.valid.append_null();
    }

    /// Keeps the first `rows` lists. Drops the items of all others, also those of a list that is
    /// not closed.
    pub(super) fn truncate(&mut self, rows: usize) {
        // Items first: `start` needs the ends that the next line drops.
        self.items.truncate(start(&self.ends, rows));
        self.ends.truncate(rows);
        self.valid.truncate(rows);
    }

    /// Array of the lists. Fails if there are more than 2^31 - 1 items.
    pub(super) fn finish(self) -> Result<ListArray, ArrowError> {
        let offsets = offsets(&self.ends)?;
        let items = match self.items {
            ListItems::Values(buffer) => buffer.finish()?,
            ListItems::Structs(structs) => structs.finish()?,
        };
        ListArray::try_new(element(items.data_type().clone()), offsets, items, self.valid.build())
    }
}

impl ListItems {
    /// Number of items, those of an open list included.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Values(buffer) => buffer.len(),
            Self::Structs(structs) => structs.cells.rows,
        }
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        match self {
            Self::Values(buffer) => buffer.truncate(rows),
            Self::Structs(structs) => {
                structs.cells.truncate(rows);
                structs.valid.truncate(rows);
            }
        }
    }
}

impl StructBuffer {
    pub(super) fn new(members: &[Member]) -> Self {
        Self {
            cells: Cells::new(members.iter().map(|member| &member.ty)),
            valid: NullBufferBuilder::new(0),
            fields: struct_fields(members),
        }
    }

    /// Closes a struct after its members have been pushed. Missing members become null.
    pub(crate) fn close(&mut self) {
        self.cells.close();
        self.valid.append_non_null();
    }

    /// Adds a null in place of a struct.
    pub(crate) fn push_null(&mut self) {
        self.cells.close();
        self.valid.append_null();
    }

    /// Array of the structs. The length is passed on for structs without members.
    pub(super) fn finish(self) -> Result<ArrayRef, ArrowError> {
        let rows = self.cells.rows;
        let columns = self.cells.finish()?;
        let valid = self.valid.build();
        let array = StructArray::try_new_with_length(self.fields, columns, valid, rows)?;
        Ok(Arc::new(array))
    }
}
