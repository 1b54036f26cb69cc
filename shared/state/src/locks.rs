//! Which owners of leases are alive on this machine: each holds an OS lock on a file of its own.
//!
//! The lock goes with the process, however it ends, so a lease whose owner's lock is free is free
//! at once. Only local stores use this; elsewhere a lease runs out by time.

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::{StateError, StateErrorKind};

/// Prefix of files that are locked but not yet named after their owner.
const UNNAMED: &str = ".new-";
/// How often a lock file may be swept away under our hands before it is ours.
const TRIES: u32 = 100;

/// Keeps the owner's lock until it is dropped or the process ends.
#[derive(Debug)]
pub struct OwnerLock {
    path: PathBuf,
    _held: File,
}

impl OwnerLock {
    /// Locks `<dir>/<owner>` and makes the folder where it is missing. The file appears locked: no
    /// other process ever sees it free while this one lives.
    ///
    /// # Errors
    /// The owner exists already, or the folder cannot be written or keeps no locks.
    pub fn create(dir: &Path, owner: &str) -> Result<Self, StateError> {
        let path = lock_path(dir, owner)?;
        let unnamed = dir.join(format!("{UNNAMED}{owner}"));
        std::fs::create_dir_all(dir).map_err(|source| StateError::from_io(dir, source))?;
        for _ in 0..TRIES {
            match named(&unnamed, &path) {
                Ok(Some(held)) => return Ok(Self { path, _held: held }),
                // Swept away between two steps.
                Ok(None) => {}
                Err(source) if source.kind() == ErrorKind::AlreadyExists => {
                    std::fs::remove_file(&unnamed).ok();
                    let what = format!("lock `{}` exists already", path.display());
                    return Err(StateError::new(StateErrorKind::Busy, what).with_source(source));
                }
                Err(source) => return Err(StateError::from_io(&path, source)),
            }
        }
        let what = format!("lock `{}` cannot be kept", path.display());
        Err(StateError::new(StateErrorKind::Failed, what))
    }
}

impl Drop for OwnerLock {
    fn drop(&mut self) {
        // First the name, then (with the file) the lock: nobody finds it free. A file that stays
        // behind is free and means nothing.
        std::fs::remove_file(&self.path).ok();
    }
}

/// Whether the owner's process lives. Where that cannot be found out it counts as alive: its lease
/// then ends by time.
#[must_use]
pub fn is_held(dir: &Path, owner: &str) -> bool {
    let Ok(path) = lock_path(dir, owner) else {
        return false;
    };
    match File::open(path) {
        // Shared, so that two who ask at once do not take each other for the owner.
        Ok(file) => file.try_lock_shared().is_err(),
        Err(source) => source.kind() != ErrorKind::NotFound,
    }
}

/// Removes the lock files of owners that are gone; returns how many.
///
/// # Errors
/// The folder cannot be read.
pub fn remove_free(dir: &Path) -> Result<usize, StateError> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(source) if source.kind() == ErrorKind::NotFound => return Ok(0),
        Err(source) => return Err(StateError::from_io(dir, source)),
    };
    let mut removed: usize = 0;
    for entry in entries {
        let path = entry.map_err(|source| StateError::from_io(dir, source))?.path();
        let Ok(file) = File::open(&path) else {
            continue;
        };
        if file.try_lock().is_ok() && std::fs::remove_file(&path).is_ok() {
            removed = removed.saturating_add(1);
        }
    }
    Ok(removed)
}

/// Locks a new file and then gives it its name. `None` where somebody took the file away before it
/// was locked.
fn named(unnamed: &Path, path: &Path) -> std::io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(unnamed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            std::thread::yield_now();
            return Ok(None);
        }
        Err(TryLockError::Error(source)) => return Err(source),
    }
    match std::fs::hard_link(unnamed, path) {
        Ok(()) => {}
        Err(source) if source.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(source),
    }
    // What is left of it means nothing.
    std::fs::remove_file(unnamed).ok();
    Ok(Some(file))
}

fn lock_path(dir: &Path, owner: &str) -> Result<PathBuf, StateError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if owner.is_empty() || owner.len() > 200 || !owner.bytes().all(plain) {
        let what = format!("lock: `{}` cannot be an owner", owner.escape_debug());
        return Err(StateError::new(StateErrorKind::Failed, what));
    }
    Ok(dir.join(owner))
}
