//! Content of files: in memory, or in a temporary file where it is large.
//!
//! Files of this program have up to 20 MB, and another engine may have compacted a table into files of any size.
//! Several are read, under construction or complete at once, in a worker of 512 MB.

use std::io::{BufReader, Read};

use crate::scratch::SectionReader;
use bytes::Bytes;
use delta::store::{ObjectStore, PutIfAbsent, StoreError};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use sha2::{Digest as _, Sha256};

/// Content of a file. Clones share it.
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
    sha256: [u8; 32],
}

impl From<Bytes> for FileContent {
    fn from(bytes: Bytes) -> Self {
        Self::InMemory(bytes)
    }
}

impl FileContent {
    /// Content of a temporary file, whose SHA-256 is known.
    pub(super) fn on_disk(section: SectionReader, sha256: [u8; 32]) -> Self {
        Self::OnDisk(FileCopy { section, sha256 })
    }

    /// Stores the content under `key` unless there is such an object.
    ///
    /// # Errors
    /// As the store does, also when the temporary file fails.
    pub(super) async fn put_if_absent(
        &self,
        store: &dyn ObjectStore,
        key: &str,
    ) -> Result<PutIfAbsent, StoreError> {
        match self {
            Self::InMemory(bytes) => store.put_if_absent(key, bytes.clone()).await,
            Self::OnDisk(copy) => {
                store.put_file_if_absent(key, &copy.section.object(copy.sha256)).await
            }
        }
    }

    /// Stores the content under `key`.
    ///
    /// # Errors
    /// The same as [`FileContent::put_if_absent`].
    pub(crate) async fn put(&self, store: &dyn ObjectStore, key: &str) -> Result<(), StoreError> {
        match self {
            Self::InMemory(bytes) => store.put(key, bytes.clone()).await,
            Self::OnDisk(copy) => store.put_file(key, &copy.section.object(copy.sha256)).await,
        }
    }

    /// SHA-256 of the content, in hexadecimal digits.
    pub(super) fn sha256(&self) -> String {
        match self {
            Self::InMemory(bytes) => sha256(bytes),
            Self::OnDisk(copy) => hex::encode(copy.sha256),
        }
    }

    /// Whether the content ends with `end`.
    pub(super) fn ends_with(&self, end: &[u8]) -> bool {
        let Some(start) = self.len().checked_sub(end.len() as u64) else { return false };
        self.get_bytes(start, end.len()).is_ok_and(|bytes| *bytes == *end)
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
            Self::OnDisk(copy) => Ok(copy.section.bytes_at(start, length)?.into()),
        }
    }
}

/// SHA-256 of a file, in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
