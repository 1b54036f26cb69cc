//! Cells of simple columns under construction.
//!
//! Values and their validity are stored apart, in the layout of Arrow's arrays, so that `finish`
//! hands over values and texts without copying them. Only flags are copied, into bits.

use arrow::array::{NullBufferBuilder, StringArray};
use arrow::buffer::{Buffer as Bytes, OffsetBuffer, ScalarBuffer};
use arrow::error::ArrowError;

use super::CellOutcome;
use crate::plain::Taken;

/// Values of fixed width. A null has the type's default as its value.
#[derive(Debug)]
pub(crate) struct FixedBuffer<T> {
    pub(super) values: Vec<T>,
    pub(super) valid: NullBufferBuilder,
}

/// Texts, stored end to end. `ends` has the end of each text in `bytes`; a null ends where it
/// begins.
#[derive(Debug)]
pub(crate) struct TextBuffer {
    bytes: Vec<u8>,
    pub(super) ends: Vec<usize>,
    pub(super) valid: NullBufferBuilder,
}

impl<T: Copy + Default> FixedBuffer<T> {
    pub(super) fn new() -> Self {
        Self { values: Vec::new(), valid: NullBufferBuilder::new(0) }
    }

    #[inline]
    pub(super) fn push(&mut self, value: Option<T>) {
        self.values.push(value.unwrap_or_default());
        self.valid.append(value.is_some());
    }

    /// Makes room for `times` as many values as there are.
    pub(super) fn reserve(&mut self, times: usize) {
        self.values.reserve(self.values.len() * times);
    }

    /// Adds the value `plain`, or else the converted value of `other`. Adds a null if there is
    /// neither.
    pub(super) fn put(
        &mut self,
        plain: Option<T>,
        other: impl FnOnce() -> Option<T>,
    ) -> CellOutcome {
        if plain.is_some() {
            self.push(plain);
            return CellOutcome::Stored;
        }
        let converted = other();
        self.push(converted);
        CellOutcome::converted(converted.is_some())
    }

    /// Adds a value that was taken from a text, and returns its length there; adds nothing for
    /// `None`.
    #[inline]
    pub(super) fn take(&mut self, taken: Taken<T>) -> Option<usize> {
        let (value, length) = taken?;
        self.push(Some(value));
        Some(length)
    }

    /// Value of a row; `None` if it is null or there is no such row.
    pub(crate) fn get(&self, row: usize) -> Option<T> {
        self.values.get(row).copied().filter(|_| self.valid.is_valid(row))
    }

    /// Keeps the first `rows` values.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.valid.truncate(rows);
    }
}

impl TextBuffer {
    pub(crate) fn new() -> Self {
        Self { bytes: Vec::new(), ends: Vec::new(), valid: NullBufferBuilder::new(0) }
    }

    #[inline]
    pub(crate) fn push(&mut self, text: Option<&str>) {
        if let Some(text) = text {
            self.bytes.extend_from_slice(text.as_bytes());
        }
        self.ends.push(self.bytes.len());
        self.valid.append(text.is_some());
    }

    /// Makes room for `times` as many texts and bytes as there are.
    pub(super) fn reserve(&mut self, times: usize) {
        self.bytes.reserve(self.bytes.len() * times);
        self.ends.reserve(self.ends.len() * times);
    }

    /// Text of a row; `None` if it is null or there is no such row.
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        let start = start(&self.ends, row);
        let bytes = self.bytes.get(start..*self.ends.get(row)?)?;
        core::str::from_utf8(bytes).ok().filter(|_| self.valid.is_valid(row))
    }

    /// Keeps the first `rows` texts.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.bytes.truncate(start(&self.ends, rows));
        self.ends.truncate(rows);
        self.valid.truncate(rows);
    }

    /// Array of the texts. Fails if they have more than 2^31 - 1 bytes altogether.
    pub(crate) fn finish(self) -> Result<StringArray, ArrowError> {
        let bytes = Bytes::from_vec(self.bytes);
        StringArray::try_new(offsets(&self.ends)?, bytes, self.valid.build())
    }
}

/// Start of row `row` in data that `ends` divides.
pub(super) fn start(ends: &[usize], row: usize) -> usize {
    let before = row.min(ends.len()).checked_sub(1);
    before.and_then(|before| ends.get(before)).copied().unwrap_or(0)
}

/// Arrow offsets for `ends`: a 0, then the ends. Arrow's `Utf8` and `List` have offsets of 32 bits,
/// and `envelope::MAX_BYTES` keeps pages far below that.
pub(super) fn offsets(ends: &[usize]) -> Result<OffsetBuffer<i32>, ArrowError> {
    let last = ends.last().copied().unwrap_or(0);
    let last = i32::try_from(last).map_err(|_| ArrowError::OffsetOverflowError(last))?;
    let mut offsets = Vec::with_capacity(ends.len() + 1);
    offsets.push(0);
    // No end is beyond the last one.
    offsets.extend(ends.iter().map(|end| i32::try_from(*end).unwrap_or(last)));
    Ok(OffsetBuffer::new(ScalarBuffer::from(offsets)))
}
