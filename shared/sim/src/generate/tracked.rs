//! Time entries and expenses: the bulk of an account.
//!
//! Times of creation are drawn first and sorted, so that ids rise with them. The day of work is
//! drawn afterwards and may be weeks earlier: a reader that looks for new entries by their day
//! misses those.

use super::people::rate_on;
use super::{AccountGenerator, words};
use crate::calendar::{Day, Moment};
use crate::decimal::{DecimalNumber, Money};
use crate::work::{Approval, Expense, TimeEntry};

impl AccountGenerator<'_> {
    /// Fills the history with time entries, and starts the timers that run. Their entries come last
    /// and are created at most four hours before the end of the history.
    pub(crate) fn track_time(&mut self) {
        let mut entries = Vec::with_capacity(self.scale.time_entries);
        for created in self.moments(self.scale.time_entries) {
            entries.extend(self.entry(created));
        }
        // All at once, and sorted once. None of these runs, so the index of timers needs no care.
        self.books.entries.fill(entries);
        for place in 0..self.scale.running_timers {
            let back = i64::try_from(place % 200).unwrap_or(0) * 60 + 1800;
            let created = Moment(self.now.0 - back);
            if let Some(mut entry) = self.entry(created) {
                entry.spent = created.day();
                entry.timer = Some(created);
                entry.approval = Approval::Unsubmitted;
                (entry.hours, entry.updated) = (DecimalNumber::default(), created);
                self.books.put_entry(entry);
            }
        }
    }

    /// Makes an entry on a random project by one of its users, created at `created`; `None` if the
    /// project has no user or no task.
    ///
    /// The rate is that of the day of work, by the project's way of billing, and is stored: a later
    /// change of rates does not change it.
    pub(crate) fn entry(&mut self, created: Moment) -> Option<TimeEntry> {
        let project = self.any_project()?;
        let project = self.books.projects.get(project)?.clone();
        let crew: Vec<(i64, i64, Option<DecimalNumber>)> =
            self.books.crew(project.id).map(|one| (one.id, one.user, one.hourly_rate)).collect();
        let (assignment, user, own_rate) = crew.get(self.dice.index(crew.len())?).copied()?;
        let tasks: Vec<(i64, i64, bool, Option<DecimalNumber>)> = (self.books.tasks(project.id))
            .map(|one| (one.id, one.task, one.billable, one.hourly_rate))
            .collect();
        let (task_assignment, task, billable, task_rate) =
            tasks.get(self.dice.index(tasks.len())?).copied()?;
        let id = self.books.entries.claim_id();
        let spent = self.spent(created);
        let person = self.books.users.get(user)?;
        let by_default = rate_on(&person.billable_rates, spent);
        let cost_rate = rate_on(&person.cost_rates, spent);
        let rate = match project.bill_by {
            "Tasks" => task_rate,
            "Project" => project.hourly_rate,
            _ => own_rate.or(by_default),
        };
        let clf = self.books.clients.get(project.client).is_some_and(|one| one.currency == "CLF");
        // A unit of CLF has a high value, so its rates need four decimals.
        let rate = if clf { rate.map(|rate| DecimalNumber(rate.0 / 100 / 37 * 100)) } else { rate };
        // Work of the last 45 days is not approved yet.
        let old = spent < self.now.day().plus(-45);
        let approval = match self.dice.between(0, 9) {
            0..6 if old => Approval::Approved,
            6 | 7 => Approval::Submitted,
            _ => Approval::Unsubmitted,
        };
        Some(TimeEntry {
            id,
            spent,
            user,
            project: project.id,
            task,
            user_assignment: (!self.dice.chance(1)).then_some(assignment),
            task_assignment: Some(task_assignment),
            hours: DecimalNumber::cents(self.dice.between(1, 960)),
            notes: self.notes(id),
            reference: self.dice.chance(5).then_some(id % 1_000_000),
            invoice: None,
            approval,
            timer: None,
            began: self.dice.chance(50).then(|| self.dice.between(7 * 60, 15 * 60)),
            billable: billable && project.is_billable,
            budgeted: project.budget_by != "none",
            billable_rate: rate.filter(|_| billable && project.is_billable),
            cost_rate,
            created,
            updated: self.soon_after(created),
        })
    }

    /// Returns notes, an empty text, or none. A boxed text is smaller than a `String`, which counts
    /// in a million entries.
    fn notes(&mut self, id: i64) -> Option<Box<str>> {
        match self.dice.between(0, 9) {
            0..3 => None,
            3 => Some(Box::default()),
            _ => Some(format!("{} {}", self.dice.pick(words::NOTES), id % 1000).into()),
        }
    }

    /// Returns the day of work for an entry created at `created`: mostly the same day, sometimes up
    /// to 40 days before, and rarely on a weekend.
    fn spent(&mut self, created: Moment) -> Day {
        let back = if self.dice.chance(80) { 0 } else { self.dice.between(0, 40) };
        let day = created.day().plus(-back);
        if day.is_weekend() && !self.dice.chance(5) { day.plus(-2) } else { day }
    }

    /// Fills the history with expenses.
    pub(crate) fn spend(&mut self) {
        let mut expenses = Vec::with_capacity(self.scale.expenses);
        for created in self.moments(self.scale.expenses) {
            expenses.extend(self.expense(created));
        }
        self.books.expenses.fill(expenses);
    }

    /// Makes an expense for a random project, created at `created`; `None` if the project has no
    /// user. With a category that has a unit price, the total is units times price.
    pub(crate) fn expense(&mut self, created: Moment) -> Option<Expense> {
        let project = self.any_project()?;
        let crew: Vec<(i64, i64)> =
            self.books.crew(project).map(|one| (one.id, one.user)).collect();
        let (assignment, user) = crew.get(self.dice.index(crew.len())?).copied()?;
        let place = self.dice.index(self.books.expense_categories.len())?;
        let category = self.books.expense_categories.iter().nth(place)?.clone();
        let (units, total) = match category.unit_price {
            Some(price) => {
                let units = DecimalNumber::whole(self.dice.between(1, 400));
                (units, units.times(price))
            }
            None => (DecimalNumber::whole(1), Money::cents(self.dice.between(199, 90_000))),
        };
        let id = self.books.expenses.claim_id();
        Some(Expense {
            id,
            spent: self.spent(created),
            user,
            project,
            category: category.id,
            user_assignment: Some(assignment),
            units,
            total,
            notes: self.notes(id),
            receipt: self.dice.chance(40).then(|| self.dice.between(900, 4_000_000)),
            invoice: None,
            approval: self.dice.pick(&[
                Approval::Unsubmitted,
                Approval::Submitted,
                Approval::Approved,
            ]),
            billable: self.dice.chance(70),
            created,
            updated: self.soon_after(created),
        })
    }
}
