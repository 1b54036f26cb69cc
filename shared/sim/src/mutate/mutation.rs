//! Changes of an account, as values.
//!
//! Tests construct them, and the control face reads them as JSON with the name in `op`:
//! `{"op":"change_rate","user":5,"kind":"cost","cents":4500}`. Members that a change does not have
//! are refused, so that a misspelt `id` does not change a random record instead.

use serde::{Deserialize, Serialize};

/// One change of the account. Without an `id` it concerns a random record. A record *moves* if its
/// `updated_at` changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Mutation {
    /// Adds a record to a listing.
    Create {
        /// Name of the stream.
        stream: String,
    },
    /// Changes fields of a record, which moves.
    Update {
        /// Name of the stream.
        stream: String,
        /// Id of the record.
        id: Option<i64>,
    },
    /// Removes a record and those that Harvest removes with it. Refused if Harvest would refuse it,
    /// such as for a client with projects or a task in use.
    Delete {
        /// Name of the stream.
        stream: String,
        /// Id of the record.
        id: Option<i64>,
    },
    /// Gives a client, project, task, user or role another name, and moves it. Records that embed
    /// the name do not move; only users move with the name of a role of theirs.
    Rename {
        /// Name of the stream.
        stream: String,
        /// Id of the record.
        id: Option<i64>,
        /// Name afterwards; for a user the last name. Without one it is made up.
        name: Option<String>,
    },
    /// Sets `is_active` to false.
    Archive {
        /// Name of the stream.
        stream: String,
        /// Id of the record.
        id: Option<i64>,
    },
    /// Sets a rate of a user. Without `start_date` older rates are removed and the user moves; with
    /// it the user does not move.
    ChangeRate {
        /// Id of the user.
        user: Option<i64>,
        /// Kind of the rate.
        kind: RateKind,
        /// Rate in hundredths of the account's currency.
        cents: Option<i64>,
        /// First day of the rate.
        start_date: Option<String>,
    },
    /// Adds a message to an invoice or estimate, which does not move.
    AddMessage {
        /// `invoices` or `estimates`.
        stream: String,
        /// Id of the invoice or estimate.
        id: Option<i64>,
    },
    /// Removes the newest message of an invoice or estimate, which does not move.
    RemoveMessage {
        /// `invoices` or `estimates`.
        stream: String,
        /// Id of the invoice or estimate.
        id: Option<i64>,
    },
    /// Adds a payment; its invoice moves.
    AddPayment {
        /// Id of the invoice.
        id: Option<i64>,
    },
    /// Removes the newest payment; its invoice moves.
    RemovePayment {
        /// Id of the invoice.
        id: Option<i64>,
    },
    /// Adds an entry whose timer runs.
    StartTimer,
    /// Stops a running timer.
    StopTimer {
        /// Id of the time entry.
        id: Option<i64>,
    },
    /// Moves a time entry to another day, project, or both.
    MoveEntry {
        /// Id of the time entry.
        id: Option<i64>,
        /// `spent_date` afterwards.
        day: Option<String>,
        /// Id of the project afterwards.
        project: Option<i64>,
    },
    /// Gives a time entry, expense, invoice or estimate this day, which may be far off, like a
    /// typing error. Without a day, a time entry or expense gets a `spent_date` that is no day, and
    /// an invoice or estimate gets none.
    ///
    /// `{"op":"redate","stream":"expenses","day":"0206-03-10"}` is an expense of the year 206.
    Redate {
        /// Name of the stream.
        stream: String,
        /// Id of the record.
        id: Option<i64>,
        /// Day afterwards, such as `0206-03-10`.
        day: Option<String>,
    },
    /// Removes the day of issue of an estimate.
    Undate {
        /// Id of the estimate.
        id: Option<i64>,
    },
    /// Locks the entries of a project, which changes their fields without moving them.
    LockProject {
        /// Id of the project.
        id: Option<i64>,
    },
    /// Switches a module on or off. Its records stay, and are served again when it is on.
    SwitchModule {
        /// Module to switch.
        module: SwitchedModule,
        /// Whether it is on afterwards.
        on: bool,
        /// Whether its lists are empty and its records gone while it is off, instead of refused.
        /// Harvest does not document which of them happens.
        #[serde(default)]
        silent: bool,
    },
    /// Gives the user of a token other access roles; the user moves.
    SetRoles {
        /// Bearer token, such as `fake-manager`.
        token: String,
        /// Access roles afterwards, such as `manager`.
        roles: Vec<String>,
    },
    /// Gives a user another capacity; the user moves.
    SetCapacity {
        /// Id of the user.
        user: i64,
        /// Capacity per week in seconds.
        seconds: i64,
    },
    /// Gives a manager other teammates; the user does not move.
    SetTeammates {
        /// Id of the manager.
        user: i64,
        /// Ids of the teammates afterwards.
        teammates: Vec<i64>,
    },
    /// Makes a token invalid.
    RevokeToken {
        /// Bearer token, such as `fake-manager`.
        token: String,
    },
}

/// Kind of a user's rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateKind {
    /// Rate that clients pay for the user's hours.
    Billable,
    /// Cost of the user's hours for the company.
    Cost,
}

/// Module that can be off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SwitchedModule {
    /// Expenses.
    Expense,
    /// Invoices.
    Invoice,
    /// Estimates.
    Estimate,
}

/// Mutation that was made, and the record that it concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppliedMutation {
    /// Name of the mutation.
    pub op: String,
    /// Stream of the record.
    pub stream: String,
    /// Id of the record; for messages and payments that of their document, for a module 0.
    pub id: i64,
}

/// Reason why a mutation changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotApplied(pub(super) String);

impl NotApplied {
    /// Returns the reason with this text.
    pub(crate) fn new(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

impl std::fmt::Display for NotApplied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotApplied {}
