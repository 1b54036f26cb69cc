//! Exports plain Parquet for readers without Delta: a snapshot of one version, in Hive-style
//! folders.
//!
//! ```text
//! <stream>/version-0000000012-<id>/_SUCCESS
//! <stream>/version-0000000012-<id>/part-00000-00000.parquet
//! <stream>/version-0000000012-<id>-by-spent_month/spent_month=2024-01/part-00000-00000.parquet
//! ```
//!
//! Each snapshot has its own folder, named after the table's version and id. It is complete once it
//! contains `_SUCCESS`, which is written last and describes the snapshot. A complete snapshot is
//! not written again, so readers are not disturbed, unless it differs from its description or from
//! the table's columns today; then it is deleted first. If an export dies, the next one of the same
//! version deletes what it left and writes all files again.
//!
//! Files are not copied but decoded and encoded: the table's files lack the partition column, and
//! may be of older declarations.

mod folder;
mod snapshot;
mod split;

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use bytes::Bytes;
use decode::schema::TableSchema;
use delta::offload::offload;
use delta::store::{ObjectStore, StoreError};
use delta::table::Table;
use engine::schema::Column;
use parquet::errors::ParquetError;

use crate::partition::{FileContent, PartitionError, fetch, read};
use crate::progress::FileProgress;
use folder::ExportFolders;
pub use folder::FolderError;
use snapshot::{SUCCESS, SuccessMarker};
use split::FolderWriters;

/// Division of a snapshot into folders, chosen by the operator. It is independent of the partitions
/// of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionBy {
    /// Name of the partition column: a column of the table, or one derived from a date.
    pub name: String,
    /// Column that supplies the value.
    pub source: String,
    /// Part of the value that is used.
    pub part: ExportPart,
}

/// Part of a column's value that names a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportPart {
    /// Whole value: the column itself is the partition column and is left out of the files. A
    /// reader would otherwise find it twice, in the folder's name and in the file.
    Whole,
    /// `YYYY`
    Year,
    /// `YYYY-MM`
    Month,
    /// `YYYY-MM-DD`
    Day,
}

/// Error: the stream has no such column to divide by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{stream}` cannot be divided by `{name}`: name a column, or a date's year, month or day{}",
    such_as(near)
)]
pub struct NoPartition {
    /// The stream.
    pub stream: &'static str,
    /// Requested name.
    pub name: String,
    /// Available names.
    pub near: Vec<String>,
}

/// Returns examples as the end of a sentence; nothing without any.
fn such_as(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(", such as {}", names.join(", ")) }
}

/// An exported snapshot, as commands report it. With columns and partition, a caller can write the
/// statement that declares it as a table.
#[derive(Clone, Debug)]
pub struct ExportOutcome {
    /// Folder of the snapshot in the target.
    pub folder: String,
    /// Version of the table.
    pub version: u64,
    /// Number of files.
    pub files: u64,
    /// Number of rows, by the table's log.
    pub rows: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// Columns of the files, in order.
    pub columns: Vec<Column>,
    /// Name and Hive type of the partition column.
    pub partition: Option<(String, &'static str)>,
    /// Whether the snapshot existed already.
    pub existed: bool,
}

/// Reasons why an export failed. A target without `_SUCCESS` is no snapshot, so there is nothing to
/// clean up.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The table could not be read.
    #[error(transparent)]
    Read(#[from] PartitionError),
    /// The target could not be written.
    #[error("the export could not be written; the files so far are no snapshot: run again")]
    Write(#[from] StoreError),
    /// A value cannot have a folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The snapshot could not be described: a bug of this program.
    #[error("the snapshot could not be described")]
    Describe(#[from] serde_json::Error),
    /// Rows could not be encoded: a bug of this program.
    #[error("rows could not be encoded as Parquet")]
    Encode(#[from] ParquetError),
    /// Rows could not be divided: a bug of this program.
    #[error("rows could not be divided")]
    Divide(#[from] ArrowError),
    /// The work ended early: a bug of this program.
    #[error("the work ended early: {0}")]
    Died(String),
}

impl ExportError {
    /// Whether a file of this version is gone. The newest version may still be readable: a run
    /// replaced the file, and housekeeping deleted it, while the export read older ones.
    #[must_use]
    pub fn is_vanished(&self) -> bool {
        matches!(self, Self::Read(PartitionError::Missing { .. }))
    }
}

impl PartitionBy {
    /// Parses a name such as `spent_month`, `issue_year` or `client_id`.
    ///
    /// A column of this name comes first. Otherwise `<stem>_year`, `_month` or `_day` is a part of
    /// the column `<stem>_date`, `<stem>_at` or `<stem>`, whichever the table has: `spent_month` is
    /// the month of `spent_date`, `created_year` the year of `created_at`.
    ///
    /// # Errors
    /// When the table has no such column.
    pub fn parse(schema: &TableSchema, name: &str) -> Result<Self, NoPartition> {
        let column = |name: &str| schema.columns.iter().find(|column| column.name == name);
        let divides = |ty: &DataType| {
            matches!(ty, DataType::Int64 | DataType::Utf8 | DataType::Boolean | DataType::Date32)
        };
        let whole =
            schema.arrow.field_with_name(name).is_ok_and(|field| divides(field.data_type()));
        if whole {
            return Ok(Self {
                name: name.to_owned(),
                source: name.to_owned(),
                part: ExportPart::Whole,
            });
        }
        let parts =
            [("_year", ExportPart::Year), ("_month", ExportPart::Month), ("_day", ExportPart::Day)];
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
        // The error suggests the months of dates, which most people want, or of instants, and the
        // table's own partition.
        let of_type = |wanted: fn(&DataType) -> bool| {
            let fields =
                schema.arrow.fields().iter().filter(move |field| wanted(field.data_type()));
            let stem =
                |name: &str| name.trim_end_matches("_date").trim_end_matches("_at").to_owned();
            fields.map(|field| format!("`{}_month`", stem(field.name()))).collect::<Vec<_>>()
        };
        let mut near = of_type(|ty| *ty == DataType::Date32);
        if near.is_empty() {
            near = of_type(|ty| matches!(ty, DataType::Timestamp(..)));
        }
        let mut near: Vec<String> = near
            .into_iter()
            .chain(schema.spec.partition.column().map(|name| format!("`{name}`")))
            .collect();
        near.dedup();
        Err(NoPartition { stream: schema.spec.name, name: name.to_owned(), near })
    }

    /// Hive type of the partition column. Parts of dates are texts, such as `2024-01`.
    fn hive_type(&self, schema: &TableSchema) -> &'static str {
        let field = schema.arrow.field_with_name(&self.source);
        match (self.part, field.map(arrow::datatypes::Field::data_type)) {
            (ExportPart::Whole, Ok(DataType::Int64)) => "bigint",
            (ExportPart::Whole, Ok(DataType::Date32)) => "date",
            (ExportPart::Whole, Ok(DataType::Boolean)) => "boolean",
            _ => "string",
        }
    }
}

/// Writes a snapshot of `table` into `target`, unless it exists there.
///
/// Memory: one file of the table, and its rows encoded anew. Each file is told once.
///
/// # Errors
/// When the table cannot be read or the target cannot be written. The snapshot is then incomplete
/// and without `_SUCCESS`.
pub async fn export(
    table: &Table,
    by: Option<&PartitionBy>,
    target: &dyn ObjectStore,
    progress: &dyn FileProgress,
) -> Result<ExportOutcome, ExportError> {
    let schema = table.schema().clone();
    let dropped = by.filter(|by| by.part == ExportPart::Whole).map(|by| by.name.as_str());
    let columns: Vec<Column> = schema
        .columns
        .iter()
        .filter(|column| Some(column.name.as_str()) != dropped)
        .cloned()
        .collect();
    let mut snapshot = SuccessMarker::of(table, &columns);
    let divided = by.map(|by| format!("-by-{}", by.name)).unwrap_or_default();
    let folder = format!("{}/{}{divided}", schema.spec.name, snapshot.folder());
    let existed = is_there(&mut snapshot, &folder, target).await?;
    if existed {
        for file in table.files() {
            progress.done(file);
        }
    } else {
        write(table, by, target, &folder, &mut snapshot, progress).await?;
    }
    Ok(ExportOutcome {
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

/// Whether the complete snapshot exists. Otherwise deletes what is in its folder: files of an
/// export that died may hold rows of a table that was put back since, and names that the new ones
/// lack.
async fn is_there(
    snapshot: &mut SuccessMarker,
    folder: &str,
    target: &dyn ObjectStore,
) -> Result<bool, StoreError> {
    let success = format!("{folder}/{SUCCESS}");
    let document = target.get(&success).await?;
    let listed = target.list(&format!("{folder}/"), None).await?;
    if let Some(found) = document.and_then(|document| snapshot.found(&document, &listed)) {
        *snapshot = found;
        return Ok(true);
    }
    // Without `_SUCCESS` the folder stops counting as a snapshot before files disappear.
    let (marks, files): (Vec<_>, Vec<_>) =
        listed.into_iter().partition(|object| object.key == success);
    for object in marks.iter().chain(&files) {
        target.delete(&object.key).await?;
    }
    Ok(false)
}

/// Writes the files, then `_SUCCESS`. Readers that wait for `_SUCCESS` never see a part of a
/// snapshot.
async fn write(
    table: &Table,
    by: Option<&PartitionBy>,
    target: &dyn ObjectStore,
    folder: &str,
    snapshot: &mut SuccessMarker,
    progress: &dyn FileProgress,
) -> Result<(), ExportError> {
    let mut folders = ExportFolders::default();
    for (number, file) in table.files().iter().enumerate() {
        let content = fetch(&**table.store(), table.root(), file).await?;
        let (schema, entry, own) = (table.schema().clone(), file.clone(), by.cloned());
        let written = offload(move || divide(&schema, &entry, content, own.as_ref())).await;
        let written = written.map_err(|error| ExportError::Died(error.to_string()))??;
        // Numbered names keep files apart even if the file system treats two folder names as equal.
        for (nth, (value, bytes)) in written.into_iter().enumerate() {
            let path = by.map(|by| folders.of(by, value.as_deref())).transpose()?;
            let path = path.unwrap_or_default();
            snapshot.files += 1;
            snapshot.bytes += bytes.len() as u64;
            target.put(&format!("{folder}/{path}part-{number:05}-{nth:05}.parquet"), bytes).await?;
        }
        progress.done(file);
    }
    target.put(&format!("{folder}/{SUCCESS}"), snapshot.document()?).await?;
    Ok(())
}

/// Splits the rows of one file by partition value; returns each value with the content of its file.
fn divide(
    schema: &TableSchema,
    file: &delta::table::FileEntry,
    content: FileContent,
    by: Option<&PartitionBy>,
) -> Result<Vec<(Option<String>, Bytes)>, ExportError> {
    let mut split = FolderWriters::new(&schema.arrow, by)?;
    for batch in read(schema, file, content)? {
        split.add(&batch?)?;
    }
    split.finish()
}

#[cfg(test)]
pub(crate) mod tests;
