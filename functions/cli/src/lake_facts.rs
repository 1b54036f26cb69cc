//! What the tables of a lake tell without anything else being known.

use std::path::PathBuf;
use std::sync::Arc;

use engine::ids::AccountId;
use engine::spec::StreamSpec;
use lake::store::{FolderStore, ObjectStore};
use lake::table::{Table, TableError};
use runtime::config::{ConfigError, Given, Setting};

/// No account has this id: opening a table in its name tells whose it is.
const NOBODY: AccountId = AccountId(0);

/// Folder of the lake.
///
/// # Errors
/// Where the setting names something else.
pub(crate) fn folder(given: &Given) -> Result<PathBuf, ConfigError> {
    let lake = given.get(Setting::LAKE).unwrap_or("./lake");
    if lake.contains("://") {
        return Err(ConfigError::NotYet { setting: Setting::LAKE, value: lake.to_owned() });
    }
    Ok(PathBuf::from(lake))
}

/// The table of `spec`, whoever's account it holds; `None` where there is none.
///
/// # Errors
/// Where the table cannot be read.
pub(crate) async fn open(
    folder: &PathBuf,
    spec: &'static StreamSpec,
) -> Result<Option<Table>, TableError> {
    let store: Arc<dyn ObjectStore> = Arc::new(FolderStore::new(folder));
    match Table::open(Arc::clone(&store), spec, NOBODY).await {
        Err(TableError::OtherAccount { found, .. }) => Table::open(store, spec, found).await,
        other => other,
    }
}

/// The account that the lake holds; `None` where no table says.
pub(crate) async fn account(folder: &PathBuf) -> Option<AccountId> {
    for spec in streams::STREAMS {
        let store: Arc<dyn ObjectStore> = Arc::new(FolderStore::new(folder));
        if let Err(TableError::OtherAccount { found, .. }) = Table::open(store, spec, NOBODY).await
        {
            return Some(found);
        }
    }
    None
}
