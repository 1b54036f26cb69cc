//! Sorted spills: rows by partition and key, in memory or in a temporary file.
//!
//! A spill is a list of chunks, each an Arrow batch with rows of one partition. In a file, chunk
//! *n* is record batch *n* of an Arrow IPC file, whose footer tells where each batch begins. So the
//! chunks of one partition or key range are read without the others.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use decode::gather::{RowPick, gather};

use super::spill_file::{SpillFile, TakesChunk, missing_chunk};
use super::{CollectError, KeyRange};
use crate::partition::RowLayout;
use crate::scratch::ScratchFile;

/// Number of rows of a chunk. A merge has one chunk of each spill in memory whose keys reach over the
/// key that comes next: 300 KB of time entries. Tests have few rows and want many chunks.
const CHUNK_ROWS: usize = if cfg!(test) { 3 } else { 512 };

/// Unsorted rows, as pushed.
#[derive(Debug, Default)]
pub(super) struct PendingRows {
    partitions: BTreeMap<Option<String>, Vec<RecordBatch>>,
    /// Size of the rows in bytes, as Arrow allocates them.
    pub(super) bytes: usize,
}

/// Adjoining rows of a spill, all of one partition. First and last key are kept in memory, so that
/// a merge skips chunks outside of its bounds.
#[derive(Debug)]
pub(crate) struct SpillChunk {
    /// Position among all chunks of the spill.
    index: usize,
    pub(crate) rows: usize,
    pub(crate) first: Arc<[u8]>,
    pub(crate) last: Box<[u8]>,
}

/// Chunks of each partition, in key order.
type PartitionChunks = BTreeMap<Option<String>, Vec<SpillChunk>>;

/// Rows in order of partition, key and arrival. Repeated keys adjoin, the later arrival last.
#[derive(Debug)]
pub(crate) struct SortedSpill {
    chunks: PartitionChunks,
    rows: SpillHold,
}

/// Storage of the chunks. The last rows of a run stay in memory: they are below the limit, and
/// most runs never spill. Clones share it.
#[derive(Clone)]
pub(super) enum SpillHold {
    Memory(Arc<[RecordBatch]>),
    Spilled(Arc<SpillFile>),
}

impl fmt::Debug for SpillHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(batches) => write!(f, "{} batches in memory", batches.len()),
            Self::Spilled(_) => f.write_str("spilled"),
        }
    }
}

impl PendingRows {
    pub(super) fn push(&mut self, partition: Option<String>, rows: RecordBatch) {
        self.partitions.entry(partition).or_default().push(rows);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    /// Sorts the rows into a spill that stays in memory.
    pub(super) fn sort(self, layout: &RowLayout) -> Result<SortedSpill, CollectError> {
        let mut batches = Vec::new();
        let mut keep = |batch| {
            batches.push(batch);
            Ok(())
        };
        let mut sink = ChunkSink::new(&mut keep);
        self.drain(layout, &mut sink)?;
        let chunks = sink.chunks;
        Ok(SortedSpill { chunks, rows: SpillHold::Memory(batches.into()) })
    }

    /// Sorts the rows into a spill at the end of `file`.
    pub(super) fn spill(
        self,
        layout: &RowLayout,
        file: &mut ScratchFile,
    ) -> Result<SortedSpill, CollectError> {
        SortedSpill::write(layout, file, |sink| self.drain(layout, sink))
    }

    /// Sorts the rows of each partition and passes them to `sink` in chunks.
    ///
    /// Only keys and positions are sorted. The rows themselves are copied once, when a chunk is
    /// gathered.
    fn drain(self, layout: &RowLayout, sink: &mut ChunkSink<'_>) -> Result<(), CollectError> {
        for (partition, batches) in self.partitions {
            let keys = batches.iter().map(|batch| layout.key_rows(batch));
            let keys = keys.collect::<Result<Vec<_>, _>>()?;
            let mut order: Vec<(&[u8], RowPick)> = Vec::new();
            for (slot, keys) in keys.iter().enumerate() {
                order.extend(keys.iter().enumerate().map(|(row, key)| (key.data(), (slot, row))));
            }
            // The position breaks ties: rows of one key stay in the order of arrival.
            order.sort_unstable();
            let batches: Vec<&RecordBatch> = batches.iter().collect();
            let picks: Vec<RowPick> = order.iter().map(|(_, pick)| *pick).collect();
            let rows = gather(&layout.schema, &batches, &picks)?;
            for (nth, keys) in order.chunks(CHUNK_ROWS).enumerate() {
                let (Some((first, _)), Some((last, _))) = (keys.first(), keys.last()) else {
                    continue;
                };
                let chunk = rows.slice(nth * CHUNK_ROWS, keys.len());
                sink.add(partition.as_deref(), chunk, first, last)?;
            }
        }
        Ok(())
    }
}

impl SortedSpill {
    /// Chunks of the partition, in key order.
    pub(crate) fn chunks(&self, partition: Option<&str>) -> &[SpillChunk] {
        // A map with keys of type `Option<String>` cannot be searched by `Option<&str>`.
        let key = partition.map(str::to_owned);
        self.chunks.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Partitions that have rows.
    pub(super) fn partitions(&self) -> impl Iterator<Item = Option<&str>> {
        self.chunks.keys().map(Option::as_deref)
    }

    /// First and last key of each partition.
    pub(super) fn key_ranges(&self) -> impl Iterator<Item = (&Option<String>, KeyRange)> {
        self.chunks.iter().filter_map(|(partition, chunks)| {
            let (first, last) = chunks.first().zip(chunks.last())?;
            let range = KeyRange { first: first.first.as_ref().into(), last: last.last.clone() };
            Some((partition, range))
        })
    }

    /// Storage of the chunks, from which they are read.
    pub(super) fn hold(&self) -> SpillHold {
        self.rows.clone()
    }

    /// Writes a spill at the end of `file`: the chunks that `write` passes to the sink.
    pub(super) fn write(
        layout: &RowLayout,
        file: &mut ScratchFile,
        write: impl FnOnce(&mut ChunkSink<'_>) -> Result<(), CollectError>,
    ) -> Result<Self, CollectError> {
        let mut chunks = PartitionChunks::new();
        let file = SpillFile::write(file, &layout.schema, |append| {
            let mut sink = ChunkSink::new(append);
            write(&mut sink)?;
            chunks = sink.chunks;
            Ok(())
        })?;
        Ok(Self { chunks, rows: SpillHold::Spilled(Arc::new(file)) })
    }
}

/// Destination of the chunks of a spill, which takes note of each.
pub(super) struct ChunkSink<'a> {
    chunks: PartitionChunks,
    /// Number of chunks so far, of all partitions.
    count: usize,
    take: &'a mut TakesChunk<'a>,
}

impl<'a> ChunkSink<'a> {
    fn new(take: &'a mut TakesChunk<'a>) -> Self {
        Self { chunks: PartitionChunks::new(), count: 0, take }
    }

    /// Cuts `batch`, whose rows follow those of earlier batches, into chunks.
    pub(super) fn cut(
        &mut self,
        layout: &RowLayout,
        partition: Option<&str>,
        batch: &RecordBatch,
    ) -> Result<(), CollectError> {
        let keys = layout.key_rows(batch)?;
        for start in (0..batch.num_rows()).step_by(CHUNK_ROWS) {
            let rows = CHUNK_ROWS.min(batch.num_rows() - start);
            let (first, last) = (keys.row(start), keys.row(start + rows - 1));
            self.add(partition, batch.slice(start, rows), first.data(), last.data())?;
        }
        Ok(())
    }

    /// Adds a chunk with its first and last key.
    fn add(
        &mut self,
        partition: Option<&str>,
        rows: RecordBatch,
        first: &[u8],
        last: &[u8],
    ) -> Result<(), CollectError> {
        let (index, count) = (self.count, rows.num_rows());
        let chunk = SpillChunk { index, rows: count, first: first.into(), last: last.into() };
        (self.take)(rows)?;
        self.count += 1;
        self.chunks.entry(partition.map(str::to_owned)).or_default().push(chunk);
        Ok(())
    }
}

impl SpillHold {
    /// Rows of one chunk. A chunk that is not there means that the file was cut, hence `Spilled`.
    pub(super) fn read(&self, chunk: &ChunkPlace) -> Result<RecordBatch, CollectError> {
        match self {
            Self::Memory(batches) => {
                let rows = batches.get(chunk.index).cloned();
                rows.ok_or_else(missing_chunk).map_err(CollectError::Spilled)
            }
            Self::Spilled(file) => file.chunk(chunk.index),
        }
    }
}

/// Position of a chunk in its spill, and its first key.
#[derive(Clone, Debug)]
pub(super) struct ChunkPlace {
    index: usize,
    pub(super) first: Arc<[u8]>,
}

impl SpillChunk {
    pub(super) fn place(&self) -> ChunkPlace {
        ChunkPlace { index: self.index, first: Arc::clone(&self.first) }
    }
}
