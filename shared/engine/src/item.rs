//! Contents of the state table: the items of streams and of the account.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::drift::Drift;
use crate::extent::AccountExtent;
use crate::ids::{Epoch, Sequence};
use crate::lease::Lease;
use crate::pass::{IdSet, ParkedParent, Pass};
use crate::quarantine::{AnswerCounts, QuarantineSize};
use crate::run_record::{FiledRuns, RunRecord};
use crate::runbook::Remedy;
use crate::time::{Date, Timestamp};
use crate::token::{OAuthItem, RefusedToken};
use crate::window::{FixedFeeAmounts, WindowGrid};

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

/// Position of a stream: written with every commit, then into the state item.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamPosition {
    /// Everything that changed before this instant is in the table.
    pub cursor: Option<Timestamp>,
    /// The incremental pass.
    pub incremental: PassState,
    /// The full pass.
    pub full: PassState,
    /// Parents whose children could not be read.
    pub parked: ItemValue<BTreeMap<i64, ParkedParent>>,
    /// Rows that the last sweep missed without proof that they are gone.
    pub absent: ItemValue<IdSet>,
    /// The grid of report windows that the table began with.
    pub grid: Option<WindowGrid>,
    /// Amounts of fixed fees in the report that the table began with.
    #[serde(skip_serializing_if = "FixedFeeAmounts::is_zero")]
    pub fixed_fees: FixedFeeAmounts,
    /// The first day that full passes read; an earlier setting starts a new full pass.
    pub start_date: Option<Date>,
    /// Whether the listing omits records unless it is asked for its two halves.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub by_halves: bool,
    /// Roles of the person whose token read the rows.
    pub roles: Vec<String>,
    /// Id of that person.
    pub person: Option<i64>,
}

/// State of one of the two passes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PassState {
    /// The unfinished pass.
    pub unfinished: Option<ResumablePass>,
    /// Time at which the last complete pass began, by our clock.
    pub last_begun: Option<Timestamp>,
    /// Time at which the last pass began that did not count, because its answers contradicted each
    /// other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubted: Option<Timestamp>,
    /// Requests that the last complete pass took: the expected cost of the next.
    pub last_requests: u64,
    /// Rows deleted by passes that were not allowed to delete all: the next pass goes on counting
    /// from here, so that a mass delete cannot come in instalments.
    pub deleted: u64,
}

/// A pass that goes on in the next run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResumablePass {
    /// Its start by the server's clock: the next cursor.
    pub start: Timestamp,
    /// Time at which it began, by our clock.
    pub begun: Timestamp,
    /// The saved reading.
    pub resume: ItemValue<serde_json::Value>,
    /// Key of the object with the ids that a sweep has seen so far.
    #[serde(default)]
    pub seen: Option<String>,
    /// Rows that it has deleted so far.
    pub deleted: u64,
    /// Rows that it was not allowed to delete so far: if there are any, the pass runs again.
    #[serde(default)]
    pub refused: u64,
    /// Counts of records in its answers so far.
    #[serde(default)]
    pub answers: AnswerCounts,
    /// The first day that it reads, as set by the operator.
    #[serde(default)]
    pub start_date: Option<Date>,
    /// Requests that it has taken so far.
    pub requests: u64,
    /// Units read and units left, for display.
    pub progress: (u64, u64),
    /// Time at which a run last worked on it, by our clock.
    pub tried_at: Timestamp,
    /// Time at which the budget has room for it again; `None`: it does not wait for the budget.
    pub waits_until: Option<Timestamp>,
}

impl ResumablePass {
    /// Returns the keys of the lake objects that it names.
    pub fn objects(&self) -> impl Iterator<Item = String> {
        self.resume.object().into_iter().chain(self.seen.clone())
    }
}

/// A value in the item, or the key of the lake object that holds it because it is large.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemValue<T> {
    /// The value.
    Here(T),
    /// Key of a JSON object below the lake's root.
    At(String),
}

impl<T: Default> Default for ItemValue<T> {
    fn default() -> Self {
        Self::Here(T::default())
    }
}

impl<T> ItemValue<T> {
    /// Returns the key of the object that holds the value; `None`: the value is here.
    #[must_use]
    pub fn object(&self) -> Option<String> {
        match self {
            Self::Here(_) => None,
            Self::At(key) => Some(key.clone()),
        }
    }
}

/// Results of recent runs of a stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamHealth {
    /// Time at which a pass was last completed.
    pub last_success: Option<Timestamp>,
    /// Time and text of the last error; cleared by success.
    pub last_error: Option<(Timestamp, String)>,
    /// Code of that error; `None`: an earlier release wrote it, or the run ended without a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error_type: Option<String>,
    /// Runs in a row that failed or never came back.
    pub failures: u32,
    /// Runs in a row that ended without a word.
    #[serde(skip_serializing_if = "is_none")]
    pub lost: u32,
    /// Whether Harvest refused the stream to this token (403).
    pub refused: bool,
    /// Rows of the table.
    pub rows: u64,
    /// Records kept raw because they could not become rows.
    pub quarantine: QuarantineSize,
    /// Number of values that did not fit their column, in the last run that read any.
    pub misfits: u64,
    /// Differences between records and the declaration.
    pub drift: Drift,
    /// Doubts about the last pass, for display.
    pub warning: Option<String>,
}

impl StreamHealth {
    /// Returns the remedy for the last error; `None` without one.
    #[must_use]
    pub fn remedy(&self) -> Option<Remedy> {
        self.last_error.as_ref()?;
        Some(match &self.last_error_type {
            Some(code) => Remedy::of(code),
            None if self.lost > 0 => Remedy::LOST,
            None => Remedy::FAILING,
        })
    }

    /// Notes the error of a run, and its code.
    pub fn note_error(&mut self, at: Timestamp, error: String, error_type: Option<&str>) {
        self.last_error = Some((at, error));
        self.last_error_type = error_type.map(str::to_owned);
    }

    /// Forgets the last error.
    pub fn forget_error(&mut self) {
        (self.last_error, self.last_error_type) = (None, None);
    }
}

/// Whether no run was lost. An item without losses has no member for them.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
const fn is_none(lost: &u32) -> bool {
    *lost == 0
}

impl StreamPosition {
    /// Returns the state of `pass`.
    #[must_use]
    pub const fn pass(&self, pass: Pass) -> &PassState {
        match pass {
            Pass::Incremental => &self.incremental,
            Pass::Full => &self.full,
        }
    }

    /// Marks everything to be read again, because the missing rows are not known. Knowledge of
    /// parents, windows and the person stays.
    pub fn begin_anew(&mut self) {
        self.cursor = None;
        self.absent = ItemValue::default();
        for pass in [&mut self.incremental, &mut self.full] {
            pass.unfinished = None;
            pass.last_begun = None;
        }
    }

    /// Forgets everything but the person and the roles that the rows were last written with. A person
    /// who sees less must not be the one who reads the lost rows again.
    pub fn forget(&mut self) {
        let roles = core::mem::take(&mut self.roles);
        *self = Self { person: self.person, roles, ..Self::default() };
    }

    /// Records the person and the roles with which the rows were read.
    pub fn written_by(&mut self, person: Option<i64>, roles: Vec<String>) {
        self.person = person.or(self.person);
        self.roles = roles;
    }

    /// Returns the keys of the lake objects that it names.
    #[must_use]
    pub fn objects(&self) -> Vec<String> {
        let unfinished = [&self.incremental, &self.full].map(|pass| pass.unfinished.as_ref());
        let of_passes = unfinished.into_iter().flatten().flat_map(ResumablePass::objects);
        of_passes.chain(self.parked.object()).chain(self.absent.object()).collect()
    }

    /// Returns the state of `pass` for change.
    pub const fn pass_mut(&mut self, pass: Pass) -> &mut PassState {
        match pass {
            Pass::Incremental => &mut self.incremental,
            Pass::Full => &mut self.full,
        }
    }
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
