//! Roles of the columns in partition files, and keys as bytes with the order of the keys.
//!
//! Code that merges or verifies rows works with batches of Arrow and knows no stream. A layout
//! tells it which columns are present, at which index, and what they mean: key, content, version,
//! parent, report window. It is derived from the declaration once for each merge.
//!
//! Keys are encoded by Arrow's row format: the bytes of two keys compare as the keys do, part by
//! part, nulls first, integers by value. `KeyPart` in `engine` has the same order, so that a key in
//! the log's tags and the bytes of a row can be compared.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Int64Array, PrimitiveArray, RecordBatch, StringArray,
};
use arrow::datatypes::{
    DataType, Date32Type, Field, Int64Type, Schema, SchemaRef, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use decode::RowLifter;
use decode::gather::column;
use decode::schema::TableSchema;
use engine::key::{Key, KeyPart};
use engine::schema::{Column, ColumnSource, SEQUENCE};

use super::keyed::{KeyedRows, day_of, epoch_day};

/// Choice of columns to read from a file or a sorted spill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnChoice {
    /// All columns that the table declares.
    All,
    /// Columns that identify a row and its version: keys, `updated_at`, `synced_at`, parent,
    /// period. A small part of the file; enough to decide which row stays.
    Versions,
}

/// Columns of rows on their way into or out of partition files: those of the table without the
/// partition column, or a selection of them.
#[derive(Debug)]
pub(crate) struct RowLayout {
    /// Name of the table.
    pub(crate) table: Arc<str>,
    /// Arrow schema of the columns.
    pub(crate) schema: SchemaRef,
    /// Indices of the key columns, in declared order.
    pub(crate) keys: Vec<usize>,
    /// Columns whose change counts as a change of the record: all but `synced_at`, volatile ones
    /// and the partition.
    pub(crate) content: Vec<usize>,
    /// Volatile columns. Only whether they have a value counts: one that is excluded later loses it.
    pub(crate) volatile: Vec<usize>,
    updated_at: Option<usize>,
    synced_at: Option<usize>,
    parent: Option<usize>,
    period: Option<(usize, usize)>,
    /// Encoder of keys.
    converter: RowConverter,
    /// Brings rows of older declarations up to the current one.
    lifter: Option<RowLifter>,
}

impl RowLayout {
    /// Layout of partition files.
    pub(crate) fn new(table: &TableSchema, columns: ColumnChoice) -> Result<Self, ArrowError> {
        let is_version = |column: &Column| {
            let name = column.name.as_str();
            let places = matches!(
                column.source,
                ColumnSource::SyncedAt
                    | ColumnSource::Parent
                    | ColumnSource::PeriodStart
                    | ColumnSource::PeriodEnd
            );
            places
                || table.spec.primary_key.contains(&name)
                || table.spec.cursor_field() == Some(name)
        };
        let stored = |column: &Column| column.source != ColumnSource::Partition;
        match columns {
            ColumnChoice::All => {
                Ok(Self { lifter: Some(RowLifter::of(table)), ..Self::of(table, stored)? })
            }
            ColumnChoice::Versions => {
                Self::of(table, |column| stored(column) && is_version(column))
            }
        }
    }

    /// Layout of partition files that leaves rows of older declarations as they are. For `verify`,
    /// which compares the log's statistics with what is in the file.
    pub(crate) fn as_stored(table: &TableSchema) -> Result<Self, ArrowError> {
        Self::of(table, |column| !matches!(column.source, ColumnSource::Partition))
    }

    /// Layout of decoded rows, which include the partition column. For rows that no file has yet.
    pub(crate) fn decoded(table: &TableSchema) -> Result<Self, ArrowError> {
        Self::of(table, |_| true)
    }

    /// Layout of the named columns of partition files, in the table's order. Without lifting: a
    /// value that is still in `extra_json` counts as null.
    pub(crate) fn named(table: &TableSchema, names: &[&str]) -> Result<Self, ArrowError> {
        Self::of(table, |column| names.contains(&column.name.as_str()))
    }

    /// Layout of a table of changes. Of several rows with one key, the highest sequence is the
    /// newest: the sequence takes the role of `synced_at`, and nothing that of `updated_at`.
    pub(crate) fn replayed(changes: &TableSchema) -> Result<Self, ArrowError> {
        let mut layout = Self::new(changes, ColumnChoice::All)?;
        layout.updated_at = None;
        layout.synced_at = Some(layout.schema.index_of(SEQUENCE)?);
        Ok(layout)
    }

    /// Layout of the columns that `wants` chooses. Roles whose column is not chosen are empty.
    fn of(table: &TableSchema, wants: impl Fn(&Column) -> bool) -> Result<Self, ArrowError> {
        let cursor_field = table.spec.cursor_field();
        let wanted: Vec<&Column> = table.columns.iter().filter(|column| wants(column)).collect();
        let mut fields = Vec::with_capacity(wanted.len());
        for column in &wanted {
            fields.push(Arc::new(table.arrow.field_with_name(&column.name)?.clone()));
        }
        let position =
            |source: &ColumnSource| wanted.iter().position(|column| column.source == *source);
        let named = |name: &str| wanted.iter().position(|column| column.name == name);
        let keys: Vec<usize> =
            table.spec.primary_key.iter().filter_map(|name| named(name)).collect();
        let places = |counts: fn(&Column) -> bool| -> Vec<usize> {
            let columns = wanted.iter().enumerate();
            columns.filter(|(_, column)| counts(column)).map(|(index, _)| index).collect()
        };
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let sort = keys.iter().filter_map(|&key| schema.fields().get(key)).map(sort_field);
        let converter = RowConverter::new(sort.collect())?;
        Ok(Self {
            table: Arc::clone(&table.name),
            content: places(changes_a_record),
            volatile: places(|column| column.volatile),
            updated_at: cursor_field.and_then(named),
            synced_at: position(&ColumnSource::SyncedAt),
            parent: position(&ColumnSource::Parent),
            period: position(&ColumnSource::PeriodStart).zip(position(&ColumnSource::PeriodEnd)),
            keys,
            schema,
            converter,
            lifter: None,
        })
    }

    /// Brings stored rows up to the current declaration, and returns whether any row changed.
    ///
    /// A field that Harvest adds is stored in `extra_json` until it is declared. From then on new
    /// rows have it in a column, while older files still have it in `extra_json`. Lifting at every
    /// reading makes both look alike, so that comparing them finds no change where there is none.
    pub(crate) fn lifted(&self, batch: RecordBatch) -> Result<(RecordBatch, bool), ArrowError> {
        let lifted = match &self.lifter {
            Some(lifter) => lifter.lift(&batch)?,
            None => None,
        };
        Ok(lifted.map_or((batch, false), |lifted| (lifted, true)))
    }

    /// Key columns of `batch` as bytes that sort like `Key`.
    pub(crate) fn key_rows(&self, batch: &RecordBatch) -> Result<Rows, ArrowError> {
        let mut columns = Vec::with_capacity(self.keys.len());
        for &key in &self.keys {
            columns.push(Arc::clone(column(batch, key)?));
        }
        self.converter.convert_columns(&columns)
    }

    /// Encodes `key` as `key_rows` does. `None` if its parts do not match the types of the columns:
    /// the tags of the file are then of no use, and the file counts as one in any order.
    pub(crate) fn key_bytes(&self, key: &Key) -> Option<Box<[u8]>> {
        if key.0.len() != self.keys.len() {
            return None;
        }
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.keys.len());
        for (part, &index) in key.0.iter().zip(&self.keys) {
            let ty = self.schema.fields().get(index)?.data_type();
            columns.push(match (part, ty) {
                (KeyPart::Null, ty) => arrow::array::new_null_array(ty, 1),
                (KeyPart::Int(id), DataType::Int64) => Arc::new(Int64Array::from(vec![*id])),
                (KeyPart::Day(day), DataType::Date32) => {
                    Arc::new(Date32Array::from(vec![epoch_day(*day)?]))
                }
                (KeyPart::Text(text), DataType::Utf8) => {
                    Arc::new(StringArray::from(vec![text.as_str()]))
                }
                (KeyPart::Int(_) | KeyPart::Day(_) | KeyPart::Text(_), _) => return None,
            });
        }
        let rows = self.converter.convert_columns(&columns).ok()?;
        Some(rows.row(0).as_ref().into())
    }

    /// Key of one row as a value, for tags and messages. Slow compared with `key_rows`; meant for
    /// first and last rows.
    pub(crate) fn key(&self, batch: &RecordBatch, row: usize) -> Result<Key, ArrowError> {
        let mut parts = Vec::with_capacity(self.keys.len());
        for &key in &self.keys {
            let column = column(batch, key)?;
            parts.push(if column.is_null(row) {
                KeyPart::Null
            } else if let Some(ids) = column.as_primitive_opt::<Int64Type>() {
                KeyPart::Int(ids.value(row))
            } else if let Some(days) = column.as_primitive_opt::<Date32Type>() {
                KeyPart::Day(day_of(days.value(row)))
            } else if let Some(texts) = column.as_string_opt::<i32>() {
                KeyPart::Text(texts.value(row).to_owned())
            } else {
                return Err(ArrowError::SchemaError(format!(
                    "column {key} of type {} cannot be part of a key",
                    column.data_type()
                )));
            });
        }
        Ok(Key(parts))
    }

    /// Adds keys and versions to the rows.
    ///
    /// # Errors
    /// When the rows do not have the columns of this layout.
    pub(crate) fn keyed(&self, batch: RecordBatch) -> Result<KeyedRows, ArrowError> {
        let keys = self.key_rows(&batch)?;
        let instants = |index: Option<usize>| -> Result<Option<_>, ArrowError> {
            let Some(index) = index else { return Ok(None) };
            let column = column(&batch, index)?;
            // A table of changes is ordered by a number, not by an instant.
            let numbers = column.as_primitive_opt::<Int64Type>();
            Ok(match column.as_primitive_opt::<TimestampMicrosecondType>() {
                Some(instants) => Some(instants.clone()),
                None => numbers.map(PrimitiveArray::reinterpret_cast),
            })
        };
        let days = |index: usize| -> Result<Option<_>, ArrowError> {
            Ok(column(&batch, index)?.as_primitive_opt::<Date32Type>().cloned())
        };
        let updated_at = instants(self.updated_at)?;
        let synced_at = instants(self.synced_at)?;
        let parent = match self.parent {
            Some(index) => column(&batch, index)?.as_primitive_opt::<Int64Type>().cloned(),
            None => None,
        };
        let period = match self.period {
            Some((start, end)) => days(start)?.zip(days(end)?),
            None => None,
        };
        let id = match self.keys.as_slice() {
            [index] => column(&batch, *index)?.as_primitive_opt::<Int64Type>().cloned(),
            _ => None,
        };
        Ok(KeyedRows { batch, keys, updated_at, synced_at, id, parent, period })
    }
}

/// Whether a new value in this column counts as a change of the record. The partition does not: it
/// only says where the row is stored.
fn changes_a_record(column: &Column) -> bool {
    !column.volatile && !matches!(column.source, ColumnSource::SyncedAt | ColumnSource::Partition)
}

fn sort_field(field: &Arc<Field>) -> SortField {
    SortField::new(field.data_type().clone())
}
