//! Rows of a page under construction, and the conditions for a record to become a row.
//!
//! A row must be found again by its key when the record is read the next time. So each required
//! member (ids) needs a value, and each member of the key must fit its column if it has a value.
//! Keys of reports may be null: a report has no currency without the permission to see rates.

use engine::key::{Key, KeyPart};
use engine::schema::{Column, ColumnSource, ColumnType};
use engine::spec::{Paging, PartitionSpec, StreamKind, StreamSpec};
use engine::time::Date;

use super::buffer::{Cells, ColumnBuffer, TextBuffer};
use super::error::PageError;
use super::name::push_name;
use super::observed::MemberDeviations;
use super::odd::OddValues;
use super::shape::ObjectShape;
use super::{QuarantinedRecord, ReadAt};
use crate::schema::TableSchema;

/// Facts about a stream that decoding needs, derived once from its declaration. Positions are those
/// among the columns of the record, which come first in the table.
#[derive(Debug)]
pub(super) struct RecordLayout {
    pub(super) schema: TableSchema,
    pub(super) shape: ObjectShape,
    identity: Vec<IdentityMember>,
    key: Vec<KeySource>,
    /// Date by which the listing is read, if it is read by days.
    keyset: Option<usize>,
    /// The record's own instant that its partition follows from, if declared.
    pub(super) placed_by: Option<usize>,
}

/// Member that belongs to the identity of a record. `path` is the one under which `odd` counts it.
#[derive(Debug)]
struct IdentityMember {
    cell: usize,
    path: String,
    required: bool,
}

/// Source of a part of the primary key: a cell of the record, or a fact that all rows of a page
/// share.
#[derive(Clone, Copy, Debug)]
enum KeySource {
    Cell(usize),
    Parent,
    PeriodStart,
    PeriodEnd,
}

/// Rows of a page so far. `cells` and `extra` have the same number of rows.
#[derive(Debug)]
pub(super) struct DecodedRows {
    pub(super) cells: Cells,
    pub(super) extra: TextBuffer,
    pub(super) observed: MemberDeviations,
    pub(super) quarantined: Vec<QuarantinedRecord>,
}

impl RecordLayout {
    /// Derives the facts from the declaration of `schema`.
    pub(super) fn of(schema: TableSchema) -> Self {
        let spec = schema.spec;
        let columns = &schema.columns;
        let at_path = |path: &[&str]| {
            columns.iter().position(
                |column| matches!(&column.source, ColumnSource::Record(source) if source == path),
            )
        };
        // A key part without a source would be left out, and keys of different rows could then be
        // equal. The assertion below catches such a declaration.
        let key = spec.primary_key.iter().filter_map(|name| {
            let index = schema.index_of(name)?;
            key_source(columns.get(index)?, index)
        });
        let key: Vec<KeySource> = key.collect();
        debug_assert_eq!(key.len(), spec.primary_key.len(), "key of {}", spec.name);
        let keyset = match keyset_field(spec) {
            Some(field) => at_path(&[field]),
            None => None,
        };
        let identity = columns.iter().enumerate().filter_map(|(cell, column)| {
            let in_key = spec.primary_key.contains(&column.name.as_str());
            let ColumnSource::Record(path) = &column.source else {
                return None;
            };
            (in_key || column.required).then(|| IdentityMember {
                cell,
                path: joined(path),
                required: column.required,
            })
        });
        Self {
            identity: identity.collect(),
            key,
            keyset,
            placed_by: spec.partition.instant().and_then(|name| at_path(&[name])),
            shape: ObjectShape::of(spec.fields),
            schema,
        }
    }

    /// Empty rows with a cell for each column of the record. These columns come first.
    pub(super) fn rows(&self) -> DecodedRows {
        let own = self.schema.columns.iter();
        let own = own.filter(|column| matches!(column.source, ColumnSource::Record(_)));
        DecodedRows {
            cells: Cells::new(own.map(|column| &column.ty)),
            extra: TextBuffer::new(),
            observed: MemberDeviations::default(),
            quarantined: Vec::new(),
        }
    }

    /// Ends the row that has been filled. If the record has no usable identity, drops the row and
    /// returns the reason.
    ///
    /// The row is closed before it is checked, because cells of missing members exist only then.
    pub(super) fn close(
        &self,
        rows: &mut DecodedRows,
        odd: &mut OddValues<'_>,
    ) -> Result<(), String> {
        // Position of the new row once it is closed.
        let row = rows.cells.rows();
        rows.cells.close();
        for member in &self.identity {
            let path = &member.path;
            // A misfit left null in the cell. For a key that may be null, such a row would pass for
            // the one without a value and replace it.
            let trouble = if odd.has_misfit_at(path) {
                "does not fit its column"
            } else if member.required && rows.cells.is_null(member.cell, row) {
                "is missing or null"
            } else {
                continue;
            };
            rows.cells.truncate(row);
            odd.clear();
            return Err(format!("`{path}` {trouble}"));
        }
        // Last, because nothing can be taken back from the counts.
        rows.extra.push(odd.settle(&mut rows.observed).as_deref());
        Ok(())
    }

    /// Primary key of each row. Fails only if `at` lacks the parent or period; see `check`.
    pub(super) fn keys(&self, rows: &DecodedRows, at: &ReadAt) -> Result<Vec<Key>, PageError> {
        let mut keys = Vec::with_capacity(rows.cells.rows());
        for row in 0..rows.cells.rows() {
            let mut parts = Vec::with_capacity(self.key.len());
            for source in &self.key {
                parts.push(match source {
                    KeySource::Cell(cell) => key_part(&rows.cells, *cell, row),
                    KeySource::Parent => {
                        KeyPart::Int(at.unit.parent().ok_or(PageError::NoParent)?.id)
                    }
                    KeySource::PeriodStart => {
                        KeyPart::Day(at.unit.period().ok_or(PageError::NoPeriod)?.start)
                    }
                    KeySource::PeriodEnd => {
                        KeyPart::Day(at.unit.period().ok_or(PageError::NoPeriod)?.end)
                    }
                });
            }
            keys.push(Key(parts));
        }
        Ok(keys)
    }

    /// Keyset date of each row; empty if the stream is not read by date. `None` for a row without a
    /// usable date, which no range of days can be proven to hold.
    pub(super) fn dates(&self, rows: &DecodedRows) -> Vec<Option<Date>> {
        let Some(ColumnBuffer::Date(days)) =
            self.keyset.and_then(|cell| rows.cells.buffers.get(cell))
        else {
            return Vec::new();
        };
        (0..rows.cells.rows()).map(|row| days.get(row).and_then(day)).collect()
    }

    /// Checks that the parent or period that rows need is given. After that, no key and no column
    /// can lack it.
    pub(super) fn check(&self, at: &ReadAt) -> Result<(), PageError> {
        let spec = self.schema.spec;
        if at.unit.parent().is_none() && matches!(spec.kind, StreamKind::PerParent(_)) {
            return Err(PageError::NoParent);
        }
        if at.unit.period().is_none()
            && (matches!(spec.kind, StreamKind::ReportWindow(_))
                || spec.partition == PartitionSpec::PeriodYear)
        {
            return Err(PageError::NoPeriod);
        }
        Ok(())
    }
}

/// Member by whose date a listing is read.
pub(super) fn keyset_field(spec: &StreamSpec) -> Option<&'static str> {
    match spec.paging() {
        Paging::DateKeyset { field, .. } => Some(field),
        Paging::Single | Paging::Cursor | Paging::Offset => None,
    }
}

/// Day that is `days` after 1 January 1970; `None` if `jiff` has no such day.
pub(super) fn day(days: i32) -> Option<Date> {
    let days = jiff::Span::new().try_days(days).ok()?;
    jiff::civil::date(1970, 1, 1).checked_add(days).ok()
}

/// Path of a member, in the form of `odd`.
fn joined(path: &[&str]) -> String {
    let mut joined = String::new();
    for (at, name) in path.iter().enumerate() {
        push_name(&mut joined, at == 0, name);
    }
    joined
}

/// Source of the key part in this column; `None` if a key cannot have it.
fn key_source(column: &Column, index: usize) -> Option<KeySource> {
    match (&column.source, &column.ty) {
        (ColumnSource::Record(_), ColumnType::Int | ColumnType::Text | ColumnType::Date) => {
            Some(KeySource::Cell(index))
        }
        (ColumnSource::Parent, _) => Some(KeySource::Parent),
        (ColumnSource::PeriodStart, _) => Some(KeySource::PeriodStart),
        (ColumnSource::PeriodEnd, _) => Some(KeySource::PeriodEnd),
        // Keys consist of ids, texts and days. `RecordLayout::of` asserts that a declaration has no
        // others.
        (
            ColumnSource::Record(_)
            | ColumnSource::Account
            | ColumnSource::SyncedAt
            | ColumnSource::Extra
            | ColumnSource::Partition
            | ColumnSource::Change,
            _,
        ) => None,
    }
}

/// Key part in this cell; null if the cell is.
fn key_part(cells: &Cells, cell: usize, row: usize) -> KeyPart {
    let part = match cells.buffers.get(cell) {
        Some(ColumnBuffer::Int(ids)) => ids.get(row).map(KeyPart::Int),
        Some(ColumnBuffer::Text(texts)) => {
            texts.get(row).map(|text| KeyPart::Text(text.to_owned()))
        }
        Some(ColumnBuffer::Date(days)) => days.get(row).and_then(day).map(KeyPart::Day),
        Some(
            ColumnBuffer::Bool(_)
            | ColumnBuffer::Instant(_)
            | ColumnBuffer::Decimal(..)
            | ColumnBuffer::List(_),
        )
        | None => None,
    };
    part.unwrap_or(KeyPart::Null)
}
