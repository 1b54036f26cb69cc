//! Finds keys that occur in several files, by merging their key columns in order.
//!
//! Only files that can share a key are read: those whose range overlaps another one, over all
//! partitions, and those whose rows are in no order. In a healthy table ranges overlap between
//! partitions only, where ids of neighbouring months mix.

use core::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use delta::table::Table;

use super::finding::{TableCheck, VerifyFinding};
use super::{FileSpan, VerifyError, blocking, shown};
use crate::partition::{ColumnChoice, KeyedRows, PartitionError, RowLayout, fetch, open};
use crate::progress::FileProgress;

/// Keys of a file that is being merged. The rows may be in any order, so their positions are
/// sorted.
struct FileKeys {
    /// Rows with keys and versions alone.
    rows: KeyedRows,
    /// Row numbers in key order.
    order: Vec<usize>,
    /// Index in `order` of the key to return next.
    next: usize,
}

/// Keys that two files share, or that one file contains twice: their number and the first of them.
#[derive(Default)]
struct SharedKeys {
    keys: u64,
    first: String,
}

/// Finds keys that occur in several files, or repeatedly in one; one finding for each pair of
/// files.
///
/// The heap has the next key of every open file. Equal keys leave it one after the other, so each
/// key is compared with the one before it. A file is opened when the merge reaches its first key
/// and dropped after its last.
pub(super) async fn find(
    table: &Table,
    spans: &[FileSpan],
    progress: &dyn FileProgress,
) -> Result<Vec<VerifyFinding>, VerifyError> {
    let layout = Arc::new(RowLayout::new(table.schema(), ColumnChoice::Versions)?);
    let mut waiting = overlapping(spans);
    let read: BTreeSet<usize> = waiting.iter().map(|span| span.file).collect();
    // Those that share no key with another one are not read again.
    let files = table.files().iter().enumerate();
    for (_, file) in files.filter(|(at, _)| !read.contains(at)) {
        progress.done(file);
    }
    // The last element has the least first key and is opened next.
    waiting.sort_by(|a, b| b.first.bytes.cmp(&a.first.bytes));
    let mut opened: BTreeMap<usize, FileKeys> = BTreeMap::new();
    let mut heads: BinaryHeap<Reverse<(Box<[u8]>, usize)>> = BinaryHeap::new();
    let mut before: Option<(Box<[u8]>, usize)> = None;
    let mut shared: BTreeMap<(usize, usize), SharedKeys> = BTreeMap::new();
    loop {
        while let Some(span) = waiting.last() {
            // A file is opened only when the merge reaches its first key.
            let due = heads.peek().is_none_or(|Reverse((key, _))| span.first.bytes <= *key);
            if !due {
                break;
            }
            let file = span.file;
            waiting.pop();
            let keys = keys(table, &layout, file).await?;
            if let Some(file) = table.files().get(file) {
                progress.done(file);
            }
            if let Some(rows) = keys {
                let mut order: Vec<usize> = (0..rows.len()).collect();
                order.sort_by(|a, b| rows.key(*a).cmp(rows.key(*b)));
                let mut one = FileKeys { rows, order, next: 0 };
                if let Some(key) = one.advance() {
                    heads.push(Reverse((key, file)));
                    opened.insert(file, one);
                }
            }
        }
        let Some(Reverse((key, file))) = heads.pop() else {
            break;
        };
        let Some(one) = opened.get_mut(&file) else { continue };
        if let Some((same, other)) = &before
            && *same == key
        {
            let pair = shared.entry((*other.min(&file), *other.max(&file))).or_default();
            if pair.keys == 0 {
                pair.first = one.shown(&layout)?;
            }
            pair.keys += 1;
        }
        match one.advance() {
            Some(next) => heads.push(Reverse((next, file))),
            None => drop(opened.remove(&file)),
        }
        before = Some((key, file));
    }
    Ok(findings(table, shared))
}

/// Findings in the order of the files. Of a key in three files, the pairs of neighbours are named.
fn findings(table: &Table, shared: BTreeMap<(usize, usize), SharedKeys>) -> Vec<VerifyFinding> {
    let path = |at: usize| table.files().get(at).map(|file| file.path.clone()).unwrap_or_default();
    let finding = |((one, other), pair): ((usize, usize), SharedKeys)| {
        let SharedKeys { keys, first } = pair;
        let rows = if keys == 1 { String::new() } else { format!(" and {} more", keys - 1) };
        let what = if one == other {
            format!("key {first}{rows} is there twice")
        } else {
            format!("key {first}{rows} is in `{}` too", path(other))
        };
        VerifyFinding {
            check: TableCheck::Unique,
            file: Some(path(one)),
            what,
            expected: "each key once in the table".to_owned(),
            found: if keys == 1 { "1 key".to_owned() } else { format!("{keys} keys") },
        }
    };
    shared.into_iter().map(finding).collect()
}

/// Files with a range that overlaps another one, or with keys that are not in ascending order.
///
/// In order of first keys, both partners of an overlap are marked: the file itself and the one that
/// reached furthest before it.
fn overlapping(spans: &[FileSpan]) -> Vec<&FileSpan> {
    let mut ordered: Vec<&FileSpan> = spans.iter().collect();
    ordered.sort_by(|a, b| a.first.bytes.cmp(&b.first.bytes));
    let mut meets = vec![false; ordered.len()];
    let mut furthest: Option<usize> = None;
    for (at, span) in ordered.iter().enumerate() {
        let reach = furthest.and_then(|before| Some((before, ordered.get(before)?)));
        if let Some((before, other)) = reach
            && other.last.bytes >= span.first.bytes
        {
            for at in [before, at] {
                if let Some(meets) = meets.get_mut(at) {
                    *meets = true;
                }
            }
        }
        if reach.is_none_or(|(_, other)| other.last.bytes < span.last.bytes) {
            furthest = Some(at);
        }
    }
    let chosen = ordered.into_iter().zip(meets);
    chosen.filter(|(span, meets)| *meets || !span.sorted).map(|(span, _)| span).collect()
}

impl FileKeys {
    /// Next key, in order.
    fn advance(&mut self) -> Option<Box<[u8]>> {
        let row = *self.order.get(self.next)?;
        self.next += 1;
        Some(self.rows.key(row).into())
    }

    /// Text of the key returned last.
    fn shown(&self, layout: &RowLayout) -> Result<String, VerifyError> {
        let row = self.next.checked_sub(1).and_then(|at| self.order.get(at));
        Ok(shown(&layout.key(&self.rows.batch, row.copied().unwrap_or_default())?))
    }
}

/// Keys of one file; `None` if it cannot be read, which another check reports.
///
/// # Errors
/// When the store fails.
async fn keys(
    table: &Table,
    layout: &Arc<RowLayout>,
    file: usize,
) -> Result<Option<KeyedRows>, VerifyError> {
    let Some(file) = table.files().get(file) else {
        return Ok(None);
    };
    let content = match fetch(table.store().as_ref(), table.root(), file).await {
        Ok(content) => content,
        Err(error @ PartitionError::Store(_)) => return Err(error.into()),
        Err(_) => return Ok(None),
    };
    let (layout, path) = (Arc::clone(layout), file.path.clone());
    blocking(move || {
        let Ok(rows) = open(&layout, &path, content) else { return Ok(None) };
        let Ok(batches) = rows.collect::<Result<Vec<RecordBatch>, _>>() else { return Ok(None) };
        Ok(Some(layout.keyed(concat_batches(&layout.schema, &batches)?)?))
    })
    .await
}
