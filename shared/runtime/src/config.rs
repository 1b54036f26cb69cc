//! What the operator can set, parsed once.
//!
//! Every setting has one variable; the command line's flags of the same meaning win over it.

mod error;
mod given;
mod names;
mod parse;
mod place;
mod privacy;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use engine::budget::Limit;
use engine::ids::AccountId;
use engine::spec::RateClass;
use engine::time::{Date, SignedDuration};
use engine::window::Grid;
use harvest_api::BaseUrl;

use crate::access::Readers;
use crate::aws::Aws;
use crate::gate::MOST_AT_ONCE;
pub use engine::pace::FlushSpeed;

pub use error::ConfigError;
pub use given::{Given, SETTINGS, Setting, function_name, has_own_s3_endpoint, refuses_colour};
pub use names::{UnknownStream, find_stream};
pub use parse::switched;
pub use place::{LakePlace, StatePlace, TokenPlace};
pub(crate) use privacy::hashes;
pub use privacy::{Privacy, ShortKey, hash_key};

/// Where Harvest's API lives.
pub const BASE_URL: &str = "https://api.harvestapp.com/v2";

/// The settings of one deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting that is on or off")]
pub struct Settings {
    /// The Harvest account.
    pub account: AccountId,
    /// Streams to read; `None`: all.
    pub streams: Option<BTreeSet<String>>,
    /// Streams not to read.
    pub exclude: BTreeSet<String>,
    /// Streams whose changes are not kept.
    pub no_changes: NoChanges,
    /// Months before this one whose changes are kept; `None`: all.
    pub changes_retention: Option<u32>,
    /// First day that full passes of dated listings, and reports, read; `None`: all history.
    pub start_date: Option<Date>,
    /// Years before today that report windows cover in one piece, at most.
    pub report_years_back: u16,
    /// How often incremental passes run.
    pub sync_interval: SignedDuration,
    /// How many streams run at once.
    pub max_workers: usize,
    /// Requests that one run has under way at once.
    pub requests_in_flight: usize,
    /// How long removed files and old log files stay.
    pub retention: SignedDuration,
    /// Whether removed files stay for the retention in a local lake, too.
    pub keep: bool,
    /// Whether removed files and orphans go at the end of each run (a lake with one user).
    pub tidy_at_once: bool,
    /// Accept a token that sees less than the rows were written with.
    pub accept_role: bool,
    /// The account's new address at Harvest, where it has moved.
    pub accept_domain: Option<String>,
    /// Accept deletes of any number of rows.
    pub accept_deletes: bool,
    /// Windows of reports.
    pub grid: Grid,
    /// Requests outside of reports.
    pub general: Limit,
    /// Requests of reports.
    pub reports: Limit,
    /// Share of the limits to use.
    pub budget_percent: u32,
    /// What of the records is not kept, or only as a hash.
    pub privacy: Privacy,
    /// Memory for collected rows before they are spilled, in bytes.
    pub collect_memory: usize,
    /// Collected bytes after which a run flushes.
    pub flush_bytes: u64,
    /// How fast that goes with the processor that there is.
    pub flush_speed: FlushSpeed,
}

impl Settings {
    /// The defaults, for `account`.
    #[must_use]
    pub fn new(account: AccountId) -> Self {
        Self {
            account,
            streams: None,
            exclude: BTreeSet::new(),
            no_changes: NoChanges::default(),
            changes_retention: None,
            start_date: None,
            report_years_back: 10,
            sync_interval: SignedDuration::from_hours(1),
            max_workers: 8,
            requests_in_flight: 64,
            retention: SignedDuration::from_hours(24 * 7),
            keep: false,
            tidy_at_once: false,
            accept_role: false,
            accept_domain: None,
            accept_deletes: false,
            grid: Grid::default(),
            general: Limit::GENERAL,
            reports: Limit::REPORTS,
            budget_percent: 95,
            privacy: Privacy::default(),
            collect_memory: 32 << 20,
            flush_bytes: 400 << 20,
            flush_speed: FlushSpeed::WHOLE,
        }
    }

    /// Requests of `class` that one run has waiting for a permit at once: as many as are asked for
    /// together, and no more than a third of a window's, so that a long pass leaves a small one its turn
    /// under any limit.
    #[must_use]
    pub fn waiting(&self, class: RateClass) -> usize {
        let third = self.limit(class).requests().div_ceil(3);
        usize::try_from(third.min(MOST_AT_ONCE)).unwrap_or(1)
    }

    /// What is used of the limit of `class`.
    #[must_use]
    pub fn limit(&self, class: RateClass) -> Limit {
        let limit = match class {
            RateClass::General => self.general,
            RateClass::Reports => self.reports,
        };
        limit.percent(self.budget_percent)
    }

    /// Whether `stream` is read.
    #[must_use]
    pub fn includes(&self, stream: &str) -> bool {
        self.streams.as_ref().is_none_or(|streams| streams.contains(stream))
            && !self.exclude.contains(stream)
    }

    /// Whether the changes of `stream` are kept.
    #[must_use]
    pub fn keeps_changes(&self, stream: &str) -> bool {
        self.no_changes.keeps(stream)
    }
}

/// Streams whose changes are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoChanges {
    /// These.
    Streams(BTreeSet<String>),
    /// No stream's are.
    All,
}

impl NoChanges {
    /// Whether the changes of `stream` are kept.
    #[must_use]
    pub fn keeps(&self, stream: &str) -> bool {
        match self {
            Self::Streams(streams) => !streams.contains(stream),
            Self::All => false,
        }
    }
}

impl Default for NoChanges {
    fn default() -> Self {
        Self::Streams(BTreeSet::new())
    }
}

/// Everything that the operator set, checked as far as it can be without asking anybody.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// What runs go by.
    pub settings: Settings,
    /// Who of this machine may read what is written.
    pub readers: Readers,
    /// Where Harvest's API lives.
    pub base: BaseUrl,
    /// Who may send requests; `None`: nobody said.
    pub token: Option<TokenPlace>,
    /// Goes into the User-Agent.
    pub contact: String,
    /// Where the lake is.
    pub lake: LakePlace,
    /// Where the state is.
    pub state: StatePlace,
    /// Name or ARN of the function that works on one stream; only the orchestrator's needs it.
    pub worker: Option<String>,
    /// Name or ARN of the event bus that hears of completed and failed passes; `None`: nobody does.
    pub event_bus: Option<String>,
    /// AWS, where lake, state or secret are there.
    pub aws: Aws,
}

impl Deployment {
    /// The function that works on one stream.
    ///
    /// # Errors
    /// Where nobody said which.
    pub fn worker(&self) -> Result<&str, ConfigError> {
        self.worker.as_deref().ok_or(ConfigError::NoWorker)
    }

    /// Where the token comes from.
    ///
    /// # Errors
    /// Where nobody said.
    pub fn token(&self) -> Result<&TokenPlace, ConfigError> {
        self.token.as_ref().ok_or(ConfigError::NoToken)
    }
}
