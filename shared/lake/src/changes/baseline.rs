//! Baselines: all rows of a table as inserts, with which a table of changes begins or begins anew.
//!
//! A table of changes that missed a commit cannot be mended: the old versions of the rows are gone.
//! It begins anew with what the stream's table has now. Readers notice that the least sequence is
//! greater than the last one they saw, and start over.

use std::sync::Arc;

use decode::schema::TableSchema;
use delta::store::ObjectStore;
use delta::table::FileEntry;

use super::{ChangeEncoder, ChangeOp, ChangesOf};
use crate::blocking::{RewriteError, blocking};
use crate::partition::{ColumnChoice, FileLimits, FileShelf, RowLayout, fetch, open};

/// A baseline being written. Full files are stored at once, so that memory does not grow with the
/// table; nothing is committed.
#[derive(Debug)]
pub struct BaselineWriter {
    store: Arc<dyn ObjectStore>,
    /// Layout of the stream's files.
    layout: Arc<RowLayout>,
    /// Folder of the stream's table.
    root: String,
    encoder: ChangeEncoder,
    shelf: FileShelf,
    /// Partition of the baseline, `YYYY-MM`.
    month: String,
    /// Files stored so far.
    files: Vec<FileEntry>,
}

impl BaselineWriter {
    /// Empty baseline of the table with `schema`. `name` is the first part of its files' names,
    /// `<epoch>-<sequence>-<attempt>`.
    ///
    /// # Errors
    /// When the schema cannot be written.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        schema: &TableSchema,
        of: ChangesOf,
        name: String,
        limits: FileLimits,
    ) -> Result<Self, RewriteError> {
        let (root, month) = (of.schema.root(), of.month());
        let column = of.schema.partition_column();
        let shelf = FileShelf::new(Arc::clone(&store), root, name, column, of.at);
        Ok(Self {
            store,
            layout: Arc::new(RowLayout::new(schema, ColumnChoice::All)?),
            root: schema.root(),
            encoder: ChangeEncoder::new(of, limits)?,
            shelf,
            month,
            files: Vec::new(),
        })
    }

    /// Adds the rows of one file of the stream's table.
    ///
    /// After an error the baseline is lost, and with it the encoder; the caller begins again with
    /// new names.
    ///
    /// # Errors
    /// When the file cannot be read, or a file of the baseline cannot be stored.
    pub async fn add(mut self, file: &FileEntry) -> Result<Self, RewriteError> {
        let content = fetch(self.store.as_ref(), &self.root, file).await?;
        let mut rows = open(&self.layout, &file.path, content)?;
        let partition = file.partition.clone();
        loop {
            let mut encoder = self.encoder;
            let partition = partition.clone();
            // Stopping at each full file keeps only one in memory. The reader and the encoder move
            // to the working thread and back.
            let (encoder, left, full) = blocking(move || {
                let mut full = Vec::new();
                while full.is_empty()
                    && let Some(batch) = rows.next().transpose()?
                {
                    let ops = vec![ChangeOp::Insert; batch.num_rows()];
                    full = encoder.add(&ops, &batch, partition.as_deref())?;
                }
                Ok((encoder, rows, full))
            })
            .await?;
            (self.encoder, rows) = (encoder, left);
            // No full file means that the rows are at their end.
            let ended = full.is_empty();
            for file in full {
                self.files.push(self.shelf.put(Some(&self.month), file).await?);
            }
            if ended {
                return Ok(self);
            }
        }
    }

    /// Stores the last file and returns all files of the baseline. An empty table has none.
    ///
    /// # Errors
    /// When the last file cannot be stored.
    pub async fn finish(mut self) -> Result<Vec<FileEntry>, RewriteError> {
        for file in self.encoder.finish()? {
            self.files.push(self.shelf.put(Some(&self.month), file).await?);
        }
        Ok(self.files)
    }
}
