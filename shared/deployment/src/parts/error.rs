//! Reasons for which the parts of a deployment cannot be constructed.

use std::path::PathBuf;

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
    /// A folder cannot be made.
    #[error(
        "the folder `{}` cannot be made: choose another with `--lake`, or allow writing there",
        path.display()
    )]
    Folder {
        /// The folder.
        path: PathBuf,
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
