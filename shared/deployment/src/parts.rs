//! Construction of the parts of a deployment from its settings.

mod error;
mod owners;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use delta::store::{FolderStore, ObjectStore};
use delta::table::{Table, TableError};
use harvest_api::{ApiCredentials, HarvestId, ReqwestApi, TransferLimits};
use runtime::announce::{Announcer, NoAnnouncer};
use runtime::clock::{Clock, SystemClock};
use runtime::context::{Context, LeaseOwners};
use runtime::credentials::{SecretContent, SecretCredentials, TokenKeeper, Vault as _};
use runtime::gate::PermitGate;
use runtime::progress::Progress;
use runtime::random::SharedRandom;
use state::{MemoryState, SqliteStore, StateStore};

use crate::access::could_write;
use crate::cloud::CloudClients;
use crate::config::{
    ConfigError, DeploymentSettings, LakePlace, STATE, StatePlace, TokenPlace, function_name,
};
use crate::login::LoginVault;
pub use error::{FolderFault, PartsError};
pub use owners::{LocalOwners, RemoteOwners};

/// Name of the folder of OS locks in a local lake.
const LOCKS: &str = ".locks";

/// Returns the store of the lake at `place`. Sends no request yet.
///
/// # Errors
/// Fails if the lake is in AWS, and this build has no AWS.
pub async fn store(
    place: &LakePlace,
    cloud: &CloudClients,
) -> Result<Arc<dyn ObjectStore>, ConfigError> {
    match place {
        LakePlace::Folder(folder) => Ok(Arc::new(FolderStore::new(folder))),
        LakePlace::Bucket { bucket, prefix } => cloud.store(bucket, prefix).await,
    }
}

/// Checks that every table in the lake belongs to the account and has a format that this version
/// knows. Writes nothing; damaged tables are left to the runs of their streams.
///
/// # Errors
/// The error of the first table of another account or a newer format.
pub async fn check_account(deployment: &DeploymentSettings) -> Result<(), PartsError> {
    let store = store(&deployment.lake, &deployment.cloud).await?;
    for spec in streams::STREAMS {
        let opened = Table::open(Arc::clone(&store), spec, deployment.settings.account).await;
        let lake = || deployment.lake.to_string();
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

/// Opens the state store; makes its file and folder where they are missing.
///
/// # Errors
/// Where the folder cannot be made, or the file cannot be used.
pub async fn state(deployment: &DeploymentSettings) -> Result<Arc<dyn StateStore>, PartsError> {
    match &deployment.state {
        StatePlace::File(file) => {
            if let Some(folder) = file.parent().filter(|path| !path.as_os_str().is_empty()) {
                make_folder(folder)?;
            }
            Ok(Arc::new(SqliteStore::open(file).await?))
        }
        StatePlace::Table(table) => Ok(deployment.cloud.state(table).await?),
    }
}

fn make_folder(path: &Path) -> Result<(), PartsError> {
    std::fs::create_dir_all(path).map_err(|source| PartsError::folder(path, source))
}

/// Folder in which processes of this machine hold their locks, beside a state in a file; `None` for
/// a state that other machines share.
fn locks(deployment: &DeploymentSettings) -> Option<PathBuf> {
    match &deployment.state {
        StatePlace::File(file) => Some(beside_state(file)),
        StatePlace::Table(_) => None,
    }
}

/// Folder of OS locks of the owners of leases in this file. It follows from the file alone, because
/// the file may serve several lakes.
fn beside_state(file: &Path) -> PathBuf {
    // Whatever name leads to the file, all its users have to look into one folder.
    let target = file.is_symlink().then(|| file.canonicalize().ok()).flatten();
    let file = target.as_deref().unwrap_or(file);
    if file.file_name().is_some_and(|name| name == STATE) {
        file.with_file_name(LOCKS)
    } else {
        file.with_extension("locks")
    }
}

/// Whether the owner of a lease may still be at work. On one machine its lock decides.
#[must_use]
pub fn may_be_alive(deployment: &DeploymentSettings, owner: &str) -> bool {
    locks(deployment).is_none_or(|folder| state::is_held(&folder, owner))
}

/// Returns the announcer of passes and of trouble.
///
/// # Errors
/// Fails if there is an event bus, and this build has no AWS.
pub async fn announcer(deployment: &DeploymentSettings) -> Result<Arc<dyn Announcer>, ConfigError> {
    match &deployment.event_bus {
        Some(name) => deployment.cloud.event_bus(name).await,
        None => Ok(Arc::new(NoAnnouncer)),
    }
}

async fn tokens(deployment: &DeploymentSettings) -> Result<TokenKeeper, PartsError> {
    Ok(match deployment.token()? {
        TokenPlace::Given(token) => TokenKeeper::fixed(token.clone()),
        TokenPlace::Parameter(name) => {
            TokenKeeper::kept(deployment.cloud.parameter(name, None).await?, None)
        }
        TokenPlace::Secret(name) => {
            let vault = deployment.cloud.secret(name).await?;
            let endpoint =
                HarvestId::new(&deployment.base, &deployment.contact).map_err(ConfigError::Api)?;
            TokenKeeper::kept(vault, Some(Arc::new(endpoint)))
        }
        TokenPlace::Login(file) => {
            let endpoint =
                HarvestId::new(&deployment.base, &deployment.contact).map_err(ConfigError::Api)?;
            let vault = LoginVault::new(file.clone(), Arc::new(endpoint), Arc::new(SystemClock));
            // Now, so that a login that cannot be used is told before any other work.
            let secret = SecretContent::parse(&vault.read().await?.text)?;
            let keeper = TokenKeeper::kept(Arc::new(vault), None);
            if let SecretCredentials::Token(token) = secret.token {
                keeper.cell().set(Some(token));
            }
            keeper
        }
    })
}

/// Returns the context of runs. Sends no request to Harvest yet, but one for an access token where an
/// OAuth application's login has none that lasts.
///
/// # Errors
/// Where a setting is missing, or the lake belongs to another account or cannot be written.
pub async fn context(
    deployment: &DeploymentSettings,
    progress: Arc<dyn Progress>,
) -> Result<Context, PartsError> {
    let (tokens, api) = sender(deployment).await?;
    if let LakePlace::Folder(folder) = &deployment.lake {
        // Only for a local lake, where this check costs nothing; a bucket belongs to one stack.
        check_account(deployment).await?;
        make_folder(folder)?;
        deployment.readers.warn_of(folder);
        if let Err(error) = FolderStore::new(folder).clean_leftovers("").await {
            tracing::warn!(%error, "temporary files of ended processes stay behind");
        }
    }
    let state = state(deployment).await?;
    let random = SharedRandom::from_system();
    let owners: Arc<dyn LeaseOwners> = match locks(deployment) {
        Some(folder) => Arc::new(LocalOwners::create(&folder, &random)?),
        None => Arc::new(RemoteOwners::new(&random)),
    };
    let parts = ContextParts { tokens, api, state, random, owners, progress };
    Ok(together(deployment, parts).await?)
}

/// Like [`context`], for a command that only reads, and writes nothing but the permits of its
/// requests: a lake or state that does not exist yet is not made.
///
/// # Errors
/// Where a setting is missing, or the lake belongs to another account or could not be written.
pub async fn looking(
    deployment: &DeploymentSettings,
    progress: Arc<dyn Progress>,
) -> Result<Context, PartsError> {
    let (tokens, api) = sender(deployment).await?;
    if let LakePlace::Folder(folder) = &deployment.lake {
        check_account(deployment).await?;
        could_write(folder).map_err(|source| PartsError::folder(folder, source))?;
    }
    let state: Arc<dyn StateStore> = match &deployment.state {
        // Without the file there is no other sender to share permits with: it would have made it.
        StatePlace::File(file) if !file.exists() => Arc::new(MemoryState::default()),
        StatePlace::File(_) | StatePlace::Table(_) => state(deployment).await?,
    };
    let random = SharedRandom::from_system();
    let owners = Arc::new(RemoteOwners::new(&random));
    let parts = ContextParts { tokens, api, state, random, owners, progress };
    Ok(together(deployment, parts).await?)
}

/// Returns the sender of requests and the keeper of its token.
async fn sender(deployment: &DeploymentSettings) -> Result<(TokenKeeper, ReqwestApi), PartsError> {
    let tokens = tokens(deployment).await?;
    let account = deployment.settings.account;
    let credentials = ApiCredentials { account, token: tokens.cell() };
    let base = deployment.base.clone();
    let api = ReqwestApi::new(base, &credentials, &deployment.contact, TransferLimits::default())
        .map_err(ConfigError::Api)?;
    Ok((tokens, api))
}

/// Parts from which a context is built.
#[derive(Debug)]
struct ContextParts {
    tokens: TokenKeeper,
    api: ReqwestApi,
    state: Arc<dyn StateStore>,
    random: SharedRandom,
    owners: Arc<dyn LeaseOwners>,
    progress: Arc<dyn Progress>,
}

async fn together(
    deployment: &DeploymentSettings,
    parts: ContextParts,
) -> Result<Context, ConfigError> {
    let ContextParts { tokens, api, state, random, owners, progress } = parts;
    let settings = deployment.settings.clone();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let general = settings.general.percent(settings.budget_percent);
    let reports = settings.reports.percent(settings.budget_percent);
    let gate = PermitGate::new(
        Arc::clone(&state),
        Arc::clone(&clock),
        settings.account,
        general,
        reports,
        &random,
    );
    Ok(Context {
        settings: Arc::new(settings),
        api: Arc::new(api),
        tokens: Arc::new(tokens),
        gate: Arc::new(gate),
        state,
        store: store(&deployment.lake, &deployment.cloud).await?,
        clock,
        random,
        progress,
        owners,
        person: Arc::default(),
        noted: Arc::default(),
        parsed: Arc::default(),
        scratch: None,
        function: function_name(),
    })
}

/// Makes all later requests use new connections. To be called after the process may have been
/// suspended, as a function is between invocations: kept connections may be dead by then.
pub fn wake(context: &Context, deployment: &DeploymentSettings) {
    context.api.forget_connections();
    deployment.cloud.forget_connections();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lakes_that_share_a_state_share_its_locks() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let check = |state: &str, locks: &str| {
            assert_eq!(beside_state(&place(state)), place(locks), "{state}");
        };
        check("lake/.state.sqlite", "lake/.locks");
        check("state/s.sqlite", "state/s.locks");
        check("state/s", "state/s.locks");
        std::fs::write(place(".state.sqlite"), "").unwrap();
        std::os::unix::fs::symlink(place(".state.sqlite"), place("link.sqlite")).unwrap();
        let linked = beside_state(&place("link.sqlite"));
        assert_eq!(linked, folder.path().canonicalize().unwrap().join(".locks"));
    }
}
