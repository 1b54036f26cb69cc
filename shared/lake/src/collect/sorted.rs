//! Merges several sorted spills into one sequence in key order, each key once.
//!
//! Every spill has a current row. The least key of all current rows comes next; all spills that
//! have it are advanced past it, and one of the versions is returned. Returned rows are first noted
//! as positions and then gathered in batches, which copies each row once.

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
///
/// Invariant: keys of returned rows ascend strictly, within a batch and from batch to batch.
/// Merging with a file's rows relies on it.
#[derive(Debug)]
pub(crate) struct SpillMerge {
    layout: Arc<RowLayout>,
    bounds: KeyBounds,
    /// Keys that are left out because their row was moved to another partition or is outdated.
    skip: Option<Arc<KeySet>>,
    precedence: Precedence,
    sources: Vec<SpillSource>,
    /// Error that prevents reading; returned once.
    failed: Option<CollectError>,
}

/// Part of one spill, read chunk by chunk.
#[derive(Debug)]
struct SpillSource {
    reader: ChunkReader,
    /// Chunks still to read, last first, so that the next one is popped from the end.
    chunks: Vec<ChunkPlace>,
    /// Chunk in memory; `None` before the first and after the last.
    head: Option<SpillHead>,
}

/// Chunk in memory and the position in it.
#[derive(Debug)]
struct SpillHead {
    rows: Arc<KeyedRows>,
    /// Index of the current row.
    row: usize,
    /// Index behind the last row within the bounds. Chunks reach beyond the bounds at both ends.
    end: usize,
    /// Index of the chunk among the batches of the span; `None` until one of its rows is picked.
    slot: Option<usize>,
}

/// Rows chosen for the next batch, as positions in the chunks that they come from.
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

    /// Next batch; `None` at the end. Keeps all chunks alive that the batch takes rows from, and
    /// drops them when it is gathered.
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

    /// Takes all rows of `key` and returns the newest version. All of them are taken even if only
    /// one is returned, so that no older version follows it.
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
        // The order of comparison decides where `updated_at` is missing, because the rule is then
        // not transitive. Of the versions changed at 9 and read at 1, changed at an unknown time
        // and read at 2, changed at 5 and read at 3, each replaces the one before, and the first
        // replaces the last. So versions are compared in the order in which they were read; the
        // stable sort keeps the order of arrival for reads at the same instant.
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
        // After an error the order of the rows cannot be trusted, so nothing follows it.
        let window = self.window();
        if window.is_err() {
            self.sources.clear();
        }
        window.transpose()
    }
}

impl SpillSource {
    /// Loads chunks until the head has a current row or all chunks are read. A chunk whose rows all
    /// lie outside of the bounds is skipped.
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

    /// Key of the current row; `None` at the end.
    fn key(&self) -> Option<&[u8]> {
        let head = self.head.as_ref()?;
        (head.row < head.end).then(|| head.rows.key(head.row))
    }

    /// Takes the current row and returns its version and its position in the span.
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
