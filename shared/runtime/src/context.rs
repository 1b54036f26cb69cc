//! Context of runs: the parts of a deployment that they use.

use std::path::PathBuf;
use std::sync::Arc;

use delta::store::ObjectStore;
use engine::present::Present;
use harvest_api::HarvestApi;
use state::StateStore;

use crate::clock::Clock;
use crate::credentials::TokenKeeper;
use crate::gate::PermitGate;
use crate::heard::LastHeard;
use crate::noted::NotedPositions;
use crate::parsed::ParsedItems;
use crate::progress::Progress;
use crate::random::SharedRandom;
use crate::settings::Settings;

/// The parts of one deployment, shared by all runs of a process.
#[derive(Clone, Debug)]
pub struct Context {
    /// The operator's settings.
    pub settings: Arc<Settings>,
    /// Harvest's API.
    pub api: Arc<dyn HarvestApi>,
    /// The token of the requests.
    pub tokens: Arc<TokenKeeper>,
    /// Permits to send requests.
    pub gate: Arc<PermitGate>,
    /// Store of cursors, leases and budgets.
    pub state: Arc<dyn StateStore>,
    /// Store of the lake's objects.
    pub store: Arc<dyn ObjectStore>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Random numbers.
    pub random: SharedRandom,
    /// Receiver of each run's progress.
    pub progress: Arc<dyn Progress>,
    /// Owners of leases, some of which are known to be dead (on one machine: the OS lock is free).
    pub owners: Arc<dyn LeaseOwners>,
    /// Person of the token and time at Harvest, as this process last heard.
    pub person: Arc<LastHeard>,
    /// Positions of streams without an item, as their tables note them.
    pub noted: Arc<NotedPositions>,
    /// Items of streams that this process has parsed.
    pub parsed: Arc<ParsedItems>,
    /// Folder for the spilled rows of runs; `None`: the system's temporary folder.
    pub scratch: Option<PathBuf>,
    /// Name of the Lambda function that this process runs; `None`: it runs none.
    pub function: Option<String>,
}

impl Context {
    /// Returns the present by our clock and, where an answer told it, by Harvest's.
    #[must_use]
    pub fn present(&self) -> Present {
        self.person.present(self.clock.now())
    }
}

/// Owners of leases: this process, and which others have ended.
pub trait LeaseOwners: Send + Sync + core::fmt::Debug {
    /// Id under which this process holds leases.
    fn own_id(&self) -> String;

    /// Whether the process of `owner` is known to have ended.
    fn is_dead(&self, owner: &str) -> bool;
}
