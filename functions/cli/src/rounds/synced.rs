//! Input and result of a sync.

use std::collections::BTreeSet;

use engine::item::AccountItem;
use engine::pass::Pass;
use engine::spec::StreamSpec;
use engine::time::Timestamp;
use runtime::run::RunReport;
use runtime::waiting::RequestWait;

use crate::signals::StopSignal;

/// Input of a sync.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SyncOptions {
    /// Pass that each stream runs; `None` for the one it needs.
    pub(crate) pass: Option<Pass>,
    /// Whether to go on until nothing is left.
    pub(crate) wait: bool,
}

/// Result of a sync.
#[derive(Debug)]
pub(crate) struct SyncOutcome {
    /// The account.
    pub(crate) account: AccountItem,
    /// Wait for questions that could not be asked soon: for the person of the token, or the reach
    /// of the account.
    pub(crate) waiting: Option<RequestWait>,
    /// Streams whose module is off.
    pub(crate) skipped: Vec<&'static StreamSpec>,
    /// Runs, in the order in which they ended.
    pub(crate) reports: Vec<RunReport>,
    /// Streams that another process worked on for too long.
    pub(crate) busy: BTreeSet<&'static str>,
    /// Streams whose run ended by a defect of this program.
    pub(crate) defects: BTreeSet<&'static str>,
    /// Whether Harvest stopped accepting the credentials.
    pub(crate) credentials_refused: bool,
    /// Signal that stopped the sync.
    pub(crate) interrupted: Option<StopSignal>,
    /// Beginning.
    pub(crate) began: Timestamp,
    /// End.
    pub(crate) ended: Timestamp,
}
