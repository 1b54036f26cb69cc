//! Plain Parquet for readers without Delta: a snapshot of one version, in Hive-style folders.
//!
//! A snapshot has a folder of its own, named by the table's id and version, and is complete when it
//! holds `_SUCCESS`, which is written last and says of what it was made. Nothing in it ever changes:
//! readers of an older one are not disturbed, and an export that died is taken up where the next one
//! finds it.

mod folder;
mod snapshot;
mod split;

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use bytes::Bytes;
use engine::schema::Column;
use parquet::errors::ParquetError;

use crate::offload::offload;
use crate::partition::{PartitionError, fetch, read};
use crate::schema::TableSchema;
use crate::store::{ObjectStore, StoreError};
use crate::table::Table;
use folder::Folders;
pub use folder::TooLong;
use snapshot::{SUCCESS, Snapshot};
use split::Split;

/// How a snapshot is divided into folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionBy {
    /// Name of the partition column: of a column of the table, or one that is made of a date.
    pub name: String,
    /// The column that it is made of.
    pub source: String,
    /// How much of the day it shows.
    pub part: Part,
}

/// What of a column's value the partition shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it: the column itself is the partition column and leaves the files.
    Whole,
    /// `YYYY`
    Year,
    /// `YYYY-MM`
    Month,
    /// `YYYY-MM-DD`
    Day,
}

/// There is no such column to divide by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{stream}` cannot be divided by `{name}`: name a column, or a date's year, month or day, such \
     as {}",
    near.join(", ")
)]
pub struct NoPartition {
    /// The stream.
    pub stream: &'static str,
    /// What was asked for.
    pub name: String,
    /// What there is.
    pub near: Vec<String>,
}

/// A snapshot.
#[derive(Clone, Debug)]
pub struct Exported {
    /// Its folder in the target.
    pub folder: String,
    /// The table's version.
    pub version: u64,
    /// Files.
    pub files: u64,
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    /// Columns in the files, in order.
    pub columns: Vec<Column>,
    /// Name and Hive type of the partition column.
    pub partition: Option<(String, &'static str)>,
    /// Whether it was there already.
    pub existed: bool,
}

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The table could not be read.
    #[error(transparent)]
    Read(#[from] PartitionError),
    /// The target could not be written.
    #[error("the export could not be written; what is there of it is no snapshot, run again")]
    Write(#[from] StoreError),
    /// A value has no folder.
    #[error(transparent)]
    Folder(#[from] TooLong),
    /// The snapshot could not be described: a mistake in this program.
    #[error("the snapshot could not be described")]
    Describe(#[from] serde_json::Error),
    /// Rows could not be encoded: a mistake in this program.
    #[error("rows could not be encoded as Parquet")]
    Encode(#[from] ParquetError),
    /// Rows could not be divided: a mistake in this program.
    #[error("rows could not be divided")]
    Divide(#[from] ArrowError),
    /// The work ended early: a mistake in this program.
    #[error("the work ended early: {0}")]
    Died(String),
}

impl ExportError {
    /// Whether a file was gone that the version in hand names: the newest one may do.
    #[must_use]
    pub fn is_vanished(&self) -> bool {
        matches!(self, Self::Read(PartitionError::Missing { .. }))
    }
}

impl PartitionBy {
    /// Reads `spent_month`, `issue_year`, `client_id` and the like.
    ///
    /// # Errors
    /// Where the table has nothing of that name.
    pub fn parse(schema: &TableSchema, name: &str) -> Result<Self, NoPartition> {
        let column = |name: &str| schema.columns.iter().find(|column| column.name == name);
        let divides = |ty: &DataType| {
            matches!(ty, DataType::Int64 | DataType::Utf8 | DataType::Boolean | DataType::Date32)
        };
        let whole =
            schema.arrow.field_with_name(name).is_ok_and(|field| divides(field.data_type()));
        if whole {
            return Ok(Self { name: name.to_owned(), source: name.to_owned(), part: Part::Whole });
        }
        let parts = [("_year", Part::Year), ("_month", Part::Month), ("_day", Part::Day)];
        for (ending, part) in parts {
            let Some(stem) = name.strip_suffix(ending) else { continue };
            for source in [format!("{stem}_date"), format!("{stem}_at"), stem.to_owned()] {
                let dated = schema.arrow.field_with_name(&source).is_ok_and(|field| {
                    matches!(field.data_type(), DataType::Date32 | DataType::Timestamp(..))
                });
                if dated && column(&source).is_some() {
                    return Ok(Self { name: name.to_owned(), source, part });
                }
            }
        }
        let dates = schema.arrow.fields().iter().filter(|f| *f.data_type() == DataType::Date32);
        let mut near: Vec<String> = dates
            .map(|field| format!("`{}_month`", field.name().trim_end_matches("_date")))
            .chain(schema.spec.partition.column().map(|name| format!("`{name}`")))
            .collect();
        near.dedup();
        Err(NoPartition { stream: schema.spec.name, name: name.to_owned(), near })
    }

    /// The type of the partition column, as Hive names it.
    fn hive_type(&self, schema: &TableSchema) -> &'static str {
        let field = schema.arrow.field_with_name(&self.source);
        match (self.part, field.map(arrow::datatypes::Field::data_type)) {
            (Part::Whole, Ok(DataType::Int64)) => "bigint",
            (Part::Whole, Ok(DataType::Date32)) => "date",
            (Part::Whole, Ok(DataType::Boolean)) => "boolean",
            _ => "string",
        }
    }
}

/// Writes a snapshot of `table` into `target`, unless the same is there already.
///
/// # Errors
/// Where the table cannot be read or the target not be written.
pub async fn export(
    table: &Table,
    by: Option<&PartitionBy>,
    target: &dyn ObjectStore,
) -> Result<Exported, ExportError> {
    let schema = table.schema().clone();
    let dropped = by.filter(|by| by.part == Part::Whole).map(|by| by.name.as_str());
    let columns: Vec<Column> = schema
        .columns
        .iter()
        .filter(|column| Some(column.name.as_str()) != dropped)
        .cloned()
        .collect();
    let mut snapshot = Snapshot::of(table, &columns);
    let divided = by.map(|by| format!("-by-{}", by.name)).unwrap_or_default();
    let folder = format!("{}/{}{divided}", schema.spec.name, snapshot.folder());
    let existed = is_there(&mut snapshot, &folder, target).await?;
    if !existed {
        write(table, by, target, &folder, &mut snapshot).await?;
    }
    Ok(Exported {
        folder,
        version: table.version(),
        files: snapshot.files,
        rows: table.rows(),
        bytes: snapshot.bytes,
        columns,
        partition: by.map(|by| (by.name.clone(), by.hive_type(&schema))),
        existed,
    })
}

/// Whether the snapshot is there, complete. What is there in its place and is not it goes.
async fn is_there(
    snapshot: &mut Snapshot,
    folder: &str,
    target: &dyn ObjectStore,
) -> Result<bool, StoreError> {
    let success = format!("{folder}/{SUCCESS}");
    let Some(document) = target.get(&success).await? else { return Ok(false) };
    let listed = target.list(&format!("{folder}/"), None).await?;
    if let Some(found) = snapshot.found(&document, &listed) {
        *snapshot = found;
        return Ok(true);
    }
    // Without its mark it is no snapshot from here on.
    target.delete(&success).await?;
    for object in listed.iter().filter(|object| object.key != success) {
        target.delete(&object.key).await?;
    }
    Ok(false)
}

/// Writes the files and then the mark.
async fn write(
    table: &Table,
    by: Option<&PartitionBy>,
    target: &dyn ObjectStore,
    folder: &str,
    snapshot: &mut Snapshot,
) -> Result<(), ExportError> {
    let mut folders = Folders::default();
    for (number, file) in table.files().iter().enumerate() {
        let bytes = fetch(&**table.store(), table.root(), file).await?;
        let (schema, file, own) = (table.schema().clone(), file.clone(), by.cloned());
        let written = offload(move || divide(&schema, &file, bytes, own.as_ref())).await;
        let written = written.map_err(|error| ExportError::Died(error.to_string()))??;
        // Where a file system takes two values for one name, their files still differ.
        for (nth, (value, bytes)) in written.into_iter().enumerate() {
            let path = by.map(|by| folders.of(by, value.as_deref())).transpose()?;
            let path = path.unwrap_or_default();
            snapshot.files += 1;
            snapshot.bytes += bytes.len() as u64;
            target.put(&format!("{folder}/{path}part-{number:05}-{nth:05}.parquet"), bytes).await?;
        }
    }
    target.put(&format!("{folder}/{SUCCESS}"), snapshot.document()?).await?;
    Ok(())
}

/// The rows of one file, as files of their own per partition: its value and their content.
fn divide(
    schema: &TableSchema,
    file: &crate::table::FileEntry,
    bytes: Bytes,
    by: Option<&PartitionBy>,
) -> Result<Vec<(Option<String>, Bytes)>, ExportError> {
    let mut split = Split::new(&schema.arrow, by)?;
    for batch in read(schema, file, bytes)? {
        split.add(&batch?)?;
    }
    split.finish()
}

#[cfg(test)]
mod tests;
