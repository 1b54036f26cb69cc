//! Which columns of a partition file mean what, and keys as bytes that compare like keys.

use std::sync::Arc;

use arrow::array::TimestampMicrosecondArray;
use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{
    DataType, Date32Type, Field, Int64Type, Schema, SchemaRef, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use engine::coverage::Held;
use engine::key::{Key, KeyPart};
use engine::schema::{Column, Source};
use engine::time::{Date, SignedDuration, Timestamp};
use engine::window::Period;

use crate::schema::TableSchema;

/// Which columns are read from a file or a run of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// All that the table declares.
    All,
    /// What says which row it is and which version: keys, `updated_at`, `synced_at`, parent, period.
    Versions,
}

/// The columns of rows on their way into or out of partition files: the table's without the
/// partition column, all of them or the versions alone.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Their Arrow schema.
    pub(crate) schema: SchemaRef,
    /// The key, in declared order.
    pub(crate) keys: Vec<usize>,
    /// Columns whose change is a change of the record.
    pub(crate) content: Vec<usize>,
    updated_at: Option<usize>,
    synced_at: Option<usize>,
    parent: Option<usize>,
    period: Option<(usize, usize)>,
    converter: RowConverter,
}

impl Layout {
    /// The rows of partition files.
    pub(crate) fn new(table: &TableSchema, columns: Columns) -> Result<Self, ArrowError> {
        let is_version = |column: &Column| {
            let name = column.name.as_str();
            let places = matches!(
                column.source,
                Source::SyncedAt | Source::Parent | Source::PeriodStart | Source::PeriodEnd
            );
            places
                || table.spec.primary_key.contains(&name)
                || table.spec.cursor_field() == Some(name)
        };
        let stored = |column: &Column| column.source != Source::Partition;
        match columns {
            Columns::All => Self::of(table, stored),
            Columns::Versions => Self::of(table, |column| stored(column) && is_version(column)),
        }
    }

    /// Decoded rows: partition column included.
    pub(crate) fn decoded(table: &TableSchema) -> Result<Self, ArrowError> {
        Self::of(table, |_| true)
    }

    fn of(table: &TableSchema, wants: impl Fn(&Column) -> bool) -> Result<Self, ArrowError> {
        let cursor_field = table.spec.cursor_field();
        let wanted: Vec<&Column> = table
            .columns
            .iter()
            .filter(|column| wants(column))
            .collect();
        let mut fields = Vec::with_capacity(wanted.len());
        for column in &wanted {
            fields.push(Arc::new(table.arrow.field_with_name(&column.name)?.clone()));
        }
        let position = |source: &Source| wanted.iter().position(|column| column.source == *source);
        let named = |name: &str| wanted.iter().position(|column| column.name == name);
        let keys: Vec<usize> = table
            .spec
            .primary_key
            .iter()
            .filter_map(|name| named(name))
            .collect();
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let sort = keys
            .iter()
            .filter_map(|&key| schema.fields().get(key))
            .map(sort_field);
        let converter = RowConverter::new(sort.collect())?;
        Ok(Self {
            content: wanted
                .iter()
                .enumerate()
                .filter(|(_, column)| changes_a_record(column))
                .map(|(index, _)| index)
                .collect(),
            updated_at: cursor_field.and_then(named),
            synced_at: position(&Source::SyncedAt),
            parent: position(&Source::Parent),
            period: position(&Source::PeriodStart).zip(position(&Source::PeriodEnd)),
            keys,
            schema,
            converter,
        })
    }

    /// The key columns of `batch` as bytes whose order is the order of `Key`.
    pub(crate) fn key_rows(&self, batch: &RecordBatch) -> Result<Rows, ArrowError> {
        let mut columns = Vec::with_capacity(self.keys.len());
        for &key in &self.keys {
            columns.push(Arc::clone(column(batch, key)?));
        }
        self.converter.convert_columns(&columns)
    }

    /// `key` as the bytes that `key_rows` gives; `None` where its parts are not of the columns'
    /// types.
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

    /// The key of one row as a value.
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

    /// Rows with their keys and versions at hand.
    pub(crate) fn keyed(&self, batch: RecordBatch) -> Result<Keyed, ArrowError> {
        let keys = self.key_rows(&batch)?;
        let instants = |index: Option<usize>| -> Result<Option<_>, ArrowError> {
            let Some(index) = index else { return Ok(None) };
            Ok(column(&batch, index)?
                .as_primitive_opt::<TimestampMicrosecondType>()
                .cloned())
        };
        let days = |index: usize| -> Result<Option<_>, ArrowError> {
            Ok(column(&batch, index)?
                .as_primitive_opt::<Date32Type>()
                .cloned())
        };
        let updated_at = instants(self.updated_at)?;
        let synced_at = instants(self.synced_at)?;
        let parent = match self.parent {
            Some(index) => column(&batch, index)?
                .as_primitive_opt::<Int64Type>()
                .cloned(),
            None => None,
        };
        let period = match self.period {
            Some((start, end)) => days(start)?.zip(days(end)?),
            None => None,
        };
        Ok(Keyed {
            batch,
            keys,
            updated_at,
            synced_at,
            parent,
            period,
        })
    }
}

/// Whether another value in this column is a change of the record. The partition is where a row is
/// kept, not what it says.
fn changes_a_record(column: &Column) -> bool {
    !column.volatile && !matches!(column.source, Source::SyncedAt | Source::Partition)
}

/// Rows of one layout with their keys as bytes and what decides between versions.
#[derive(Debug)]
pub(crate) struct Keyed {
    pub(crate) batch: RecordBatch,
    pub(crate) keys: Rows,
    updated_at: Option<TimestampMicrosecondArray>,
    synced_at: Option<TimestampMicrosecondArray>,
    parent: Option<Int64Array>,
    period: Option<(Date32Array, Date32Array)>,
}

impl Keyed {
    pub(crate) fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// The key of a row that exists.
    pub(crate) fn key(&self, row: usize) -> &[u8] {
        self.keys.row(row).data()
    }

    /// The number of leading rows whose key is below `bound`; the rows are in key order.
    pub(crate) fn below(&self, bound: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.key(middle) < bound {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    pub(crate) fn version(&self, row: usize) -> Version {
        Version {
            updated_at: self
                .updated_at
                .as_ref()
                .and_then(|column| value(column, row)),
            read_at: self
                .synced_at
                .as_ref()
                .and_then(|column| value(column, row)),
        }
    }

    /// What coverage must know of the row; `None` where it has no `synced_at`: it is not deleted.
    pub(crate) fn held(&self, row: usize) -> Option<Held> {
        let micros = self
            .synced_at
            .as_ref()
            .and_then(|column| value(column, row))?;
        // Stored in whole microseconds: take the end of that microsecond, so that a row written
        // as a reading began does not look older than it.
        let synced_at = Timestamp::from_microsecond(micros).ok()?;
        let synced_at = engine::time::plus(synced_at, SignedDuration::from_nanos(999));
        let (parent, period) = self.unit(row);
        Some(Held {
            parent,
            period,
            synced_at,
        })
    }

    /// The parent and the report window that the row belongs to.
    pub(crate) fn unit(&self, row: usize) -> (Option<i64>, Option<Period>) {
        let parent = self
            .parent
            .as_ref()
            .filter(|c| c.is_valid(row))
            .map(|c| c.value(row));
        (parent, self.period(row))
    }

    fn period(&self, row: usize) -> Option<Period> {
        let (start, end) = self.period.as_ref()?;
        (start.is_valid(row) && end.is_valid(row)).then(|| Period {
            start: day_of(start.value(row)),
            end: day_of(end.value(row)),
        })
    }
}

fn value(column: &TimestampMicrosecondArray, row: usize) -> Option<i64> {
    column.is_valid(row).then(|| column.value(row))
}

/// What decides which of two versions of a record is the newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    updated_at: Option<i64>,
    /// `synced_at`, the order of reading.
    pub(crate) read_at: Option<i64>,
}

impl Version {
    /// Whether this version takes the place of `other`: the newest `updated_at` wins; where they
    /// are equal or one is missing the newest read does, and of reads at one instant this one.
    pub(crate) fn replaces(self, other: Self) -> bool {
        match (self.updated_at, other.updated_at) {
            (Some(ours), Some(theirs)) if ours != theirs => ours > theirs,
            (Some(_) | None, Some(_) | None) => self.read_at >= other.read_at,
        }
    }
}

/// The column at `index`, or an error where the rows are not of the expected schema.
pub(crate) fn column(batch: &RecordBatch, index: usize) -> Result<&ArrayRef, ArrowError> {
    batch.columns().get(index).ok_or_else(|| {
        ArrowError::SchemaError(format!(
            "rows have no column {index} of their table's schema"
        ))
    })
}

/// Days since 1970-01-01, as Arrow counts.
pub(crate) fn epoch_day(day: Date) -> Option<i32> {
    i32::try_from(day.duration_since(EPOCH).as_hours() / 24).ok()
}

/// The day that Arrow counts as `days` since 1970-01-01, held at the last representable one.
pub(crate) fn day_of(days: i32) -> Date {
    let by = SignedDuration::from_hours(i64::from(days) * 24);
    EPOCH
        .checked_add(by)
        .unwrap_or(if days < 0 { Date::MIN } else { Date::MAX })
}

const EPOCH: Date = Date::constant(1970, 1, 1);

fn sort_field(field: &Arc<Field>) -> SortField {
    SortField::new(field.data_type().clone())
}
