//! Changes of a merge that wait until it has written the files of its table.
//!
//! A file under construction takes tens of megabytes. Encoded beside the table's, changes would need as
//! much again.

use std::path::PathBuf;

use arrow::array::RecordBatch;

use super::{ChangeEncoder, ChangeOp};
use crate::blocking::RewriteError;
use crate::collect::SpillFile;
use crate::partition::{PartitionError, WrittenFile};
use crate::scratch::ScratchFile;

/// Size in bytes of changes that wait in memory; more go to a temporary file. Tests have few.
const IN_MEMORY: usize = if cfg!(test) { 16 << 10 } else { engine::memory::DEFERRED_CHANGES };

/// Changes of one merge. Files whose columns are copied need no encoding and do not wait.
#[derive(Debug)]
pub(crate) struct DeferredChanges {
    encoder: ChangeEncoder,
    /// Folder of the temporary file; `None` for that of the system.
    scratch: Option<PathBuf>,
    file: Option<ScratchFile>,
    /// Earlier changes, in order.
    spills: Vec<SpillFile>,
    /// Changes since the last spill.
    rows: Vec<RecordBatch>,
    /// Size of `rows` in bytes.
    bytes: usize,
}

/// Changes that are being encoded.
#[derive(Debug)]
pub(crate) struct DeferredFiles {
    /// `None` at the end.
    encoder: Option<ChangeEncoder>,
    spills: std::vec::IntoIter<SpillFile>,
    /// Spill being read, and the number of its next batch.
    reading: Option<(SpillFile, usize)>,
    rows: std::vec::IntoIter<RecordBatch>,
}

impl DeferredChanges {
    pub(crate) const fn new(encoder: ChangeEncoder, scratch: Option<PathBuf>) -> Self {
        Self { encoder, scratch, file: None, spills: Vec::new(), rows: Vec::new(), bytes: 0 }
    }

    /// As [`ChangeEncoder::copies`].
    pub(crate) fn copies(&self, rows: u64) -> bool {
        self.encoder.copies(rows)
    }

    /// As [`ChangeEncoder::copy`].
    pub(crate) fn copy(
        &mut self,
        file: &WrittenFile,
        partition: Option<&str>,
    ) -> Result<Option<WrittenFile>, PartitionError> {
        self.encoder.copy(file, partition)
    }

    /// Keeps changed rows of one partition, with the arguments of [`ChangeEncoder::add`].
    pub(crate) fn add(
        &mut self,
        ops: &[ChangeOp],
        rows: &RecordBatch,
        partition: Option<&str>,
    ) -> Result<(), RewriteError> {
        if ops.is_empty() {
            return Ok(());
        }
        let rows = self.encoder.of_partition(ops, rows, partition)?;
        self.bytes += rows.get_array_memory_size();
        self.rows.push(rows);
        if self.bytes > IN_MEMORY {
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(
                    ScratchFile::create(self.scratch.as_deref()).map_err(PartitionError::Output)?,
                ),
            };
            let rows = core::mem::take(&mut self.rows);
            self.bytes = 0;
            self.spills.push(SpillFile::write(file, self.encoder.schema(), |append| {
                rows.into_iter().try_for_each(append)
            })?);
        }
        Ok(())
    }

    /// Number of batches in the file, and in memory.
    #[cfg(test)]
    pub(super) fn batches(&self) -> (usize, usize) {
        (self.spills.iter().map(SpillFile::len).sum(), self.rows.len())
    }

    /// Ends the merge.
    pub(crate) fn files(self) -> DeferredFiles {
        DeferredFiles {
            encoder: Some(self.encoder),
            spills: self.spills.into_iter(),
            reading: None,
            rows: self.rows.into_iter(),
        }
    }
}

impl DeferredFiles {
    /// Next files, at least one; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<WrittenFile>>, RewriteError> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(None) };
        while let Some(rows) = self.rows()? {
            let full = encoder.write(&rows)?;
            if !full.is_empty() {
                self.encoder = Some(encoder);
                return Ok(Some(full));
            }
        }
        let last = encoder.finish()?;
        Ok((!last.is_empty()).then_some(last))
    }

    /// Next changes, in the order in which they were added.
    fn rows(&mut self) -> Result<Option<RecordBatch>, RewriteError> {
        loop {
            if let Some((spill, next)) = &mut self.reading
                && *next < spill.len()
            {
                let rows = spill.chunk(*next)?;
                *next += 1;
                return Ok(Some(rows));
            }
            match self.spills.next() {
                Some(spill) => self.reading = Some((spill, 0)),
                None => return Ok(self.rows.next()),
            }
        }
    }
}
