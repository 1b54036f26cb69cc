//! The ten reports, computed from the current entries, expenses and invoices.

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

/// Days that a report covers, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ReportDays {
    pub(crate) from: Day,
    pub(crate) to: Day,
    /// Whether amounts of fixed-fee projects are shown.
    pub(crate) fixed_fee: bool,
}

impl ReportDays {
    /// Parses the window of a request; the error is the answer to it.
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
        if to.0 - from.0 > 365 {
            let refusal = "Invalid timeframe: must not exceed 1 year";
            return Err(ServerResponse::message(400, refusal));
        }
        let by_default = if stream == Stream::UninvoicedReport { "true" } else { "false" };
        let fixed_fee = request.param("include_fixed_fee").unwrap_or(by_default) == "true";
        Ok(Self { from, to, fixed_fee })
    }
}

/// Returns the rows of a report, each a JSON object, in the order of the list.
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

/// Subject of a report, which has one row for each and each currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReportSubject {
    Client,
    Project,
    Task,
    User,
    Category,
}

/// Entries of the window that the person of the request may see.
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

/// Expenses of the window that the person of the request may see.
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

/// Currency in which work on a project is paid.
fn currency(look: &RenderContext<'_>, project: i64) -> &'static str {
    look.books.client_of(project).map_or("USD", |client| client.currency)
}

#[derive(Clone, Copy, Debug, Default)]
struct TimeSums {
    total: DecimalNumber,
    billable: DecimalNumber,
    amount: Money,
}

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

#[derive(Clone, Copy, Debug, Default)]
struct ExpenseSums {
    total: Money,
    billable: Money,
}

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

/// Fields of a row besides the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExtraFields {
    Nothing,
    Capacity,
}

/// Writes one row per subject and currency, sorted by name.
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

/// Appends the fields about the subject of a row; returns its name.
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

fn client_head(look: &RenderContext<'_>, json: &mut JsonWriter, id: i64) -> String {
    let name = look.books.clients.get(id).map(|one| one.name.clone()).unwrap_or_default();
    json.int("client_id", id);
    json.text("client_name", &name);
    name
}
