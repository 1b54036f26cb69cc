//! Items of the state, for commands that only read.
//!
//! Opening a state in a file creates the file (`deployment::parts::state`). A person who types
//! `harvest-lake status --lake ./mistyped` must not get a new folder with an empty state in it, so
//! the file is looked for first, and a missing one counts as an empty state.

use std::sync::Arc;

use deployment::config::{DeploymentSettings, StatePlace};
use deployment::parts;
use engine::budget::BudgetItem;
use engine::item::{AccountItem, StreamItem};
use engine::present::Present;
use engine::spec::RateClass;
use runtime::clock::{Clock as _, SystemClock};
use runtime::parsed::ParsedItems;
use runtime::{RunError, records};
use state::StateStore;

use crate::error::CliError;

/// Items of account and streams; defaults if there is no state yet, and none is made. A lake
/// without its state is no error: the state is a cache of the tables, and `status` corrects the
/// items by what they say.
#[derive(Clone, Debug)]
pub(crate) struct StateContents {
    /// Item of the account: its company and the person of the token, as the last run read them.
    pub(crate) account: AccountItem,
    /// Items of all streams, in the order of `streams::STREAMS`.
    pub(crate) items: Vec<StreamItem>,
}

impl StateContents {
    /// Reads the items of this deployment.
    ///
    /// # Errors
    /// Fails if the state cannot be read.
    pub(crate) async fn of(deployment: &DeploymentSettings) -> Result<Self, CliError> {
        let account = deployment.settings.account;
        let Some(state) = state_if_any(deployment).await? else { return Ok(Self::default()) };
        let failed = |stream| move |source| RunError::State { stream, source };
        // Instants in the future, from a clock that was ahead, are removed on reading, as a run
        // would remove them. Otherwise `status` would show a last success that is still to come.
        let present = Present::ours(SystemClock.now());
        let item = records::account(&*state, account, &present).await;
        let item = item.map_err(failed("account"))?.value;
        let stored = records::streams(&*state, account, &present, &ParsedItems::default()).await;
        let mut stored = stored.map_err(failed("streams"))?;
        let mut items = Vec::new();
        // In the order of the declarations, whatever order the state has: callers pair the two
        // lists by place.
        for spec in streams::STREAMS {
            items.push(stored.remove(spec.name).unwrap_or_default());
        }
        Ok(Self { account: item, items })
    }
}

impl Default for StateContents {
    fn default() -> Self {
        let items = vec![StreamItem::default(); streams::STREAMS.len()];
        Self { account: AccountItem::default(), items }
    }
}

/// Reads the budget of `class`; returns an unused one if there is no state yet. Asks for no permit:
/// a command that only shows the budget takes nothing from it.
///
/// # Errors
/// Fails if the state cannot be read.
pub(crate) async fn budget(
    deployment: &DeploymentSettings,
    class: RateClass,
) -> Result<BudgetItem, CliError> {
    let Some(state) = state_if_any(deployment).await? else { return Ok(BudgetItem::default()) };
    let key = records::budget_key(deployment.settings.account, class);
    let failed = |source| RunError::State { stream: class.name(), source };
    Ok(records::read(&*state, &key).await.map_err(failed)?.value)
}

/// Opens the state; `None` if it is a file that does not exist. A table of DynamoDB is not looked for:
/// reading it creates nothing, and if it is missing the error of the read says so.
///
/// # Errors
/// Fails if the state cannot be opened.
pub(crate) async fn state_if_any(
    deployment: &DeploymentSettings,
) -> Result<Option<Arc<dyn StateStore>>, CliError> {
    match &deployment.state {
        StatePlace::File(file) if !file.exists() => Ok(None),
        StatePlace::File(_) | StatePlace::Table(_) => Ok(Some(parts::state(deployment).await?)),
    }
}
