//! Files of the table of changes that a merge writes.
//!
//! Changes are written while the rows are merged, because only then are the old and the new version
//! at hand. All partitions of a merge share the same files, and all changes of a merge have the
//! same sequence.

use std::sync::Arc;

use delta::store::ObjectStore;
use delta::table::FileEntry;

use super::MergeJob;
use crate::blocking::{RewriteError, blocking};
use crate::changes::{ChangeEncoder, ChangesOf, DeferredChanges};
use crate::partition::{FileShelf, WrittenFile};

/// Changes of a merge, as files.
///
/// Rows are added on the thread that merges them, the shelf works on the one that stores files, so the
/// former are lent out for each group of slots.
#[derive(Debug)]
pub(super) struct ChangesWritten {
    shelf: FileShelf,
    /// `None` while the writing thread borrows them, and after an error there.
    pub(super) deferred: Option<DeferredChanges>,
    /// Partition of the changes, `YYYY-MM`.
    month: String,
    /// Files stored so far.
    pub(super) added: Vec<FileEntry>,
}

impl ChangesWritten {
    pub(super) fn new(
        store: Arc<dyn ObjectStore>,
        of: ChangesOf,
        job: &MergeJob,
    ) -> Result<Self, RewriteError> {
        let (root, column) = (of.schema.root(), of.schema.partition_column());
        let shelf = FileShelf::new(store, root, job.name.clone(), column, job.now);
        let month = of.month();
        let encoder = ChangeEncoder::new(of, job.limits)?;
        let deferred = Some(DeferredChanges::new(encoder, job.incoming.scratch()));
        Ok(Self { shelf, deferred, month, added: Vec::new() })
    }

    /// Stores a complete file. Nobody sees it before the commit names it.
    pub(super) async fn store(&mut self, file: WrittenFile) -> Result<(), RewriteError> {
        self.added.push(self.shelf.put(Some(&self.month), file).await?);
        Ok(())
    }

    /// Encodes the changes that wait, stores their files, and returns the entries of all.
    pub(super) async fn finish(mut self) -> Result<Vec<FileEntry>, RewriteError> {
        let mut encoding = self.deferred.take().map(DeferredChanges::files);
        while let Some(mut files) = encoding {
            let (left, full) = blocking(move || {
                let full = files.next()?;
                Ok((files, full))
            })
            .await?;
            encoding = full.is_some().then_some(left);
            for file in full.unwrap_or_default() {
                self.store(file).await?;
            }
        }
        Ok(self.added)
    }
}

/// A finished file on its way from the thread that encodes to the one that stores. Both kinds take
/// the same way, so that the encoder waits for either and finished files do not fill the memory.
#[derive(Debug)]
pub(super) enum FinishedFile {
    /// File of the table.
    Rows(WrittenFile),
    /// File of the table of changes.
    Changes(WrittenFile),
}
