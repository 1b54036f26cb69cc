//! Locks that protect the entries of a folder: OS locks on the folder itself, which end with the
//! process and leave no file.
//!
//! | operation | lock | reason |
//! | --- | --- | --- |
//! | `replace` | exclusive | reads, compares, then renames: nothing may change in between |
//! | `put`, `delete` | shared | must not happen between reading and renaming of a `replace` |
//! | `put_if_absent` | none | has no effect on an object that exists, so `replace` never meets it |

use core::time::Duration;
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Number of attempts to take the lock. With `PAUSE` after each they last ten seconds; holders
/// keep the lock for milliseconds. A blocking lock would wait forever for a stopped process.
const TRIES: u32 = 1000;
/// Pause after each attempt: 10 ms.
const PAUSE: Duration = Duration::from_millis(10);

/// Takes the exclusive lock of `folder`, so that no other process changes an entry between read and
/// replacement.
pub(super) fn alone(folder: &Path) -> io::Result<File> {
    hold(folder, TRIES, File::try_lock)?.ok_or_else(|| {
        let why = "this file system keeps no locks, so that two processes could undo each other: \
                   use another";
        io::Error::new(ErrorKind::Unsupported, why)
    })
}

/// Takes the shared lock of `folder`, which keeps out holders of the exclusive one. `None` on a
/// file system without locks, where `alone` always fails.
pub(super) fn beside_others(folder: &Path) -> io::Result<Option<File>> {
    hold(folder, TRIES, File::try_lock_shared)
}

/// Lock on `folder`, or `None` if the file system has no locks.
#[expect(clippy::disallowed_methods, reason = "on a thread of its own, for another process")]
fn hold(
    folder: &Path,
    tries: u32,
    lock: impl Fn(&File) -> Result<(), TryLockError>,
) -> io::Result<Option<File>> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let file = File::open(folder)?;
    for _ in 0..tries {
        match lock(&file) {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(_)) => return Ok(None),
        }
    }
    let why = format!(
        "another process has kept `{}` for 10 s: if it stands still (Ctrl-Z), let it go on or end \
         it, then run again",
        folder.display()
    );
    Err(io::Error::new(ErrorKind::TimedOut, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_changes_an_entry_is_alone_and_the_others_say_who_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let held = alone(folder.path()).unwrap();
        let mine = hold(folder.path(), 2, File::try_lock).unwrap_err();
        let theirs = hold(folder.path(), 2, File::try_lock_shared).unwrap_err();
        for error in [mine, theirs] {
            assert!(error.to_string().contains("another process"), "{error}");
        }
        drop(held);
        let first = beside_others(folder.path()).unwrap();
        assert!(first.is_some() && beside_others(folder.path()).unwrap().is_some());
        hold(folder.path(), 2, File::try_lock).unwrap_err();
        drop(first);
        assert!(hold(folder.path(), 1, File::try_lock).unwrap().is_some());
    }
}
