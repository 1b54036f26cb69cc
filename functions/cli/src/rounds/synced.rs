//! Input and result of a sync: plain values, so that the summary is made and tested without running
//! anything.

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
    /// Whether to go on until nothing is left, however long the budget makes that last.
    pub(crate) wait: bool,
}

/// Result of a sync.
#[derive(Debug)]
pub(crate) struct SyncOutcome {
    /// The account, as the last plan found it; empty if the sync was stopped before it could ask.
    pub(crate) account: AccountItem,
    /// Wait for questions that could not be asked soon: for the person of the token, or the reach
    /// of the account.
    pub(crate) waiting: Option<RequestWait>,
    /// Streams whose module is off; their rows stay.
    pub(crate) skipped: Vec<&'static StreamSpec>,
    /// Runs, in the order in which they ended. A stream may have several, busy ones are left out.
    pub(crate) reports: Vec<RunReport>,
    /// Streams that another process worked on for too long.
    pub(crate) busy: BTreeSet<&'static str>,
    /// Streams whose run ended by a defect of this program: a panic, which left no report.
    pub(crate) defects: BTreeSet<&'static str>,
    /// Whether Harvest stopped accepting the credentials.
    pub(crate) credentials_refused: bool,
    /// Signal that stopped the sync.
    pub(crate) interrupted: Option<StopSignal>,
    /// Beginning of the sync.
    pub(crate) began: Timestamp,
    /// End of the sync.
    pub(crate) ended: Timestamp,
}
