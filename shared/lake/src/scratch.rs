//! Temporary files, for rows and files that are too large for memory.
//!
//! A file has many sections. With a file for each spill a large load would have more files open than
//! a process may have: 1,024 in AWS Lambda ("Lambda quotas", file descriptors).
//!
//! Files have no name, so that the system removes them even after a crash.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Read, Result, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use delta::store::FileObject;
use engine::memory::UNFILLED;

/// Bytes of a section that are written at once. A chunk of rows has some hundred smaller parts.
const WRITTEN_AT_ONCE: usize = 64 << 10;

/// Temporary file. It is removed with its last section.
#[derive(Debug)]
pub(crate) struct ScratchFile(Arc<File>);

/// Section being written. Sections of one file are written one after the other, hence the borrow.
pub(crate) struct SectionWriter<'a> {
    file: &'a mut ScratchFile,
    /// Offset of its first byte in the file.
    start: u64,
    buffer: BufWriter<Arc<File>>,
}

/// Reader of a section. Clones have positions of their own.
#[derive(Clone, Debug)]
pub(crate) struct SectionReader {
    file: Arc<File>,
    /// Offset of its first byte in the file.
    start: u64,
    length: u64,
    /// Offset of the next byte in the section.
    position: u64,
}

impl ScratchFile {
    /// Creates a file in `folder`, or in the system's folder of temporary files.
    pub(crate) fn create(folder: Option<&Path>) -> Result<Self> {
        let file = match folder {
            Some(folder) => tempfile::tempfile_in(folder)?,
            None => tempfile::tempfile()?,
        };
        Ok(Self(Arc::new(file)))
    }

    /// Writes bytes at the end of the file, which has no sections.
    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.as_ref().write_all(bytes)
    }

    /// Begins a section at the end of the file.
    pub(crate) fn append(&mut self) -> Result<SectionWriter<'_>> {
        let start = self.0.as_ref().seek(SeekFrom::End(0))?;
        let buffer = BufWriter::with_capacity(WRITTEN_AT_ONCE, Arc::clone(&self.0));
        Ok(SectionWriter { file: self, start, buffer })
    }
}

impl ScratchFile {
    /// Reader of all sections as one.
    pub(crate) fn whole(&self) -> Result<SectionReader> {
        let length = self.0.metadata()?.len();
        Ok(SectionReader { file: Arc::clone(&self.0), start: 0, length, position: 0 })
    }
}

impl SectionReader {
    /// Size of the section in bytes.
    pub(crate) const fn len(&self) -> u64 {
        self.length
    }

    /// Section as a file to be stored. `sha256`: checksum of its bytes.
    pub(crate) fn object(&self, sha256: [u8; 32]) -> FileObject {
        let bytes = self.start..self.start.saturating_add(self.length);
        FileObject::new(Arc::clone(&self.file), bytes, sha256)
    }

    /// Reader of the section from `position` on.
    pub(crate) fn at(&self, position: u64) -> Self {
        Self { position, ..self.clone() }
    }

    /// Bytes of the section from `position` on.
    ///
    /// # Errors
    /// When the section has fewer than `length`, or cannot be read.
    pub(crate) fn bytes_at(&self, position: u64, length: usize) -> Result<Vec<u8>> {
        // A length that a damaged file claims takes no memory.
        if self.length.saturating_sub(position) < length as u64 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![UNFILLED; length];
        self.at(position).read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl SectionWriter<'_> {
    /// Ends the section and returns a reader at its beginning.
    pub(crate) fn finish(mut self) -> Result<SectionReader> {
        let end = self.buffer.stream_position()?;
        let file = Arc::clone(&self.file.0);
        Ok(SectionReader { file, start: self.start, length: end - self.start, position: 0 })
    }
}

impl Write for SectionWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.buffer.write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.buffer.flush()
    }
}

impl Read for SectionReader {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let most = left.min(into.len());
        let into = into.get_mut(..most).unwrap_or_default();
        let read = self.file.read_at(into, self.start + self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for SectionReader {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(position) => (position, 0),
            SeekFrom::Current(by) => (self.position, by),
            SeekFrom::End(by) => (self.length, by),
        };
        let before = || std::io::Error::new(ErrorKind::InvalidInput, "before the section");
        self.position = from.checked_add_signed(by).ok_or_else(before)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_has_its_own_bytes() {
        let mut file = ScratchFile::create(None).unwrap();
        let mut sections = Vec::new();
        for text in ["first", "", "the second", "third"] {
            let mut writer = file.append().unwrap();
            writer.write_all(text.as_bytes()).unwrap();
            sections.push((text, writer.finish().unwrap()));
        }
        for (text, section) in sections {
            let (mut whole, mut end) = (section.clone(), section);
            let mut read = String::new();
            whole.read_to_string(&mut read).unwrap();
            assert_eq!(read, text);
            end.seek(SeekFrom::End(0)).unwrap();
            let half = i64::try_from(text.len()).unwrap() / 2;
            end.seek(SeekFrom::Current(-half)).unwrap();
            read.clear();
            end.read_to_string(&mut read).unwrap();
            assert!(text.ends_with(&read) && read.len() == text.len() / 2);
            assert_eq!(end.stream_position().unwrap(), text.len() as u64);
            end.seek(SeekFrom::Start(0)).unwrap();
            end.seek(SeekFrom::Current(-1)).unwrap_err();
        }
    }
}
