//! Temporary files, which become objects by a link or rename.
//!
//! An object must appear whole or not at all. A file that is written under its final name is
//! visible half written; a temporary one gets that name only when all its bytes are on the disk.

use core::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::{FileObject, StoreFolder, present};

/// Beginning of the names of temporary files. `check_key` refuses keys with such a part, so no
/// object can be taken for a temporary file.
const TEMPORARY: &str = ".tmp-";

/// File that is not visible as an object. Locked while it lives, so that it is not cleaned away.
pub(super) struct TemporaryFile {
    pub(super) path: PathBuf,
    file: File,
}

/// Content of an object to be written.
#[derive(Debug)]
pub(super) enum NewContent {
    Bytes(Bytes),
    File(FileObject),
}

impl NewContent {
    fn write(&self, into: &mut File) -> io::Result<()> {
        let file = match self {
            Self::Bytes(bytes) => return into.write_all(bytes),
            Self::File(file) => file,
        };
        let mut position = 0;
        while position < file.size() {
            let part = file.part(position)?;
            into.write_all(&part)?;
            position += part.len() as u64;
        }
        Ok(())
    }
}

impl TemporaryFile {
    /// Creates a file of `content` in `folder` and syncs it. The name consists of the process id and
    /// a number of this process: `.tmp-4711-0`. It lies in the folder of the object, because a link
    /// or rename works only within one file system.
    pub(super) fn create(folder: &Path, content: &NewContent) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let mut name = TEMPORARY.to_owned();
            write!(name, "{}-{number}", std::process::id()).map_err(io::Error::other)?;
            let path = folder.join(name);
            let file = match OpenOptions::new().write(true).create_new(true).open(&path) {
                // Left by a process with the same id, or in use by one in another container.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                opened => opened?,
            };
            // Without locks, `clean_leftovers` cannot lock the file either, so it never deletes
            // one.
            drop(file.try_lock());
            let mut temporary = Self { path, file };
            content.write(&mut temporary.file)?;
            temporary.file.sync_all()?;
            return Ok(temporary);
        }
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // A rename leaves nothing to remove; a file that cannot be removed is left to
        // `clean_leftovers`.
        drop(fs::remove_file(&self.path));
    }
}

impl StoreFolder {
    /// Deletes temporary files of dead writers below `prefix` and returns their number. A writer is
    /// dead if its lock is free: the OS releases locks when a process ends, also after `kill -9`.
    ///
    /// A living writer that has created its file but not locked it yet can lose it. Its link or
    /// rename then fails with "not found", and `with_temporary` begins anew.
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

/// Whether the key is that of a temporary file.
pub(super) fn is_temporary(key: &str) -> bool {
    key.rsplit('/').next().is_some_and(|name| name.starts_with(TEMPORARY))
}
