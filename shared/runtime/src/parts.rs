//! The parts of a deployment, put together from its settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use harvest_api::{Credentials, ReqwestApi, Tuning};
use lake::store::{FolderStore, ObjectStore};
use lake::table::{Table, TableError};
use state::{OwnerLock, SqliteStore, StateStore};

use crate::clock::{Clock, SystemClock};
use crate::config::{ConfigError, Deployment};
use crate::context::{Context, Owners, Random};
use crate::gate::Gate;
use crate::progress::Progress;

/// Name of the folder of OS locks in a local lake.
const LOCKS: &str = ".locks";

/// Why the parts cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum PartsError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The lake holds another account.
    #[error("the lake `{}` belongs to another account", lake.display())]
    OtherAccount {
        /// The lake's folder.
        lake: PathBuf,
        /// Which.
        #[source]
        source: Box<TableError>,
    },
    /// A newer version writes the lake.
    #[error("the lake `{}` is of a newer version; nothing is written", lake.display())]
    Newer {
        /// The lake's folder.
        lake: PathBuf,
        /// Which table shows it.
        #[source]
        source: Box<TableError>,
    },
    /// The folder cannot be made.
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
    /// The state cannot be opened, or no lock be held.
    #[error("the state of the lake cannot be used")]
    State(#[from] state::StateError),
}

/// The lake's objects, without asking whether there are any.
#[must_use]
pub fn store(deployment: &Deployment) -> Arc<dyn ObjectStore> {
    Arc::new(FolderStore::new(&deployment.lake))
}

/// Whether every table there is belongs to the account and is of a format that this version knows.
/// Writes nothing; damaged tables are left to the runs of their streams.
///
/// # Errors
/// The first table of another account or a newer format.
pub async fn check_account(deployment: &Deployment) -> Result<(), PartsError> {
    for spec in streams::STREAMS {
        let opened = Table::open(store(deployment), spec, deployment.settings.account).await;
        let lake = || deployment.lake.clone();
        match opened {
            Err(source @ TableError::OtherAccount { .. }) => {
                return Err(PartsError::OtherAccount { lake: lake(), source: Box::new(source) });
            }
            Err(source @ TableError::NewerFormat { .. }) => {
                return Err(PartsError::Newer { lake: lake(), source: Box::new(source) });
            }
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// The state's items; the file and its folder are made where they are missing.
///
/// # Errors
/// Where the folder cannot be made, or the file cannot be used.
pub async fn state(deployment: &Deployment) -> Result<Arc<dyn StateStore>, PartsError> {
    make_folder(&deployment.lake)?;
    if let Some(folder) = deployment.state.parent().filter(|path| !path.as_os_str().is_empty()) {
        make_folder(folder)?;
    }
    Ok(Arc::new(SqliteStore::open(&deployment.state).await?))
}

fn make_folder(path: &Path) -> Result<(), PartsError> {
    std::fs::create_dir_all(path)
        .map_err(|source| PartsError::Folder { path: path.to_owned(), source })
}

/// Whether the owner of a lease is a process that lives on this machine.
#[must_use]
pub fn is_alive(deployment: &Deployment, owner: &str) -> bool {
    state::is_held(&deployment.lake.join(LOCKS), owner)
}

/// Everything that runs need. Nothing is asked of Harvest yet.
///
/// # Errors
/// Where a setting is missing, the lake belongs to another account, or cannot be written.
pub async fn context(
    deployment: &Deployment,
    progress: Arc<dyn Progress>,
) -> Result<Context, PartsError> {
    let settings = deployment.settings.clone();
    let account = settings.account;
    let credentials = Credentials { account, token: deployment.token()?.clone() };
    let base = deployment.base.clone();
    let api = ReqwestApi::new(base, &credentials, &deployment.contact, Tuning::default())
        .map_err(ConfigError::Api)?;
    check_account(deployment).await?;
    let state = state(deployment).await?;
    if let Err(error) = FolderStore::new(&deployment.lake).clean_leftovers("").await {
        tracing::warn!(%error, "temporary files of ended processes stay behind");
    }
    let random = Random::from_system();
    let owners = LocalOwners::create(&deployment.lake.join(LOCKS), &random)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let general = settings.general.percent(settings.budget_percent);
    let reports = settings.reports.percent(settings.budget_percent);
    let gate = Gate::new(Arc::clone(&state), Arc::clone(&clock), account, general, reports);
    Ok(Context {
        settings: Arc::new(settings),
        api: Arc::new(api),
        gate: Arc::new(gate),
        state,
        store: store(deployment),
        clock,
        random,
        progress,
        owners: Arc::new(owners),
        person: Arc::default(),
        scratch: None,
    })
}

/// Owners of leases on this machine: each process holds an OS lock.
#[derive(Debug)]
pub struct LocalOwners {
    folder: PathBuf,
    id: String,
    _lock: OwnerLock,
}

impl LocalOwners {
    /// An owner with a lock of its own in `folder`; what dead owners left there goes.
    ///
    /// # Errors
    /// Where the lock cannot be held.
    pub fn create(folder: &Path, random: &Random) -> Result<Self, state::StateError> {
        state::remove_free(folder)?;
        let id = format!("{}-{}", std::process::id(), random.attempt());
        let lock = OwnerLock::create(folder, &id)?;
        Ok(Self { folder: folder.to_owned(), id, _lock: lock })
    }
}

impl Owners for LocalOwners {
    fn own_id(&self) -> String {
        self.id.clone()
    }

    fn is_dead(&self, owner: &str) -> bool {
        owner != self.id && !state::is_held(&self.folder, owner)
    }
}
