//! Deletions of records and of those that depend on them, and refusals as Harvest has them.
//!
//! Harvest leaves no trace of a deletion: no tombstone, no list, no flag. Only a reading of the
//! whole list shows that a record is missing. Deletions come in bulk, too: a project takes its
//! entries along.
//!
//! | deleted | goes with it | refused if |
//! | --- | --- | --- |
//! | client | its contacts | it has projects, invoices or estimates |
//! | project | entries, expenses, assignments; not invoices | never |
//! | task | nothing | an entry or an assignment has it |
//! | user | assignments | entries or expenses are by it, or it holds a token |
//! | role | the name in its users, who move | never |
//! | assignment | nothing | an entry (or expense) has it |
//! | entry | nothing | an invoice bills it |
//! | invoice | messages, payments; its entries are open again and move | never |

use std::collections::BTreeSet;

use super::NotApplied;
use super::change::holders;
use crate::generate::AccountGenerator;
use crate::stream::Stream;

impl AccountGenerator<'_> {
    /// Removes a record of a listing, with those that depend on it. Refusals come first, so that a
    /// refused deletion has removed nothing.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other streams are treated alike")]
    #[expect(clippy::too_many_lines, reason = "a match over all streams")]
    pub(super) fn remove(&mut self, stream: Stream, id: i64) -> Result<(), NotApplied> {
        let books = &mut *self.books;
        let refuse_if = |in_use: bool| {
            if in_use { Err(NotApplied::new("it is in use")) } else { Ok(()) }
        };
        match stream {
            Stream::Clients => {
                refuse_if(
                    books.projects.iter().any(|one| one.client == id)
                        || books.invoices.iter().any(|one| one.document.client == id)
                        || books.estimates.iter().any(|one| one.document.client == id),
                )?;
                let contacts = books.contacts.iter().filter(|one| one.client == id);
                let contacts: BTreeSet<i64> = contacts.map(|one| one.id).collect();
                books.contacts.remove_all(&contacts);
                books.clients.remove(id);
            }
            Stream::Contacts => drop(books.contacts.remove(id)),
            Stream::Projects => self.remove_project(id),
            Stream::Tasks => {
                refuse_if(
                    books.entries.iter().any(|one| one.task == id)
                        || books.task_assignments.iter().any(|one| one.task == id),
                )?;
                books.tasks.remove(id);
            }
            Stream::Users => {
                refuse_if(
                    books.users.iter().take(3).any(|one| one.id == id)
                        || books.entries.iter().any(|one| one.user == id)
                        || books.expenses.iter().any(|one| one.user == id),
                )?;
                // Assignments go through the books, which keep the index by project in step.
                let own = books.user_assignments.iter().filter(|one| one.user == id);
                for assignment in own.map(|one| one.id).collect::<Vec<_>>() {
                    books.remove_user_assignment(assignment);
                }
                books.users.remove(id);
            }
            Stream::Roles => {
                let Some(role) = books.roles.remove(id) else {
                    return Ok(());
                };
                for user in holders(books, &role.name) {
                    let now = self.now;
                    books.users.edit(user, now, |one| one.roles.retain(|held| *held != role.name));
                }
            }
            Stream::UserAssignments => {
                refuse_if(
                    books.entries.iter().any(|one| one.user_assignment == Some(id))
                        || books.expenses.iter().any(|one| one.user_assignment == Some(id)),
                )?;
                books.remove_user_assignment(id);
            }
            Stream::TaskAssignments => {
                refuse_if(books.entries.iter().any(|one| one.task_assignment == Some(id)))?;
                books.remove_task_assignment(id);
            }
            Stream::TimeEntries => {
                refuse_if(books.entries.get(id).is_some_and(|one| one.invoice.is_some()))?;
                books.remove_entry(id);
            }
            Stream::Expenses => drop(books.expenses.remove(id)),
            Stream::ExpenseCategories => {
                refuse_if(books.expenses.iter().any(|one| one.category == id))?;
                books.expense_categories.remove(id);
            }
            Stream::Invoices => self.remove_invoice(id),
            Stream::Estimates => drop(books.estimates.remove(id)),
            Stream::InvoiceItemCategories => drop(books.invoice_categories.remove(id)),
            Stream::EstimateItemCategories => drop(books.estimate_categories.remove(id)),
            _ => return Err(NotApplied::new("such records cannot be deleted")),
        }
        Ok(())
    }

    /// Removes a project with its entries, expenses and assignments. Its invoices stay, and their
    /// lines still name it.
    fn remove_project(&mut self, id: i64) {
        let books = &mut *self.books;
        let entries = books.entries.iter().filter(|one| one.project == id);
        let entries: BTreeSet<i64> = entries.map(|one| one.id).collect();
        // The index of running timers first, while the entries are known; then everything in one
        // pass each, because a project can have a large part of all entries.
        books.running.retain(|entry| !entries.contains(entry));
        books.entries.remove_all(&entries);
        let expenses = books.expenses.iter().filter(|one| one.project == id);
        let expenses: BTreeSet<i64> = expenses.map(|one| one.id).collect();
        books.expenses.remove_all(&expenses);
        books.user_assignments.remove_all(&books.crew_of.remove(&id).unwrap_or_default());
        books.task_assignments.remove_all(&books.tasks_of.remove(&id).unwrap_or_default());
        books.projects.remove(id);
    }

    /// Removes an invoice with its messages and payments. Entries that it billed are open again,
    /// and move.
    fn remove_invoice(&mut self, id: i64) {
        let books = &mut *self.books;
        let billed = books.entries.iter().filter(|one| one.invoice == Some(id));
        for entry in billed.map(|one| one.id).collect::<Vec<_>>() {
            books.edit_entry(entry, self.now, |one| one.invoice = None);
        }
        books.invoices.remove(id);
    }

    /// Removes the newest message of an invoice or estimate, which does not move.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other streams are treated alike")]
    pub(super) fn remove_message(&mut self, stream: Stream, id: i64) -> Result<(), NotApplied> {
        let mut gone = None;
        match stream {
            Stream::Invoices => {
                self.books.invoices.edit_quietly(id, |one| gone = one.document.messages.pop());
            }
            Stream::Estimates => {
                self.books.estimates.edit_quietly(id, |one| gone = one.document.messages.pop());
            }
            _ => {}
        }
        gone.map(drop).ok_or_else(|| NotApplied::new("it has no message"))
    }

    /// Removes the newest payment of an invoice, which moves.
    pub(super) fn remove_payment(&mut self, id: i64) -> Result<(), NotApplied> {
        let paid = self.books.invoices.get(id).is_some_and(|one| !one.payments.is_empty());
        if !paid {
            return Err(NotApplied::new("it has no payment"));
        }
        self.books.invoices.edit(id, self.now, |one| drop(one.payments.pop()));
        Ok(())
    }
}
