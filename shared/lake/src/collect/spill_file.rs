//! Reads the chunks of a spill from a temporary file.
//!
//! Arrow's own reader of such files takes zeroed memory for each chunk. That is fresh memory of the
//! system each time (`crate::scratch`), which took a tenth of a first load.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::{Block, root_as_footer};

use crate::scratch::SectionReader;

/// Length in bytes of the end of an Arrow IPC file: the length of its footer, and `ARROW1`.
const END: usize = 10;

/// Chunks in a section of a temporary file, which is an Arrow IPC file.
pub(super) struct SpillFile {
    section: SectionReader,
    /// Place of each chunk in the section.
    blocks: Vec<Block>,
    decoder: FileDecoder,
}

impl SpillFile {
    /// Chunks of a section that was written with this schema.
    ///
    /// # Errors
    /// When the section cannot be read, or is no Arrow IPC file.
    pub(super) fn open(section: SectionReader, schema: &SchemaRef) -> Result<Self, ArrowError> {
        let end = section.len().saturating_sub(END as u64);
        let last = section.bytes_at(end, END)?;
        let length = read_footer_length(last.try_into().unwrap_or_default())?;
        let footer = section.bytes_at(end.saturating_sub(length as u64), length)?;
        let footer = root_as_footer(&footer).map_err(broken)?;
        let blocks = footer.recordBatches().iter().flatten().copied().collect();
        let decoder = FileDecoder::new(Arc::clone(schema), footer.version());
        Ok(Self { section, blocks, decoder })
    }

    /// Rows of the chunk at `index`.
    ///
    /// # Errors
    /// When there is none, or the file does not hold the bytes that were written.
    pub(super) fn read(&self, index: usize) -> Result<RecordBatch, ArrowError> {
        let block = self.blocks.get(index).ok_or_else(missing_chunk)?;
        let start = u64::try_from(block.offset()).map_err(broken)?;
        let head = usize::try_from(block.metaDataLength()).map_err(broken)?;
        let body = usize::try_from(block.bodyLength()).map_err(broken)?;
        let bytes = self.section.bytes_at(start, head.saturating_add(body))?;
        let rows = self.decoder.read_record_batch(block, &Buffer::from_vec(bytes))?;
        rows.ok_or_else(missing_chunk)
    }
}

/// Error of a spill that lacks a chunk.
pub(super) fn missing_chunk() -> ArrowError {
    broken("a chunk of rows is missing")
}

/// Error of a file that does not hold what was written to it.
fn broken(why: impl core::fmt::Display) -> ArrowError {
    ArrowError::IpcError(why.to_string())
}
