//! What the state table keeps of a stream and of the account.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::{OAuthItem, RefusedToken};
use crate::drift::Drift;
use crate::extent::Extent;
use crate::ids::{Epoch, Sequence};
use crate::lease::Lease;
use crate::pass::{IdSet, Parked, Pass};
use crate::quarantine::{Answers, Quarantine};
use crate::testimony::TableMark;
use crate::time::{Date, Timestamp};
use crate::window::Grid;

/// The item `stream#<name>`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamItem {
    /// Who works on it.
    pub lease: Option<Lease>,
    /// What the owner of the lease works on, or worked on last.
    pub working_on: Option<Pass>,
    /// Where the stream stands; also in every commit, from which it is repaired.
    pub position: Position,
    /// The table's version that `position` belongs to.
    pub version: u64,
    /// The table that `position` belongs to; `None`: an earlier release wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<TableMark>,
    /// The table's sequence at that version.
    pub sequence: Sequence,
    /// The sequence up to which the table of changes is known to hold what happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Sequence>,
    /// How it has been going.
    pub health: Health,
    /// When files of dead attempts were last looked for.
    pub orphans_sought: Option<Timestamp>,
    /// What is being thrown away: whoever has the lease next goes on with that first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resetting: Option<Resetting>,
}

/// What a reset throws away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resetting {
    /// The stream's table, with everything that is known of it.
    Table,
    /// The table of its changes.
    Changes,
}

/// Where a stream stands: written with every commit, then into the state item.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// Everything that changed before this instant is in the table.
    pub cursor: Option<Timestamp>,
    /// The incremental pass.
    pub incremental: PassState,
    /// The full pass.
    pub full: PassState,
    /// Parents whose children could not be read.
    pub parked: Stored<BTreeMap<i64, Parked>>,
    /// Rows that the last sweep missed without proof that they are gone.
    pub absent: Stored<IdSet>,
    /// The grid of report windows that the table began with.
    pub grid: Option<Grid>,
    /// The first day that full passes read; an earlier setting starts a new one.
    pub start_date: Option<Date>,
    /// Whether the listing leaves records out unless it is asked for its halves.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub by_halves: bool,
    /// Roles that the rows were written with.
    pub roles: Vec<String>,
    /// Id of the person that the rows were written with.
    pub person: Option<i64>,
}

/// One of the two passes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PassState {
    /// The unfinished pass.
    pub unfinished: Option<Unfinished>,
    /// When the last complete one began, by our clock.
    pub last_begun: Option<Timestamp>,
    /// When the last one began that ended without counting, because answers contradict themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubted: Option<Timestamp>,
    /// Requests that the last complete one took: what the next will cost.
    pub last_requests: u64,
    /// Rows deleted by passes that were not allowed to delete all: the next one goes on counting,
    /// so that no mass delete comes in instalments.
    pub deleted: u64,
}

/// A pass that goes on in the next run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unfinished {
    /// Its start by the server's clock: what the cursor becomes.
    pub start: Timestamp,
    /// When it began, by our clock.
    pub begun: Timestamp,
    /// The saved reading.
    pub resume: Stored<serde_json::Value>,
    /// Key of the object with the ids that a sweep has seen so far.
    #[serde(default)]
    pub seen: Option<String>,
    /// Rows it has deleted so far.
    pub deleted: u64,
    /// Rows it was not allowed to delete so far: once it ends it is to be read again.
    #[serde(default)]
    pub refused: u64,
    /// What its answers held so far.
    #[serde(default)]
    pub answers: Answers,
    /// The first day that it reads, as the operator set it.
    #[serde(default)]
    pub start_date: Option<Date>,
    /// Requests it has taken so far.
    pub requests: u64,
    /// Units read and units left, for people.
    pub progress: (u64, u64),
    /// When a run last worked on it, by our clock.
    pub tried_at: Timestamp,
    /// When the budget has room for it again, where that is what it waits for.
    pub waits_until: Option<Timestamp>,
}

impl Unfinished {
    /// Keys of the lake objects that it names.
    pub fn objects(&self) -> impl Iterator<Item = String> {
        self.resume.object().into_iter().chain(self.seen.clone())
    }
}

/// A value in the item, or the key of the lake object that holds it because it is large.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stored<T> {
    /// The value.
    Here(T),
    /// Key of a JSON object below the lake's root.
    At(String),
}

impl<T: Default> Default for Stored<T> {
    fn default() -> Self {
        Self::Here(T::default())
    }
}

impl<T> Stored<T> {
    /// The object that holds the value, if it is not here.
    #[must_use]
    pub fn object(&self) -> Option<String> {
        match self {
            Self::Here(_) => None,
            Self::At(key) => Some(key.clone()),
        }
    }
}

/// How a stream has been going.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// When a pass was last completed.
    pub last_success: Option<Timestamp>,
    /// What went wrong last, and when; cleared by success.
    pub last_error: Option<(Timestamp, String)>,
    /// Runs in a row that failed or never came back.
    pub failures: u32,
    /// Whether Harvest refused the stream to this token (403).
    pub refused: bool,
    /// Rows of the table.
    pub rows: u64,
    /// Records kept raw because they could not become rows.
    pub quarantine: Quarantine,
    /// Values that did not fit, in the last run that read any.
    pub misfits: u64,
    /// How records differ from the declaration.
    pub drift: Drift,
    /// What the last pass could not prove, for people.
    pub warning: Option<String>,
}

impl Position {
    /// The state of `pass`.
    #[must_use]
    pub const fn pass(&self, pass: Pass) -> &PassState {
        match pass {
            Pass::Incremental => &self.incremental,
            Pass::Full => &self.full,
        }
    }

    /// Everything is to be read again: nobody knows which rows are missing. What was learnt of
    /// parents, windows and people stays.
    pub fn begin_anew(&mut self) {
        self.cursor = None;
        self.absent = Stored::default();
        for pass in [&mut self.incremental, &mut self.full] {
            pass.unfinished = None;
            pass.last_begun = None;
        }
    }

    /// The rows are as a person with these roles saw them.
    pub fn written_by(&mut self, person: Option<i64>, roles: Vec<String>) {
        self.person = person.or(self.person);
        self.roles = roles;
    }

    /// Keys of the lake objects that it names.
    #[must_use]
    pub fn objects(&self) -> Vec<String> {
        let unfinished = [&self.incremental, &self.full].map(|pass| pass.unfinished.as_ref());
        let of_passes = unfinished.into_iter().flatten().flat_map(Unfinished::objects);
        of_passes.chain(self.parked.object()).chain(self.absent.object()).collect()
    }

    /// The state of `pass`, to change it.
    pub const fn pass_mut(&mut self, pass: Pass) -> &mut PassState {
        match pass {
            Pass::Incremental => &mut self.incremental,
            Pass::Full => &mut self.full,
        }
    }
}

impl StreamItem {
    /// The epoch of the lease.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.lease.as_ref().map_or(Epoch::default(), |lease| lease.epoch)
    }
}

/// The item `account`: what the orchestrator learnt of the account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountItem {
    /// When it was read.
    pub read_at: Option<Timestamp>,
    /// Name of the company.
    pub company: String,
    /// Its address at Harvest, `acme.harvestapp.com`; empty where this person may not read it.
    pub domain: String,
    /// The person of the token.
    pub person: String,
    /// Their id.
    pub person_id: Option<i64>,
    /// When the token became another person's, and whose it was.
    pub person_changed: Option<(Timestamp, String)>,
    /// `access_roles` of that person; without that member of `/users/me`: empty.
    pub roles: Vec<String>,
    /// Modules that are off, by the name of their feature member.
    pub modules_off: Vec<String>,
    /// What Harvest did not say usably of person and company, for people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
    /// Whether version 0 of every table was written.
    pub tables_created: bool,
    /// First and last days, for report windows.
    pub extent: Option<Extent>,
    /// The access token of an OAuth application.
    pub oauth: Option<OAuthItem>,
    /// The token that Harvest refused, until one is accepted.
    pub refused: Option<RefusedToken>,
}

/// Whether someone with `now` sees at least what someone with `before` saw: an administrator sees
/// everything, everybody else must have every role that was there before.
#[must_use]
pub fn roles_suffice(before: &[String], now: &[String]) -> bool {
    now.iter().any(|role| role == "administrator") || before.iter().all(|role| now.contains(role))
}
