//! Changes of existing records.
//!
//! Each method says whether it moves the record, and moves no other unless it says so.

use super::{NotApplied, RateKind};
use crate::calendar::Day;
use crate::decimal::{DecimalNumber, Money};
use crate::generate::AccountGenerator;
use crate::people::UserRate;
use crate::stream::Stream;
use crate::table::UNDATED;

impl AccountGenerator<'_> {
    /// Changes a few fields of a record, which moves. New texts come in all three forms (null,
    /// empty, not empty) and with line breaks, so that an update can also empty a field.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other streams are treated alike")]
    pub(super) fn change(&mut self, stream: Stream, id: i64) -> Result<(), NotApplied> {
        let now = self.now;
        let roll = self.dice.between(1, 5000);
        let text = self.maybe(&format!("geändert №{roll}\r\n„{roll}“"));
        let books = &mut *self.books;
        let changed = match stream {
            Stream::Clients => books.clients.edit(id, now, |one| one.address = text),
            Stream::Contacts => books.contacts.edit(id, now, |one| one.phone_office = text),
            Stream::Projects => books.projects.edit(id, now, |one| {
                one.notes = text;
                one.budget = one.budget.map(|_| DecimalNumber::cents(roll * 25));
            }),
            Stream::Tasks => {
                books.tasks.edit(id, now, |one| one.default_rate = Some(DecimalNumber::cents(roll)))
            }
            Stream::Users => books.users.edit(id, now, |one| one.telephone = text),
            // A role has only its name.
            Stream::Roles => return self.rename(stream, id, Some(&format!("Rolle {roll}"))),
            Stream::UserAssignments => books.user_assignments.edit(id, now, |one| {
                one.hourly_rate = Some(DecimalNumber::cents(roll));
                one.is_active = roll % 4 != 0;
            }),
            Stream::TaskAssignments => books
                .task_assignments
                .edit(id, now, |one| one.budget = Some(DecimalNumber::cents(roll))),
            Stream::TimeEntries => books.edit_entry(id, now, |one| {
                one.hours = DecimalNumber::cents(roll % 1200 + 1);
                one.notes = text.map(Into::into);
            }),
            Stream::Expenses => books.expenses.edit(id, now, |one| {
                one.total = Money::cents(roll * 7);
                one.notes = text.map(Into::into);
            }),
            Stream::ExpenseCategories => {
                let name = format!("Kategorie {roll}");
                books.expense_categories.edit(id, now, |one| one.name = name)
            }
            Stream::InvoiceItemCategories => {
                let name = format!("Posten {roll}");
                books.invoice_categories.edit(id, now, |one| one.name = name)
            }
            Stream::EstimateItemCategories => {
                let name = format!("Posten {roll}");
                books.estimate_categories.edit(id, now, |one| one.name = name)
            }
            Stream::Invoices => books.invoices.edit(id, now, |one| {
                one.document.subject = text;
                one.document.purchase_order = Some(roll.to_string());
            }),
            Stream::Estimates => books.estimates.edit(id, now, |one| {
                one.document.notes = text;
                one.document.sent = Some(now);
                one.accepted = (roll % 2 == 0).then_some(now);
                one.declined = (roll % 2 != 0).then_some(now);
            }),
            _ => false,
        };
        if changed { Ok(()) } else { Err(NotApplied::new("such records cannot be changed")) }
    }

    /// Gives a record another name; it moves. Records that embed the name change their JSON and do
    /// not move. Roles are the exception: their name is a field of users, who move, too.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other streams are treated alike")]
    pub(super) fn rename(
        &mut self,
        stream: Stream,
        id: i64,
        name: Option<&str>,
    ) -> Result<(), NotApplied> {
        let now = self.now;
        let roll = self.dice.between(1, 9999);
        let name = name.map_or_else(|| format!("Umbenannt {roll} 改名"), str::to_owned);
        let books = &mut *self.books;
        let changed = match stream {
            Stream::Clients => books.clients.edit(id, now, |one| one.name = name),
            Stream::Projects => books.projects.edit(id, now, |one| one.name = name),
            Stream::Tasks => books.tasks.edit(id, now, |one| one.name = name),
            Stream::Users => books.users.edit(id, now, |one| one.last_name = name),
            Stream::Roles => {
                let Some(old) = books.roles.get(id).map(|one| one.name.clone()) else {
                    return Err(NotApplied::new("no such role"));
                };
                // The name of a role is a field of its users, so their `updated_at` changes, too.
                for user in holders(books, &old) {
                    books.users.edit(user, now, |one| {
                        for held in one.roles.iter_mut().filter(|held| **held == old) {
                            held.clone_from(&name);
                        }
                    });
                }
                books.roles.edit(id, now, |one| one.name = name)
            }
            _ => false,
        };
        if changed { Ok(()) } else { Err(NotApplied::new("such records have no name to change")) }
    }

    /// Sets `is_active` to false; the record moves. Archiving is an update in Harvest, not a
    /// deletion. The users of the tokens stay active, so that a random history does not lock out
    /// its reader.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other streams are treated alike")]
    pub(super) fn archive(&mut self, stream: Stream, id: i64) -> Result<(), NotApplied> {
        let now = self.now;
        let is_token = self.books.users.iter().take(3).any(|user| user.id == id);
        let books = &mut *self.books;
        let changed = match stream {
            Stream::Clients => books.clients.edit(id, now, |one| one.is_active = false),
            Stream::Projects => books.projects.edit(id, now, |one| one.is_active = false),
            Stream::Tasks => books.tasks.edit(id, now, |one| one.is_active = false),
            Stream::Users if !is_token => books.users.edit(id, now, |one| one.is_active = false),
            Stream::UserAssignments => {
                books.user_assignments.edit(id, now, |one| one.is_active = false)
            }
            Stream::TaskAssignments => {
                books.task_assignments.edit(id, now, |one| one.is_active = false)
            }
            Stream::ExpenseCategories => {
                books.expense_categories.edit(id, now, |one| one.is_active = false)
            }
            _ => false,
        };
        if changed { Ok(()) } else { Err(NotApplied::new("such records cannot be archived")) }
    }

    /// Sets a rate of a user from a day on, or for all days.
    ///
    /// Harvest documents that a rate without `start_date` replaces all older ones. They are
    /// deleted, and here the user moves, because the current rate is a field of the user. A rate
    /// with a start ends the one before on the day before, and moves that rate but not the user. A
    /// reader finds it only by reading the rates of all users.
    pub(super) fn change_rate(
        &mut self,
        user: i64,
        kind: RateKind,
        cents: Option<i64>,
        start: Option<Day>,
    ) {
        let now = self.now;
        let amount = DecimalNumber::cents(cents.unwrap_or_else(|| self.dice.between(20, 400) * 25));
        let id = self.books.claim_child();
        let rate = UserRate { id, amount, start, end: None, created: now, updated: now };
        let for_all_time = start.is_none();
        self.books.users.edit_quietly(user, |one| {
            let rates = match kind {
                RateKind::Billable => &mut one.billable_rates,
                RateKind::Cost => &mut one.cost_rates,
            };
            // Older rates go, and the user's own field follows the new one.
            if for_all_time {
                rates.clear();
                one.updated = now;
                match kind {
                    RateKind::Billable => one.default_rate = Some(amount),
                    RateKind::Cost => one.cost_rate = Some(amount),
                }
            }
            // A second rate with the same first day replaces the first one.
            rates.retain(|other| other.start != start);
            rates.push(rate);
            rates.sort_by_key(|one| one.start);
            // Each rate ends on the day before the next one starts, even if the new rate came in
            // between.
            let starts: Vec<Option<Day>> = rates.iter().map(|one| one.start).skip(1).collect();
            for (place, rate) in rates.iter_mut().enumerate() {
                let end = starts.get(place).copied().flatten().map(|next| next.plus(-1));
                if rate.end != end {
                    (rate.end, rate.updated) = (end, now);
                }
            }
        });
    }

    /// Ends a timer and adds its time to the hours; the entry moves.
    pub(super) fn stop_timer(&mut self, id: i64) -> Result<(), NotApplied> {
        let now = self.now;
        if !self.books.running.contains(&id) {
            return Err(NotApplied::new("its timer does not run"));
        }
        self.books.edit_entry(id, now, |one| {
            one.hours = one.hours_at(now);
            one.timer = None;
        });
        Ok(())
    }

    /// Moves an entry to another day, project, or both; to a day up to 70 days earlier if neither
    /// is given. On another project it gets that project's first task, and is embedded without an
    /// assignment of its user.
    ///
    /// An entry may thereby leave the range of days that a reader is reading, or come into one that
    /// it has read: only `updated_since` still finds it.
    pub(super) fn move_entry(
        &mut self,
        id: i64,
        day: Option<Day>,
        project: Option<i64>,
    ) -> Result<(), NotApplied> {
        let nearby = self.dice.between(1, 70);
        let target = match project {
            Some(project) => {
                let tasks = &mut self.books.tasks(project);
                let task = tasks.next().map(|one| (one.id, one.task));
                let task = task.ok_or_else(|| NotApplied::new("no such project with a task"))?;
                Some((project, task))
            }
            None => None,
        };
        self.books.edit_entry(id, self.now, |one| {
            if let Some((project, (assignment, task))) = target {
                (one.project, one.task) = (project, task);
                (one.task_assignment, one.user_assignment) = (Some(assignment), None);
            }
            if let Some(day) = day {
                one.spent = day;
            } else if target.is_none() {
                one.spent = one.spent.plus(-nearby);
            }
        });
        Ok(())
    }
}

impl AccountGenerator<'_> {
    /// Gives a dated record another day, or one that is not usable. The record moves, and changes
    /// its place in the list.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other streams have no such day")]
    pub(super) fn redate(
        &mut self,
        stream: Stream,
        id: i64,
        to: Option<Day>,
    ) -> Result<(), NotApplied> {
        let (now, spent) = (self.now, to.unwrap_or(Day(UNDATED)));
        let books = &mut *self.books;
        let changed = match stream {
            Stream::TimeEntries => books.edit_entry(id, now, |one| one.spent = spent),
            Stream::Expenses => books.expenses.edit(id, now, |one| one.spent = spent),
            Stream::Invoices => books.invoices.edit(id, now, |one| one.document.issued = to),
            Stream::Estimates => books.estimates.edit(id, now, |one| one.document.issued = to),
            _ => false,
        };
        if changed { Ok(()) } else { Err(NotApplied::new("such records have no day")) }
    }
}

/// Returns the ids of the users with a business role.
pub(super) fn holders(books: &crate::books::Books, role: &str) -> Vec<i64> {
    let holds = |user: &&crate::people::User| user.roles.iter().any(|held| held == role);
    books.users.iter().filter(holds).map(|user| user.id).collect()
}
