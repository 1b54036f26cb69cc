//! Opens the files of a table and stores new ones.
//!
//! A file is a single object: a small one is read with one request, a larger one in parts, through the
//! disk. Reading and storing are asynchronous; decoding, merging and encoding happen on a working
//! thread. Both overlap: while one file is stored, the next one is encoded.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use decode::schema::TableSchema;
use delta::offload::stays_on_this_thread;
use delta::store::ObjectStore;
use delta::table::FileEntry;
use engine::memory::FILES_WAITING;
use engine::precedence::Precedence;
use engine::report::RowCounts;
use tokio::sync::mpsc;

use super::MergeJob;
use super::changes::{ChangesWritten, FinishedFile};
use super::encode::FileEncoder;
use super::rows::MergedRows;
use super::slots::FileSlot;
use crate::blocking::{RewriteError, blocking};
use crate::collect::{CollectedRows, Collector, KeyBounds, KeyVersions, SpillMerge};
use crate::partition::{
    ColumnChoice, FileContent, FileLimits, FileShelf, RowLayout, fetch, open, open_spans, row_count,
};
use crate::walk::RowWalk;

/// Files of one table during one merge.
#[derive(Debug)]
pub(super) struct TableFiles {
    store: Arc<dyn ObjectStore>,
    root: String,
    pub(super) limits: FileLimits,
    pub(super) shelf: FileShelf,
    /// Files of changes; `None` if changes are not recorded.
    pub(super) changes: Option<ChangesWritten>,
    /// Column with the id of the parent, in tables of children.
    parent_column: Option<&'static str>,
    /// Folder of temporary files, for sorting files of other engines.
    scratch: Option<PathBuf>,
    /// Schema of the table.
    pub(super) schema: TableSchema,
    /// Layout with all columns.
    pub(super) whole: Arc<RowLayout>,
    /// Layout with keys and versions alone.
    versions: Arc<RowLayout>,
    /// File opened last, kept because most merges read a file several times: for the survey, the
    /// outlook and the rewriting. One file only, as memory must not grow with the table.
    last: Option<(String, FileContent)>,
}

/// Form of the files that a partition's rows are written into.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartitionOutput<'a> {
    pub(super) partition: Option<&'a str>,
    /// Number of rows of each file; the last one may have fewer.
    pub(super) each: u64,
    /// Whether all rows are inserts.
    pub(super) inserts: bool,
}

/// A slot with its files in memory, or its rows sorted into a spill. Can be walked any number of
/// times, at the same time by several walks.
#[derive(Clone, Debug)]
pub(super) struct OpenWriter {
    whole: Arc<RowLayout>,
    versions: Arc<RowLayout>,
    /// Path and content of each file, in key order.
    files: Vec<(String, FileContent)>,
    /// Sorted rows of files in any order; then `files` is empty.
    sorted: Option<Arc<CollectedRows>>,
}

impl OpenWriter {
    /// Rows of the slot in key order. Of files of other engines all columns are read, because their
    /// spill has all of them.
    ///
    /// A key that occurs repeatedly in such files is returned once, in its newest version.
    pub(super) fn cursor(&self, columns: ColumnChoice) -> RowWalk {
        if let Some(sorted) = &self.sorted {
            return RowWalk::new(Arc::clone(&self.whole), self.newest(sorted));
        }
        let layout = match columns {
            ColumnChoice::All => &self.whole,
            ColumnChoice::Versions => &self.versions,
        };
        let reading = Arc::clone(layout);
        let batches = self.files.clone().into_iter().flat_map(move |(path, content)| {
            let (stored, failed) = match open(&reading, &path, content) {
                Ok(stored) => (Some(stored), None),
                Err(error) => (None, Some(Err(error))),
            };
            stored.into_iter().flatten().chain(failed)
        });
        RowWalk::new(Arc::clone(layout), batches)
    }

    /// Rows of files in any order, each key once.
    fn newest(&self, sorted: &CollectedRows) -> SpillMerge {
        let newest = KeyVersions::Newest(Precedence::NewestChange);
        SpillMerge::new(&self.whole, sorted.runs(), None, KeyBounds::default(), None, newest)
    }

    /// Whether files of other engines hold a key repeatedly: rows that were appended to those of ours.
    /// Reads all of them.
    pub(super) async fn has_repeats(&self) -> Result<bool, RewriteError> {
        let Some(sorted) = &self.sorted else { return Ok(false) };
        let (all, once) = (sorted.rows(), self.newest(sorted));
        blocking(move || {
            let mut kept = 0;
            for rows in once {
                kept += rows?.num_rows() as u64;
            }
            Ok(kept < all)
        })
        .await
    }

    /// Whole rows of the slot's only file at `spans`, which are positions in it.
    pub(super) fn cursor_at(&self, spans: &[Range<usize>]) -> Result<RowWalk, RewriteError> {
        let Some((path, content)) = self.files.first() else {
            return Ok(RowWalk::empty(Arc::clone(&self.whole)));
        };
        let rows = open_spans(&self.whole, path, content.clone(), spans)?;
        Ok(RowWalk::new(Arc::clone(&self.whole), rows))
    }

    /// Number of rows in the files by their own footers, repeated keys included.
    pub(super) fn rows(&self) -> Result<u64, RewriteError> {
        if let Some(sorted) = &self.sorted {
            return Ok(sorted.rows());
        }
        let mut rows = 0;
        for (path, content) in &self.files {
            rows += row_count(&self.whole.table, path, content.clone())?;
        }
        Ok(rows)
    }
}

impl TableFiles {
    pub(super) fn new(store: Arc<dyn ObjectStore>, job: &MergeJob) -> Result<Self, RewriteError> {
        let spec = job.schema.spec;
        let parent_column = match &spec.kind {
            engine::spec::StreamKind::PerParent(parent) => Some(parent.parent_column),
            engine::spec::StreamKind::Listing(_)
            | engine::spec::StreamKind::Snapshot(_)
            | engine::spec::StreamKind::ReportWindow(_) => None,
        };
        Ok(Self {
            shelf: FileShelf::new(
                Arc::clone(&store),
                job.root.clone(),
                job.name.clone(),
                job.schema.partition_column(),
                job.now,
            ),
            changes: job
                .changes
                .clone()
                .map(|of| ChangesWritten::new(Arc::clone(&store), of, job))
                .transpose()?,
            store,
            root: job.root.clone(),
            limits: job.limits,
            parent_column,
            scratch: job.incoming.scratch(),
            schema: job.schema.clone(),
            whole: Arc::clone(job.incoming.layout()),
            versions: Arc::new(RowLayout::new(&job.schema, ColumnChoice::Versions)?),
            last: None,
        })
    }

    /// Least and greatest parent in the file, from its statistics; `None` if these do not tell it.
    /// The keys of most children are their own ids, so first and last key say nothing about
    /// parents.
    pub(super) fn parents_of(&self, file: &FileEntry) -> Option<(i64, i64)> {
        let column = self.parent_column?;
        let stats: serde_json::Value = serde_json::from_str(&file.stats).ok()?;
        let bound = |bounds: &str| stats.get(bounds)?.get(column)?.as_i64();
        let (least, greatest) = (bound("minValues")?, bound("maxValues")?);
        (least <= greatest).then_some((least, greatest))
    }

    /// Content of a file, compared with the log.
    pub(super) async fn content(&mut self, file: &FileEntry) -> Result<FileContent, RewriteError> {
        if let Some((last, content)) = &self.last
            && *last == file.path
        {
            return Ok(content.clone());
        }
        let content = fetch(self.store.as_ref(), &self.root, file).await?;
        self.last = Some((file.path.clone(), content.clone()));
        Ok(content)
    }

    /// Loads the files of a slot, and sorts their rows if they are in no order.
    ///
    /// # Errors
    /// When a file is missing, damaged, or not the one that the log names: nothing may be merged
    /// then, because the new file would replace the old one without its rows.
    pub(super) async fn open(&mut self, slot: &FileSlot) -> Result<OpenWriter, RewriteError> {
        let mut opened = OpenWriter {
            whole: Arc::clone(&self.whole),
            versions: Arc::clone(&self.versions),
            files: Vec::new(),
            sorted: None,
        };
        if slot.range.is_some() {
            for file in &slot.files {
                opened.files.push((file.path.clone(), self.content(file).await?));
            }
        } else if !slot.files.is_empty() {
            opened.sorted = Some(Arc::new(self.sort(slot).await?));
        }
        Ok(opened)
    }

    /// Collects the rows of all files of the slot, one file in memory at a time.
    async fn sort(&mut self, slot: &FileSlot) -> Result<CollectedRows, RewriteError> {
        let whole = Arc::clone(&self.whole);
        let limit = self.limits.sort_bytes;
        let mut collector = Collector::with_layout(whole, None, self.scratch.clone(), limit);
        for file in &slot.files {
            let content = self.content(file).await?;
            let (path, layout) = (file.path.clone(), Arc::clone(&self.whole));
            collector = blocking(move || {
                for rows in open(&layout, &path, content)? {
                    collector.push_into(None, rows?)?;
                }
                Ok(collector)
            })
            .await?;
        }
        blocking(move || Ok(collector.finish()?)).await
    }

    /// Writes the merged rows of neighbouring slots into files.
    ///
    /// Encoding and storing run at the same time and meet at a channel. If storing is slow, the
    /// encoder waits (`engine::memory` counts the files in memory).
    pub(super) async fn write(
        &mut self,
        output: PartitionOutput<'_>,
        parts: Vec<MergedRows>,
    ) -> Result<(RowCounts, Vec<FileEntry>), RewriteError> {
        let PartitionOutput { partition, each, inserts } = output;
        // On a single thread, files are received only after all are encoded, so the channel must
        // hold them.
        let (done, mut files) =
            mpsc::channel(if stays_on_this_thread() { 1 << 12 } else { FILES_WAITING });
        let (layout, limits) = (Arc::clone(&self.whole), self.limits);
        let changes = self.changes.as_mut().and_then(|changes| changes.deferred.take());
        let home = partition.map(str::to_owned);
        let copies = inserts && changes.as_ref().is_some_and(|changes| changes.copies(each));
        let encoding = blocking(move || {
            let writer = None;
            FileEncoder { layout, limits, each, writer, changes, copies, partition: home, done }
                .encode(parts)
        });
        let storing = async move {
            let mut added = Vec::new();
            // On an error `files` is dropped, which stops the encoder at its next file.
            while let Some(file) = files.recv().await {
                match file {
                    FinishedFile::Rows(file) => added.push(self.shelf.put(partition, file).await?),
                    FinishedFile::Changes(file) => {
                        if let Some(changes) = &mut self.changes {
                            changes.store(file).await?;
                        }
                    }
                }
            }
            Ok::<_, RewriteError>((added, self))
        };
        // The error of storing comes first: the encoder then fails, too, but only with `Stopped`.
        // Conversely a failed encoder closes the channel, and storing ends without an error.
        let (encoded, stored) = tokio::join!(encoding, storing);
        let (added, table) = stored?;
        let (counts, left) = encoded?;
        if let Some(changes) = &mut table.changes {
            changes.deferred = left;
        }
        Ok((counts, added))
    }
}
