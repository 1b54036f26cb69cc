//! New records, messages, payments and timers.
//!
//! A new record is created and updated at the time of the mutation, whatever its day of work or
//! issue.

use super::NotApplied;
use crate::billing::ItemCategory;
use crate::decimal::{DecimalNumber, Money};
use crate::generate::AccountGenerator;
use crate::people::Role;
use crate::stream::Stream;
use crate::work::{Approval, ExpenseCategory};

impl AccountGenerator<'_> {
    /// Adds a record to a listing; returns its id. Fails where it would need another record that
    /// does not exist, and where Harvest allows one only, such as a second assignment of a user to
    /// a project.
    #[expect(
        clippy::wildcard_enum_match_arm,
        clippy::too_many_lines,
        reason = "all other streams are treated alike; one short arm per stream"
    )]
    pub(super) fn create(&mut self, stream: Stream) -> Result<i64, NotApplied> {
        let now = self.now;
        let nothing = || NotApplied::new("nothing to make it from");
        Ok(match stream {
            Stream::Clients => {
                let one = self.client(now);
                let id = one.id;
                self.books.clients.put(one);
                id
            }
            Stream::Contacts => {
                let client = self.any_client().ok_or_else(nothing)?;
                let one = self.contact(client, now);
                let id = one.id;
                self.books.contacts.put(one);
                id
            }
            Stream::Projects => {
                let mut one = self.project(now);
                one.is_active = true;
                let id = one.id;
                self.books.projects.put(one);
                self.staff(id, now);
                id
            }
            Stream::Tasks => {
                // A place beyond all names, so the name comes from the id. Tasks are made without a
                // time, at the beginning of the history, so it is set here.
                let mut one = self.task(usize::MAX);
                (one.created, one.updated) = (now, now);
                one.name = format!("Task {}", one.id);
                let id = one.id;
                self.books.tasks.put(one);
                id
            }
            Stream::Users => {
                // Place 2 makes an ordinary member: a mutation never adds an administrator.
                let mut one = self.user(2, now);
                one.is_active = true;
                let id = one.id;
                self.books.users.put(one);
                id
            }
            Stream::Roles => {
                let id = self.books.roles.claim_id();
                let name = format!("Role {id}");
                self.books.roles.put(Role { id, name, created: now, updated: now });
                id
            }
            Stream::UserAssignments => {
                let project = self.any_project().ok_or_else(nothing)?;
                let user = self.any_user().ok_or_else(nothing)?;
                // A user is on a project at most once, and a task likewise.
                if self.books.crew(project).any(|one| one.user == user) {
                    return Err(NotApplied::new("already assigned"));
                }
                let mut one = self.user_assignment(project, user, now);
                one.is_active = true;
                let id = one.id;
                self.books.put_user_assignment(one);
                id
            }
            Stream::TaskAssignments => {
                let project = self.any_project().ok_or_else(nothing)?;
                let task = self.chosen(Stream::Tasks, None)?;
                if self.books.tasks(project).any(|one| one.task == task) {
                    return Err(NotApplied::new("already assigned"));
                }
                let one = self.task_assignment(project, task, now);
                let id = one.id;
                self.books.put_task_assignment(one);
                id
            }
            Stream::TimeEntries => {
                let one = self.entry(now).ok_or_else(nothing)?;
                let id = one.id;
                self.books.put_entry(one);
                id
            }
            Stream::Expenses => {
                let one = self.expense(now).ok_or_else(nothing)?;
                let id = one.id;
                self.books.expenses.put(one);
                id
            }
            Stream::Invoices => self.create_invoice()?,
            Stream::Estimates => {
                let client = self.any_client().ok_or_else(nothing)?;
                let one = self.one_estimate(client, now);
                let id = one.document.id;
                self.books.estimates.put(one);
                id
            }
            Stream::ExpenseCategories => {
                let id = self.books.expense_categories.claim_id();
                self.books.expense_categories.put(ExpenseCategory {
                    id,
                    name: format!("Kategorie {id}"),
                    unit_name: Some("piece"),
                    unit_price: Some(DecimalNumber(575_000)),
                    is_active: true,
                    created: now,
                    updated: now,
                });
                id
            }
            Stream::InvoiceItemCategories => {
                let id = self.books.invoice_categories.claim_id();
                self.books.invoice_categories.put(self.item_category(id));
                id
            }
            Stream::EstimateItemCategories => {
                let id = self.books.estimate_categories.claim_id();
                self.books.estimate_categories.put(self.item_category(id));
                id
            }
            _ => return Err(NotApplied::new("such records cannot be made")),
        })
    }

    /// Makes a category for lines of documents.
    fn item_category(&self, id: i64) -> ItemCategory {
        ItemCategory {
            id,
            name: format!("Posten {id}"),
            use_as_service: false,
            use_as_expense: false,
            created: self.now,
            updated: self.now,
        }
    }

    /// Makes an invoice of a project. It bills up to ten open entries, which move and are locked;
    /// its client moves without any other change. Both were seen in recorded answers.
    fn create_invoice(&mut self) -> Result<i64, NotApplied> {
        let now = self.now;
        let project = self.any_project().ok_or_else(|| NotApplied::new("no project"))?;
        let invoice = self.invoice(project, now).ok_or_else(|| NotApplied::new("no project"))?;
        let (id, client) = (invoice.document.id, invoice.document.client);
        let open: Vec<i64> = (self.books.entries.iter().rev())
            .filter(|one| one.project == project && one.billable && one.invoice.is_none())
            // The hours of a running entry are not final.
            .filter(|one| one.timer.is_none())
            .map(|one| one.id)
            .take(10)
            .collect();
        self.books.invoices.put(invoice);
        for entry in open {
            self.books.edit_entry(entry, now, |one| one.invoice = Some(id));
        }
        // No field of the client changes, but it moves.
        self.books.clients.edit(client, now, |_| {});
        Ok(id)
    }

    /// Adds a message to an invoice or estimate, which does not move: in recorded answers no
    /// message moved its invoice alone. A reader that asks for messages of changed documents only
    /// would miss it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other streams are treated alike")]
    pub(super) fn add_message(&mut self, stream: Stream, id: i64) -> Result<(), NotApplied> {
        let document = match stream {
            Stream::Invoices => self.books.invoices.get(id).map(|one| one.document.clone()),
            Stream::Estimates => self.books.estimates.get(id).map(|one| one.document.clone()),
            _ => None,
        };
        let document = document.ok_or_else(|| NotApplied::new("has no messages"))?;
        let message = self.message(&document, self.now);
        if stream == Stream::Invoices {
            self.books.invoices.edit_quietly(id, |one| one.document.messages.push(message));
        } else {
            self.books.estimates.edit_quietly(id, |one| one.document.messages.push(message));
        }
        Ok(())
    }

    /// Pays half of the amount due, or all of it up to 100.00; the invoice moves in the same
    /// second, as in recorded answers. Refused for a draft, and where nothing is due.
    pub(super) fn add_payment(&mut self, id: i64) -> Result<(), NotApplied> {
        let invoice = self.books.invoices.get(id).ok_or_else(|| NotApplied::new("no invoice"))?;
        let due = invoice.due_amount();
        if invoice.document.sent.is_none() || due <= Money::default() {
            return Err(NotApplied::new("nothing is due"));
        }
        let amount = if due > Money::cents(10_000) { Money(due.0 / 2) } else { due };
        let payment = self.payment(amount, self.now);
        self.books.invoices.edit(id, self.now, |one| one.payments.push(payment));
        Ok(())
    }

    /// Adds an entry of today whose timer runs from now on; returns its id.
    pub(super) fn start_timer(&mut self) -> Result<i64, NotApplied> {
        let entry = self.entry(self.now).ok_or_else(|| NotApplied::new("no project"))?;
        let id = entry.id;
        let mut entry = entry;
        entry.spent = self.now.day();
        entry.timer = Some(self.now);
        entry.approval = Approval::Unsubmitted;
        entry.hours = DecimalNumber::default();
        self.books.put_entry(entry);
        Ok(id)
    }
}
