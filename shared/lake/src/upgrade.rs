//! Rewrites files of older declarations by the current one.
//!
//! Reading lifts values from `extra_json` to their columns anyway, so our own programs see no
//! difference. Other engines read the Parquet files directly: for them a new column stays null in
//! old rows until their files are rewritten. An upgrade does that without asking Harvest. No value
//! changes, hence no row counts as changed.
//!
//! Erasing a person's data takes the same way, because it rewrites files row by row, too.

use std::sync::Arc;

use arrow::array::RecordBatch;
use decode::schema::TableSchema;
use delta::store::ObjectStore;
use delta::table::FileEntry;
use engine::time::Timestamp;

use crate::blocking::offloaded;
use crate::erase::Eraser;
use crate::partition::{
    ColumnChoice, FileContent, FileLimits, PartitionError, PartitionWriter, RowLayout, WrittenFile,
    fetch, open,
};

/// Rewrites files of one table whose `extra_json` holds values that have a column now, or whose
/// rows have data to erase.
#[derive(Debug)]
pub struct Upgrader {
    store: Arc<dyn ObjectStore>,
    root: String,
    layout: Arc<RowLayout>,
    /// Removes a person's data; `None` if there is nothing to erase.
    eraser: Option<Eraser>,
    /// Whether rows are in key order, so that the new file has first and last key in the log. Those
    /// of a table of changes are not.
    ordered: bool,
}

/// Reasons why a file could not be rewritten. Nothing is committed; the table stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// A file of the table could not be read or written.
    #[error(transparent)]
    Partition(#[from] PartitionError),
    /// Another file has the new file's name.
    #[error("`{0}` exists already, with other content")]
    Taken(String),
}

impl Upgrader {
    /// Upgrader for the table at `root`.
    ///
    /// # Errors
    /// When the schema has a key that cannot be sorted.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        root: &str,
        schema: &TableSchema,
    ) -> Result<Self, UpgradeError> {
        let layout = RowLayout::new(schema, ColumnChoice::All).map_err(PartitionError::from)?;
        let ordered = !schema.is_of_changes();
        Ok(Self { store, root: root.to_owned(), layout: Arc::new(layout), eraser: None, ordered })
    }

    /// Also rewrites files with data that `eraser` removes.
    #[must_use]
    pub fn erasing(self, eraser: Option<Eraser>) -> Self {
        Self { eraser, ..self }
    }

    /// Stores the replacement of `file` and returns it; `None` if it needs none. The new file has
    /// the same rows in the same order, and is in the same folder.
    ///
    /// `name` is the new file's name, without folder and extension. It must be a new one for each
    /// attempt.
    ///
    /// # Errors
    /// When the file cannot be read, or the new one cannot be stored.
    pub async fn upgrade(
        &self,
        file: &FileEntry,
        name: &str,
        now: Timestamp,
    ) -> Result<Option<FileEntry>, UpgradeError> {
        let content = fetch(self.store.as_ref(), &self.root, file).await?;
        let (layout, path) = (Arc::clone(&self.layout), file.path.clone());
        // Files of other engines may be in any order; the next merge of the partition sorts them.
        let (eraser, ordered) = (self.eraser.clone(), self.ordered && file.keys.is_some());
        let written = offloaded(move || {
            // Most files need no change, so the rows are checked before anything is encoded.
            let needed = needs_rewriting(&layout, eraser.as_ref(), &path, &content)?;
            needed.then(|| rewrite(&layout, eraser.as_ref(), ordered, &path, &content)).transpose()
        })
        .await;
        let Some(written) = written?? else {
            return Ok(None);
        };
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let slash = if folder.is_empty() { "" } else { "/" };
        let path = format!("{folder}{slash}{name}.parquet");
        let key = format!("{}/{path}", self.root);
        if !written.put_into(self.store.as_ref(), &key).await? {
            return Err(UpgradeError::Taken(key));
        }
        Ok(Some(written.entry(path, file.partition.as_deref(), now)))
    }
}

/// Whether the current declaration or the eraser changes any row. Stops at the first batch that
/// changes.
fn needs_rewriting(
    layout: &Arc<RowLayout>,
    eraser: Option<&Eraser>,
    path: &str,
    content: &FileContent,
) -> Result<bool, PartitionError> {
    let mut looking = open(layout, path, content.clone())?;
    loop {
        let more = looking.next().transpose()?;
        if looking.has_lifted() {
            return Ok(true);
        }
        let Some(rows) = more else {
            return Ok(false);
        };
        if erased(eraser, &rows)?.is_some() {
            return Ok(true);
        }
    }
}

/// Encodes all rows of the file anew. The rows are lifted by reading them. One file stays one file,
/// whatever the limits: a file that took all rows once takes them again.
fn rewrite(
    layout: &Arc<RowLayout>,
    eraser: Option<&Eraser>,
    ordered: bool,
    path: &str,
    content: &FileContent,
) -> Result<WrittenFile, PartitionError> {
    let (layout_of, limits) = (Arc::clone(layout), FileLimits::default());
    let mut writer = if ordered {
        PartitionWriter::new(layout_of, limits)
    } else {
        PartitionWriter::unordered(layout_of, limits)
    };
    for rows in open(layout, path, content.clone())? {
        let rows = rows?;
        writer.write(erased(eraser, &rows)?.as_ref().unwrap_or(&rows))?;
    }
    writer.finish()
}

/// Rows without the person's data; `None` if there is no eraser or nothing to erase.
fn erased(
    eraser: Option<&Eraser>,
    rows: &RecordBatch,
) -> Result<Option<RecordBatch>, PartitionError> {
    Ok(eraser.map(|eraser| eraser.erase(rows)).transpose()?.flatten())
}

#[cfg(test)]
mod tests;
