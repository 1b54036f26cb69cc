//! Facts that the tables of a lake tell without settings or state.
//!
//! The log of each table names the account that it belongs to. Commands that only read therefore
//! need no account, no token and no state: `files`, `export`, `verify` and `quarantine` work on a
//! copy of a lake on any machine. Commands that also read the state take the account from the lake
//! if the settings name none.
//!
//! Runs may commit at any time meanwhile. Nothing here takes a lease, so every reader has to cope
//! with a log that grows and with files that are deleted; `TRIES` bounds how often it begins anew.

use std::sync::Arc;

use delta::store::ObjectStore;
use delta::table::{Table, TableError};
use deployment::cloud::CloudClients;
use deployment::config::{
    self, ConfigError, DeploymentSettings, GivenSettings, LakePlace, SettingName,
};
use deployment::parts;
use engine::ids::AccountId;
use engine::spec::StreamSpec;

use crate::display::FileReads;
use crate::error::CliError;

/// Most attempts at reading a table that runs change meanwhile. A table that still cannot be read
/// after these is reported as it was found.
pub(crate) const TRIES: u32 = 5;
/// Id that no account has. Opening a table with it fails with the id of the table's account, which
/// is the way to learn that account.
const NOBODY: AccountId = AccountId(0);

/// Which of a stream's tables is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TableKind {
    /// Its rows.
    Rows,
    /// Their changes.
    Changes,
}

/// Lake of which only the place is known.
#[derive(Clone, Debug)]
pub(crate) struct LakeFacts {
    /// Place of the lake, as the settings name it.
    pub(crate) place: LakePlace,
    /// Store of its objects.
    pub(crate) store: Arc<dyn ObjectStore>,
}

impl LakeFacts {
    /// Returns the lake that the settings name, or the default one. Sends no request, and makes no
    /// folder.
    ///
    /// # Errors
    /// Fails if the setting names no lake.
    pub(crate) async fn of(given: &GivenSettings) -> Result<Self, ConfigError> {
        // An empty setting is an error before the default applies: `--lake "$LAKE"` with an unset
        // variable must not read `./lake`.
        given.check()?;
        let place = config::lake(given)?;
        let store = parts::store(&place, &CloudClients::from_environment()).await?;
        Ok(Self { place, store })
    }

    /// Opens the table of `spec`, of any account; `None` if there is none.
    ///
    /// # Errors
    /// Fails if the table cannot be read.
    pub(crate) async fn open(
        &self,
        spec: &'static StreamSpec,
    ) -> Result<Option<Table>, TableError> {
        opened(async |account| Table::open(Arc::clone(&self.store), spec, account).await).await
    }

    /// Opens the table of the stream's changes, as `open` does.
    ///
    /// # Errors
    /// Fails as `open` does.
    pub(crate) async fn open_changes(
        &self,
        spec: &'static StreamSpec,
    ) -> Result<Option<Table>, TableError> {
        let open =
            async |account| Table::open_changes(Arc::clone(&self.store), spec, account).await;
        opened(open).await
    }

    /// Opens a table and reads it; `None` if there is none. Begins anew, with the newest version, if a
    /// run deletes files that are being read.
    ///
    /// # Errors
    /// Fails if the table cannot be opened, or as `read` does.
    pub(crate) async fn reading<T>(
        &self,
        spec: &'static StreamSpec,
        kind: TableKind,
        read: impl AsyncFn(&Table) -> Result<T, CliError>,
    ) -> Result<Option<T>, CliError> {
        let mut tries = 1;
        loop {
            let opened = match kind {
                TableKind::Rows => self.open(spec).await?,
                TableKind::Changes => self.open_changes(spec).await?,
            };
            let Some(table) = opened else { return Ok(None) };
            match read(&table).await {
                Err(error) if error.is_vanished() && tries < TRIES => tries += 1,
                other => return other.map(Some),
            }
        }
    }

    /// Returns the files of the stream's table, and those of its changes. A table that there is not,
    /// or that cannot be opened, has none: the work on it says so.
    pub(crate) async fn reads(&self, spec: &'static StreamSpec) -> [FileReads; 2] {
        let tables = [self.open(spec).await, self.open_changes(spec).await];
        tables.map(|table| table.ok().flatten().as_ref().map(FileReads::of).unwrap_or_default())
    }

    /// Returns the error of a stream without this table.
    pub(crate) fn no_table(&self, spec: &StreamSpec, kind: TableKind) -> CliError {
        let table = match kind {
            TableKind::Rows => spec.name.to_owned(),
            TableKind::Changes => engine::schema::changes_name(spec),
        };
        CliError::NoTable { table, lake: self.place.to_string() }
    }

    /// Checks that there is a lake: a table that can be read or that is damaged.
    ///
    /// # Errors
    /// Fails if there is none.
    pub(crate) async fn exists(&self) -> Result<(), CliError> {
        let is_file = self.place.folder().is_some_and(std::path::Path::is_file);
        for spec in streams::STREAMS {
            if !is_file && !matches!(self.open(spec).await, Ok(None)) {
                return Ok(());
            }
        }
        Err(CliError::NoLake { lake: self.place.to_string(), is_file })
    }

    /// Versions of the table and of the table of its changes; `None` for one that cannot be opened.
    /// A version other than before tells that a run has committed, so that what was found in
    /// between may mix two versions.
    pub(crate) async fn versions(&self, spec: &'static StreamSpec) -> [Option<u64>; 2] {
        let table = self.open(spec).await.ok().flatten();
        let changes = self.open_changes(spec).await.ok().flatten();
        [table, changes].map(|table| table.map(|table| table.version()))
    }

    /// Returns the deployment for commands that use only its stores: credentials are left out, so
    /// that an unreadable token file is no error, and the account may come from the lake.
    ///
    /// # Errors
    /// Fails if settings are wrong, or the lake holds another account.
    pub(crate) async fn deployment(
        &self,
        given: &mut GivenSettings,
    ) -> Result<DeploymentSettings, CliError> {
        self.name_account(given).await?;
        // Also on a machine where the token file is readable for another user alone, `status` has
        // to work.
        for setting in [SettingName::TOKEN, SettingName::TOKEN_FILE, SettingName::SECRET] {
            given.unset(setting);
        }
        let deployment = DeploymentSettings::parse(given)?;
        // Before the state is read: state items of one account must not be shown beside tables of
        // another.
        parts::check_account(&deployment).await?;
        Ok(deployment)
    }

    /// Sets the account to that of the lake, if the settings name none.
    ///
    /// # Errors
    /// Fails as `account` does.
    pub(crate) async fn name_account(&self, given: &mut GivenSettings) -> Result<(), TableError> {
        if given.get(SettingName::ACCOUNT).is_none()
            && let Some(account) = self.account().await?
        {
            given.set(SettingName::ACCOUNT, account.to_string());
        }
        Ok(())
    }

    /// Account that the lake holds; `None` if no table tells. Stops at the first table that tells,
    /// because a lake has one account. A damaged table tells nothing.
    ///
    /// # Errors
    /// Fails if no table tells and the store failed: expired credentials do not make a lake one
    /// without an account.
    pub(crate) async fn account(&self) -> Result<Option<AccountId>, TableError> {
        let mut unreached = None;
        for spec in streams::STREAMS {
            match Table::open(Arc::clone(&self.store), spec, NOBODY).await {
                Err(TableError::OtherAccount { found, .. }) => return Ok(Some(found)),
                Err(error @ TableError::Store { .. }) => unreached = unreached.or(Some(error)),
                Ok(_) | Err(_) => {}
            }
        }
        unreached.map_or(Ok(None), Err)
    }
}

/// Opens a table of any account. A log is read with one listing and many requests: if a run removes
/// an old log file meanwhile, the log looks damaged and is read anew.
async fn opened(
    open: impl AsyncFn(AccountId) -> Result<Option<Table>, TableError>,
) -> Result<Option<Table>, TableError> {
    let mut tries = 1;
    loop {
        // Opened twice: the first try tells the account, with which the second one succeeds.
        let opened = match open(NOBODY).await {
            Err(TableError::OtherAccount { found, .. }) => open(found).await,
            other => other,
        };
        match opened {
            Err(TableError::Damaged { .. }) if tries < TRIES => tries += 1,
            other => return other,
        }
    }
}
