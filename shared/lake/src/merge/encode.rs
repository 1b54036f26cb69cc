//! Encodes merged rows into files, on a working thread.

use std::sync::Arc;

use arrow::array::RecordBatch;
use engine::report::RowCounts;
use tokio::sync::mpsc::{self, error::TrySendError};

use super::changes::FinishedFile;
use super::rows::MergedRows;
use crate::blocking::RewriteError;
use crate::changes::DeferredChanges;
use crate::partition::{FileLimits, PartitionError, PartitionWriter, RowLayout};

/// Encodes rows into files, one at a time.
#[derive(Debug)]
pub(super) struct FileEncoder {
    pub(super) layout: Arc<RowLayout>,
    pub(super) limits: FileLimits,
    /// Number of rows after which a file is complete.
    pub(super) each: u64,
    /// File under construction; `None` until there are rows for it, so that a partition without
    /// rows gets no file.
    pub(super) writer: Option<PartitionWriter>,
    pub(super) changes: Option<DeferredChanges>,
    /// Whether complete files are copied into the changes, instead of each change being encoded.
    pub(super) copies: bool,
    pub(super) partition: Option<String>,
    /// Way of complete files to the store.
    pub(super) done: mpsc::Sender<FinishedFile>,
}

impl FileEncoder {
    /// Encodes all rows. Returns the changes, which are not encoded yet.
    pub(super) fn encode(
        mut self,
        parts: Vec<MergedRows>,
    ) -> Result<(RowCounts, Option<DeferredChanges>), RewriteError> {
        let mut counts = RowCounts::default();
        for mut rows in parts {
            while let Some(window) = rows.window()? {
                self.write(&window.rows(&self.layout)?)?;
                if let Some(changes) = self.changes.as_mut().filter(|_| !self.copies) {
                    let (ops, rows) = window.changes(&self.layout)?;
                    changes.add(&ops, &rows, self.partition.as_deref())?;
                }
            }
            counts = counts.plus(rows.counts());
        }
        self.close()?;
        Ok((counts, self.changes.take()))
    }

    /// Appends rows, and begins a new file where one is complete.
    fn write(&mut self, rows: &RecordBatch) -> Result<(), RewriteError> {
        let mut start = 0;
        while start < rows.num_rows() {
            let writer = if let Some(writer) = &mut self.writer {
                writer
            } else {
                let writer = PartitionWriter::new(Arc::clone(&self.layout), self.limits);
                self.writer.insert(writer)
            };
            let room = usize::try_from(self.each.saturating_sub(writer.rows()));
            let length = room.unwrap_or(usize::MAX).min(rows.num_rows() - start);
            writer.write(&rows.slice(start, length))?;
            start += length;
            if writer.rows() >= self.each {
                self.close()?;
            }
        }
        Ok(())
    }

    /// Finishes the file under construction, if there is one.
    fn close(&mut self) -> Result<(), RewriteError> {
        let Some(writer) = self.writer.take() else {
            return Ok(());
        };
        let file = writer.finish()?;
        if let Some(changes) = self.changes.as_mut().filter(|_| self.copies)
            && let Some(full) = changes.copy(&file, self.partition.as_deref())?
        {
            self.send(FinishedFile::Changes(full))?;
        }
        self.send(FinishedFile::Rows(file))
    }

    fn send(&self, file: FinishedFile) -> Result<(), RewriteError> {
        // Waits for room in the channel. `blocking_send` panics on a thread of the runtime, where a
        // simulation encodes; there the channel is large enough and `try_send` succeeds.
        match self.done.try_send(file) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(file)) => {
                self.done.blocking_send(file).map_err(|_| PartitionError::Stopped.into())
            }
            Err(TrySendError::Closed(_)) => Err(PartitionError::Stopped.into()),
        }
    }
}
