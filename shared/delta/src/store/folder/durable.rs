//! Makes folders survive a loss of power.
//!
//! A synced file is not enough: its name is an entry of the folder, and the folder's name an entry
//! of the folder above. Each must reach the disk, or the file is gone after a loss of power
//! although a commit was reported as durable.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::PoisonError;

use super::StoreFolder;

impl StoreFolder {
    /// Creates `folder` and its ancestors as needed and makes their entries durable. Done once per
    /// process even for existing folders, because their creator may have died before doing it.
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
            // The folder above the lake may be unreadable for this user. It is synced if possible.
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

    /// Forgets which folders are durable. Needed when a folder turns out to be gone, so that the
    /// next attempt creates and syncs it again.
    pub(super) fn forget_durable(&self) {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Makes `folder` itself and the entries in it durable. Called after an object got its name.
    pub(super) fn sync_entry(&self, folder: &Path) -> io::Result<()> {
        self.make_durable(folder)?;
        sync_folder(folder)
    }
}

/// Makes the entries of `folder` durable. An empty path means the current folder, which cannot be
/// opened by the empty name.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}
