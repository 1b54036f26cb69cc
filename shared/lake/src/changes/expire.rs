//! Replaces old changes by one baseline, the state of the table after them.
//!
//! The operator may limit how long changes are kept. Old changes cannot simply be dropped: a reader
//! that starts at the remaining ones would lack all rows that have not changed since. So the oldest
//! part of the history becomes one insert for each row that existed at its end.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{filter_record_batch, max};
use arrow::datatypes::TimestampMicrosecondType;
use decode::gather::column;
use delta::store::ObjectStore;
use delta::table::{FileEntry, Table};
use engine::ids::Sequence;
use engine::precedence::Precedence;
use engine::time::Timestamp;

use super::{ChangeEncoder, ChangeOp, ChangesOf, is_before};
use crate::blocking::{RewriteError, blocking};
use crate::collect::{CollectedRows, Collector, SortedRows};
use crate::partition::{FileLimits, FileShelf, RowLayout, WrittenFile, fetch, open};

/// Changes to be replaced. The caller commits the baseline and removes these files in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredChanges {
    /// Their files.
    pub files: Vec<FileEntry>,
    /// Last sequence among them.
    pub sequence: Sequence,
}

/// Changes of months before `month` (`YYYY-MM`) whose sequences all precede those that stay. `None`
/// if there are none, if they are one baseline already, or if a file has unknown sequences.
///
/// A file of an old month stays if a file that stays has the same sequence or an earlier one:
/// cutting there would put the baseline in the middle of what follows it. The files that go may
/// overlap: a joined file spans the sequences of full files that were left out of it.
#[must_use]
pub fn expired(changes: &Table, month: &str) -> Option<ExpiredChanges> {
    let mut ranges = Vec::new();
    for file in changes.files() {
        ranges.push((sequences(file)?, file));
    }
    let ranges = preceding(ranges, |file| is_before(file, month));
    let first = ranges.iter().map(|((least, _), _)| *least).min()?;
    let last = ranges.iter().map(|((_, greatest), _)| *greatest).max()?;
    // A single sequence has nothing to condense: every history begins with inserts, be it a
    // baseline or the first commit of a table.
    if first == last {
        return None;
    }
    let files = ranges.into_iter().map(|(_, file)| file.clone()).collect();
    Some(ExpiredChanges { files, sequence: Sequence(last) })
}

/// Old files all of whose sequences precede those of the files that stay.
fn preceding<T>(
    mut files: Vec<((u64, u64), T)>,
    is_old: impl Fn(&T) -> bool,
) -> Vec<((u64, u64), T)> {
    // The least sequence that stays is the limit for the files that go.
    let kept = files.iter().filter(|(_, file)| !is_old(file)).map(|((least, _), _)| *least).min();
    files.retain(|((_, greatest), file)| is_old(file) && kept.is_none_or(|kept| *greatest < kept));
    files
}

/// Least and greatest sequence in a file, from its statistics. `None` if these do not tell it, as
/// with some files of other engines.
pub(super) fn sequences(file: &FileEntry) -> Option<(u64, u64)> {
    let stats: serde_json::Value = serde_json::from_str(&file.stats).ok()?;
    let bound = |bounds: &str| stats.get(bounds)?.get(engine::schema::SEQUENCE)?.as_u64();
    Some((bound("minValues")?, bound("maxValues")?))
}

/// Stores the baseline that replaces `expired`: the newest change of each key, unless it is a
/// delete, as an insert of the last sequence. `name` is the first part of its files' names.
///
/// The sort by key spills into `scratch`: memory does not depend on the number of changes.
///
/// # Errors
/// When a file cannot be read or stored, or rows cannot be spilled into `scratch`.
pub async fn condense(
    store: Arc<dyn ObjectStore>,
    changes: &Table,
    expired: &ExpiredChanges,
    name: String,
    limits: FileLimits,
    scratch: Option<PathBuf>,
) -> Result<Vec<FileEntry>, RewriteError> {
    let schema = changes.schema().clone();
    let layout = Arc::new(RowLayout::replayed(&schema)?);
    let mut newest = NewestChanges {
        rows: Collector::with_layout(Arc::clone(&layout), None, scratch, limits.sort_bytes),
        at: None,
    };
    for file in &expired.files {
        let content = fetch(store.as_ref(), changes.root(), file).await?;
        let (path, layout) = (file.path.clone(), Arc::clone(&layout));
        newest = blocking(move || {
            for rows in open(&layout, &path, content)? {
                newest.push(rows?)?;
            }
            Ok(newest)
        })
        .await?;
    }
    // The baseline has sequence and time of the last change that it contains, and so lies in the
    // month of that change: it will expire together with the changes after it.
    let at = newest.at.and_then(|at| Timestamp::from_microsecond(at).ok()).unwrap_or_default();
    let of = ChangesOf { schema: schema.clone(), at, sequence: expired.sequence };
    let (month, partition) = (of.month(), schema.partition_column());
    let mut shelf = FileShelf::new(store, schema.root(), name, partition, at);
    let encoder = ChangeEncoder::new(of, limits)?;
    let collected = newest.rows;
    let mut writing = blocking(move || {
        let collected = collected.finish()?;
        let rows = collected.partition(None, Precedence::NewestChange);
        Ok(BaselineOutput { encoder, rows, _collected: collected })
    })
    .await?;
    // Encoding and storing alternate, with at most the files of one step in memory.
    let mut files = Vec::new();
    loop {
        let (rest, full) = blocking(move || writing.next_files()).await?;
        writing = rest;
        let Some(full) = full else {
            return Ok(files);
        };
        for file in full {
            files.push(shelf.put(Some(&month), file).await?);
        }
    }
}

/// Changes pushed in any order; that of the highest sequence of each key counts.
#[derive(Debug)]
struct NewestChanges {
    rows: Collector,
    /// The newest `changed_at`, in microseconds since 1970.
    at: Option<i64>,
}

impl NewestChanges {
    /// Adds changes. The second column is `changed_at`.
    fn push(&mut self, rows: RecordBatch) -> Result<(), RewriteError> {
        let at = column(&rows, 1)?.as_primitive_opt::<TimestampMicrosecondType>().and_then(max);
        self.at = self.at.max(at);
        Ok(self.rows.push_into(None, rows)?)
    }
}

/// A baseline while sorted rows are written into files.
struct BaselineOutput {
    encoder: ChangeEncoder,
    rows: SortedRows,
    /// Owner of the data that `rows` reads.
    _collected: CollectedRows,
}

impl BaselineOutput {
    /// Next files, at least one; `None` at the end. Takes and returns itself, because each step
    /// runs on another thread.
    fn next_files(mut self) -> Result<(Self, Option<Vec<WrittenFile>>), RewriteError> {
        while let Some(rows) = self.rows.next().transpose()? {
            let ops = column(&rows, 0)?.as_string::<i32>();
            let there = ops.iter().map(|op| Some(op != Some(ChangeOp::Delete.letter()))).collect();
            let full = self.encoder.add_again(&filter_record_batch(&rows, &there)?)?;
            if !full.is_empty() {
                return Ok((self, Some(full)));
            }
        }
        let last = self.encoder.finish()?;
        Ok((self, (!last.is_empty()).then_some(last)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_whose_changes_are_in_two_files_goes_whole_or_not_at_all() {
        // (sequences of files and whether they are old, those that go)
        for (files, gone) in [
            (vec![((1, 3), true), ((4, 5), true), ((6, 7), false)], vec![(1, 3), (4, 5)]),
            // The last commit of the old month has changes in a file that stays.
            (vec![((1, 3), true), ((4, 6), true), ((6, 7), false)], vec![(1, 3)]),
            (vec![((1, 6), true), ((6, 6), false)], vec![]),
            (vec![((1, 2), true), ((2, 3), true)], vec![(1, 2), (2, 3)]),
        ] {
            let left: Vec<_> = preceding(files, |old| *old).into_iter().map(|(at, _)| at).collect();
            assert_eq!(left, gone);
        }
    }
}
