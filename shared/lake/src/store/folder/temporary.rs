//! Files on their way to become objects.

use core::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Folder, present};

const TEMPORARY: &str = ".tmp-";

/// A file that nobody else sees yet, locked for its life so that it is not taken for a leftover.
pub(super) struct Temporary {
    pub(super) path: PathBuf,
    file: File,
}

impl Temporary {
    pub(super) fn create(folder: &Path, bytes: &[u8]) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let mut name = TEMPORARY.to_owned();
            write!(name, "{}-{number}", std::process::id()).map_err(io::Error::other)?;
            let path = folder.join(name);
            let file = match OpenOptions::new().write(true).create_new(true).open(&path) {
                // A process of the same number left it, or lives in another container.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                opened => opened?,
            };
            // On a file system without locks leftovers are never cleaned, so nothing is lost.
            drop(file.try_lock());
            let mut temporary = Self { path, file };
            temporary.file.write_all(bytes)?;
            temporary.file.sync_all()?;
            return Ok(temporary);
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove; and what stays is cleaned as a leftover.
        drop(fs::remove_file(&self.path));
    }
}

impl Folder {
    /// Deletes what dead writers left behind below `prefix`, and counts it.
    pub(super) fn clean_leftovers(&self, prefix: &str) -> io::Result<u64> {
        let mut cleaned = 0;
        self.walk(prefix, &mut |key, path| {
            if !key.starts_with(prefix) || !is_temporary(key) {
                return Ok(());
            }
            let Some(file) = present(File::open(path))? else {
                return Ok(());
            };
            if file.try_lock().is_ok() && present(fs::remove_file(path))?.is_some() {
                cleaned += 1;
            }
            Ok(())
        })?;
        Ok(cleaned)
    }
}

/// Whether the key is that of a file on its way, or left on it.
pub(super) fn is_temporary(key: &str) -> bool {
    key.rsplit('/').next().is_some_and(|name| name.starts_with(TEMPORARY))
}
