//! A file under construction: in memory while it is small, and then in a temporary file.
//!
//! The table's file, the file of changes beside it and those that wait for the store are complete at
//! the same time. In memory they would be most of what a first load takes.

use std::io::{Result, Write};

use sha2::{Digest as _, Sha256};

use super::content::FileContent;
use crate::scratch::ScratchFile;

/// Size in bytes up to which a file is built in memory. Tests have small files, some of which should
/// be on the disk.
const IN_MEMORY: usize = if cfg!(test) { 3 << 10 } else { engine::memory::FILE_BUILT_IN_MEMORY };

/// Bytes of a file, and their checksum.
pub(crate) struct FileOutput {
    place: OutputPlace,
    sum: Sha256,
}

/// Place of the bytes that were written so far.
enum OutputPlace {
    InMemory(Vec<u8>),
    OnDisk(ScratchFile),
}

impl FileOutput {
    /// Empty file in memory, which moves to the disk when it is large.
    pub(crate) fn new() -> Self {
        Self { place: OutputPlace::InMemory(Vec::new()), sum: Sha256::new() }
    }

    /// Empty file on the disk.
    ///
    /// # Errors
    /// When the temporary file cannot be created.
    pub(super) fn on_disk() -> Result<Self> {
        Ok(Self { place: OutputPlace::OnDisk(ScratchFile::create(None)?), sum: Sha256::new() })
    }

    /// Completes the file, and returns it with its SHA-256 in hexadecimal digits.
    ///
    /// # Errors
    /// When the temporary file fails.
    pub(crate) fn finish(self) -> Result<(FileContent, String)> {
        let sum: [u8; 32] = self.sum.finalize().into();
        let content = match self.place {
            OutputPlace::InMemory(bytes) => FileContent::InMemory(bytes.into()),
            OutputPlace::OnDisk(file) => FileContent::on_disk(file.whole()?, sum),
        };
        Ok((content, hex::encode(sum)))
    }
}

impl Write for FileOutput {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        if let OutputPlace::InMemory(held) = &self.place
            && held.len().saturating_add(bytes.len()) > IN_MEMORY
        {
            let mut file = ScratchFile::create(None)?;
            file.write_all(held)?;
            self.place = OutputPlace::OnDisk(file);
        }
        match &mut self.place {
            OutputPlace::InMemory(held) => held.extend_from_slice(bytes),
            OutputPlace::OnDisk(file) => file.write_all(bytes)?,
        }
        self.sum.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::ChunkReader as _;

    use super::super::content::sha256;
    use super::*;

    #[test]
    fn bytes_and_checksum_are_those_that_were_written() {
        // (parts, whether they are on the disk)
        for (parts, on_disk) in [
            (vec![], false),
            (vec![0, 1, IN_MEMORY - 1], false),
            (vec![IN_MEMORY, 1], true),
            (vec![IN_MEMORY + 1], true),
            (vec![7, IN_MEMORY, 0, 5, 3 * IN_MEMORY], true),
        ] {
            let (mut output, mut wanted) = (FileOutput::new(), Vec::new());
            for (nth, part) in parts.iter().enumerate() {
                let bytes: Vec<u8> =
                    (0..*part).map(|at| [b'a', b'b', b'c'][(at * 7 + nth) % 3]).collect();
                output.write_all(&bytes).unwrap();
                wanted.extend(bytes);
            }
            let (content, sum) = output.finish().unwrap();
            assert_eq!(matches!(content, FileContent::OnDisk(_)), on_disk, "{parts:?}");
            assert_eq!((sum, content.sha256()), (sha256(&wanted), sha256(&wanted)));
            assert_eq!(content.get_bytes(0, wanted.len()).unwrap(), wanted);
        }
    }
}
