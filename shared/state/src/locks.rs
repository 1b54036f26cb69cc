//! Tells which owners of leases are alive on this machine. Each owner holds an OS lock on its own
//! file.
//!
//! The lock ends with the process, however that ends, so the leases of a dead owner are free at
//! once. Without the lock, a person who kills a sync and starts it again would wait until the lease
//! expires. Only local stores use this; elsewhere a lease expires by time.
//!
//! A file by itself proves nothing: a killed process leaves it behind. Only its lock counts.
//!
//! | lock file of the owner | owner counts as |
//! | --- | --- |
//! | missing | dead |
//! | there, unlocked | dead |
//! | there, locked | alive |
//! | cannot be opened | alive, because it cannot be determined |

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::{StateError, StateErrorKind};

/// Prefix of files that are locked but do not have their owner's name yet.
const UNNAMED: &str = ".new-";
/// Number of attempts to create a lock file while another process removes it.
const TRIES: u32 = 100;

/// Holds the owner's lock until it is dropped or the process ends.
#[derive(Debug)]
pub struct OwnerLock {
    path: PathBuf,
    /// Open file, which carries the lock. It is closed after `drop` has removed the name.
    _held: File,
}

impl OwnerLock {
    /// Locks `<dir>/<owner>`, and creates the folder if needed. The file gets its name only after
    /// it is locked, so no other process ever sees it free while this one lives.
    ///
    /// The steps are: create `<dir>/.new-<owner>`, lock it, link it to `<dir>/<owner>`, remove the
    /// first name. With the final name first, another process could look between creation and lock,
    /// take the owner for dead, and take over its lease.
    ///
    /// # Errors
    /// When the owner exists already, or the folder cannot be written or has no locks.
    pub fn create(dir: &Path, owner: &str) -> Result<Self, StateError> {
        let path = lock_path(dir, owner)?;
        let unnamed = dir.join(format!("{UNNAMED}{owner}"));
        std::fs::create_dir_all(dir).map_err(|source| StateError::from_io(dir, source))?;
        for _ in 0..TRIES {
            match named(&unnamed, &path) {
                Ok(Some(held)) => return Ok(Self { path, _held: held }),
                // Another process removed the file between two steps.
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
        // The name goes before the lock (which ends with the file), so no process finds the file
        // free. A file that stays behind is unlocked and has no meaning.
        std::fs::remove_file(&self.path).ok();
    }
}

/// Whether the owner's process is alive. If that cannot be determined, it counts as alive and its
/// lease expires by time.
#[must_use]
pub fn is_held(dir: &Path, owner: &str) -> bool {
    let Ok(path) = lock_path(dir, owner) else {
        return false;
    };
    match File::open(path) {
        // A shared lock keeps two callers from taking each other for the owner.
        Ok(file) => file.try_lock_shared().is_err(),
        Err(source) => source.kind() != ErrorKind::NotFound,
    }
}

/// Removes the lock files of dead owners and returns their number. Files that cannot be opened or
/// removed stay: they do no harm, because only locks count.
///
/// # Errors
/// When the folder cannot be read.
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
        // Removed under the lock, so no process can lock the file in between and lose its name.
        if file.try_lock().is_ok() && std::fs::remove_file(&path).is_ok() {
            removed = removed.saturating_add(1);
        }
    }
    Ok(removed)
}

/// Locks a new file and then gives it its name. `None` if another process removed the file before
/// it was locked.
fn named(unnamed: &Path, path: &Path) -> std::io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    // Not `create_new`: a process of the same owner that died half way may have left the file.
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(unnamed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            // `remove_free` of another process has the lock for a moment.
            std::thread::yield_now();
            return Ok(None);
        }
        Err(TryLockError::Error(source)) => return Err(source),
    }
    // Fails if the name exists, so two processes cannot have the same owner. The lock belongs to
    // the open file and holds under both names.
    match std::fs::hard_link(unnamed, path) {
        Ok(()) => {}
        Err(source) if source.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(source),
    }
    // An unnamed file that stays behind has no meaning.
    std::fs::remove_file(unnamed).ok();
    Ok(Some(file))
}

/// Path of the owner's lock file. Refuses owners that would lead out of the folder (`../x`) or that
/// look like an unnamed file (`.new-x`).
fn lock_path(dir: &Path, owner: &str) -> Result<PathBuf, StateError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if owner.is_empty() || owner.len() > 200 || !owner.bytes().all(plain) {
        let what = format!("lock: `{}` cannot be an owner", owner.escape_debug());
        return Err(StateError::new(StateErrorKind::Failed, what));
    }
    Ok(dir.join(owner))
}
