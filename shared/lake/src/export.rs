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

mod division;
mod folder;
mod snapshot;
mod split;

use arrow::error::ArrowError;
use decode::schema::TableSchema;
use delta::offload::offload;
use delta::store::{ObjectStore, StoreError};
use delta::table::Table;
use engine::schema::Column;
use parquet::errors::ParquetError;
use parquet::file::reader::Length as _;

use crate::partition::{FileContent, PartitionError, fetch, read};
use crate::progress::FileProgress;
pub use division::{ExportPart, NoPartition, PartitionBy};
use folder::ExportFolders;
pub use folder::FolderError;
use snapshot::{SUCCESS, SuccessMarker};
use split::FolderWriters;

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
    /// The table could not be read, or a new file could not be built.
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

/// Writes a snapshot of `table` into `target`, unless it exists there.
///
/// Memory: one file of the table, and a row group of new ones. Each file is told once.
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
        for (nth, (value, content)) in written.into_iter().enumerate() {
            let path = by.map(|by| folders.of(by, value.as_deref())).transpose()?;
            let path = path.unwrap_or_default();
            snapshot.files += 1;
            snapshot.bytes += content.len();
            let key = format!("{folder}/{path}part-{number:05}-{nth:05}.parquet");
            content.put(target, &key).await?;
        }
        progress.done(file);
    }
    target.put(&format!("{folder}/{SUCCESS}"), snapshot.document()?).await?;
    Ok(())
}

/// Splits the rows of one file by partition value; returns each value with the content of its file.
/// Large ones are on the disk.
fn divide(
    schema: &TableSchema,
    file: &delta::table::FileEntry,
    content: FileContent,
    by: Option<&PartitionBy>,
) -> Result<Vec<(Option<String>, FileContent)>, ExportError> {
    let mut split = FolderWriters::new(&schema.arrow, by)?;
    for batch in read(schema, file, content)? {
        split.add(&batch?)?;
    }
    split.finish()
}

#[cfg(test)]
pub(crate) mod tests;
