//! Files on the disk that become objects without being in memory.

use core::ops::Range;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use engine::memory::UNFILLED;

/// Bytes of the file that are in memory at once.
const PART: u64 = 256 << 10;

/// Complete file, or a part of one, which does not change any more. Clones share it.
#[derive(Clone, Debug)]
pub struct FileObject {
    file: Arc<File>,
    bytes: Range<u64>,
    sha256: [u8; 32],
}

impl FileObject {
    /// Object of these `bytes` of the file, which have this SHA-256.
    #[must_use]
    pub const fn new(file: Arc<File>, bytes: Range<u64>, sha256: [u8; 32]) -> Self {
        Self { file, bytes, sha256 }
    }

    /// Size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.bytes.end.saturating_sub(self.bytes.start)
    }

    /// SHA-256 of all bytes.
    #[must_use]
    pub const fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Next bytes from `position` on, at most 256 KB; none at the end.
    ///
    /// # Errors
    /// When the file cannot be read, or is shorter than it was.
    pub fn part(&self, position: u64) -> io::Result<Bytes> {
        self.read(position, PART.min(self.size().saturating_sub(position)))
    }

    /// All bytes.
    ///
    /// # Errors
    /// The same as [`FileObject::part`].
    pub fn whole(&self) -> io::Result<Bytes> {
        self.read(0, self.size())
    }

    fn read(&self, position: u64, length: u64) -> io::Result<Bytes> {
        let mut bytes = vec![UNFILLED; usize::try_from(length).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, self.bytes.start + position)?;
        Ok(bytes.into())
    }
}
