//! Contents of the state table: the items of streams and of the account.

mod health;
mod position;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::extent::AccountExtent;
use crate::ids::{Epoch, Sequence};
use crate::lease::Lease;
use crate::pass::Pass;
use crate::run_record::{FiledRuns, RunRecord};
use crate::time::Timestamp;
use crate::token::{OAuthItem, RefusedToken};
pub use health::{StandingError, StreamHealth};
pub use position::{ItemValue, PassState, ResumablePass, StreamPosition};

/// Identity of a table and of one of its commits. Two lakes of one account have the same names and
/// may have the same version numbers; a copy of a lake has the same ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableMark {
    /// The `id` in the table's metadata.
    pub id: String,
    /// The random id of the newest commit with a position; `None`: the log holds none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// The item `stream#<name>`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamItem {
    /// The right to advance the stream.
    pub lease: Option<Lease>,
    /// The pass that the owner of the lease works on, or worked on last.
    pub working_on: Option<Pass>,
    /// Start of the run that holds the lease, or held it last; `None`: work of the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_since: Option<Timestamp>,
    /// Position of the stream; also in every commit, from which it is repaired.
    pub position: StreamPosition,
    /// The table's version that `position` belongs to.
    pub version: u64,
    /// The table that `position` belongs to; `None`: an earlier release wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<TableMark>,
    /// The table's sequence at that version.
    pub sequence: Sequence,
    /// The sequence up to which the table of changes is known to be complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Sequence>,
    /// Results of recent runs.
    pub health: StreamHealth,
    /// Time of the last search for files of dead attempts.
    pub orphans_sought: Option<Timestamp>,
    /// The table that is being thrown away: the next owner of the lease finishes that first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resetting: Option<ResetTable>,
    /// Records of the last runs, oldest first, until the ledger has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RunRecord>,
    /// Records that the ledger has; only in the ledger's own item.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub filed: FiledRuns,
}

/// The table that a reset throws away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetTable {
    /// The stream's table, with its position and health.
    Table,
    /// The table of its changes.
    Changes,
}

impl StreamItem {
    /// Returns the epoch of the lease.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.lease.as_ref().map_or(Epoch::default(), |lease| lease.epoch)
    }
}

/// The item `account`: facts that the orchestrator has read about the account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountItem {
    /// Time at which person and company were last read.
    pub read_at: Option<Timestamp>,
    /// Name of the company.
    pub company: String,
    /// Its address at Harvest, `acme.harvestapp.com`; empty where this person may not read it.
    pub domain: String,
    /// Name of the person of the token.
    pub person: String,
    /// Id of that person.
    pub person_id: Option<i64>,
    /// Time at which the token became another person's, and the name of the person before.
    pub person_changed: Option<(Timestamp, String)>,
    /// `access_roles` of that person; without that member of `/users/me`: empty.
    pub roles: Vec<String>,
    /// Modules that are off, by the name of their feature member.
    pub modules_off: Vec<String>,
    /// Facts of person and company that Harvest did not give in a usable form, for display.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
    /// Whether version 0 of every table has been written.
    pub tables_created: bool,
    /// First and last days of entries, for report windows.
    pub extent: Option<AccountExtent>,
    /// The access token of an OAuth application.
    pub oauth: Option<OAuthItem>,
    /// The token that Harvest refused, until one is accepted.
    pub refused: Option<RefusedToken>,
}

/// Whether a person with the roles `now` sees at least as much as one with `before`: an
/// administrator sees everything, all others need every role of `before`.
#[must_use]
pub fn roles_suffice(before: &[String], now: &[String]) -> bool {
    now.iter().any(|role| role == "administrator") || before.iter().all(|role| now.contains(role))
}
