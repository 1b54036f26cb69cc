//! Clients, contacts, projects, tasks, assignments, entries and expenses.

use crate::calendar::{Day, Moment};
use crate::decimal::{DecimalNumber, Money};
use crate::people::listed_by_creation;
use crate::table::Record;

/// A client of the account.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) is_active: bool,
    pub(crate) address: Option<String>,
    pub(crate) statement_key: String,
    pub(crate) currency: &'static str,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// A person at a client.
#[derive(Clone, Debug)]
pub(crate) struct Contact {
    pub(crate) id: i64,
    pub(crate) client: i64,
    pub(crate) title: Option<String>,
    pub(crate) first_name: String,
    pub(crate) last_name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) phone_office: Option<String>,
    pub(crate) phone_mobile: Option<String>,
    pub(crate) fax: Option<String>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// A project of a client.
#[expect(clippy::struct_excessive_bools, reason = "Harvest has that many switches")]
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) id: i64,
    pub(crate) client: i64,
    pub(crate) name: String,
    pub(crate) code: Option<String>,
    pub(crate) is_active: bool,
    pub(crate) is_billable: bool,
    pub(crate) is_fixed_fee: bool,
    pub(crate) bill_by: &'static str,
    pub(crate) hourly_rate: Option<DecimalNumber>,
    pub(crate) budget: Option<DecimalNumber>,
    pub(crate) budget_by: &'static str,
    pub(crate) budget_is_monthly: bool,
    pub(crate) cost_budget: Option<DecimalNumber>,
    pub(crate) fee: Option<Money>,
    pub(crate) notes: Option<String>,
    pub(crate) starts: Option<Day>,
    pub(crate) ends: Option<Day>,
    /// Day of the notice about the budget; changes without `updated`.
    pub(crate) notified: Option<Day>,
    /// Whether the entries are locked, which changes their fields but not their `updated`.
    pub(crate) is_locked: bool,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// A kind of work.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) billable_by_default: bool,
    pub(crate) default_rate: Option<DecimalNumber>,
    pub(crate) is_default: bool,
    pub(crate) is_active: bool,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// A user on a project.
#[derive(Clone, Debug)]
pub(crate) struct UserAssignment {
    pub(crate) id: i64,
    pub(crate) project: i64,
    pub(crate) user: i64,
    pub(crate) is_active: bool,
    pub(crate) is_project_manager: bool,
    pub(crate) use_default_rates: bool,
    pub(crate) hourly_rate: Option<DecimalNumber>,
    pub(crate) budget: Option<DecimalNumber>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// A task on a project.
#[derive(Clone, Debug)]
pub(crate) struct TaskAssignment {
    pub(crate) id: i64,
    pub(crate) project: i64,
    pub(crate) task: i64,
    pub(crate) is_active: bool,
    pub(crate) billable: bool,
    pub(crate) hourly_rate: Option<DecimalNumber>,
    pub(crate) budget: Option<DecimalNumber>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// State of the approval of an entry or expense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Approval {
    /// Not handed in.
    #[default]
    Unsubmitted,
    /// Handed in.
    Submitted,
    /// Accepted, and therefore locked.
    Approved,
}

impl Approval {
    /// Value of `approval_status`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unsubmitted => "unsubmitted",
            Self::Submitted => "submitted",
            Self::Approved => "approved",
        }
    }
}

/// Time that a user spent on a task of a project.
#[derive(Clone, Debug)]
pub(crate) struct TimeEntry {
    pub(crate) id: i64,
    pub(crate) spent: Day,
    pub(crate) user: i64,
    pub(crate) project: i64,
    pub(crate) task: i64,
    pub(crate) user_assignment: Option<i64>,
    pub(crate) task_assignment: Option<i64>,
    /// Hours without those of a running timer.
    pub(crate) hours: DecimalNumber,
    pub(crate) notes: Option<Box<str>>,
    pub(crate) reference: Option<i64>,
    pub(crate) invoice: Option<i64>,
    pub(crate) approval: Approval,
    pub(crate) timer: Option<Moment>,
    /// Minute of the day at which the work began, if the account records it.
    pub(crate) began: Option<i64>,
    pub(crate) billable: bool,
    pub(crate) budgeted: bool,
    pub(crate) billable_rate: Option<DecimalNumber>,
    pub(crate) cost_rate: Option<DecimalNumber>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

impl TimeEntry {
    /// Returns the hours as of `now`, with those of a running timer.
    pub(crate) fn hours_at(&self, now: Moment) -> DecimalNumber {
        match self.timer {
            Some(since) => {
                let hundredths = (now.0 - since.0).max(0) * 100 / 3600;
                self.hours.plus(DecimalNumber::cents(hundredths))
            }
            None => self.hours,
        }
    }
}

/// Money that a user spent for a project.
#[derive(Clone, Debug)]
pub(crate) struct Expense {
    pub(crate) id: i64,
    pub(crate) spent: Day,
    pub(crate) user: i64,
    pub(crate) project: i64,
    pub(crate) category: i64,
    pub(crate) user_assignment: Option<i64>,
    pub(crate) units: DecimalNumber,
    pub(crate) total: Money,
    pub(crate) notes: Option<Box<str>>,
    pub(crate) receipt: Option<i64>,
    pub(crate) invoice: Option<i64>,
    pub(crate) approval: Approval,
    pub(crate) billable: bool,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// Category of expenses; with a unit price they are counted in units.
#[derive(Clone, Debug)]
pub(crate) struct ExpenseCategory {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) unit_name: Option<&'static str>,
    pub(crate) unit_price: Option<DecimalNumber>,
    pub(crate) is_active: bool,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

listed_by_creation!(
    Client,
    Contact,
    Project,
    Task,
    UserAssignment,
    TaskAssignment,
    ExpenseCategory
);

/// Implements `Record` for a type with `spent`, listed by that day.
macro_rules! listed_by_day_spent {
    ($($record:ty),+) => {$(
        impl Record for $record {
            fn id(&self) -> i64 {
                self.id
            }
            fn rank(&self) -> i64 {
                self.spent.0
            }
            fn updated(&self) -> Moment {
                self.updated
            }
            fn touch(&mut self, now: Moment) {
                self.updated = now;
            }
        }
    )+};
}
listed_by_day_spent!(TimeEntry, Expense);
