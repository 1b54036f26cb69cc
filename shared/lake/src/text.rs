//! Rows as text: CSV and JSON lines for other programs, and the newest rows for people.
//!
//! | value | CSV | JSON lines |
//! | --- | --- | --- |
//! | decimal | `7.500000` | `7.500000`, a number with all its digits |
//! | instant | `2026-01-31T09:30:00Z` | `"2026-01-31T09:30:00Z"` |
//! | list | JSON | JSON |
//! | null | nothing | `null` |
//!
//! No value passes through floating point. Memory: one file of the table, and a part of its rows.

mod cells;
mod newest;

use std::io;

use arrow::array::RecordBatch;
use arrow::csv::WriterBuilder as CsvBuilder;
use arrow::error::ArrowError;
use arrow::json::WriterBuilder as JsonBuilder;
use arrow::json::writer::LineDelimited;
use delta::table::Table;

pub use newest::{NewestRows, RowChoice, ShownColumn, newest};

use crate::blocking::offloaded;
use crate::partition::{PartitionError, fetch, read};
use crate::progress::FileProgress;

/// Most rows that are encoded at once.
const CHUNK_ROWS: usize = 1024;

/// Form of rows as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextForm {
    /// Values with commas between, as RFC 4180 quotes them, and a first line with the names. Lines
    /// end with a line feed.
    Csv,
    /// One JSON object in each line, with a member for each column.
    JsonLines,
}

/// Reason for which rows could not be written as text.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// The table could not be read.
    #[error(transparent)]
    Read(#[from] PartitionError),
    /// The text could not be written. The caller knows the place, and what helps.
    #[error("the rows could not be written")]
    Write(#[source] io::Error),
    /// Rows could not be encoded: a bug of this program.
    #[error("the rows could not be encoded as text")]
    Encode(#[source] ArrowError),
}

impl TextError {
    /// Whether a file of this version is gone, because a run replaced it: the newest version may
    /// be readable.
    #[must_use]
    pub const fn is_vanished(&self) -> bool {
        matches!(self, Self::Read(PartitionError::Missing { .. }))
    }
}

/// Passes all rows of `table` to `write`, part by part, and returns their number. A table without rows
/// is the line of names in CSV, and nothing in JSON. Each file is told once.
///
/// # Errors
/// When the table cannot be read, or `write` fails. Parts before are written by then.
pub async fn write_rows(
    table: &Table,
    form: TextForm,
    progress: &dyn FileProgress,
    mut write: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<u64, TextError> {
    let schema = table.schema().clone();
    let none = RecordBatch::new_empty(schema.arrow.clone());
    let first = encoded(&none, form, true).map_err(TextError::Encode)?;
    write(&first).map_err(TextError::Write)?;
    let mut count = 0;
    for file in table.files() {
        let content = fetch(&**table.store(), table.root(), file).await?;
        let mut rows = read(&schema, file, content)?;
        loop {
            // Rows travel to the thread that decodes them, and back.
            let step = offloaded(move || {
                let parts = rows.next().map(|batch| parts(&batch?, form));
                (rows, parts)
            });
            let (back, parts) = step.await?;
            rows = back;
            let Some(parts) = parts else { break };
            for (rows, part) in parts? {
                write(&part).map_err(TextError::Write)?;
                count += rows as u64;
            }
        }
        progress.done(file);
    }
    Ok(count)
}

/// Parts of a batch as text, each with its number of rows.
fn parts(batch: &RecordBatch, form: TextForm) -> Result<Vec<(usize, Vec<u8>)>, TextError> {
    let starts = (0..batch.num_rows()).step_by(CHUNK_ROWS);
    let part = |start: usize| {
        let rows = batch.slice(start, CHUNK_ROWS.min(batch.num_rows() - start));
        Ok((rows.num_rows(), encoded(&rows, form, false)?))
    };
    starts.map(part).collect::<Result<_, ArrowError>>().map_err(TextError::Encode)
}

fn encoded(rows: &RecordBatch, form: TextForm, names: bool) -> Result<Vec<u8>, ArrowError> {
    let mut text = Vec::new();
    let rows = &cells::with_offsets(rows)?;
    match form {
        TextForm::Csv => {
            let rows = cells::without_lists(rows)?;
            CsvBuilder::new().with_header(names).build(&mut text).write(&rows)?;
        }
        TextForm::JsonLines => {
            let builder = JsonBuilder::new().with_explicit_nulls(true);
            let mut writer = builder.build::<_, LineDelimited>(&mut text);
            writer.write(rows)?;
            writer.finish()?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
