//! The files of the table: opened for reading, written anew.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use engine::report::Counts;
use engine::time::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::mpsc::{self, error::TrySendError};

use super::cursor::Cursor;
use super::plan::Slot;
use super::rows::MergedRows;
use super::{MergeError, MergeJob, blocking};
use crate::collect::{Bounds, Collected, Collector, Sorted};
use crate::offload::stays_on_this_thread;
use crate::partition::{Columns, Layout, Limits, PartitionWriter, Written, fetch, open, row_count};
use crate::store::{ObjectStore, PutIfAbsent};
use crate::table::FileEntry;

/// Folder of rows without a partition value.
const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// What stays as it is in the name of a partition's folder.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The files of one table during one merge.
#[derive(Debug)]
pub(super) struct TableFiles {
    store: Arc<dyn ObjectStore>,
    root: String,
    name: String,
    now: Timestamp,
    limits: Limits,
    partition_column: Option<&'static str>,
    parent_column: Option<&'static str>,
    scratch: Option<PathBuf>,
    whole: Arc<Layout>,
    versions: Arc<Layout>,
    /// Number of the next file.
    next: u32,
    /// The file opened last: most merges look at one file several times.
    last: Option<(String, Bytes)>,
}

/// A slot whose files are in memory, or sorted into a run.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    whole: Arc<Layout>,
    versions: Arc<Layout>,
    files: Vec<(String, Bytes)>,
    sorted: Option<Arc<Collected>>,
}

impl Opened {
    /// Its rows in key order.
    pub(super) fn cursor(&self, columns: Columns) -> Cursor {
        if let Some(sorted) = &self.sorted {
            let rows = Sorted::new(&self.whole, &[sorted], None, Bounds::default(), None);
            return Cursor::new(Arc::clone(&self.whole), rows);
        }
        let layout = match columns {
            Columns::All => &self.whole,
            Columns::Versions => &self.versions,
        };
        let reading = Arc::clone(layout);
        let batches = self.files.clone().into_iter().flat_map(move |(path, bytes)| {
            let (stored, failed) = match open(&reading, &path, bytes) {
                Ok(stored) => (Some(stored), None),
                Err(error) => (None, Some(Err(error))),
            };
            stored.into_iter().flatten().chain(failed)
        });
        Cursor::new(Arc::clone(layout), batches)
    }

    /// How many rows the files hold, repeated ones included.
    pub(super) fn rows(&self) -> Result<u64, MergeError> {
        if let Some(sorted) = &self.sorted {
            return Ok(sorted.rows());
        }
        let mut rows = 0;
        for (path, bytes) in &self.files {
            rows += row_count(path, bytes.clone())?;
        }
        Ok(rows)
    }
}

impl TableFiles {
    pub(super) fn new(store: Arc<dyn ObjectStore>, job: &MergeJob) -> Result<Self, MergeError> {
        let spec = job.schema.spec;
        let parent_column = match &spec.kind {
            engine::spec::Kind::PerParent(parent) => Some(parent.parent_column),
            engine::spec::Kind::Listing(_)
            | engine::spec::Kind::Snapshot(_)
            | engine::spec::Kind::ReportWindow(_) => None,
        };
        Ok(Self {
            store,
            root: job.root.clone(),
            name: job.name.clone(),
            now: job.now,
            limits: job.limits,
            partition_column: spec.partition.column(),
            parent_column,
            scratch: job.incoming.scratch(),
            whole: Arc::clone(job.incoming.layout()),
            versions: Arc::new(Layout::new(&job.schema, Columns::Versions)?),
            next: 0,
            last: None,
        })
    }

    /// The least and the greatest parent of the file's rows, from its statistics.
    pub(super) fn parents_of(&self, file: &FileEntry) -> Option<(i64, i64)> {
        let column = self.parent_column?;
        let stats: serde_json::Value = serde_json::from_str(&file.stats).ok()?;
        let bound = |bounds: &str| stats.get(bounds)?.get(column)?.as_i64();
        let (least, greatest) = (bound("minValues")?, bound("maxValues")?);
        (least <= greatest).then_some((least, greatest))
    }

    async fn bytes(&mut self, path: &str) -> Result<Bytes, MergeError> {
        if let Some((last, bytes)) = &self.last
            && last == path
        {
            return Ok(bytes.clone());
        }
        let bytes = fetch(self.store.as_ref(), &self.root, path).await?;
        self.last = Some((path.to_owned(), bytes.clone()));
        Ok(bytes)
    }

    /// Brings a slot's rows into reach.
    pub(super) async fn open(&mut self, slot: &Slot) -> Result<Opened, MergeError> {
        let mut opened = Opened {
            whole: Arc::clone(&self.whole),
            versions: Arc::clone(&self.versions),
            files: Vec::new(),
            sorted: None,
        };
        if slot.range.is_some() {
            for file in &slot.files {
                opened.files.push((file.path.clone(), self.bytes(&file.path).await?));
            }
        } else if !slot.files.is_empty() {
            opened.sorted = Some(Arc::new(self.sort(slot).await?));
        }
        Ok(opened)
    }

    async fn sort(&mut self, slot: &Slot) -> Result<Collected, MergeError> {
        let whole = Arc::clone(&self.whole);
        let limit = self.limits.sort_bytes;
        let mut collector = Collector::with_layout(whole, None, self.scratch.clone(), limit);
        for file in &slot.files {
            let bytes = self.bytes(&file.path).await?;
            let (path, layout) = (file.path.clone(), Arc::clone(&self.whole));
            collector = blocking(move || {
                for rows in open(&layout, &path, bytes)? {
                    collector.push_into(None, rows?)?;
                }
                Ok(collector)
            })
            .await?;
        }
        blocking(move || Ok(collector.finish()?)).await
    }

    /// Writes the outcome of neighbouring slots into files of `each` rows.
    pub(super) async fn write(
        &mut self,
        partition: Option<&str>,
        parts: Vec<MergedRows>,
        each: u64,
    ) -> Result<(Counts, Vec<FileEntry>), MergeError> {
        let (done, mut files) = mpsc::channel(if stays_on_this_thread() { 1 << 12 } else { 1 });
        let (layout, limits) = (Arc::clone(&self.whole), self.limits);
        let encoding =
            blocking(move || Encoder { layout, limits, each, writer: None, done }.encode(parts));
        let storing = async move {
            let mut added = Vec::new();
            // On an error `files` is dropped, which stops the encoder at its next file.
            while let Some(file) = files.recv().await {
                added.push(self.store_file(partition, file).await?);
            }
            Ok::<_, MergeError>(added)
        };
        let (encoded, stored) = tokio::join!(encoding, storing);
        let added = stored?;
        Ok((encoded?, added))
    }

    async fn store_file(
        &mut self,
        partition: Option<&str>,
        file: Written,
    ) -> Result<FileEntry, MergeError> {
        let folder = match (self.partition_column, partition) {
            (None, _) => String::new(),
            (Some(column), None) => format!("{column}={NULL_PARTITION}/"),
            (Some(column), Some(value)) => {
                format!("{column}={}/", utf8_percent_encode(value, PLAIN))
            }
        };
        loop {
            let path = format!("{folder}{}-{}.parquet", self.name, self.next);
            self.next += 1;
            let key = format!("{}/{path}", self.root);
            let is_there = match self.store.put_if_absent(&key, file.bytes.clone()).await? {
                PutIfAbsent::Stored => true,
                // Ours of a put whose answer was lost, or of an earlier merge of other rows.
                PutIfAbsent::Exists => self.store.get(&key).await?.as_ref() == Some(&file.bytes),
            };
            if is_there {
                return Ok(FileEntry {
                    path,
                    partition: partition.map(str::to_owned),
                    size: file.bytes.len() as u64,
                    modified: self.now,
                    rows: file.rows,
                    stats: file.stats,
                    keys: file.keys,
                });
            }
        }
    }
}

/// Turns rows into files, one at a time.
#[derive(Debug)]
struct Encoder {
    layout: Arc<Layout>,
    limits: Limits,
    each: u64,
    writer: Option<PartitionWriter>,
    done: mpsc::Sender<Written>,
}

impl Encoder {
    fn encode(mut self, parts: Vec<MergedRows>) -> Result<Counts, MergeError> {
        let mut counts = Counts::default();
        for mut rows in parts {
            while let Some(window) = rows.window()? {
                self.write(&window.rows(&self.layout)?)?;
            }
            counts = counts.plus(rows.counts());
        }
        self.close()?;
        Ok(counts)
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<(), MergeError> {
        let mut start = 0;
        while start < rows.num_rows() {
            let writer = if let Some(writer) = &mut self.writer {
                writer
            } else {
                let writer = PartitionWriter::new(Arc::clone(&self.layout), self.limits)?;
                self.writer.insert(writer)
            };
            let room = usize::try_from(self.each.saturating_sub(writer.rows()));
            let length = room.unwrap_or(usize::MAX).min(rows.num_rows() - start);
            writer.write(&rows.slice(start, length))?;
            start += length;
            if writer.rows() >= self.each {
                self.close()?;
            }
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), MergeError> {
        let Some(writer) = self.writer.take() else {
            return Ok(());
        };
        match self.done.try_send(writer.finish()?) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(file)) => {
                self.done.blocking_send(file).map_err(|_| MergeError::Stopped)
            }
            Err(TrySendError::Closed(_)) => Err(MergeError::Stopped),
        }
    }
}
