//! Progress of work on the files of a table.

use delta::table::FileEntry;

/// Receiver of the files that a piece of work is through with. Must return at once.
///
/// Each function of this crate that takes one says how many times it reads a table, and then tells
/// every file that often, also a file that it need not read. So the work ahead is known from the log
/// alone, and what is told adds up to it.
pub trait FileProgress: Send + Sync {
    /// Notes that the work is through with `file` once.
    fn done(&self, file: &FileEntry);
}

/// Receiver that ignores all files.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFileProgress;

impl FileProgress for NoFileProgress {
    fn done(&self, _: &FileEntry) {}
}

/// Receiver that keeps the sizes of files, in the order in which they were told.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct ToldFiles(std::sync::Mutex<Vec<u64>>);

#[cfg(test)]
impl ToldFiles {
    /// Sizes of the files that were told.
    pub(crate) fn sizes(&self) -> Vec<u64> {
        self.0.lock().unwrap().clone()
    }
}

#[cfg(test)]
impl FileProgress for ToldFiles {
    fn done(&self, file: &FileEntry) {
        self.0.lock().unwrap().push(file.size);
    }
}
