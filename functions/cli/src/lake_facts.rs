//! What the tables of a lake tell without anything else being known.

use std::sync::Arc;

use engine::ids::AccountId;
use engine::spec::StreamSpec;
use lake::store::ObjectStore;
use lake::table::{Table, TableError};
use runtime::aws::Aws;
use runtime::config::{ConfigError, Deployment, Given, LakePlace, Setting, has_own_s3_endpoint};
use runtime::parts;

use crate::exit::CliError;

/// How often a table is opened anew that goes on while it is looked at.
pub(crate) const TRIES: u32 = 5;
/// No account has this id: opening a table in its name tells whose it is.
const NOBODY: AccountId = AccountId(0);

/// A lake, as somebody sees it who knows nothing but its place.
#[derive(Clone, Debug)]
pub(crate) struct LakeFacts {
    pub(crate) place: LakePlace,
    pub(crate) store: Arc<dyn ObjectStore>,
}

impl LakeFacts {
    /// The lake that was named, or the default one.
    ///
    /// # Errors
    /// Where the setting names no lake.
    pub(crate) async fn of(given: &Given) -> Result<Self, ConfigError> {
        given.check()?;
        let setting = Setting::LAKE;
        let place = LakePlace::parse(given.get(setting).unwrap_or("./lake"))
            .map_err(|why| ConfigError::Invalid { setting, why })?;
        let store = parts::store(&place, &Aws::new(has_own_s3_endpoint())).await;
        Ok(Self { place, store })
    }

    /// The table of `spec`, whoever's account it holds; `None` where there is none.
    ///
    /// # Errors
    /// Where the table cannot be read.
    pub(crate) async fn open(
        &self,
        spec: &'static StreamSpec,
    ) -> Result<Option<Table>, TableError> {
        opened(async |account| Table::open(Arc::clone(&self.store), spec, account).await).await
    }

    /// The table of the stream's changes, as `open`.
    ///
    /// # Errors
    /// As `open`.
    pub(crate) async fn open_changes(
        &self,
        spec: &'static StreamSpec,
    ) -> Result<Option<Table>, TableError> {
        let open =
            async |account| Table::open_changes(Arc::clone(&self.store), spec, account).await;
        opened(open).await
    }

    /// Versions of the table and of the table of its changes, where they can be opened: whether they
    /// are the same as before tells whether a run has gone on.
    pub(crate) async fn versions(&self, spec: &'static StreamSpec) -> [Option<u64>; 2] {
        let table = self.open(spec).await.ok().flatten();
        let changes = self.open_changes(spec).await.ok().flatten();
        [table, changes].map(|table| table.map(|table| table.version()))
    }

    /// The deployment that was given, of which nothing is asked but its stores: a token that cannot be
    /// read does not matter, and the lake knows whose it is.
    ///
    /// # Errors
    /// Where settings are wrong, or the lake holds another account.
    pub(crate) async fn deployment(&self, given: &mut Given) -> Result<Deployment, CliError> {
        self.name_account(given).await;
        for setting in [Setting::TOKEN, Setting::TOKEN_FILE, Setting::SECRET] {
            given.unset(setting);
        }
        let deployment = Deployment::parse(given)?;
        parts::check_account(&deployment).await?;
        Ok(deployment)
    }

    /// Sets the account, where nobody did, to that of the lake.
    pub(crate) async fn name_account(&self, given: &mut Given) {
        if given.get(Setting::ACCOUNT).is_none()
            && let Some(account) = self.account().await
        {
            given.set(Setting::ACCOUNT, account.to_string());
        }
    }

    /// The account that the lake holds; `None` where no table says.
    pub(crate) async fn account(&self) -> Option<AccountId> {
        for spec in streams::STREAMS {
            let opened = Table::open(Arc::clone(&self.store), spec, NOBODY).await;
            if let Err(TableError::OtherAccount { found, .. }) = opened {
                return Some(found);
            }
        }
        None
    }
}

/// The table, whoever's account it holds. A log is read with one listing and many requests: where a
/// run removes an old file of it meanwhile, it looks damaged and is read anew.
async fn opened(
    open: impl AsyncFn(AccountId) -> Result<Option<Table>, TableError>,
) -> Result<Option<Table>, TableError> {
    let mut tries = 1;
    loop {
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
