//! Reads the objects of files that the log names and compares them with the log.
//!
//! A data file can be cut, damaged or exchanged behind the log's back, for example by a copy
//! between buckets that died. If its rows were merged unseen, the next commit would make the loss
//! permanent and would delete the evidence later. So every reader goes through [`fetch`]; only
//! `verify` reads objects that differ, to say more about them.

use delta::store::ObjectStore;
use delta::table::FileEntry;
use parquet::file::reader::Length as _;

use super::content::FileContent;
use super::error::{PartitionError, TableFile};
use super::reader::row_count;
use crate::blocking::offloaded;

/// Returns the whole object stored at the path of a file, without comparing it.
///
/// # Errors
/// As [`FileContent::read`].
pub(crate) async fn stored(
    store: &dyn ObjectStore,
    root: &str,
    file: &FileEntry,
) -> Result<FileContent, PartitionError> {
    FileContent::read(store, root, &file.path, file.size).await
}

/// Returns the whole object of a file, or an error if it is not the file that the log names.
///
/// The comparison costs about a millisecond per megabyte, on another thread.
///
/// # Errors
/// `Missing` or `Swapped`, both with an instruction for the operator; `Store` and `Scratch` when the
/// store or a temporary file fails.
pub(crate) async fn fetch(
    store: &dyn ObjectStore,
    root: &str,
    file: &FileEntry,
) -> Result<FileContent, PartitionError> {
    let content = stored(store, root, file).await?;
    let (entry, looked_at) = (file.clone(), content.clone());
    let looked = offloaded(move || {
        difference(&entry, &looked_at).or_else(|| other_rows(&entry, &looked_at))
    });
    match looked.await? {
        None => Ok(content),
        Some(FileDifference { expected, found }) => {
            let name = TableFile::new(table_of(root), &file.path);
            Err(PartitionError::Swapped { file: name, expected, found })
        }
    }
}

/// Name of the table whose folder is `root`.
fn table_of(root: &str) -> &str {
    root.rsplit('/').next().unwrap_or(root)
}

/// Difference between an object and the file that the log names, as text for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileDifference {
    /// Property in the log, such as `1200 bytes`.
    pub(crate) expected: String,
    /// The same property of the object.
    pub(crate) found: String,
}

/// Compares `content` with the log's entry: by size, and by checksum if the log has one. The size
/// comes first, because it is cheap and says more: a shorter object was cut.
pub(crate) fn difference(file: &FileEntry, content: &FileContent) -> Option<FileDifference> {
    let size = |bytes: u64| format!("{bytes} bytes");
    let sum = |sum: &str| format!("SHA-256 {sum}");
    different(size(file.size), size(content.len())).or_else(|| {
        let logged = file.sha256.as_deref()?;
        different(sum(logged), sum(&content.sha256()))
    })
}

/// Compares the number of rows. Applies only to our files of earlier releases, which have no
/// checksum in the log. An unreadable file is no difference here; opening it reports the damage.
fn other_rows(file: &FileEntry, content: &FileContent) -> Option<FileDifference> {
    // Other engines need not log a row count.
    let ours = file.sha256.is_none() && file.keys.is_some();
    let held = ours.then(|| row_count("", &file.path, content.clone()).ok())??;
    let rows = |rows: u64| format!("{rows} rows");
    different(rows(file.rows), rows(held))
}

fn different(expected: String, found: String) -> Option<FileDifference> {
    (expected != found).then_some(FileDifference { expected, found })
}
