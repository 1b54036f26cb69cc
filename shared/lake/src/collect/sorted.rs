//! Merges several sorted runs into one sequence in key order, each key once.

use std::sync::Arc;

use arrow::array::RecordBatch;
use decode::gather::{RowPick, gather};
use engine::precedence::{Precedence, RecordVersion};

use super::runs::{ChunkPlace, ChunkReader};
use super::{CollectError, CollectedRows, KeyBounds, KeySet};
use crate::partition::{KeyedRows, RowLayout};

/// Number of rows of a batch. Tests have few rows and want many batches.
const BATCH_ROWS: usize = if cfg!(test) { 7 } else { 4096 };

/// Iterator over the rows of one partition within bounds.
#[derive(Debug)]
pub(crate) struct SpillMerge {
    layout: Arc<RowLayout>,
    bounds: KeyBounds,
    skip: Option<Arc<KeySet>>,
    precedence: Precedence,
    sources: Vec<SpillSource>,
    /// Error that prevents reading; returned once.
    failed: Option<CollectError>,
}

/// Part of one run, read chunk by chunk.
#[derive(Debug)]
struct SpillSource {
    reader: ChunkReader,
    /// Chunks still to read, last first.
    chunks: Vec<ChunkPlace>,
    head: Option<SpillHead>,
}

#[derive(Debug)]
struct SpillHead {
    rows: Arc<KeyedRows>,
    row: usize,
    end: usize,
    /// Index among the batches of the window.
    slot: Option<usize>,
}

/// Rows gathered for the next batch.
#[derive(Default)]
struct SpillSpan {
    batches: Vec<Arc<KeyedRows>>,
    picks: Vec<RowPick>,
}

impl SpillMerge {
    /// Rows of `collected` except those whose key is in `skip`. Earlier elements count as pushed
    /// earlier.
    pub(crate) fn new(
        layout: &Arc<RowLayout>,
        collected: &[&CollectedRows],
        partition: Option<&str>,
        bounds: KeyBounds,
        skip: Option<Arc<KeySet>>,
        precedence: Precedence,
    ) -> Self {
        let mut sorted = Self {
            layout: Arc::clone(layout),
            bounds,
            skip,
            precedence,
            sources: Vec::new(),
            failed: None,
        };
        for run in collected.iter().flat_map(|collected| collected.runs()) {
            let inside =
                |chunk: &&super::runs::SpillChunk| sorted.bounds.touch(&chunk.first, &chunk.last);
            let chunks = run.chunks(partition).iter().rev().filter(inside);
            let chunks: Vec<_> = chunks.map(super::runs::SpillChunk::place).collect();
            if chunks.is_empty() {
                continue;
            }
            match run.reader() {
                Ok(reader) => sorted.sources.push(SpillSource { reader, chunks, head: None }),
                Err(error) => sorted.failed = Some(error),
            }
        }
        sorted
    }

    fn window(&mut self) -> Result<Option<RecordBatch>, CollectError> {
        let mut window = SpillSpan::default();
        for source in &mut self.sources {
            if let Some(head) = &mut source.head {
                head.slot = None;
            }
        }
        while window.picks.len() < BATCH_ROWS {
            for source in &mut self.sources {
                source.load(&self.layout, &self.bounds)?;
            }
            let Some(key) = self.sources.iter().filter_map(SpillSource::key).min() else {
                break;
            };
            let key: Box<[u8]> = key.into();
            let newest = self.newest(&key, &mut window)?;
            if self.skip.as_ref().is_none_or(|skip| !skip.contains(&key)) {
                window.picks.extend(newest);
            }
        }
        if window.picks.is_empty() {
            return Ok(None);
        }
        let batches: Vec<&RecordBatch> = window.batches.iter().map(|rows| &rows.batch).collect();
        Ok(Some(gather(&self.layout.schema, &batches, &window.picks)?))
    }

    /// Takes all rows of `key` and returns the newest version.
    fn newest(
        &mut self,
        key: &[u8],
        window: &mut SpillSpan,
    ) -> Result<Option<RowPick>, CollectError> {
        let mut versions: Vec<(RecordVersion, RowPick)> = Vec::with_capacity(1);
        for source in &mut self.sources {
            while source.key() == Some(key) {
                versions.extend(source.take(window));
                source.load(&self.layout, &self.bounds)?;
            }
        }
        // Order of reading; the stable sort keeps the order of pushing for reads at the same
        // instant.
        versions.sort_by_key(|(version, _)| version.read_at);
        let newest = versions
            .into_iter()
            .reduce(|old, new| if self.precedence.replaces(new.0, old.0) { new } else { old });
        Ok(newest.map(|(_, pick)| pick))
    }
}

impl Iterator for SpillMerge {
    type Item = Result<RecordBatch, CollectError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            self.sources.clear();
            return Some(Err(error));
        }
        // Rows after an error cannot be trusted.
        let window = self.window();
        if window.is_err() {
            self.sources.clear();
        }
        window.transpose()
    }
}

impl SpillSource {
    /// Loads chunks until the head has a current row or all chunks are read.
    fn load(&mut self, layout: &RowLayout, bounds: &KeyBounds) -> Result<(), CollectError> {
        while self.head.as_ref().is_none_or(|head| head.row >= head.end) {
            self.head = None;
            let Some(chunk) = self.chunks.pop() else {
                return Ok(());
            };
            let rows = layout.keyed(self.reader.read(chunk)?)?;
            let row = bounds.from.as_deref().map_or(0, |from| rows.below(from));
            let end = bounds.below.as_deref().map_or(rows.len(), |below| rows.below(below));
            self.head = Some(SpillHead { rows: Arc::new(rows), row, end, slot: None });
        }
        Ok(())
    }

    fn key(&self) -> Option<&[u8]> {
        let head = self.head.as_ref()?;
        (head.row < head.end).then(|| head.rows.key(head.row))
    }

    fn take(&mut self, window: &mut SpillSpan) -> Option<(RecordVersion, RowPick)> {
        let head = self.head.as_mut()?;
        let slot = *head.slot.get_or_insert_with(|| {
            window.batches.push(Arc::clone(&head.rows));
            window.batches.len() - 1
        });
        let row = head.row;
        head.row += 1;
        Some((head.rows.version(row), (slot, row)))
    }
}
