//! Columns of a stream's table in the terms of Arrow, Delta and Parquet.
//!
//! `engine::schema` decides names, order and types; this module only translates them:
//!
//! | `ColumnType` | Arrow | Delta | Parquet |
//! | --- | --- | --- | --- |
//! | `Int` | `Int64` | `long` | `INT64` |
//! | `Text` | `Utf8` | `string` | `BYTE_ARRAY` (string) |
//! | `Bool` | `Boolean` | `boolean` | `BOOLEAN` |
//! | `Date` | `Date32` | `date` | `INT32` (days) |
//! | `Instant` | `Timestamp(us, UTC)` | `timestamp` | `INT64` (microseconds, UTC) |
//! | `Decimal` | `Decimal128(18, s)` | `decimal(18,s)` | `INT64` (unscaled) |
//! | lists | `List` | `array` | three-level list |
//!
//! Delta's `timestamp` is an instant in microseconds (Delta protocol, Primitive Types), which is
//! why instants have no finer unit here.

mod compare;
mod delta;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use engine::schema::{
    Column, ColumnSource, ColumnType, Member, change_columns, changes_doc, changes_name, columns,
};
use engine::spec::StreamSpec;

pub use compare::SchemaComparison;

/// Number of digits of a decimal column. 18 is the most that Parquet stores as `INT64` (Parquet
/// format, Logical Types, DECIMAL); with more, each value would be a byte array of fixed length.
pub(crate) const DECIMAL_DIGITS: u8 = 18;

/// Whether files have statistics for a column of this type. Text counts only as part of the key:
/// other texts are names and notes, which do not belong into the log. Flags and lists have none.
#[must_use]
pub fn is_counted(ty: &DataType, in_key: bool) -> bool {
    let ordered = matches!(
        ty,
        DataType::Int64
            | DataType::Date32
            | DataType::Timestamp(TimeUnit::Microsecond, _)
            | DataType::Decimal128(_, _)
    );
    ordered || (in_key && *ty == DataType::Utf8)
}

/// Schema of a stream's table, or of the table of its changes.
#[derive(Clone, Debug)]
pub struct TableSchema {
    /// Declaration that the schema derives from.
    pub spec: &'static StreamSpec,
    /// Name of the table: the stream's, or `<stream>_changes`.
    pub name: Arc<str>,
    /// Description of a row.
    pub doc: Arc<str>,
    /// All columns, including the partition column, in the order of the log. Those of the record
    /// are contiguous; in a stream's own table they come first.
    pub columns: Arc<[Column]>,
    /// Arrow schema of all columns, which decoded `RecordBatch`es have.
    pub arrow: SchemaRef,
}

impl TableSchema {
    /// Derives the schema from the declaration. Clones are cheap.
    #[must_use]
    pub fn of(spec: &'static StreamSpec) -> Self {
        Self::new(spec, spec.name.into(), spec.doc.into(), columns(spec))
    }

    /// Derives the schema of the table of changes: kind, time and sequence of the change, columns
    /// of the row, month.
    #[must_use]
    pub fn changes_of(spec: &'static StreamSpec) -> Self {
        let (name, doc) = (changes_name(spec), changes_doc(spec));
        Self::new(spec, name.into(), doc.into(), change_columns(spec))
    }

    fn new(spec: &'static StreamSpec, name: Arc<str>, doc: Arc<str>, columns: Vec<Column>) -> Self {
        let columns: Arc<[Column]> = columns.into();
        let fields: Fields = columns.iter().map(arrow_field).collect();
        let schema = Self { spec, name, doc, columns, arrow: Arc::new(Schema::new(fields)) };
        // A key column without a place would make keys shorter than declared, and rows collide.
        debug_assert_eq!(schema.key_indices().len(), spec.primary_key.len(), "{}", spec.name);
        schema
    }

    /// Whether the schema is that of a table of changes. Only such a table begins with a column of
    /// the change.
    #[must_use]
    pub fn is_of_changes(&self) -> bool {
        self.columns.first().is_some_and(|column| column.source == ColumnSource::Change)
    }

    /// Folder of the table in the lake.
    #[must_use]
    pub fn root(&self) -> String {
        format!("tables/{}", self.name)
    }

    /// Name of the partition column, if there is one.
    #[must_use]
    pub fn partition_column(&self) -> Option<&str> {
        let column = self.columns.iter().find(|column| column.source == ColumnSource::Partition)?;
        Some(&column.name)
    }

    /// Schema of the Parquet files: all columns except the partition column, whose value is in the
    /// log and in the file's path.
    #[must_use]
    pub fn file_schema(&self) -> SchemaRef {
        let fields: Fields = self
            .file_columns()
            .into_iter()
            .map(|index| Arc::new(self.arrow.field(index).clone()))
            .collect();
        Arc::new(Schema::new(fields))
    }

    /// Positions of the columns of `file_schema` among all columns.
    #[must_use]
    pub fn file_columns(&self) -> Vec<usize> {
        self.positions(|column| column.source != ColumnSource::Partition)
    }

    /// The Delta `schemaString`: JSON of all columns with their comments.
    #[must_use]
    pub fn delta_schema_json(&self) -> String {
        delta::schema_json(&self.columns)
    }

    /// Names for `partitionColumns` of the log: one or none.
    #[must_use]
    pub fn partition_columns(&self) -> Vec<String> {
        self.partition_column().into_iter().map(str::to_owned).collect()
    }

    /// Position of the column `name`.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Positions of the primary key's columns, in the order of the key.
    #[must_use]
    pub fn key_indices(&self) -> Vec<usize> {
        self.spec.primary_key.iter().filter_map(|name| self.index_of(name)).collect()
    }

    /// Position of the record's own `updated_at`; `None` for streams without one. Embedded objects
    /// have an `updated_at`, too (`user_assignment.updated_at`), so the path in the record decides,
    /// not the end of the name.
    #[must_use]
    pub fn updated_at_index(&self) -> Option<usize> {
        let source = ColumnSource::Record(vec![self.spec.cursor_field()?]);
        self.columns.iter().position(|column| column.source == source)
    }

    /// Position of `synced_at`, which every table has.
    #[must_use]
    pub fn synced_at_index(&self) -> Option<usize> {
        self.columns.iter().position(|column| column.source == ColumnSource::SyncedAt)
    }

    /// Positions of the columns whose change counts as a change of the row: those in files except
    /// `synced_at` and volatile ones. `synced_at` differs with each reading, and volatile columns
    /// hold links that Harvest makes anew each time. If they counted, each reading of an unchanged
    /// record would rewrite the file of its row.
    #[must_use]
    pub fn content_indices(&self) -> Vec<usize> {
        self.positions(|column| {
            !column.volatile
                && !matches!(column.source, ColumnSource::SyncedAt | ColumnSource::Partition)
        })
    }

    /// Compares the schema in a table's log with this one.
    ///
    /// # Errors
    /// When `schema_string` is not a Delta schema.
    pub fn compare(&self, schema_string: &str) -> Result<SchemaComparison, serde_json::Error> {
        compare::compare(&self.columns, schema_string)
    }

    /// Schema for a table that has only some of our columns: its columns in their present order,
    /// then the missing ones. Members of structs are treated the same way. Types and comments are
    /// the declared ones.
    ///
    /// # Errors
    /// When `schema_string` is not a Delta schema.
    pub fn extended_schema_json(&self, schema_string: &str) -> Result<String, serde_json::Error> {
        compare::extended(&self.columns, schema_string)
    }

    /// Names of the columns in a `schemaString`, in its order.
    ///
    /// # Errors
    /// When `schema_string` is not a Delta schema.
    pub fn names_in(schema_string: &str) -> Result<Vec<String>, serde_json::Error> {
        compare::names(schema_string)
    }

    /// Names of the columns that have statistics in the log. The partition column has none there:
    /// its value is exact in the log's entry of each file.
    #[must_use]
    pub fn counted_columns(&self) -> Vec<&str> {
        let columns = self.columns.iter().filter(|column| {
            let in_key = self.spec.primary_key.contains(&column.name.as_str());
            column.source != ColumnSource::Partition && is_counted(&arrow_type(&column.ty), in_key)
        });
        columns.map(|column| column.name.as_str()).collect()
    }

    fn positions(&self, wanted: impl Fn(&Column) -> bool) -> Vec<usize> {
        let all = self.columns.iter().enumerate();
        all.filter(|(_, column)| wanted(column)).map(|(index, _)| index).collect()
    }
}

/// Arrow type of a column. Items of lists are named `element`, so that the Parquet files have the
/// standard three-level form (Parquet format, Logical Types, Lists) and are read back with the same
/// type.
#[must_use]
pub fn arrow_type(ty: &ColumnType) -> DataType {
    match ty {
        ColumnType::Int => DataType::Int64,
        ColumnType::Text => DataType::Utf8,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Date => DataType::Date32,
        ColumnType::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::Decimal { scale } => DataType::Decimal128(DECIMAL_DIGITS, *scale),
        ColumnType::Texts => list_of(DataType::Utf8),
        ColumnType::Ints => list_of(DataType::Int64),
        ColumnType::Structs(members) => list_of(DataType::Struct(struct_fields(members))),
    }
}

/// Arrow fields of the structs in a list. All may be null: a required member would make one odd
/// item cost the whole record.
pub(crate) fn struct_fields(members: &[Member]) -> Fields {
    members
        .iter()
        .map(|member| Field::new(member.name.as_str(), arrow_type(&member.ty), true))
        .collect()
}

/// Arrow field of the items of a list.
pub(crate) fn element(ty: DataType) -> Arc<Field> {
    Arc::new(Field::new("element", ty, true))
}

fn list_of(ty: DataType) -> DataType {
    DataType::List(element(ty))
}

/// Arrow field of a column; only required columns forbid nulls.
fn arrow_field(column: &Column) -> Field {
    Field::new(column.name.as_str(), arrow_type(&column.ty), !column.required)
}

#[cfg(test)]
mod tests;
