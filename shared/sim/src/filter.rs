//! The filters of a list, and the records that pass them.
//!
//! A list is answered as keys, not as records: `(rank, id)` in ascending order, from which `paging`
//! cuts a page. A list without filters borrows the order that its table keeps, so that the first
//! page of a million entries costs no pass over them.
//!
//! Facts of Harvest's lists that tests rely on:
//!
//! * `updated_since` finds records whose `updated_at` is at or after the instant. Harvest's
//!   documentation says only "since"; other programs that read or imitate it take it so.
//! * `from` and `to` include both ends, and concern the day of work or of issue, never
//!   `updated_at`.
//! * A list without `is_active` has active and archived records; only
//!   `/users/{id}/project_assignments` has active ones alone.
//! * `/roles` has no filter at all, and records without a usable day are in no range of days.

mod children;

use std::borrow::Cow;

use crate::calendar::{Day, Moment};
use crate::render::RenderContext;
use crate::request::{ServerRequest, ServerResponse};
use crate::stream::Stream;
use crate::table::{RankKey, Record, RecordTable, UNDATED};
use crate::work::{Expense, TimeEntry};

/// Filters of a request; `None` lets all records pass. Parameters that a list does not know are
/// ignored, as are ids that are no numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListFilter {
    /// `updated_since`, rounded up to a whole second.
    since: Option<Moment>,
    /// First day, included.
    from: Option<Day>,
    /// Last day, included.
    to: Option<Day>,
    is_active: Option<bool>,
    is_running: Option<bool>,
    is_billed: Option<bool>,
    client: Option<i64>,
    project: Option<i64>,
    user: Option<i64>,
    task: Option<i64>,
    /// State of an invoice or estimate, such as `open`.
    state: Option<String>,
    /// `approval_status` of an entry or expense, such as `approved`.
    approval: Option<String>,
    /// Id of an entry in another system (`external_reference_id`).
    reference: Option<i64>,
}

impl ListFilter {
    /// Parses the filters of a request; the error is the answer to it. Only days and instants can
    /// be refused: Harvest has answered 400 to an instant with a space for the `T`.
    pub(crate) fn of(request: &ServerRequest) -> Result<Self, ServerResponse> {
        let day = |name: &str| match request.param(name) {
            None => Ok(None),
            Some(text) => Day::parse(text)
                .map(Some)
                .ok_or_else(|| ServerResponse::message(400, &format!("Invalid {name}: {text}"))),
        };
        let since = match request.param("updated_since") {
            None => None,
            Some(text) => Some(
                Moment::parse_ceiling(text)
                    .ok_or_else(|| ServerResponse::message(400, "Invalid updated_since"))?,
            ),
        };
        let flag = |name: &str| request.param(name).map(|text| text == "true");
        let id = |name: &str| request.param(name).and_then(|text| text.parse().ok());
        Ok(Self {
            since,
            from: day("from")?,
            to: day("to")?,
            is_active: flag("is_active"),
            is_running: flag("is_running"),
            is_billed: flag("is_billed"),
            client: id("client_id"),
            project: id("project_id"),
            user: id("user_id"),
            task: id("task_id"),
            state: request.param("state").map(str::to_owned),
            approval: request.param("approval_status").map(str::to_owned),
            reference: id("external_reference_id"),
        })
    }

    /// Returns the range of ranks that `from` and `to` allow; `None` allows all. The lowest rank is
    /// that of undated records, which no range contains, not even one without `from`.
    fn ranks(&self) -> Option<(i64, i64)> {
        if self.from.is_none() && self.to.is_none() {
            return None;
        }
        Some((self.from.map_or(UNDATED + 1, |day| day.0), self.to.map_or(i64::MAX, |day| day.0)))
    }

    /// Tells whether any filter looks into an entry or expense. If none does, and the person sees
    /// everything, the table's own order is the answer.
    fn names_work(&self) -> bool {
        self.is_billed.is_some()
            || self.client.is_some()
            || self.project.is_some()
            || self.user.is_some()
            || self.task.is_some()
            || self.approval.is_some()
            || self.reference.is_some()
    }

    /// Tells whether an entry passes the filters, other than those of days and `updated_since`, and
    /// may be seen by the person.
    fn keeps_entry(&self, look: &RenderContext<'_>, one: &TimeEntry) -> bool {
        passes(self.user, one.user)
            && passes(self.project, one.project)
            && passes(self.task, one.task)
            && self.is_billed.is_none_or(|is| is == one.invoice.is_some())
            && self.is_running.is_none_or(|is| is == one.timer.is_some())
            && self.approval.as_deref().is_none_or(|status| status == one.approval.name())
            && self.reference.is_none_or(|id| one.reference == Some(id))
            && self.client.is_none_or(|id| client_is(look, one.project, id))
            && look.viewer.sees_work(one.user, one.project)
    }

    /// Tells whether an expense passes the filters, other than those of days and `updated_since`,
    /// and may be seen by the person.
    fn keeps_expense(&self, look: &RenderContext<'_>, one: &Expense) -> bool {
        passes(self.user, one.user)
            && passes(self.project, one.project)
            && self.is_billed.is_none_or(|is| is == one.invoice.is_some())
            && self.approval.as_deref().is_none_or(|status| status == one.approval.name())
            && self.client.is_none_or(|id| client_is(look, one.project, id))
            && look.viewer.sees_work(one.user, one.project)
    }

    /// Returns the keys of the entries that pass.
    fn entries<'a>(&self, look: &RenderContext<'a>) -> Cow<'a, [RankKey]> {
        let books = look.books;
        // Few entries run and each run of a reader asks for them, so they have an index of their
        // own.
        if self.is_running == Some(true) {
            let found = books.running.iter().filter_map(|id| books.entries.get(*id));
            let ranks = self.ranks().unwrap_or((UNDATED, i64::MAX));
            let mut keys: Vec<RankKey> = found
                .filter(|one| (ranks.0..=ranks.1).contains(&one.spent.0))
                .filter(|one| self.since.is_none_or(|since| one.updated >= since))
                .filter(|one| self.keeps_entry(look, one))
                .map(|one| (one.rank(), one.id))
                .collect();
            keys.sort_unstable();
            return Cow::Owned(keys);
        }
        // Without a filter on records, and for an administrator, no record is looked at: the order
        // of the table, or a part of it, is the answer.
        let keep = |one: &TimeEntry| self.keeps_entry(look, one);
        let all = !self.names_work() && self.is_running.is_none();
        let plain = all && look.viewer.is_administrator();
        books.entries.select(self.ranks(), self.since, if plain { None } else { Some(&keep) })
    }

    /// Returns the keys of the list that pass the filters, in ascending order; lists are read
    /// backwards, so that the newest record comes first.
    ///
    /// Children need `parent`; an unknown parent is answered with 404. Reports and `/company` have
    /// no keys: their rows are no records of a table.
    #[expect(clippy::too_many_lines, reason = "a match over all streams")]
    pub(crate) fn keys<'a>(
        &self,
        look: &RenderContext<'a>,
        stream: Stream,
        parent: Option<i64>,
    ) -> Result<Cow<'a, [RankKey]>, ServerResponse> {
        let books = look.books;
        if stream.has_parent() {
            return self.children(look, stream, parent.unwrap_or_default());
        }
        Ok(match stream {
            Stream::TimeEntries => self.entries(look),
            Stream::Expenses => {
                let keep = |one: &Expense| self.keeps_expense(look, one);
                // The same as for entries.
                let plain = !self.names_work() && look.viewer.is_administrator();
                let keep = if plain { None } else { Some(&keep as &dyn Fn(&Expense) -> bool) };
                books.expenses.select(self.ranks(), self.since, keep)
            }
            Stream::Invoices => books.invoices.select(
                self.ranks(),
                self.since,
                Some(&|one| {
                    self.state.as_deref().is_none_or(|state| state == one.state())
                        && passes(self.client, one.document.client)
                        && self.project.is_none_or(|id| {
                            let mut lines = one.document.lines.iter();
                            lines.any(|line| line.project.as_ref().is_some_and(|it| it.0 == id))
                        })
                }),
            ),
            Stream::Estimates => books.estimates.select(
                self.ranks(),
                self.since,
                Some(&|one| {
                    self.state.as_deref().is_none_or(|state| state == one.state())
                        && passes(self.client, one.document.client)
                }),
            ),
            Stream::Clients => self.active(&books.clients, |one| one.is_active),
            Stream::Contacts => {
                let keep = |one: &crate::work::Contact| passes(self.client, one.client);
                books.contacts.select(None, self.since, Some(&keep))
            }
            Stream::Projects => self.active_and(
                &books.projects,
                |one| one.is_active,
                |one| passes(self.client, one.client) && look.viewer.sees_project(one.id),
            ),
            Stream::Tasks => self.active(&books.tasks, |one| one.is_active),
            Stream::ExpenseCategories => {
                self.active(&books.expense_categories, |one| one.is_active)
            }
            Stream::Users => self.active_and(
                &books.users,
                |one| one.is_active,
                |one| look.viewer.sees_user(one.id),
            ),
            Stream::UserAssignments => self.active_and(
                &books.user_assignments,
                |one| one.is_active,
                |one| passes(self.user, one.user),
            ),
            Stream::TaskAssignments => self.active(&books.task_assignments, |one| one.is_active),
            Stream::Roles => books.roles.select(None, None, None),
            Stream::InvoiceItemCategories => {
                books.invoice_categories.select(None, self.since, None)
            }
            Stream::EstimateItemCategories => {
                books.estimate_categories.select(None, self.since, None)
            }
            Stream::Company
            | Stream::InvoiceMessages
            | Stream::InvoicePayments
            | Stream::EstimateMessages
            | Stream::UserBillableRates
            | Stream::UserCostRates
            | Stream::UserProjectAssignments
            | Stream::UserTeammates
            | Stream::ExpenseReportClients
            | Stream::ExpenseReportProjects
            | Stream::ExpenseReportCategories
            | Stream::ExpenseReportTeam
            | Stream::UninvoicedReport
            | Stream::TimeReportClients
            | Stream::TimeReportProjects
            | Stream::TimeReportTasks
            | Stream::TimeReportTeam
            | Stream::ProjectBudgetReport => Cow::Borrowed(&[]),
        })
    }

    /// Returns the keys of records that pass `is_active` and `updated_since`.
    fn active<'a, T: Record>(
        &self,
        table: &'a RecordTable<T>,
        is_active: impl Fn(&T) -> bool,
    ) -> Cow<'a, [RankKey]> {
        self.active_and(table, is_active, |_| true)
    }

    /// Returns the keys of records that pass `is_active` and `updated_since`, and `also`.
    fn active_and<'a, T: Record>(
        &self,
        table: &'a RecordTable<T>,
        is_active: impl Fn(&T) -> bool,
        also: impl Fn(&T) -> bool,
    ) -> Cow<'a, [RankKey]> {
        let keep = |one: &T| self.is_active.is_none_or(|is| is == is_active(one)) && also(one);
        table.select(None, self.since, Some(&keep))
    }
}

/// Tells whether an id passes a filter by id.
fn passes(wanted: Option<i64>, given: i64) -> bool {
    wanted.is_none_or(|wanted| wanted == given)
}

/// Tells whether a project belongs to a client. Entries and expenses name their project only.
fn client_is(look: &RenderContext<'_>, project: i64, client: i64) -> bool {
    look.books.projects.get(project).is_some_and(|one| one.client == client)
}
