//! What is asked of a sync, and how it went.

use std::collections::BTreeSet;

use engine::item::AccountItem;
use engine::pass::Pass;
use engine::spec::StreamSpec;
use engine::time::Timestamp;
use runtime::account::Waiting;
use runtime::run::RunReport;

use crate::signals::Stop;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// The pass; `None`: what each stream needs.
    pub(crate) pass: Option<Pass>,
    /// Whether to go on until nothing is left.
    pub(crate) wait: bool,
}

/// How a sync went.
#[derive(Debug)]
pub(crate) struct Synced {
    /// The account.
    pub(crate) account: AccountItem,
    /// Wait for questions that could not be asked soon: who the token is, how far back the account goes.
    pub(crate) waiting: Option<Waiting>,
    /// Streams whose module is off.
    pub(crate) skipped: Vec<&'static StreamSpec>,
    /// Every run, in the order in which they ended.
    pub(crate) reports: Vec<RunReport>,
    /// Streams that another process worked on for too long.
    pub(crate) busy: BTreeSet<&'static str>,
    /// Streams whose run ended by a defect of ours.
    pub(crate) defects: BTreeSet<&'static str>,
    /// Whether Harvest stopped accepting the credentials.
    pub(crate) credentials_refused: bool,
    /// Signal that stopped it.
    pub(crate) interrupted: Option<Stop>,
    /// Beginning.
    pub(crate) began: Timestamp,
    /// End.
    pub(crate) ended: Timestamp,
}
