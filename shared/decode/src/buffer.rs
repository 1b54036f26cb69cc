//! Columns under construction that can drop their last rows, which Arrow's builders cannot.
//!
//! A record turns out to be no row only after some of its cells were filled (its id may come last,
//! or not fit). Its cells are then taken back with `truncate`, and no second copy of rows is
//! needed.
//!
//! Invariant between two records: all buffers of a `Cells` have as many cells as it has closed
//! rows. While a record is read, a buffer has at most one cell more; `Cells::close` fills in the
//! missing ones with null. So a member may be missing from a record without any code for it.

mod list;
mod outcome;
mod values;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, TimestampMicrosecondArray,
};
use arrow::buffer::{BooleanBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use engine::schema::ColumnType;

pub(super) use self::list::{ListBuffer, ListItems, StructBuffer};
pub(super) use self::outcome::CellOutcome;
pub(super) use self::values::{FixedBuffer, TextBuffer};
use super::{convert, literal, plain};
use crate::schema::{DECIMAL_DIGITS, arrow_type};

/// A column under construction. Each variant has the representation of its Arrow array: days since
/// 1970 for `Date`, microseconds since 1970 for `Instant`, unscaled values for `Decimal` with its
/// scale.
#[derive(Debug)]
pub(super) enum ColumnBuffer {
    Int(FixedBuffer<i64>),
    Text(TextBuffer),
    Bool(FixedBuffer<bool>),
    Date(FixedBuffer<i32>),
    Instant(FixedBuffer<i64>),
    Decimal(FixedBuffer<i128>, i8),
    /// Boxed, because a list of structs contains `ColumnBuffer`s itself.
    List(Box<ListBuffer>),
}

/// Columns of rows under construction, or members of structs. `rows` counts closed rows.
#[derive(Debug)]
pub(super) struct Cells {
    pub(super) buffers: Vec<ColumnBuffer>,
    rows: usize,
}

impl Cells {
    /// Empty columns of these types.
    pub(super) fn new<'a>(types: impl Iterator<Item = &'a ColumnType>) -> Self {
        Self { buffers: types.map(ColumnBuffer::new).collect(), rows: 0 }
    }

    /// Number of closed rows.
    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    /// List column at `cell`; `None` if the column is not a list.
    pub(super) fn list(&mut self, cell: usize) -> Option<&mut ListBuffer> {
        match self.buffers.get_mut(cell)? {
            ColumnBuffer::List(list) => Some(list),
            ColumnBuffer::Int(_)
            | ColumnBuffer::Text(_)
            | ColumnBuffer::Bool(_)
            | ColumnBuffer::Date(_)
            | ColumnBuffer::Instant(_)
            | ColumnBuffer::Decimal(..) => None,
        }
    }

    /// Whether this cell of a closed row is null.
    pub(super) fn is_null(&self, cell: usize, row: usize) -> bool {
        self.buffers.get(cell).is_none_or(|buffer| buffer.is_null(row))
    }

    /// Ends a row. Cells that were not filled become null.
    pub(super) fn close(&mut self) {
        for buffer in &mut self.buffers {
            // A buffer that is longer by one holds this row already.
            if buffer.len() == self.rows {
                buffer.push_null();
            }
        }
        self.rows += 1;
    }

    /// Makes room for `times` as many rows of the size of those that there are.
    pub(super) fn reserve(&mut self, times: usize) {
        for buffer in &mut self.buffers {
            buffer.reserve(times);
        }
    }

    /// Keeps the first `rows` rows and drops a row that is not closed yet.
    pub(super) fn truncate(&mut self, rows: usize) {
        for buffer in &mut self.buffers {
            buffer.truncate(rows);
        }
        self.rows = rows;
    }

    /// Arrays of all columns, in order. Only closed rows may be present.
    pub(super) fn finish(self) -> Result<Vec<ArrayRef>, ArrowError> {
        self.buffers.into_iter().map(ColumnBuffer::finish).collect()
    }
}

impl ColumnBuffer {
    fn new(ty: &ColumnType) -> Self {
        match ty {
            ColumnType::Int => Self::Int(FixedBuffer::new()),
            ColumnType::Text => Self::Text(TextBuffer::new()),
            ColumnType::Bool => Self::Bool(FixedBuffer::new()),
            ColumnType::Date => Self::Date(FixedBuffer::new()),
            ColumnType::Instant => Self::Instant(FixedBuffer::new()),
            ColumnType::Decimal { scale } => Self::Decimal(FixedBuffer::new(), *scale),
            ColumnType::Texts => Self::list(ListItems::Values(Self::new(&ColumnType::Text))),
            ColumnType::Ints => Self::list(ListItems::Values(Self::new(&ColumnType::Int))),
            ColumnType::Structs(members) => {
                Self::list(ListItems::Structs(StructBuffer::new(members)))
            }
        }
    }

    fn list(items: ListItems) -> Self {
        Self::List(Box::new(ListBuffer::new(items)))
    }

    /// Number of cells, that of an open row included.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Int(fixed) | Self::Instant(fixed) => fixed.values.len(),
            Self::Text(texts) => texts.ends.len(),
            Self::Bool(fixed) => fixed.values.len(),
            Self::Date(fixed) => fixed.values.len(),
            Self::Decimal(fixed, _) => fixed.values.len(),
            Self::List(list) => list.ends.len(),
        }
    }

    pub(super) fn push_null(&mut self) {
        match self {
            Self::Int(fixed) | Self::Instant(fixed) => fixed.push(None),
            Self::Text(texts) => texts.push(None),
            Self::Bool(fixed) => fixed.push(None),
            Self::Date(fixed) => fixed.push(None),
            Self::Decimal(fixed, _) => fixed.push(None),
            Self::List(list) => list.push_null(),
        }
    }

    /// Whether the cell is null or does not exist.
    fn is_null(&self, row: usize) -> bool {
        let valid = match self {
            Self::Int(fixed) | Self::Instant(fixed) => &fixed.valid,
            Self::Text(texts) => &texts.valid,
            Self::Bool(fixed) => &fixed.valid,
            Self::Date(fixed) => &fixed.valid,
            Self::Decimal(fixed, _) => &fixed.valid,
            Self::List(list) => &list.valid,
        };
        row >= self.len() || !valid.is_valid(row)
    }

    /// Adds the cell for a JSON value, in any case exactly one. A list column takes no value here
    /// and becomes null: its items come one by one, through `ListBuffer`.
    ///
    /// Each column tries the declared form first (`literal`) and converts only if that fails,
    /// because nearly all values have the declared form.
    pub(super) fn put(&mut self, raw: &str) -> CellOutcome {
        if raw == "null" {
            self.push_null();
            return CellOutcome::Stored;
        }
        match self {
            Self::Int(fixed) => fixed.put(raw.parse().ok(), || convert::integer(raw)),
            Self::Instant(fixed) => fixed.put(literal::instant(raw), || convert::instant(raw)),
            Self::Text(texts) => {
                if let Some(text) = literal::text(raw) {
                    texts.push(Some(&text));
                    return CellOutcome::Stored;
                }
                let text = convert::text(raw);
                texts.push(text.as_deref());
                CellOutcome::converted(text.is_some())
            }
            Self::Bool(fixed) => fixed.put(literal::flag(raw), || convert::flag(raw)),
            Self::Date(fixed) => fixed.put(literal::date(raw), || convert::date(raw)),
            Self::Decimal(fixed, scale) => {
                let put =
                    fixed.put(literal::decimal(raw, *scale), || convert::decimal(raw, *scale));
                // Asked only after both conversions failed, so the usual value pays nothing for it.
                let is_finer = put == CellOutcome::Misfit && convert::is_finer(raw, *scale);
                if is_finer { CellOutcome::Finer } else { put }
            }
            Self::List(list) => {
                list.push_null();
                CellOutcome::Misfit
            }
        }
    }

    /// Adds the cell for the JSON value at the beginning of `text` if it is null or of the usual
    /// form, and returns its length in bytes. Otherwise adds nothing.
    ///
    /// Gives the same cell as [`Self::put`] and its outcome `Stored`, for less time.
    pub(super) fn put_plain(&mut self, text: &str) -> Option<usize> {
        let bytes = text.as_bytes();
        if let Some(length) = plain::null(bytes) {
            self.push_null();
            return Some(length);
        }
        match self {
            Self::Int(fixed) => fixed.take(plain::integer(bytes)),
            Self::Instant(fixed) => fixed.take(plain::instant(bytes)),
            Self::Text(texts) => {
                let (text, length) = plain::text(text)?;
                texts.push(Some(text));
                Some(length)
            }
            Self::Bool(fixed) => fixed.take(plain::flag(bytes)),
            Self::Date(fixed) => fixed.take(plain::date(bytes)),
            Self::Decimal(fixed, scale) => fixed.take(plain::decimal(bytes, *scale)),
            Self::List(_) => None,
        }
    }

    /// Makes room for `times` as many cells as there are.
    fn reserve(&mut self, times: usize) {
        match self {
            Self::Int(fixed) | Self::Instant(fixed) => fixed.reserve(times),
            Self::Text(texts) => texts.reserve(times),
            Self::Bool(fixed) => fixed.reserve(times),
            Self::Date(fixed) => fixed.reserve(times),
            Self::Decimal(fixed, _) => fixed.reserve(times),
            // What is in lists differs most from record to record.
            Self::List(_) => {}
        }
    }

    /// Keeps the first `rows` cells.
    pub(super) fn truncate(&mut self, rows: usize) {
        match self {
            Self::Int(fixed) | Self::Instant(fixed) => fixed.truncate(rows),
            Self::Text(texts) => texts.truncate(rows),
            Self::Bool(fixed) => fixed.truncate(rows),
            Self::Date(fixed) => fixed.truncate(rows),
            Self::Decimal(fixed, _) => fixed.truncate(rows),
            Self::List(list) => list.truncate(rows),
        }
    }

    /// Array of the column. The types equal those of `schema::arrow_type`.
    fn finish(self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Int(FixedBuffer { values, valid }) => {
                Arc::new(Int64Array::try_new(ScalarBuffer::from(values), valid.build())?)
            }
            Self::Text(texts) => Arc::new(texts.finish()?),
            Self::Bool(FixedBuffer { values, valid }) => {
                Arc::new(BooleanArray::new(BooleanBuffer::from(values), valid.build()))
            }
            Self::Date(FixedBuffer { values, valid }) => {
                Arc::new(Date32Array::try_new(ScalarBuffer::from(values), valid.build())?)
            }
            Self::Instant(FixedBuffer { values, valid }) => {
                let values = ScalarBuffer::from(values);
                let array = TimestampMicrosecondArray::try_new(values, valid.build())?;
                Arc::new(array.with_data_type(arrow_type(&ColumnType::Instant)))
            }
            Self::Decimal(FixedBuffer { values, valid }, scale) => {
                let array = Decimal128Array::try_new(ScalarBuffer::from(values), valid.build())?;
                Arc::new(array.with_data_type(DataType::Decimal128(DECIMAL_DIGITS, scale)))
            }
            Self::List(list) => Arc::new(list.finish()?),
        })
    }
}
