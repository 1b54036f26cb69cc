//! Reasons for which the parts of a deployment cannot be constructed.

use std::path::{Path, PathBuf};

use delta::table::TableError;
use runtime::credentials::VaultError;

use crate::config::ConfigError;

/// Reason for which the parts cannot be constructed.
#[derive(Debug, thiserror::Error)]
pub enum PartsError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The lake holds another account.
    #[error("the lake `{}` belongs to another account", lake)]
    OtherAccount {
        /// The lake.
        lake: String,
        /// The error, which names the other account.
        #[source]
        source: Box<TableError>,
    },
    /// The lake has the format of a newer version.
    #[error("the lake `{}` is of a newer version; nothing is written", lake)]
    Newer {
        /// The lake.
        lake: String,
        /// The error of a table in the newer format.
        #[source]
        source: Box<TableError>,
    },
    /// A folder cannot be made or written.
    #[error("{}", fault.told(path))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Fault of it.
        fault: FolderFault,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The login of this machine cannot be used.
    #[error(transparent)]
    Login(#[from] VaultError),
    /// The state cannot be opened, or the owner's lock cannot be held.
    #[error("the state of the lake cannot be used")]
    State(#[from] state::StateError),
}

/// Fault of a folder that is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderFault {
    /// It is there, and cannot be written.
    NotWritable,
    /// Something else is in its place.
    NoFolder,
    /// It is not there, and cannot be made.
    NotMade,
}

impl FolderFault {
    /// Fault of the folder `path`, which could not be made or written.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        if path.is_dir() {
            Self::NotWritable
        } else if path.exists() {
            Self::NoFolder
        } else {
            Self::NotMade
        }
    }

    /// Sentence about `path`, with advice.
    fn told(self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::NotWritable => format!(
                "the folder `{path}` cannot be written: allow writing there, or choose another with \
                 `--lake`"
            ),
            Self::NoFolder => format!("`{path}` is no folder: choose another place with `--lake`"),
            Self::NotMade => format!(
                "the folder `{path}` cannot be made: choose another with `--lake`, or allow writing \
                 there"
            ),
        }
    }
}

impl PartsError {
    /// Error of the folder `path`, which could not be made or written.
    pub(super) fn folder(path: &Path, source: std::io::Error) -> Self {
        Self::Folder { path: path.to_owned(), fault: FolderFault::of(path), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_there_is_not_said_to_be_missing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let told = |path: &Path| PartsError::folder(path, std::io::ErrorKind::Other.into());
        for (path, words) in [
            (folder.path(), "cannot be written"),
            (file.as_path(), "is no folder"),
            (file.join("a").as_path(), "cannot be made"),
        ] {
            assert!(told(path).to_string().contains(words), "{}", path.display());
        }
    }
}
