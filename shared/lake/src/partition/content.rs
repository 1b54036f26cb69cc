//! Content of files: in memory, or in a temporary file where it is large.
//!
//! Another engine may have compacted a table into files of any size; a worker of 512 MB reads them
//! through its disk. Files that this program writes are small enough for memory one at a time, but
//! several are complete or under construction at once.

use std::io::{BufReader, Read};
use std::sync::Arc;

use crate::scratch::SectionReader;
use bytes::Bytes;
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
    sha256: Arc<str>,
}

impl From<Bytes> for FileContent {
    fn from(bytes: Bytes) -> Self {
        Self::InMemory(bytes)
    }
}

impl FileContent {
    /// Content of a file on the disk, whose SHA-256 in hexadecimal digits is known.
    pub(super) fn on_disk(section: SectionReader, sha256: &str) -> Self {
        Self::OnDisk(FileCopy { section, sha256: sha256.into() })
    }

    /// The whole content.
    pub(crate) fn whole(&self) -> std::io::Result<Bytes> {
        match self {
            Self::InMemory(bytes) => Ok(bytes.clone()),
            Self::OnDisk(copy) => {
                let length = usize::try_from(copy.section.len()).unwrap_or(usize::MAX);
                Ok(copy.section.bytes_at(0, length)?.into())
            }
        }
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
    hex(&Sha256::digest(bytes))
}

/// Hexadecimal digits of a checksum.
pub(super) fn hex(sum: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in sum {
        for digit in [byte >> 4, byte & 0xf] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    text
}
