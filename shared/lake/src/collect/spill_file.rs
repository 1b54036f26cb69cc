//! Rows in a temporary file, in chunks that are read in any order.
//!
//! Arrow's own reader of such files takes zeroed memory for each chunk. That is fresh memory of the
//! system each time (`engine::memory::UNFILLED`), which took a tenth of a first load.

use core::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::writer::FileWriter;
use arrow::ipc::{Block, root_as_footer};

use super::CollectError;
use crate::scratch::{ScratchFile, SectionReader};

/// Length in bytes of the end of an Arrow IPC file: the length of its footer, and `ARROW1`.
const END: usize = 10;

/// Chunks in a section of a temporary file, which is an Arrow IPC file.
pub(crate) struct SpillFile {
    section: SectionReader,
    /// Place of each chunk in the section.
    blocks: Vec<Block>,
    decoder: FileDecoder,
}

impl fmt::Debug for SpillFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} chunks in a file", self.blocks.len())
    }
}

/// Function that takes the next chunk of a file.
pub(crate) type TakesChunk<'a> = dyn FnMut(RecordBatch) -> Result<(), CollectError> + 'a;

impl SpillFile {
    /// Writes the chunks that `write` passes on at the end of `file`.
    ///
    /// The file is never synced: it is read by this process only, and lost with it.
    pub(crate) fn write(
        file: &mut ScratchFile,
        schema: &SchemaRef,
        write: impl FnOnce(&mut TakesChunk<'_>) -> Result<(), CollectError>,
    ) -> Result<Self, CollectError> {
        let mut writer = FileWriter::try_new(file.append()?, schema)?;
        write(&mut |chunk| writer.write(&chunk).map_err(unwritten))?;
        writer.finish().map_err(unwritten)?;
        let section = writer.into_inner().map_err(unwritten)?.finish()?;
        Self::open(section, schema).map_err(CollectError::Spilled)
    }

    /// Chunks of a section that was written with this schema.
    ///
    /// # Errors
    /// When the section cannot be read, or is no Arrow IPC file.
    fn open(section: SectionReader, schema: &SchemaRef) -> Result<Self, ArrowError> {
        let end = section.len().saturating_sub(END as u64);
        let last = section.bytes_at(end, END)?;
        let length = read_footer_length(last.try_into().unwrap_or_default())?;
        let footer = section.bytes_at(end.saturating_sub(length as u64), length)?;
        let footer = root_as_footer(&footer).map_err(broken)?;
        let blocks = footer.recordBatches().iter().flatten().copied().collect();
        let decoder = FileDecoder::new(Arc::clone(schema), footer.version());
        Ok(Self { section, blocks, decoder })
    }

    /// Number of chunks.
    pub(crate) const fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Rows of the chunk at `index`.
    ///
    /// # Errors
    /// When there is none, or the file does not hold the bytes that were written.
    pub(crate) fn chunk(&self, index: usize) -> Result<RecordBatch, CollectError> {
        self.read(index).map_err(CollectError::Spilled)
    }

    fn read(&self, index: usize) -> Result<RecordBatch, ArrowError> {
        let block = self.blocks.get(index).ok_or_else(missing_chunk)?;
        let start = u64::try_from(block.offset()).map_err(broken)?;
        let head = usize::try_from(block.metaDataLength()).map_err(broken)?;
        let body = usize::try_from(block.bodyLength()).map_err(broken)?;
        let bytes = self.section.bytes_at(start, head.saturating_add(body))?;
        let rows = self.decoder.read_record_batch(block, &Buffer::from_vec(bytes))?;
        rows.ok_or_else(missing_chunk)
    }
}

/// Error of a failed write: the operating system's reason if there is one. A full disk is then
/// reported as such instead of as a defect of the rows.
fn unwritten(error: ArrowError) -> CollectError {
    if let ArrowError::IoError(_, source) = error {
        CollectError::Scratch(source)
    } else {
        CollectError::Rows(error)
    }
}

/// Error of a spill that lacks a chunk.
pub(super) fn missing_chunk() -> ArrowError {
    broken("a chunk of rows is missing")
}

/// Error of a file that does not hold what was written to it.
fn broken(why: impl fmt::Display) -> ArrowError {
    ArrowError::IpcError(why.to_string())
}
