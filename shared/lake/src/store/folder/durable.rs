//! Which folders survive a loss of power.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::PoisonError;

use super::Folder;

impl Folder {
    /// Creates `folder` and those above it as needed, and makes their entries durable: once per
    /// process, also for folders that were there, because their maker may not have got that far.
    pub(super) fn make_durable(&self, folder: &Path) -> io::Result<()> {
        let known = |path: &Path| {
            self.durable.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
        };
        if known(folder) {
            return Ok(());
        }
        fs::create_dir_all(folder)?;
        for path in folder.ancestors().take_while(|path| path.starts_with(&self.root)) {
            if known(path) {
                break;
            }
            // The folder above the lake may be one that we cannot open.
            if let Some(parent) = path.parent()
                && let Err(error) = sync_folder(parent)
                && parent.starts_with(&self.root)
            {
                return Err(error);
            }
        }
        let mut durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        durable.extend(
            folder
                .ancestors()
                .take_while(|path| path.starts_with(&self.root))
                .map(Path::to_path_buf),
        );
        Ok(())
    }

    /// Forgets which folders are known to be there.
    pub(super) fn forget_durable(&self) {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Makes the entries of `folder` durable, and its own.
    pub(super) fn sync_entry(&self, folder: &Path) -> io::Result<()> {
        self.make_durable(folder)?;
        sync_folder(folder)
    }
}

/// Makes durable which files a folder has.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}
