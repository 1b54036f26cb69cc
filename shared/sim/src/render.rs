//! JSON of records, as Harvest serves them.
//!
//! A record is rendered for one person, at one instant. Names of other records are looked up, and
//! computed values are computed, at that moment. The JSON of a record can therefore change although
//! the record has not moved: after the renaming of its client, the locking of its project, or a
//! second of a running timer.
//!
//! Undocumented fields that live accounts have (`employee_id`, `is_explicitly_locked`,
//! `reimbursement` and others) are there, too.
//!
//! Functions below this module append an object and leave it open, because `RenderContext::record`
//! closes it after the field that no declaration knows.

mod billing;
mod people;
mod tracked;
mod work;

use crate::books::Books;
use crate::calendar::Moment;
use crate::dice::scramble;
use crate::json::JsonWriter;
use crate::spelling::Spelling;
use crate::stream::Stream;
use crate::viewer::Viewer;

pub(crate) use people::{avatar, me};

/// Conditions on which the JSON of a record depends, besides the record.
#[derive(Debug)]
pub(crate) struct RenderContext<'a> {
    pub(crate) books: &'a Books,
    /// Time of the answer, for running timers and links of receipts.
    pub(crate) now: Moment,
    pub(crate) viewer: &'a Viewer,
    /// Whether some records have a field that is in no declaration.
    pub(crate) unknown_members: bool,
    /// Choice of the fields that are written as another type than documented.
    pub(crate) spelling: Spelling,
}

impl RenderContext<'_> {
    /// Appends the record as an object; returns `false`, and appends nothing, if no record has this
    /// id. `parent` is the id of the parent for children that are part of it, and is not looked at
    /// for others.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other streams are treated alike")]
    #[expect(clippy::too_many_lines, reason = "a match over all streams")]
    pub(crate) fn record(
        &self,
        json: &mut JsonWriter,
        stream: Stream,
        parent: Option<i64>,
        id: i64,
    ) -> bool {
        json.salt(id);
        json.spell(match stream {
            Stream::Company => self.spelling.of_account(),
            _ => self.spelling.of_record(id),
        });
        let books = self.books;
        let parent = parent.unwrap_or_default();
        let found = match stream {
            Stream::Company => {
                people::company(self, json);
                Some(())
            }
            Stream::Users => books.users.get(id).map(|user| people::user(self, json, user)),
            Stream::Roles => books.roles.get(id).map(|role| people::role(self, json, role)),
            Stream::UserBillableRates => books
                .users
                .get(parent)
                .and_then(|user| user.billable_rates.iter().find(|rate| rate.id == id))
                .map(|rate| people::rate(json, rate)),
            Stream::UserCostRates => books
                .users
                .get(parent)
                .and_then(|user| user.cost_rates.iter().find(|rate| rate.id == id))
                .map(|rate| people::rate(json, rate)),
            Stream::UserTeammates => books.users.get(id).map(|user| people::teammate(json, user)),
            Stream::Clients => books.clients.get(id).map(|one| work::client(json, one)),
            Stream::Contacts => books.contacts.get(id).map(|one| work::contact(self, json, one)),
            Stream::Projects => books.projects.get(id).map(|one| work::project(self, json, one)),
            Stream::Tasks => books.tasks.get(id).map(|one| work::task(json, one)),
            Stream::UserAssignments => {
                (books.user_assignments.get(id)).map(|one| work::user_assignment(self, json, one))
            }
            Stream::TaskAssignments => {
                (books.task_assignments.get(id)).map(|one| work::task_assignment(self, json, one))
            }
            Stream::UserProjectAssignments => (books.user_assignments.get(id))
                .map(|one| work::project_assignment(self, json, one)),
            Stream::TimeEntries => books.entries.get(id).map(|one| tracked::entry(self, json, one)),
            Stream::Expenses => books.expenses.get(id).map(|one| tracked::expense(self, json, one)),
            Stream::ExpenseCategories => {
                (books.expense_categories.get(id)).map(|one| work::expense_category(json, one))
            }
            Stream::Invoices => books.invoices.get(id).map(|one| billing::invoice(self, json, one)),
            Stream::Estimates => {
                books.estimates.get(id).map(|one| billing::estimate(self, json, one))
            }
            Stream::InvoiceMessages => books
                .invoices
                .get(parent)
                .and_then(|one| one.document.messages.iter().find(|one| one.id == id))
                .map(|one| billing::invoice_message(json, one)),
            Stream::EstimateMessages => books
                .estimates
                .get(parent)
                .and_then(|one| one.document.messages.iter().find(|one| one.id == id))
                .map(|one| billing::estimate_message(json, one)),
            Stream::InvoicePayments => books
                .invoices
                .get(parent)
                .and_then(|one| one.payments.iter().find(|one| one.id == id))
                .map(|one| billing::payment(json, one)),
            Stream::InvoiceItemCategories => {
                (books.invoice_categories.get(id)).map(|one| billing::invoice_category(json, one))
            }
            Stream::EstimateItemCategories => {
                (books.estimate_categories.get(id)).map(|one| billing::estimate_category(json, one))
            }
            Stream::ExpenseReportClients
            | Stream::ExpenseReportProjects
            | Stream::ExpenseReportCategories
            | Stream::ExpenseReportTeam
            | Stream::UninvoicedReport
            | Stream::TimeReportClients
            | Stream::TimeReportProjects
            | Stream::TimeReportTasks
            | Stream::TimeReportTeam
            | Stream::ProjectBudgetReport => None,
        };
        if found.is_some() {
            self.close(json, id);
        }
        json.spell(None);
        found.is_some()
    }

    /// Closes a record; about a third of them get a field before that no declaration knows. Its
    /// value is nested, and has a trailing zero and an escaped letter: a reader that keeps unknown
    /// fields must keep the value, and one that compares records must not see a change where there
    /// is none.
    fn close(&self, json: &mut JsonWriter, id: i64) {
        if self.unknown_members && scramble(id.unsigned_abs(), 3).is_multiple_of(3) {
            json.raw("x_new_member", br#"{"a":1.10,"b":[null,"\u00e9"]}"#);
        }
        json.close();
    }

    /// Appends `{"id", "name"}` of a user as `user`. A deleted one keeps the id.
    fn user_stub(&self, json: &mut JsonWriter, id: i64) {
        json.object("user");
        json.int("id", id);
        let name = self.books.users.get(id).map(crate::people::User::name);
        json.text("name", name.as_deref().unwrap_or("Deleted User"));
        json.close();
    }

    /// Appends `{"id", "name"` of a client as `client`, and leaves it open: some records add its
    /// currency.
    fn client_stub(&self, json: &mut JsonWriter, id: i64) {
        json.object("client");
        json.int("id", id);
        json.text("name", self.books.clients.get(id).map_or("", |one| one.name.as_str()));
    }

    /// Appends the currency of a client; USD, the account's own, if there is no such client.
    fn client_currency(&self, json: &mut JsonWriter, id: i64) {
        json.text("currency", self.books.clients.get(id).map_or("USD", |one| one.currency));
    }
}
