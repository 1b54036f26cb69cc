//! Reads the objects of files that the log names and compares them with the log.
//!
//! A data file can be cut, damaged or exchanged behind the log's back, for example by a copy
//! between buckets that died. If its rows were merged unseen, the next commit would make the loss
//! permanent and would delete the evidence later. So every reader goes through [`fetch`]; only
//! `verify` reads objects that differ, to say more about them.

use std::io::Write as _;

use delta::store::ObjectStore;
use delta::table::FileEntry;
use parquet::file::reader::Length as _;

use super::content::FileContent;
use super::error::{PartitionError, TableFile};
use super::output::FileOutput;
use super::reader::row_count;
use crate::blocking::offloaded;

/// Size in bytes up to which a file is read into memory, with one request. Tests have small files,
/// some of which should be large.
const IN_MEMORY: u64 = if cfg!(test) { 8 << 10 } else { engine::memory::FILE_IN_MEMORY as u64 };
/// Bytes of a larger file that one request asks for.
const PART: u64 = if cfg!(test) { 3 << 10 } else { engine::memory::FILE_IN_MEMORY as u64 };

/// Returns the whole object stored at the path of a file, without comparing it. What the log says of
/// the size decides where it is read to, and nothing else.
///
/// # Errors
/// `Missing` when there is no such object, `Store` and `Scratch` when the store or the temporary file
/// fails.
pub(crate) async fn stored(
    store: &dyn ObjectStore,
    root: &str,
    file: &FileEntry,
) -> Result<FileContent, PartitionError> {
    read(store, root, &file.path, file.size).await
}

async fn read(
    store: &dyn ObjectStore,
    root: &str,
    path: &str,
    size: u64,
) -> Result<FileContent, PartitionError> {
    let key = format!("{root}/{path}");
    let file = || TableFile::new(table_of(root), path);
    let failed = |source| PartitionError::Scratch { file: file(), source };
    let content = content_of(store, &key, size, failed).await?;
    content.ok_or_else(|| PartitionError::Missing { file: file() })
}

/// Content of the object at `key`, or `None` where there is none. `size`: the expected one, which decides
/// where it is read to. `failed`: the error of a temporary file.
///
/// # Errors
/// `Store`, and those of `failed`.
pub(super) async fn content_of(
    store: &dyn ObjectStore,
    key: &str,
    size: u64,
    failed: impl Fn(std::io::Error) -> PartitionError,
) -> Result<Option<FileContent>, PartitionError> {
    if size <= IN_MEMORY {
        return Ok(store.get(key).await?.map(FileContent::from));
    }
    let mut copy = FileOutput::on_disk().map_err(&failed)?;
    let mut read = 0;
    loop {
        let Some(part) = store.get_range(key, read..read + PART).await? else { return Ok(None) };
        let length = part.len() as u64;
        read += length;
        let copying = offloaded(move || copy.write_all(&part).map(|()| copy));
        copy = copying.await?.map_err(&failed)?;
        if length < PART {
            break;
        }
    }
    let (content, _) = copy.finish().map_err(&failed)?;
    Ok(Some(content))
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use delta::store::MemoryStore;
    use parquet::file::reader::ChunkReader as _;

    use std::io::Read as _;

    use super::super::content::sha256;
    use super::*;
    use crate::partition::tests::block_on;

    #[test]
    fn a_file_of_any_size_has_all_of_its_bytes() {
        let sizes =
            [0, 1, PART - 1, PART, PART + 1, IN_MEMORY, IN_MEMORY + 1, 4 * PART, 5 * PART + 7];
        for size in sizes {
            let bytes: Bytes = (0..size).map(|at| (at % 251) as u8).collect::<Vec<u8>>().into();
            let store = MemoryStore::new();
            block_on(store.put("tables/things/a", bytes.clone())).unwrap();
            for logged in [0, size, u64::MAX] {
                let content = block_on(read(&store, "tables/things", "a", logged)).unwrap();
                assert_eq!(matches!(content, FileContent::OnDisk(_)), logged > IN_MEMORY);
                assert_eq!((content.len(), content.sha256()), (size, sha256(&bytes)));
                assert!(content.ends_with(&bytes[bytes.len() / 2..]));
                assert!(!content.ends_with(&vec![255; bytes.len() + 1]));
                assert_eq!(content.get_bytes(0, bytes.len()).unwrap(), bytes);
                let middle = size / 2;
                let rest = bytes.slice(bytes.len() / 2..);
                assert_eq!(content.get_bytes(middle, rest.len()).unwrap(), rest);
                let mut read = Vec::new();
                content.get_read(middle).unwrap().read_to_end(&mut read).unwrap();
                assert_eq!(read, rest);
                content.get_bytes(middle, rest.len() + 1).unwrap_err();
            }
        }
    }

    #[test]
    fn a_large_file_that_is_not_there_is_missing() {
        let store = MemoryStore::new();
        for logged in [0, u64::MAX] {
            let read = block_on(read(&store, "tables/things", "a", logged));
            assert!(matches!(read, Err(PartitionError::Missing { .. })), "{read:?}");
        }
    }
}
