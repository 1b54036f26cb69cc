//! Access of other users of this machine to the files written.

use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::fs::{Access, Mode};

/// Users that may read the files that this process writes to this machine: the lake, its state and
/// locks, exports, temporary files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileReaders {
    /// The user of this process alone: folders 0700, files 0600.
    Owner,
    /// The users that the shell's umask allows.
    Umask,
}

impl FileReaders {
    /// Sets the umask for all files and folders that this process makes from now on.
    pub fn apply(self) {
        match self {
            Self::Owner => drop::<Mode>(rustix::process::umask(Mode::RWXG | Mode::RWXO)),
            Self::Umask => {}
        }
    }

    /// Warns where other users may read a lake that should be its owner's alone, as one made by an
    /// early release.
    pub fn warn_of(self, lake: &Path) {
        if self == Self::Owner && others_may_read(lake) {
            let lake = lake.display();
            tracing::warn!(
                "other users of this machine may read the lake `{lake}`: take that away with \
                 `chmod -R go= FOLDER`, or say that it is meant with `--shared` (`HARVEST_SHARED`)"
            );
        }
    }
}

/// Whether group or others may read the file, or enter or list the folder.
#[must_use]
pub fn others_may_read(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let others = (Mode::RWXG | Mode::RWXO).bits();
    std::fs::metadata(path).is_ok_and(|found| found.mode() & others != 0)
}

/// Checks that the folder can be written, or made where it is missing, without making anything.
///
/// # Errors
/// The reason for which it cannot.
pub fn could_write(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    for path in folder.ancestors() {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                return Ok(rustix::fs::access(path, Access::WRITE_OK | Access::EXEC_OK)?);
            }
            Ok(_) => return Err(ErrorKind::NotADirectory.into()),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_a_mode_without_bits_for_others_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        fs::write(&file, "x").unwrap();
        for (mode, others) in
            [(0o600, false), (0o400, false), (0o700, false), (0o640, true), (0o604, true)]
        {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(others_may_read(&file), others, "{mode:o}");
        }
        assert!(!others_may_read(&folder.path().join("none")));
    }

    #[test]
    fn a_folder_that_is_not_there_could_be_made_below_one_that_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        could_write(folder.path()).unwrap();
        could_write(&folder.path().join("a/b/c")).unwrap();
        could_write(Path::new("not-yet-there")).unwrap();
        could_write(&file).unwrap_err();
        could_write(&file.join("a")).unwrap_err();
        could_write(Path::new("/dev/null/a")).unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was made");
    }
}
