//! Joins the many small files of a past month into few.
//!
//! Every commit adds a file of changes: at one commit an hour, 720 files a month. A reader needs a
//! request for each of them, and each is an entry that must be read to open the table. Only past
//! months are joined, so that a file is not written again and again while its month grows. The rows
//! stay as they are, so the commit counts as no change of data.

use std::sync::Arc;

use delta::store::ObjectStore;
use delta::table::{FileEntry, Table, parse_data_file};
use engine::time::Timestamp;

use super::expire::sequences;
use super::is_before;
use crate::blocking::{RewriteError, blocking};
use crate::partition::{
    ColumnChoice, FileContent, FileLimits, FileShelf, PartitionError, PartitionWriter, RowLayout,
    WrittenFile, fetch, open,
};

/// Most small files of a month that are left alone. They are cheap to read, and joining them would
/// cost a commit.
const FEW: usize = 8;

/// Small files of the oldest month before `month` (`YYYY-MM`) that has more than a few, in order of
/// their sequences; `None` if there is no such month. A month whose small files have no known order
/// is passed over, and one whose files are too large to be joined to fewer: they would be written
/// anew by every run.
///
/// Files with `limits.file_rows` rows or more stay. One month per call bounds the work of a run;
/// the next call finds the next month.
#[must_use]
pub fn scattered(changes: &Table, month: &str, limits: FileLimits) -> Option<Vec<FileEntry>> {
    let mut months = std::collections::BTreeMap::<Option<&str>, Vec<&FileEntry>>::new();
    let small = |file: &&FileEntry| file.rows < limits.file_rows && is_before(file, month);
    for file in changes.files().iter().filter(small) {
        months.entry(file.partition.as_deref()).or_default().push(file);
    }
    months.into_values().filter(|files| files.len() > FEW).find_map(|files| {
        let ranged = files.into_iter().map(|file| Some((sequences(file)?, file)));
        let ranged = in_order(ranged.collect::<Option<Vec<_>>>()?)?;
        let files: Vec<FileEntry> = ranged.into_iter().map(|(_, file)| file.clone()).collect();
        (joined_count(&files, limits) < files.len()).then_some(files)
    })
}

/// Number of files that [`join()`] makes of these.
fn joined_count(files: &[FileEntry], limits: FileLimits) -> usize {
    let (mut count, mut room) = (0, 0);
    for file in files {
        if file.rows > room {
            (count, room) = (count + 1, limits.file_rows);
        }
        room = room.saturating_sub(file.rows);
    }
    count
}

/// Sorts files by their sequences. `None` if two files overlap, or if the rows of one are not known
/// to be in that order.
///
/// Files of one sequence may be several; the path decides between them.
fn in_order(mut ranges: Vec<((u64, u64), &FileEntry)>) -> Option<Vec<((u64, u64), &FileEntry)>> {
    ranges.sort_by(|(a, left), (b, right)| (a, &left.path).cmp(&(b, &right.path)));
    // Another engine may have compacted rows into any order; our files keep the order of sequences.
    let known = |((least, greatest), file): &((u64, u64), &FileEntry)| {
        least == greatest || parse_data_file(&file.path).is_some()
    };
    let apart = ranges.is_sorted_by(|(before, _), (next, _)| before.1 <= next.0);
    (apart && ranges.iter().all(known)).then_some(ranges)
}

/// Stores the rows of `files`, unchanged and in that order, in as few files as possible.
///
/// Keeps one file being read and one being written in memory.
///
/// # Errors
/// When a file cannot be read or stored.
pub async fn join(
    store: Arc<dyn ObjectStore>,
    changes: &Table,
    files: &[FileEntry],
    name: String,
    now: Timestamp,
    limits: FileLimits,
) -> Result<Vec<FileEntry>, RewriteError> {
    let schema = changes.schema();
    let layout = Arc::new(RowLayout::new(schema, ColumnChoice::All)?);
    let month = files.first().and_then(|file| file.partition.clone());
    let column = schema.partition_column();
    let mut shelf = FileShelf::new(Arc::clone(&store), schema.root(), name, column, now);
    let mut writer = PartitionWriter::unordered(Arc::clone(&layout), limits);
    let mut joined = Vec::new();
    for file in files {
        let content = fetch(store.as_ref(), changes.root(), file).await?;
        let (path, layout) = (file.path.clone(), Arc::clone(&layout));
        let full: Option<WrittenFile>;
        (writer, full) = blocking(move || {
            let mut full = None;
            // Files are joined whole, so that the changes of a commit stay together.
            if writer.rows() > 0
                && writer.rows() + rows_in(&layout, &path, &content)? > limits.file_rows
            {
                let next = PartitionWriter::unordered(Arc::clone(&layout), limits);
                full = Some(core::mem::replace(&mut writer, next).finish()?);
            }
            for rows in open(&layout, &path, content)? {
                writer.write(&rows?)?;
            }
            Ok((writer, full))
        })
        .await?;
        if let Some(full) = full {
            joined.push(shelf.put(month.as_deref(), full).await?);
        }
    }
    // The last file always has rows: a full one is put aside only when more rows follow.
    let last = blocking(move || Ok(writer.finish()?)).await?;
    joined.push(shelf.put(month.as_deref(), last).await?);
    Ok(joined)
}

/// Number of rows of a file that is in memory.
fn rows_in(layout: &RowLayout, path: &str, content: &FileContent) -> Result<u64, PartitionError> {
    crate::partition::row_count(&layout.table, path, content.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partition::tests::logged_file;

    fn file(path: &str, rows: u64) -> FileEntry {
        FileEntry { rows, ..logged_file(path) }
    }

    #[test]
    fn files_are_joined_only_where_their_order_is_known() {
        let [a, b] = [file("1-1-aa-0.parquet", 1), file("1-2-aa-0.parquet", 1)];
        let foreign = file("part-00000.parquet", 1);
        let order = |ranges: &[((u64, u64), &FileEntry)]| {
            let sorted = in_order(ranges.to_vec())?;
            Some(sorted.into_iter().map(|(_, file)| file.path.clone()).collect::<Vec<_>>())
        };
        let both = Some(vec![a.path.clone(), b.path.clone()]);
        assert_eq!(order(&[((3, 5), &b), ((1, 3), &a)]), both, "a commit in two files");
        assert_eq!(order(&[((1, 1), &b), ((1, 1), &a)]), both, "by path");
        assert_eq!(order(&[((1, 4), &a), ((3, 5), &b)]), None, "they overlap");
        assert_eq!(order(&[((1, 2), &foreign), ((3, 3), &b)]), None, "rows in any order");
        assert!(order(&[((1, 1), &foreign), ((3, 3), &b)]).is_some(), "one commit has no order");
    }

    #[test]
    fn files_are_joined_whole() {
        let count = |rows: &[u64]| {
            let files: Vec<FileEntry> = rows.iter().map(|rows| file("a", *rows)).collect();
            joined_count(&files, FileLimits { file_rows: 4, ..FileLimits::default() })
        };
        assert_eq!(count(&[3, 2, 4, 2, 2]), 4);
        assert_eq!(count(&[1, 1, 1, 1]), 1);
        assert_eq!(count(&[1, 1, 1, 1, 1]), 2);
        assert_eq!(count(&[9, 1]), 2);
    }
}
