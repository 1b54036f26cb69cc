//! Merges sorted spills into one sequence in key order.
//!
//! A heap holds the next chunk of every spill by its first key, and a chunk whose rows are due by
//! the key of its current row. A chunk is read only when its first key is the least, so that spills
//! of different keys, as those of a load in the order of time, are not in memory together.
//! Returned rows are first noted as positions and then gathered in batches, which copies each row
//! once.

use core::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;

use arrow::array::RecordBatch;
use decode::gather::{RowPick, gather};
use engine::precedence::{Precedence, RecordVersion};

use super::heads::{ChunkRow, HeadPlace, SpillHead, SpillSource};
use super::runs::SortedSpill;
use super::{CollectError, KeyBounds, KeySet};
use crate::partition::{KeyedRows, RowLayout};

/// Number of rows of a batch. Tests have few rows and want many batches.
const BATCH_ROWS: usize = if cfg!(test) { 7 } else { 4096 };

/// Versions of a key that a merge returns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KeyVersions {
    /// The one that the rule prefers.
    Newest(Precedence),
    /// All, in the order of arrival.
    All,
}

/// Iterator over the rows of one partition within bounds.
///
/// Invariant: keys of returned rows ascend, within a batch and from batch to batch, and strictly
/// unless all versions are returned. Merging with a file's rows relies on it.
#[derive(Debug)]
pub(crate) struct SpillMerge {
    layout: Arc<RowLayout>,
    bounds: KeyBounds,
    /// Keys that are left out because their row was moved to another partition or is outdated.
    skip: Option<Arc<KeySet>>,
    versions: KeyVersions,
    /// Spills in the order of arrival.
    sources: Vec<SpillSource>,
    /// Next chunk or row of each spill that has one, the least key on top.
    heads: BinaryHeap<Reverse<SpillHead>>,
    /// Number of the current batch.
    span: u64,
    /// Key whose versions are being taken; kept for its memory.
    key: Vec<u8>,
    /// Whether reading has failed; nothing follows an error, since the order of the rows cannot be
    /// trusted.
    failed: bool,
}

/// Rows chosen for the next batch, as positions in the chunks that they come from.
#[derive(Debug)]
struct SpillSpan {
    number: u64,
    chunks: Vec<Arc<KeyedRows>>,
    picks: Vec<RowPick>,
}

impl SpillMerge {
    /// Rows of `spills` except those whose key is in `skip`. Earlier elements count as pushed
    /// earlier.
    pub(crate) fn new<'a>(
        layout: &Arc<RowLayout>,
        spills: impl IntoIterator<Item = &'a SortedSpill>,
        partition: Option<&str>,
        bounds: KeyBounds,
        skip: Option<Arc<KeySet>>,
        versions: KeyVersions,
    ) -> Self {
        let mut sources = Vec::new();
        let mut heads = BinaryHeap::new();
        for spill in spills {
            let source = SpillSource::new(spill, partition, &bounds);
            if let Some(at) = source.before() {
                heads.push(Reverse(SpillHead { source: sources.len(), at }));
                sources.push(source);
            }
        }
        Self {
            layout: Arc::clone(layout),
            bounds,
            skip,
            versions,
            sources,
            heads,
            span: 0,
            key: Vec::new(),
            failed: false,
        }
    }

    /// Next batch; `None` at the end. Keeps all chunks alive that the batch takes rows from, and
    /// drops them when it is gathered.
    fn batch(&mut self) -> Result<Option<RecordBatch>, CollectError> {
        self.span += 1;
        let mut span = SpillSpan { number: self.span, chunks: Vec::new(), picks: Vec::new() };
        while span.picks.len() < BATCH_ROWS {
            self.load()?;
            let Some(Reverse(head)) = self.heads.peek() else { break };
            self.key.clear();
            self.key.extend_from_slice(head.key());
            let from = span.picks.len();
            self.take(&mut span)?;
            if self.skip.as_ref().is_some_and(|skip| skip.contains(self.key.as_slice())) {
                span.picks.truncate(from);
            } else if let KeyVersions::Newest(precedence) = self.versions
                && span.picks.len() > from + 1
            {
                let newest = span.newest(from, precedence);
                span.picks.truncate(from);
                span.picks.extend(newest);
            }
        }
        if span.picks.is_empty() {
            return Ok(None);
        }
        let chunks: Vec<&RecordBatch> = span.chunks.iter().map(|rows| &rows.batch).collect();
        Ok(Some(gather(&self.layout.schema, &chunks, &span.picks)?))
    }

    /// Takes all rows of the current key. All of them are taken even if only one is returned, so
    /// that no older version follows it.
    fn take(&mut self, span: &mut SpillSpan) -> Result<(), CollectError> {
        loop {
            // The chunk of an equal key that is not read yet.
            self.load()?;
            let Some(mut top) = self.heads.peek_mut() else { return Ok(()) };
            if top.0.key() != self.key.as_slice() {
                return Ok(());
            }
            let HeadPlace::Row(current) = &mut top.0.at else { continue };
            span.pick(current);
            current.row += 1;
            if current.row < current.end {
                continue;
            }
            let source = top.0.source;
            match self.sources.get(source).and_then(SpillSource::before) {
                Some(before) => top.0.at = before,
                None => drop(PeekMut::pop(top)),
            }
        }
    }

    /// Reads chunks until a row is on top. A chunk whose rows all lie outside of the bounds is
    /// passed over.
    fn load(&mut self) -> Result<(), CollectError> {
        while let Some(mut top) = self.heads.peek_mut() {
            if let HeadPlace::Row(_) = top.0.at {
                return Ok(());
            }
            let source = top.0.source;
            let next = match self.sources.get_mut(source) {
                Some(source) => source.next(&self.layout, &self.bounds)?,
                None => None,
            };
            match next {
                Some(row) => top.0.at = row,
                None => drop(PeekMut::pop(top)),
            }
        }
        Ok(())
    }
}

impl Iterator for SpillMerge {
    type Item = Result<RecordBatch, CollectError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let batch = self.batch();
        if batch.is_err() {
            self.failed = true;
            self.heads.clear();
            self.sources.clear();
        }
        batch.transpose()
    }
}

impl SpillSpan {
    /// Adds a row to the batch.
    fn pick(&mut self, current: &mut ChunkRow) {
        let slot = match current.slot {
            Some((number, slot)) if number == self.number => slot,
            _ => {
                self.chunks.push(Arc::clone(&current.rows));
                self.chunks.len() - 1
            }
        };
        current.slot = Some((self.number, slot));
        self.picks.push((slot, current.row));
    }

    /// Newest of the versions from `start` on, which are in the order of arrival.
    fn newest(&self, start: usize, precedence: Precedence) -> Option<RowPick> {
        let picks = self.picks.get(start..).unwrap_or_default();
        let mut versions: Vec<(RecordVersion, RowPick)> = Vec::with_capacity(picks.len());
        for pick in picks {
            versions.extend(self.chunks.get(pick.0).map(|rows| (rows.version(pick.1), *pick)));
        }
        // The order of comparison decides where `updated_at` is missing, because the rule is then
        // not transitive. Of the versions changed at 9 and read at 1, changed at an unknown time
        // and read at 2, changed at 5 and read at 3, each replaces the one before, and the first
        // replaces the last. So versions are compared in the order in which they were read; the
        // stable sort keeps the order of arrival for reads at the same instant.
        versions.sort_by_key(|(version, _)| version.read_at);
        let newest = versions
            .into_iter()
            .reduce(|old, new| if precedence.replaces(new.0, old.0) { new } else { old });
        newest.map(|(_, pick)| pick)
    }
}
