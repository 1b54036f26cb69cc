//! Size of the rows that an invocation has collected on disk, in files without a name.

use std::path::PathBuf;
use std::sync::Arc;

use engine::pass::Pass;
use runtime::progress::{Progress, RunMoment};

use super::journal::Journal;

/// Measures the files of one invocation whenever it flushes.
#[derive(Debug)]
pub(super) struct Spill {
    pub(super) folder: PathBuf,
    pub(super) journal: Arc<Journal>,
    pub(super) invocation: usize,
}

impl Spill {
    /// Bytes of the open files of the folder, including those whose name is deleted.
    fn bytes(&self) -> u64 {
        if self.folder.as_os_str().is_empty() {
            return 0;
        }
        let Ok(open) = std::fs::read_dir("/proc/self/fd") else {
            return 0;
        };
        open.flatten()
            .filter(|file| {
                std::fs::read_link(file.path()).is_ok_and(|to| to.starts_with(&self.folder))
            })
            .filter_map(|file| std::fs::metadata(file.path()).ok())
            .map(|file| file.len())
            .sum()
    }
}

impl Progress for Spill {
    fn on(&self, _: &'static str, _: Pass, moment: &RunMoment) {
        match moment {
            RunMoment::Flushing => {
                let bytes = self.bytes();
                self.journal.flushes(self.invocation, bytes);
            }
            RunMoment::Committed(_) => self.journal.flushed(self.invocation),
            RunMoment::Page { .. } => self.journal.reads(self.invocation),
            RunMoment::Started | RunMoment::Waiting | RunMoment::File { .. } | RunMoment::Ended => {
            }
        }
    }
}
