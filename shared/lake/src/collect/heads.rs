//! Places of a merge in its spills.

use core::cmp::Ordering;
use std::sync::Arc;

use super::runs::{ChunkPlace, SortedSpill, SpillChunk, SpillHold};
use super::{CollectError, KeyBounds};
use crate::partition::{KeyedRows, RowLayout};

/// Part of one spill, read chunk by chunk.
#[derive(Debug)]
pub(super) struct SpillSource {
    hold: SpillHold,
    /// Chunks still to read, last first, so that the next one is popped from the end.
    chunks: Vec<ChunkPlace>,
}

/// Current place in one spill.
#[derive(Debug)]
pub(super) struct SpillHead {
    /// Index of the spill: of equal keys, the one that arrived earlier comes first.
    pub(super) source: usize,
    pub(super) at: HeadPlace,
}

/// Place of a merge in one spill.
#[derive(Debug)]
pub(super) enum HeadPlace {
    /// Before a chunk that is not read yet, with this first key.
    Before(Arc<[u8]>),
    /// At a row within the bounds.
    Row(ChunkRow),
}

/// Row of a chunk in memory.
#[derive(Debug)]
pub(super) struct ChunkRow {
    pub(super) rows: Arc<KeyedRows>,
    /// Index of the row.
    pub(super) row: usize,
    /// Index behind the last row within the bounds. Chunks reach beyond the bounds at both ends.
    pub(super) end: usize,
    /// Number of the batch that has a row of the chunk already, and its place among the chunks of
    /// that batch.
    pub(super) slot: Option<(u64, usize)>,
}

impl SpillSource {
    /// Chunks of `spill` that reach into `bounds`.
    pub(super) fn new(spill: &SortedSpill, partition: Option<&str>, bounds: &KeyBounds) -> Self {
        let inside = spill.chunks(partition).iter().rev();
        let inside = inside.filter(|chunk| bounds.touch(&chunk.first, &chunk.last));
        let chunks = inside.map(SpillChunk::place).collect();
        Self { hold: spill.hold(), chunks }
    }

    /// Place before the next chunk; `None` at the end.
    pub(super) fn before(&self) -> Option<HeadPlace> {
        self.chunks.last().map(|chunk| HeadPlace::Before(Arc::clone(&chunk.first)))
    }

    /// Reads the next chunk, and returns its first row within the bounds; if it has none, the place
    /// before the one after it.
    pub(super) fn next(
        &mut self,
        layout: &RowLayout,
        bounds: &KeyBounds,
    ) -> Result<Option<HeadPlace>, CollectError> {
        let Some(chunk) = self.chunks.pop() else { return Ok(None) };
        let rows = layout.keyed(self.hold.read(&chunk)?)?;
        let row = bounds.from.as_deref().map_or(0, |from| rows.below(from));
        let end = bounds.below.as_deref().map_or(rows.len(), |below| rows.below(below));
        if row >= end {
            return Ok(self.before());
        }
        Ok(Some(HeadPlace::Row(ChunkRow { rows: Arc::new(rows), row, end, slot: None })))
    }
}

impl SpillHead {
    /// Key of the current row, or one that no row of the chunk is below.
    pub(super) fn key(&self) -> &[u8] {
        match &self.at {
            HeadPlace::Before(first) => first,
            HeadPlace::Row(current) => current.rows.key(current.row),
        }
    }
}

impl Ord for SpillHead {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(other.key()).then(self.source.cmp(&other.source))
    }
}

impl PartialOrd for SpillHead {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SpillHead {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for SpillHead {}
