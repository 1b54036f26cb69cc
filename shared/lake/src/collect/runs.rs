//! Sorted spills: rows by partition and key, in memory or in a temporary file.
//!
//! A spill is a list of chunks, each an Arrow batch with rows of one partition. In a file, chunk
//! *n* is record batch *n* of an Arrow IPC file, whose footer tells where each batch begins. So a
//! reader gets the chunks of one partition or key range without reading the others.

use core::fmt;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use decode::gather::{RowPick, gather};

use super::CollectError;
use crate::partition::RowLayout;

/// Number of rows of a chunk. Each spill that takes part in a merge has one chunk in memory, and a replay
/// of changes merges all of them: 300 KB of time entries each. Tests have few rows and want many
/// chunks.
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
    pub(crate) first: Box<[u8]>,
    pub(crate) last: Box<[u8]>,
}

/// Rows in order of partition, key and arrival. Repeated keys adjoin, the later arrival last.
#[derive(Debug)]
pub(crate) struct SortedSpill {
    /// Chunks of each partition, in key order.
    chunks: BTreeMap<Option<String>, Vec<SpillChunk>>,
    rows: SpillHold,
}

/// Storage of the chunks. The last rows of a run stay in memory: they are below the limit, and
/// most runs never spill.
enum SpillHold {
    Memory(Vec<RecordBatch>),
    Spilled(Arc<Mutex<File>>),
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
        let chunks = self.drain(layout, |batch| {
            batches.push(batch);
            Ok(())
        })?;
        Ok(SortedSpill { chunks, rows: SpillHold::Memory(batches) })
    }

    /// Sorts the rows into a spill in an unnamed file, which the system removes even after a crash.
    ///
    /// The file is never synced: it is read by this process only, and lost with it.
    pub(super) fn spill(
        self,
        layout: &RowLayout,
        scratch: Option<&Path>,
    ) -> Result<SortedSpill, CollectError> {
        let file = match scratch {
            Some(folder) => tempfile::tempfile_in(folder)?,
            None => tempfile::tempfile()?,
        };
        let mut writer = FileWriter::try_new(BufWriter::new(file), &layout.schema)?;
        let chunks = self.drain(layout, |batch| writer.write(&batch).map_err(written))?;
        writer.finish().map_err(written)?;
        let mut file = writer.into_inner().map_err(written)?;
        file.flush()?;
        let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        Ok(SortedSpill { chunks, rows: SpillHold::Spilled(Arc::new(Mutex::new(file))) })
    }

    /// Sorts the rows of each partition and passes them to `take` in chunks. Returns the
    /// description of the chunks, whose indices count over all partitions, in the order in which
    /// `take` got them.
    ///
    /// Only keys and positions are sorted. The rows themselves are copied once, when a chunk is
    /// gathered.
    fn drain(
        self,
        layout: &RowLayout,
        mut take: impl FnMut(RecordBatch) -> Result<(), CollectError>,
    ) -> Result<BTreeMap<Option<String>, Vec<SpillChunk>>, CollectError> {
        let mut partitions = BTreeMap::new();
        let mut index = 0;
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
            let mut chunks = Vec::new();
            for rows in order.chunks(CHUNK_ROWS) {
                let (Some((first, _)), Some((last, _))) = (rows.first(), rows.last()) else {
                    continue;
                };
                let picks: Vec<RowPick> = rows.iter().map(|(_, pick)| *pick).collect();
                take(gather(&layout.schema, &batches, &picks)?)?;
                let (first, last) = ((*first).into(), (*last).into());
                chunks.push(SpillChunk { index, rows: rows.len(), first, last });
                index += 1;
            }
            partitions.insert(partition, chunks);
        }
        Ok(partitions)
    }
}

/// Error of a failed write: the operating system's reason if there is one. A full disk is then
/// reported as such instead of as a defect of the rows.
fn written(error: ArrowError) -> CollectError {
    if let ArrowError::IoError(_, source) = error {
        CollectError::Scratch(source)
    } else {
        CollectError::Rows(error)
    }
}

impl SortedSpill {
    /// Chunks of the partition, in key order.
    pub(crate) fn chunks(&self, partition: Option<&str>) -> &[SpillChunk] {
        // A map with keys of type `Option<String>` cannot be searched by `Option<&str>`.
        let key = partition.map(str::to_owned);
        self.chunks.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Reader of the chunks of this spill. Each reader of a file has its own position, because a
    /// merge reads a spill for incoming rows of two partitions at the same time.
    pub(super) fn reader(&self) -> Result<ChunkReader, CollectError> {
        Ok(match &self.rows {
            SpillHold::Memory(batches) => ChunkReader::Memory(batches.clone()),
            SpillHold::Spilled(file) => {
                let shared = SharedSpill { file: Arc::clone(file), position: 0 };
                let reader = FileReader::try_new_buffered(shared, None);
                ChunkReader::Spilled(Box::new(reader.map_err(CollectError::Spilled)?))
            }
        })
    }
}

/// Reader of the chunks of one spill, in any order.
pub(super) enum ChunkReader {
    Memory(Vec<RecordBatch>),
    Spilled(Box<FileReader<std::io::BufReader<SharedSpill>>>),
}

impl fmt::Debug for ChunkReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChunkReader")
    }
}

impl ChunkReader {
    /// Rows of one chunk. A chunk that is not there means that the file was cut, hence `Spilled`.
    pub(super) fn read(&mut self, chunk: ChunkPlace) -> Result<RecordBatch, CollectError> {
        let missing =
            || CollectError::Spilled(ArrowError::IpcError("a chunk of rows is missing".to_owned()));
        match self {
            Self::Memory(batches) => batches.get(chunk.index).cloned().ok_or_else(missing),
            Self::Spilled(reader) => {
                reader.set_index(chunk.index).map_err(CollectError::Spilled)?;
                reader.next().ok_or_else(missing)?.map_err(CollectError::Spilled)
            }
        }
    }
}

/// Position of a chunk in its spill.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkPlace {
    index: usize,
}

impl SpillChunk {
    pub(super) fn place(&self) -> ChunkPlace {
        ChunkPlace { index: self.index }
    }
}

/// One of several readers of a file, each with its own position. An operating system's file has a
/// single position, so every read first seeks, under a lock.
#[derive(Debug)]
pub(super) struct SharedSpill {
    file: Arc<Mutex<File>>,
    position: u64,
}

impl Read for SharedSpill {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.position))?;
        let read = file.read(into)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for SharedSpill {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::Current(by) => self.position.checked_add_signed(by).ok_or_else(outside)?,
            SeekFrom::End(by) => {
                let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::End(by))?
            }
        };
        Ok(self.position)
    }
}

fn outside() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidInput, "position before the file")
}
