//! The history moves on: single changes by name, and many by chance.

mod change;
mod create;
mod remove;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::calendar::{Day, Moment};
use crate::dice::Dice;
use crate::generate::Maker;
use crate::scale::Scale;
use crate::stream::Stream;
use crate::table::{Record, Table};

/// One change of the account. Without an `id` chance picks the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Mutation {
    /// Adds a record to a listing.
    Create {
        /// Name of the stream.
        stream: String,
    },
    /// Changes members of a record; its `updated_at` moves.
    Update {
        /// Name of the stream.
        stream: String,
        /// The record.
        id: Option<i64>,
    },
    /// Removes a record with what Harvest removes along with it. Refused where Harvest refuses:
    /// clients with projects, and users, tasks and categories in use.
    Delete {
        /// Name of the stream.
        stream: String,
        /// The record.
        id: Option<i64>,
    },
    /// Gives a client, project, task or user another name. Records that embed it do not move.
    Rename {
        /// Name of the stream.
        stream: String,
        /// The record.
        id: Option<i64>,
        /// The new name; for a user the new last name.
        name: Option<String>,
    },
    /// Sets `is_active` to false.
    Archive {
        /// Name of the stream.
        stream: String,
        /// The record.
        id: Option<i64>,
    },
    /// Sets a rate of a user. Without `start_date` older rates vanish and the user moves; with it
    /// the user does not move.
    ChangeRate {
        /// The user.
        user: Option<i64>,
        /// Which of the two.
        kind: RateKind,
        /// Hundredths of the account's currency.
        cents: Option<i64>,
        /// The first day that it holds on.
        start_date: Option<String>,
    },
    /// Adds a message to an invoice or estimate, which does not move.
    AddMessage {
        /// `invoices` or `estimates`.
        stream: String,
        /// The invoice or estimate.
        id: Option<i64>,
    },
    /// Removes the newest message of an invoice or estimate, which does not move.
    RemoveMessage {
        /// `invoices` or `estimates`.
        stream: String,
        /// The invoice or estimate.
        id: Option<i64>,
    },
    /// Adds a payment; its invoice moves.
    AddPayment {
        /// The invoice.
        id: Option<i64>,
    },
    /// Removes the newest payment; its invoice moves.
    RemovePayment {
        /// The invoice.
        id: Option<i64>,
    },
    /// Adds an entry whose timer runs.
    StartTimer,
    /// Stops a running timer.
    StopTimer {
        /// The time entry.
        id: Option<i64>,
    },
    /// Moves a time entry to another day, project, or both.
    MoveEntry {
        /// The time entry.
        id: Option<i64>,
        /// The new `spent_date`.
        day: Option<String>,
        /// The new project.
        project: Option<i64>,
    },
    /// Takes the day of issue from an estimate.
    Undate {
        /// The estimate.
        id: Option<i64>,
    },
    /// Locks the entries of a project, which shows in them without moving them.
    LockProject {
        /// The project.
        id: Option<i64>,
    },
    /// Switches a module.
    SwitchModule {
        /// Which one.
        module: SwitchedModule,
        /// Whether it is on afterwards.
        on: bool,
    },
    /// Gives the person behind a token other access roles; the user moves.
    SetRoles {
        /// The token.
        token: String,
        /// The roles afterwards, such as `manager`.
        roles: Vec<String>,
    },
    /// Gives a manager other teammates; the user does not move.
    SetTeammates {
        /// The manager.
        user: i64,
        /// Ids of users.
        teammates: Vec<i64>,
    },
    /// Makes a token invalid.
    RevokeToken {
        /// The token.
        token: String,
    },
}

/// Which rate of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateKind {
    /// What clients pay.
    Billable,
    /// What the user costs.
    Cost,
}

/// A module that can be off.
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

/// What a mutation did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// The mutation, its choices filled in where they matter.
    pub op: String,
    /// The stream whose record it concerned.
    pub stream: String,
    /// The record; for messages and payments their parent.
    pub id: i64,
}

/// Why a mutation changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotApplied(String);

impl NotApplied {
    fn new(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

impl std::fmt::Display for NotApplied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotApplied {}

impl Account {
    /// Makes one change at `now`.
    ///
    /// # Errors
    ///
    /// When there is no such record, or Harvest would refuse. Then nothing is changed.
    pub fn apply(&mut self, now: Timestamp, mutation: &Mutation) -> Result<Applied, NotApplied> {
        self.apply_by(now, mutation, Dice::new(self.seed ^ (self.changes + 1)))
    }

    /// Makes up to `steps` changes by chance; what Harvest would refuse is left out. Tokens, roles
    /// of their people and modules stay as they are.
    pub fn mutate(&mut self, now: Timestamp, seed: u64, steps: u64) -> Vec<Applied> {
        let mut dice = Dice::new(seed ^ self.seed.rotate_left(17));
        let mut applied = Vec::new();
        for _ in 0..steps {
            let mutation = any_mutation(&mut dice);
            let own = Dice::new(dice.next());
            applied.extend(self.apply_by(now, &mutation, own));
        }
        applied
    }

    fn apply_by(
        &mut self,
        now: Timestamp,
        mutation: &Mutation,
        dice: Dice,
    ) -> Result<Applied, NotApplied> {
        let now = Moment::of(now);
        let scale = Scale::tiny();
        let before = self.changes;
        self.changes = before + 1;
        if let Some(applied) = self.apply_to_tokens(now, mutation)? {
            return Ok(applied);
        }
        let mut maker = Maker {
            scale: &scale,
            dice,
            books: &mut self.books,
            start: now,
            now,
        };
        maker.apply(mutation)
    }

    /// Changes tokens and the people behind them; `None` for other mutations.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all other mutations are none of tokens"
    )]
    fn apply_to_tokens(
        &mut self,
        now: Moment,
        mutation: &Mutation,
    ) -> Result<Option<Applied>, NotApplied> {
        let unknown = || NotApplied::new("no such token");
        let (op, id) = match mutation {
            Mutation::SetRoles { token, roles } => {
                let user = self.tokens.get(token).copied().ok_or_else(unknown)?;
                self.books
                    .users
                    .edit(user, now, |one| one.access_roles.clone_from(roles));
                ("set_roles", user)
            }
            Mutation::RevokeToken { token } => (
                "revoke_token",
                self.tokens.remove(token).ok_or_else(unknown)?,
            ),
            _ => return Ok(None),
        };
        Ok(Some(applied(op, Stream::Users, id)))
    }
}

fn applied(op: &str, stream: Stream, id: i64) -> Applied {
    Applied {
        op: op.to_owned(),
        stream: stream.name().to_owned(),
        id,
    }
}

impl Maker<'_> {
    #[expect(clippy::too_many_lines, reason = "one short arm per mutation")]
    fn apply(&mut self, mutation: &Mutation) -> Result<Applied, NotApplied> {
        let now = self.now;
        let done = |op: &str, stream: Stream, id: i64| Ok(applied(op, stream, id));
        match mutation {
            Mutation::Create { stream } => {
                let stream = listing(stream)?;
                done("create", stream, self.create(stream)?)
            }
            Mutation::Update { stream, id } => {
                let stream = listing(stream)?;
                let id = self.chosen(stream, *id)?;
                self.change(stream, id)?;
                done("update", stream, id)
            }
            Mutation::Delete { stream, id } => {
                let stream = listing(stream)?;
                let id = self.chosen(stream, *id)?;
                self.remove(stream, id)?;
                done("delete", stream, id)
            }
            Mutation::Rename { stream, id, name } => {
                let stream = listing(stream)?;
                let id = self.chosen(stream, *id)?;
                self.rename(stream, id, name.as_deref())?;
                done("rename", stream, id)
            }
            Mutation::Archive { stream, id } => {
                let stream = listing(stream)?;
                let id = self.chosen(stream, *id)?;
                self.archive(stream, id)?;
                done("archive", stream, id)
            }
            Mutation::ChangeRate {
                user,
                kind,
                cents,
                start_date,
            } => {
                let start = start_date.as_deref().map(day).transpose()?;
                let id = self.chosen(Stream::Users, *user)?;
                self.change_rate(id, *kind, *cents, start);
                done("change_rate", Stream::Users, id)
            }
            Mutation::AddMessage { stream, id } => {
                let stream = listing(stream)?;
                let id = self.chosen(stream, *id)?;
                self.add_message(stream, id)?;
                done("add_message", stream, id)
            }
            Mutation::RemoveMessage { stream, id } => {
                let stream = listing(stream)?;
                let id = self.chosen(stream, *id)?;
                self.remove_message(stream, id)?;
                done("remove_message", stream, id)
            }
            Mutation::AddPayment { id } => {
                let id = self.chosen(Stream::Invoices, *id)?;
                self.add_payment(id)?;
                done("add_payment", Stream::Invoices, id)
            }
            Mutation::RemovePayment { id } => {
                let id = self.chosen(Stream::Invoices, *id)?;
                self.remove_payment(id)?;
                done("remove_payment", Stream::Invoices, id)
            }
            Mutation::StartTimer => done("start_timer", Stream::TimeEntries, self.start_timer()?),
            Mutation::StopTimer { id } => {
                let first = self.books.running.first().copied();
                let id = id
                    .or(first)
                    .ok_or_else(|| NotApplied::new("no timer runs"))?;
                self.stop_timer(id)?;
                done("stop_timer", Stream::TimeEntries, id)
            }
            Mutation::MoveEntry {
                id,
                day: to,
                project,
            } => {
                let to = to.as_deref().map(day).transpose()?;
                let id = self.chosen(Stream::TimeEntries, *id)?;
                self.move_entry(id, to, *project)?;
                done("move_entry", Stream::TimeEntries, id)
            }
            Mutation::Undate { id } => {
                let id = self.chosen(Stream::Estimates, *id)?;
                self.books
                    .estimates
                    .edit(id, now, |one| one.document.issued = None);
                done("undate", Stream::Estimates, id)
            }
            Mutation::LockProject { id } => {
                let id = self.chosen(Stream::Projects, *id)?;
                self.books
                    .projects
                    .edit_quietly(id, |one| one.is_locked = true);
                done("lock_project", Stream::Projects, id)
            }
            Mutation::SwitchModule { module, on } => {
                let company = &mut self.books.company;
                *match module {
                    SwitchedModule::Expense => &mut company.expense_feature,
                    SwitchedModule::Invoice => &mut company.invoice_feature,
                    SwitchedModule::Estimate => &mut company.estimate_feature,
                } = *on;
                done("switch_module", Stream::Company, 0)
            }
            Mutation::SetTeammates { user, teammates } => {
                let id = self.chosen(Stream::Users, Some(*user))?;
                self.books
                    .users
                    .edit_quietly(id, |one| one.teammates.clone_from(teammates));
                done("set_teammates", Stream::Users, id)
            }
            Mutation::SetRoles { .. } | Mutation::RevokeToken { .. } => {
                Err(NotApplied::new("only the account can do that"))
            }
        }
    }

    /// The record that is meant; by chance where none is named.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all other streams are treated alike"
    )]
    fn chosen(&mut self, stream: Stream, id: Option<i64>) -> Result<i64, NotApplied> {
        let books = &*self.books;
        let dice = &mut self.dice;
        let found = match stream {
            Stream::Clients => choose(&books.clients, dice, id),
            Stream::Contacts => choose(&books.contacts, dice, id),
            Stream::Projects => choose(&books.projects, dice, id),
            Stream::Tasks => choose(&books.tasks, dice, id),
            Stream::Users => choose(&books.users, dice, id),
            Stream::Roles => choose(&books.roles, dice, id),
            Stream::UserAssignments => choose(&books.user_assignments, dice, id),
            Stream::TaskAssignments => choose(&books.task_assignments, dice, id),
            Stream::TimeEntries => choose(&books.entries, dice, id),
            Stream::Expenses => choose(&books.expenses, dice, id),
            Stream::ExpenseCategories => choose(&books.expense_categories, dice, id),
            Stream::Invoices => choose(&books.invoices, dice, id),
            Stream::Estimates => choose(&books.estimates, dice, id),
            Stream::InvoiceItemCategories => choose(&books.invoice_categories, dice, id),
            Stream::EstimateItemCategories => choose(&books.estimate_categories, dice, id),
            _ => None,
        };
        found.ok_or_else(|| NotApplied::new("no such record"))
    }
}

fn choose<T: Record>(table: &Table<T>, dice: &mut Dice, id: Option<i64>) -> Option<i64> {
    match id {
        Some(id) => table.get(id).map(Record::id),
        None => table.id_at(dice.index(table.len())?),
    }
}

fn listing(name: &str) -> Result<Stream, NotApplied> {
    Stream::from_name(name)
        .filter(|stream| !stream.has_parent() && !stream.is_report() && *stream != Stream::Company)
        .ok_or_else(|| NotApplied(format!("`{name}` is no listing")))
}

fn day(text: &str) -> Result<Day, NotApplied> {
    Day::parse(text).ok_or_else(|| NotApplied(format!("`{text}` is no day")))
}

/// The streams whose records come and go by chance; those named twice move more often.
const MOVING: &[&str] = &[
    "time_entries",
    "time_entries",
    "time_entries",
    "time_entries",
    "expenses",
    "expenses",
    "invoices",
    "estimates",
    "clients",
    "contacts",
    "projects",
    "tasks",
    "users",
    "roles",
    "user_assignments",
    "task_assignments",
    "expense_categories",
    "invoice_item_categories",
    "estimate_item_categories",
];

/// A change as an ordinary day brings it.
fn any_mutation(dice: &mut Dice) -> Mutation {
    let stream = dice.pick(MOVING).to_owned();
    let document = if dice.chance(60) {
        "invoices"
    } else {
        "estimates"
    }
    .to_owned();
    let id = None;
    match dice.between(0, 99) {
        0..24 => Mutation::Create { stream },
        24..54 => Mutation::Update { stream, id },
        54..66 => Mutation::Delete { stream, id },
        66..70 => {
            let stream = dice
                .pick(&["clients", "projects", "tasks", "users"])
                .to_owned();
            Mutation::Rename {
                stream,
                id,
                name: None,
            }
        }
        70..73 => Mutation::Archive { stream, id },
        73..77 => {
            let kind = if dice.chance(50) {
                RateKind::Billable
            } else {
                RateKind::Cost
            };
            let start = dice
                .chance(60)
                .then(|| Day::of(2024, 1, 1).plus(dice.between(0, 1500)));
            let start_date = start.map(Day::text);
            Mutation::ChangeRate {
                user: None,
                kind,
                cents: None,
                start_date,
            }
        }
        77..82 => Mutation::AddMessage {
            stream: document,
            id,
        },
        82..84 => Mutation::RemoveMessage {
            stream: document,
            id,
        },
        84..89 => Mutation::AddPayment { id },
        89..91 => Mutation::RemovePayment { id },
        91..93 => Mutation::StartTimer,
        93..95 => Mutation::StopTimer { id },
        95..99 => Mutation::MoveEntry {
            id,
            day: None,
            project: None,
        },
        _ => Mutation::Undate { id },
    }
}
