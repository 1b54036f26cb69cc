//! The ten reports, computed from the current entries, expenses and invoices.
//!
//! A row is a sum for one subject (client, project, task, user or category) *and currency*, over a
//! window of days. It has no id, no date and no time of change: a reader adds the window itself,
//! and must read a window again to learn of a change within it. An edit of an old entry changes old
//! windows.
//!
//! Facts of Harvest's reports that tests rely on:
//!
//! * `from` and `to` are days of work, both included. A window may not exceed a year: 366 days with
//!   both ends are accepted, more are refused with 400.
//! * Hours are sums of rounded hours (up to quarters here), and not the rounded sum.
//! * Names of projects have their code in front in reports on time and expenses, but not in the
//!   others.
//! * The billable amount of fixed-fee projects counts only with `include_fixed_fee=true`. In the
//!   report on uninvoiced work the parameter is true unless given, and decides whether such
//!   projects have rows.
//! * Without the permission for rates, rows of time reports have no currency and no amount.

mod budget;
mod uninvoiced;

use std::collections::BTreeMap;

use crate::calendar::Day;
use crate::decimal::{DecimalNumber, Money};
use crate::json::JsonWriter;
use crate::people::User;
use crate::render::{RenderContext, avatar};
use crate::request::{ServerRequest, ServerResponse};
use crate::stream::Stream;
use crate::work::{Expense, TimeEntry};

/// Days that a report covers, both ends included, and the one parameter that changes its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ReportDays {
    pub(crate) from: Day,
    pub(crate) to: Day,
    /// Value of `include_fixed_fee`.
    pub(crate) fixed_fee: bool,
}

impl ReportDays {
    /// Parses the window of a request; the error is the answer to it, 400. The budget report has no
    /// window and covers all days.
    pub(crate) fn of(request: &ServerRequest, stream: Stream) -> Result<Self, ServerResponse> {
        if stream == Stream::ProjectBudgetReport {
            return Ok(Self { from: Day(i64::MIN), to: Day(i64::MAX), fixed_fee: false });
        }
        let day = |name: &str| {
            let text = request.param(name).ok_or_else(|| {
                ServerResponse::message(400, "Invalid timeframe: from and to are required")
            })?;
            Day::parse(text)
                .ok_or_else(|| ServerResponse::message(400, &format!("Invalid timeframe: {name}")))
        };
        let (from, to) = (day("from")?, day("to")?);
        if to < from {
            return Err(ServerResponse::message(400, "Invalid timeframe: to is before from"));
        }
        // The distance counts, not the number of days: 2021-01-01 to 2022-01-01 has worked, and
        // 2012-01-01 to 2013-01-01, in a leap year, was refused.
        if to.0 - from.0 > 365 {
            let refusal = "Invalid timeframe: must not exceed 1 year";
            return Err(ServerResponse::message(400, refusal));
        }
        let by_default = if stream == Stream::UninvoicedReport { "true" } else { "false" };
        let fixed_fee = request.param("include_fixed_fee").unwrap_or(by_default) == "true";
        Ok(Self { from, to, fixed_fee })
    }
}

/// Returns the rows of a report, each a JSON object, in the order of the list: by name of the
/// subject, or by id of the project in the reports on budgets and on uninvoiced work.
#[expect(clippy::wildcard_enum_match_arm, reason = "only reports come here")]
pub(crate) fn rows(look: &RenderContext<'_>, stream: Stream, window: ReportDays) -> Vec<Vec<u8>> {
    match stream {
        Stream::ExpenseReportClients => expenses(look, window, ReportSubject::Client),
        Stream::ExpenseReportProjects => expenses(look, window, ReportSubject::Project),
        Stream::ExpenseReportCategories => expenses(look, window, ReportSubject::Category),
        Stream::ExpenseReportTeam => expenses(look, window, ReportSubject::User),
        Stream::TimeReportClients => time(look, window, ReportSubject::Client),
        Stream::TimeReportProjects => time(look, window, ReportSubject::Project),
        Stream::TimeReportTasks => time(look, window, ReportSubject::Task),
        Stream::TimeReportTeam => time(look, window, ReportSubject::User),
        Stream::UninvoicedReport => uninvoiced::rows(look, window),
        Stream::ProjectBudgetReport => budget::rows(look),
        _ => Vec::new(),
    }
}

/// Subject of a report, which has one row for each subject and currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReportSubject {
    Client,
    Project,
    Task,
    User,
    Category,
}

/// Returns the entries of the window that the person of the request may see. Reports shrink with
/// the permissions just like lists.
fn entries_of<'a>(
    look: &RenderContext<'a>,
    window: ReportDays,
) -> impl Iterator<Item = &'a TimeEntry> {
    let books = look.books;
    let viewer = look.viewer.clone();
    let keys = books.entries.select(Some((window.from.0, window.to.0)), None, None).into_owned();
    keys.into_iter()
        .filter_map(move |key| books.entries.get(key.1))
        .filter(move |one| viewer.sees_work(one.user, one.project))
}

/// Returns the expenses of the window that the person of the request may see.
fn expenses_of<'a>(
    look: &RenderContext<'a>,
    window: ReportDays,
) -> impl Iterator<Item = &'a Expense> {
    let books = look.books;
    let viewer = look.viewer.clone();
    let keys = books.expenses.select(Some((window.from.0, window.to.0)), None, None).into_owned();
    keys.into_iter()
        .filter_map(move |key| books.expenses.get(key.1))
        .filter(move |one| viewer.sees_work(one.user, one.project))
}

/// Returns the currency in which work on a project is paid: that of its client.
fn currency(look: &RenderContext<'_>, project: i64) -> &'static str {
    look.books.client_of(project).map_or("USD", |client| client.currency)
}

/// Sums of a row of a time report: all hours, billable hours, and their amount.
#[derive(Clone, Copy, Debug, Default)]
struct TimeSums {
    total: DecimalNumber,
    billable: DecimalNumber,
    amount: Money,
}

/// Returns the rows of a time report. Each entry is rounded before it is added: hours up to a
/// quarter, its amount to four places.
fn time(look: &RenderContext<'_>, window: ReportDays, subject: ReportSubject) -> Vec<Vec<u8>> {
    let mut sums: BTreeMap<(i64, &str), TimeSums> = BTreeMap::new();
    for entry in entries_of(look, window) {
        let project = look.books.projects.get(entry.project);
        let id = match subject {
            ReportSubject::Client => project.map_or(0, |one| one.client),
            ReportSubject::Project => entry.project,
            ReportSubject::Task => entry.task,
            ReportSubject::User | ReportSubject::Category => entry.user,
        };
        let sum = sums.entry((id, currency(look, entry.project))).or_default();
        let hours = entry.hours_at(look.now).quarter_up();
        sum.total = sum.total.plus(hours);
        if entry.billable {
            sum.billable = sum.billable.plus(hours);
            let counts = window.fixed_fee || !project.is_some_and(|one| one.is_fixed_fee);
            if let (Some(rate), true) = (entry.billable_rate, counts) {
                sum.amount = sum.amount.plus(hours.times(rate));
            }
        }
    }
    by_name(look, subject, &sums, |json, (_, currency), sum| {
        json.number("total_hours", sum.total);
        json.number("billable_hours", sum.billable);
        if look.viewer.sees_rates() {
            json.text("currency", currency);
            json.money("billable_amount", sum.amount);
        }
        ExtraFields::Capacity
    })
}

/// Sums of a row of an expense report: all expenses, and the billable ones.
#[derive(Clone, Copy, Debug, Default)]
struct ExpenseSums {
    total: Money,
    billable: Money,
}

/// Returns the rows of an expense report.
fn expenses(look: &RenderContext<'_>, window: ReportDays, subject: ReportSubject) -> Vec<Vec<u8>> {
    let mut sums: BTreeMap<(i64, &str), ExpenseSums> = BTreeMap::new();
    for expense in expenses_of(look, window) {
        let id = match subject {
            ReportSubject::Client => look.books.client_of(expense.project).map_or(0, |one| one.id),
            ReportSubject::Project => expense.project,
            ReportSubject::Category => expense.category,
            ReportSubject::User | ReportSubject::Task => expense.user,
        };
        let sum = sums.entry((id, currency(look, expense.project))).or_default();
        sum.total = sum.total.plus(expense.total);
        if expense.billable {
            sum.billable = sum.billable.plus(expense.total);
        }
    }
    by_name(look, subject, &sums, |json, (_, currency), sum| {
        json.money("total_amount", sum.total);
        json.money("billable_amount", sum.billable);
        json.text("currency", currency);
        ExtraFields::Nothing
    })
}

/// Fields of a row that follow the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExtraFields {
    Nothing,
    /// Capacity and portrait of the user, in time reports by user alone.
    Capacity,
}

/// Writes one row for each subject and currency, sorted by name. Rows of one name keep the order of
/// their ids and currencies, so that a report has one order only.
fn by_name<T>(
    look: &RenderContext<'_>,
    subject: ReportSubject,
    sums: &BTreeMap<(i64, &str), T>,
    write: impl Fn(&mut JsonWriter, (i64, &str), &T) -> ExtraFields,
) -> Vec<Vec<u8>> {
    let mut rows: Vec<(String, Vec<u8>)> = Vec::with_capacity(sums.len());
    for (key, sum) in sums {
        let mut json = JsonWriter::with_capacity(256);
        json.salt(key.0);
        json.spell(look.spelling.of_record(key.0));
        json.open();
        let name = head(look, &mut json, subject, key.0);
        let extra = write(&mut json, *key, sum);
        let user = look.books.users.get(key.0);
        if let (ExtraFields::Capacity, ReportSubject::User, Some(user)) = (extra, subject, user) {
            json.int("weekly_capacity", user.weekly_capacity);
            json.text("avatar_url", &avatar(user));
        }
        json.close();
        rows.push((name, json.finish()));
    }
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Appends the fields about the subject of a row; returns its name, by which rows are sorted.
fn head(
    look: &RenderContext<'_>,
    json: &mut JsonWriter,
    subject: ReportSubject,
    id: i64,
) -> String {
    let books = look.books;
    match subject {
        ReportSubject::Client => client_head(look, json, id),
        ReportSubject::Project => {
            let project = books.projects.get(id);
            client_head(look, json, project.map_or(0, |one| one.client));
            let name = project.map(|one| one.name.clone()).unwrap_or_default();
            let code = project.and_then(|one| one.code.as_deref()).filter(|code| !code.is_empty());
            let name = code.map_or_else(|| name.clone(), |code| format!("[{code}] {name}"));
            json.int("project_id", id);
            json.text("project_name", &name);
            name
        }
        ReportSubject::Task => {
            let name = books.tasks.get(id).map(|one| one.name.clone()).unwrap_or_default();
            json.int("task_id", id);
            json.text("task_name", &name);
            name
        }
        ReportSubject::User => {
            let user = books.users.get(id);
            let name = user.map(User::name).unwrap_or_default();
            json.int("user_id", id);
            json.text("user_name", &name);
            json.flag("is_contractor", user.is_some_and(|one| one.is_contractor));
            name
        }
        ReportSubject::Category => {
            let category = books.expense_categories.get(id);
            let name = category.map(|one| one.name.clone()).unwrap_or_default();
            json.int("expense_category_id", id);
            json.text("expense_category_name", &name);
            name
        }
    }
}

/// Appends id and name of a client; returns the name.
fn client_head(look: &RenderContext<'_>, json: &mut JsonWriter, id: i64) -> String {
    let name = look.books.clients.get(id).map(|one| one.name.clone()).unwrap_or_default();
    json.int("client_id", id);
    json.text("client_name", &name);
    name
}
