//! Content of stored files: in memory, or in a temporary file where it is large.
//!
//! Files that this program writes fit in memory. Another engine may have compacted a table into
//! files of any size; a worker of 512 MB reads them through its disk.

use std::io::{BufReader, Read, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use delta::store::ObjectStore;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use sha2::{Digest as _, Sha256};

use super::error::{PartitionError, TableFile};
use super::write::{hex, sha256};
use crate::blocking::offloaded;
use crate::scratch::{ScratchFile, SectionReader};

/// Size in bytes up to which a file is read into memory, with one request. Tests have small files,
/// some of which should be large.
const IN_MEMORY: u64 = if cfg!(test) { 8 << 10 } else { engine::memory::FILE_IN_MEMORY };
/// Bytes of a larger file that one request asks for.
const PART: u64 = if cfg!(test) { 3 << 10 } else { 8 << 20 };

/// Content of a stored file. Clones share it.
#[derive(Clone, Debug)]
pub enum FileContent {
    /// The bytes.
    InMemory(Bytes),
    /// A copy on the disk.
    OnDisk(FileCopy),
}

/// Copy of a file on the disk, removed with its last clone.
#[derive(Clone, Debug)]
pub struct FileCopy {
    section: SectionReader,
    sha256: Arc<str>,
}

impl From<Bytes> for FileContent {
    fn from(bytes: Bytes) -> Self {
        Self::InMemory(bytes)
    }
}

impl FileContent {
    /// Reads the object at `path` below `root`, which has about `size` bytes by the log.
    ///
    /// # Errors
    /// `Missing` when there is no such object, `Store` and `Scratch` when the store or the temporary
    /// file fails.
    pub(super) async fn read(
        store: &dyn ObjectStore,
        root: &str,
        path: &str,
        size: u64,
    ) -> Result<Self, PartitionError> {
        let key = format!("{root}/{path}");
        let file = || TableFile::new(root.rsplit('/').next().unwrap_or(root), path);
        let missing = || PartitionError::Missing { file: file() };
        if size <= IN_MEMORY {
            return store.get(&key).await?.map(Self::InMemory).ok_or_else(missing);
        }
        let failed = |source| PartitionError::Scratch { file: file(), source };
        let mut copying = FileCopying::begin().map_err(failed)?;
        let mut read = 0;
        loop {
            let part = store.get_range(&key, read..read + PART).await?.ok_or_else(missing)?;
            let length = part.len() as u64;
            read += length;
            copying = offloaded(move || copying.with(&part)).await?.map_err(failed)?;
            if length < PART {
                break;
            }
        }
        Ok(Self::OnDisk(copying.finish().map_err(failed)?))
    }

    /// SHA-256 of the content, in hexadecimal digits.
    pub(super) fn sha256(&self) -> String {
        match self {
            Self::InMemory(bytes) => sha256(bytes),
            Self::OnDisk(copy) => copy.sha256.to_string(),
        }
    }

    /// Whether the content ends with `end`.
    pub(super) fn ends_with(&self, end: &[u8]) -> bool {
        let Some(start) = self.len().checked_sub(end.len() as u64) else { return false };
        self.get_bytes(start, end.len()).is_ok_and(|bytes| *bytes == *end)
    }
}

/// Copy being made.
struct FileCopying {
    file: ScratchFile,
    sum: Sha256,
}

impl FileCopying {
    fn begin() -> std::io::Result<Self> {
        Ok(Self { file: ScratchFile::create(None)?, sum: Sha256::new() })
    }

    fn with(mut self, part: &Bytes) -> std::io::Result<Self> {
        let mut section = self.file.append()?;
        section.write_all(part)?;
        section.finish()?;
        self.sum.update(part);
        Ok(self)
    }

    fn finish(self) -> std::io::Result<FileCopy> {
        Ok(FileCopy { section: self.file.whole()?, sha256: hex(&self.sum.finalize()).into() })
    }
}

impl Length for FileContent {
    fn len(&self) -> u64 {
        match self {
            Self::InMemory(bytes) => bytes.len() as u64,
            Self::OnDisk(copy) => copy.section.len(),
        }
    }
}

impl ChunkReader for FileContent {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(match self {
            Self::InMemory(bytes) => Box::new(bytes.get_read(start)?),
            Self::OnDisk(copy) => Box::new(BufReader::new(copy.section.at(start))),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        match self {
            Self::InMemory(bytes) => bytes.get_bytes(start, length),
            Self::OnDisk(copy) => {
                let mut bytes = vec![0; length];
                copy.section.at(start).read_exact(&mut bytes)?;
                Ok(bytes.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use delta::store::MemoryStore;

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
            // What the log says decides where it is read to, and nothing else.
            for logged in [0, size, u64::MAX] {
                let read = FileContent::read(&store, "tables/things", "a", logged);
                let content = block_on(read).unwrap();
                assert_eq!(matches!(content, FileContent::OnDisk(_)), logged > IN_MEMORY);
                assert_eq!((content.len(), content.sha256()), (size, sha256(&bytes)));
                assert!(content.ends_with(&bytes[bytes.len() / 2..]));
                assert!(!content.ends_with(&vec![255; bytes.len() + 1]));
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
            let read = block_on(FileContent::read(&store, "tables/things", "a", logged));
            assert!(matches!(read, Err(PartitionError::Missing { .. })), "{read:?}");
        }
    }
}
