//! Clients, contacts, projects, tasks, assignments, entries and expenses.
//!
//! Records refer to each other by id only, and names are looked up when a record is rendered. In
//! Harvest, too, a record shows the current names of its client, project, task and user, and their
//! renaming does not move it. A reader cannot learn of the new name by `updated_since`.
//!
//! | field | unit |
//! | --- | --- |
//! | hours, rates, budgets | millionths of an hour or of the currency's unit |
//! | `fee`, `total` | ten-thousandths of the currency's unit |
//! | `spent`, `starts`, `ends`, `notified` | day without a time zone |
//! | `created`, `updated`, `timer` | second in UTC |

use crate::calendar::{Day, Moment};
use crate::decimal::{DecimalNumber, Money};
use crate::table::{Record, listed_by};

/// Client of the account. Its currency is that of all work for it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) is_active: bool,
    pub(crate) address: Option<String>,
    /// Part of the public URL under which the client sees all invoices.
    pub(crate) statement_key: String,
    pub(crate) currency: &'static str,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// Person at a client.
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

/// Project of a client.
#[expect(clippy::struct_excessive_bools, reason = "Harvest has that many switches")]
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) id: i64,
    pub(crate) client: i64,
    pub(crate) name: String,
    /// Short code, which reports on time and expenses put before the name: `[P42] Relaunch`.
    pub(crate) code: Option<String>,
    pub(crate) is_active: bool,
    pub(crate) is_billable: bool,
    pub(crate) is_fixed_fee: bool,
    /// Rate that entries get: `Project`, `Tasks`, `People` or `none`.
    pub(crate) bill_by: &'static str,
    pub(crate) hourly_rate: Option<DecimalNumber>,
    /// Budget in hours; `None` if the budget is in money or absent.
    pub(crate) budget: Option<DecimalNumber>,
    /// Kind of the budget, such as `project`, `project_cost`, `person`, or `none`. `project_cost`
    /// and `task_fees` are in money.
    pub(crate) budget_by: &'static str,
    /// Whether the budget begins anew each month.
    pub(crate) budget_is_monthly: bool,
    /// Budget in money; `None` if the budget is in hours or absent.
    pub(crate) cost_budget: Option<DecimalNumber>,
    /// Price of a fixed-fee project.
    pub(crate) fee: Option<Money>,
    pub(crate) notes: Option<String>,
    pub(crate) starts: Option<Day>,
    pub(crate) ends: Option<Day>,
    /// Day of the last notice about the budget. Harvest has changed it without moving the project.
    pub(crate) notified: Option<Day>,
    /// Whether the entries are locked. That changes `is_locked` and `locked_reason` of each entry,
    /// but moves none: Harvest computes them when it answers.
    pub(crate) is_locked: bool,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// Kind of work, shared by all projects.
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

/// User on a project.
#[derive(Clone, Debug)]
pub(crate) struct UserAssignment {
    pub(crate) id: i64,
    pub(crate) project: i64,
    pub(crate) user: i64,
    pub(crate) is_active: bool,
    pub(crate) is_project_manager: bool,
    /// Whether the user's own rates apply; otherwise `hourly_rate` does.
    pub(crate) use_default_rates: bool,
    pub(crate) hourly_rate: Option<DecimalNumber>,
    pub(crate) budget: Option<DecimalNumber>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// Task on a project, with its rate there.
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

/// State of the approval of an entry or expense. Harvest has it as `approval_status` since 2025.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Approval {
    /// State of work that is not handed in.
    #[default]
    Unsubmitted,
    /// State of work that waits for approval.
    Submitted,
    /// State of work that is accepted, and therefore locked.
    Approved,
}

impl Approval {
    /// Returns the value of `approval_status`.
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
    /// `spent_date`, by which the list is ordered, or `UNDATED` for a value that is no day.
    pub(crate) spent: Day,
    pub(crate) user: i64,
    pub(crate) project: i64,
    pub(crate) task: i64,
    /// Assignment through which the user works on the project; null in JSON if it is missing or
    /// deleted.
    pub(crate) user_assignment: Option<i64>,
    pub(crate) task_assignment: Option<i64>,
    /// Hours without those of a running timer (`hours_without_timer`).
    pub(crate) hours: DecimalNumber,
    pub(crate) notes: Option<Box<str>>,
    /// Number of a card in another system, from which `external_reference` is made.
    pub(crate) reference: Option<i64>,
    /// Invoice that bills the entry, which moves the entry and locks it.
    pub(crate) invoice: Option<i64>,
    pub(crate) approval: Approval,
    /// Time at which the running timer started; `None` if no timer runs.
    pub(crate) timer: Option<Moment>,
    /// Minute of the day at which the work began, if the account records it.
    pub(crate) began: Option<i64>,
    /// Whether clients pay for it: task and project both say so.
    pub(crate) billable: bool,
    pub(crate) budgeted: bool,
    /// Rate at the time of the work, not the current one.
    pub(crate) billable_rate: Option<DecimalNumber>,
    /// Cost of the user at the time of the work.
    pub(crate) cost_rate: Option<DecimalNumber>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

impl TimeEntry {
    /// Returns the hours as of `now`, with those of a running timer, which are cut to hundredths.
    /// They grow without moving the entry, so a reader must ask for running entries in every run.
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
    /// Number of units for a category with a unit price, else 1.
    pub(crate) units: DecimalNumber,
    pub(crate) total: Money,
    pub(crate) notes: Option<Box<str>>,
    /// Size of the receipt's file in bytes; `None` without a receipt.
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

// Listed by creation, newest first. A record thus keeps its place in the list for ever.
listed_by!(
    |one| one.created.0;
    Client, Contact, Project, Task, UserAssignment, TaskAssignment, ExpenseCategory
);
// Listed by the day of work, newest first, as Harvest documents for entries and expenses. The order
// follows the work and not the change: no list of Harvest is ordered by `updated_at`.
listed_by!(|one| one.spent.0; TimeEntry, Expense);
