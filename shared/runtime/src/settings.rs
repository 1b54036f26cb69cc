//! Settings of runs, checked. `deployment` parses them from flags and variables.

mod privacy;

use std::collections::BTreeSet;
use std::str::FromStr;

use engine::budget::{MOST_AT_ONCE, RequestLimit};
use engine::ids::AccountId;
use engine::pace::FlushSpeed;
use engine::spec::RateClass;
use engine::time::{Date, SignedDuration};
use engine::window::{FixedFeeAmounts, WindowGrid};

pub(crate) use privacy::hashes;
pub use privacy::{PrivacySettings, ShortKey, hash_key};

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
    /// Number of months before the present one whose changes are kept; `None`: all.
    pub changes_retention: Option<u32>,
    /// First day that full passes of dated listings, and reports, read; `None`: all history.
    pub start_date: Option<Date>,
    /// Largest number of years before today that report windows cover without gaps.
    pub report_years_back: u16,
    /// Interval between incremental passes.
    pub sync_interval: SignedDuration,
    /// Metrics that the functions write.
    pub metrics: MetricDetail,
    /// Age of a stream's data from which on the stream counts as in trouble.
    pub trouble_after: SignedDuration,
    /// Largest number of streams that run at once; for functions, of large workers.
    pub max_workers: usize,
    /// Largest number of requests that one run has under way at once.
    pub requests_in_flight: usize,
    /// Time that removed files and old log files stay.
    pub retention: SignedDuration,
    /// Whether removed files stay for the retention in a local lake, too.
    pub keep: bool,
    /// Whether removed files and orphans are deleted at the end of each run (a lake with one user).
    pub tidy_at_once: bool,
    /// Whether a token that sees less than the writer of the rows is accepted.
    pub accept_role: bool,
    /// The account's new address at Harvest, where it has moved.
    pub accept_domain: Option<String>,
    /// Whether deletes of any number of rows are accepted.
    pub accept_deletes: bool,
    /// Grid of the windows of reports.
    pub grid: WindowGrid,
    /// Amounts of fixed fees in time reports.
    pub fixed_fees: FixedFeeAmounts,
    /// Harvest's limit of requests outside of reports.
    pub general: RequestLimit,
    /// Harvest's limit of requests of reports.
    pub reports: RequestLimit,
    /// Share of the limits to use, in percent.
    pub budget_percent: u32,
    /// Members of records that are not kept, or only as a hash.
    pub privacy: PrivacySettings,
    /// Memory for collected rows before they are spilled, in bytes.
    pub collect_memory: usize,
    /// Size of the collected rows at which a run flushes, in bytes.
    pub flush_bytes: u64,
    /// Speed of a flush with the processor of this process.
    pub flush_speed: FlushSpeed,
}

/// Metrics that the functions write. Each costs money for each month in which it was written once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricDetail {
    /// None.
    None,
    /// All.
    All,
}

impl FromStr for MetricDetail {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "all" => Ok(Self::All),
            _ => Err(format!("`{text}` is neither none nor all")),
        }
    }
}

impl Settings {
    /// Returns the defaults for `account`.
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
            metrics: MetricDetail::None,
            trouble_after: SignedDuration::from_hours(26),
            max_workers: 8,
            requests_in_flight: 64,
            retention: SignedDuration::from_hours(24 * 7),
            keep: false,
            tidy_at_once: false,
            accept_role: false,
            accept_domain: None,
            accept_deletes: false,
            grid: WindowGrid::default(),
            fixed_fees: FixedFeeAmounts::default(),
            general: RequestLimit::GENERAL,
            reports: RequestLimit::REPORTS,
            budget_percent: 95,
            privacy: PrivacySettings::default(),
            collect_memory: lake::collect::MEMORY_LIMIT,
            flush_bytes: 400 << 20,
            flush_speed: FlushSpeed::WHOLE,
        }
    }

    /// Largest number of requests of `class` of one run that wait for a permit at once: as many as
    /// one write reserves, and no more than a third of the limit, so that a small pass gets its
    /// turn beside a long one under any limit.
    #[must_use]
    pub fn waiting(&self, class: RateClass) -> usize {
        let third = self.limit(class).requests().div_ceil(3);
        usize::try_from(third.min(MOST_AT_ONCE)).unwrap_or(1)
    }

    /// Returns the part of the limit of `class` that may be used.
    #[must_use]
    pub fn limit(&self, class: RateClass) -> RequestLimit {
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
    /// The streams of these names.
    Streams(BTreeSet<String>),
    /// All streams.
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
