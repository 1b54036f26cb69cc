//! The ten reports, computed from the current entries, expenses and invoices.

mod budget;
mod uninvoiced;

use std::collections::BTreeMap;

use crate::calendar::Day;
use crate::decimal::{Money, Number};
use crate::json::Json;
use crate::people::User;
use crate::render::{Look, avatar};
use crate::request::{Request, Response};
use crate::stream::Stream;
use crate::work::{Expense, TimeEntry};

/// Days that a report covers, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Window {
    pub(crate) from: Day,
    pub(crate) to: Day,
    /// Whether amounts of fixed-fee projects are shown.
    pub(crate) fixed_fee: bool,
}

impl Window {
    /// Parses the window of a request; the error is the answer to it.
    pub(crate) fn of(request: &Request, stream: Stream) -> Result<Self, Response> {
        if stream == Stream::ProjectBudgetReport {
            return Ok(Self { from: Day(i64::MIN), to: Day(i64::MAX), fixed_fee: false });
        }
        let day = |name: &str| {
            let text = request.param(name).ok_or_else(|| {
                Response::message(400, "Invalid timeframe: from and to are required")
            })?;
            Day::parse(text)
                .ok_or_else(|| Response::message(400, &format!("Invalid timeframe: {name}")))
        };
        let (from, to) = (day("from")?, day("to")?);
        if to < from {
            return Err(Response::message(400, "Invalid timeframe: to is before from"));
        }
        if to.0 - from.0 > 365 {
            let refusal = "Invalid timeframe: must not exceed 1 year";
            return Err(Response::message(400, refusal));
        }
        let by_default = if stream == Stream::UninvoicedReport { "true" } else { "false" };
        let fixed_fee = request.param("include_fixed_fee").unwrap_or(by_default) == "true";
        Ok(Self { from, to, fixed_fee })
    }
}

/// Returns the rows of a report, each a JSON object, in the order of the list.
#[expect(clippy::wildcard_enum_match_arm, reason = "only reports come here")]
pub(crate) fn rows(look: &Look<'_>, stream: Stream, window: Window) -> Vec<Vec<u8>> {
    match stream {
        Stream::ExpenseReportClients => expenses(look, window, Subject::Client),
        Stream::ExpenseReportProjects => expenses(look, window, Subject::Project),
        Stream::ExpenseReportCategories => expenses(look, window, Subject::Category),
        Stream::ExpenseReportTeam => expenses(look, window, Subject::User),
        Stream::TimeReportClients => time(look, window, Subject::Client),
        Stream::TimeReportProjects => time(look, window, Subject::Project),
        Stream::TimeReportTasks => time(look, window, Subject::Task),
        Stream::TimeReportTeam => time(look, window, Subject::User),
        Stream::UninvoicedReport => uninvoiced::rows(look, window),
        Stream::ProjectBudgetReport => budget::rows(look),
        _ => Vec::new(),
    }
}

/// Subject of a report, which has one row for each and each currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Client,
    Project,
    Task,
    User,
    Category,
}

/// Entries of the window that the person of the request may see.
fn entries_of<'a>(look: &Look<'a>, window: Window) -> impl Iterator<Item = &'a TimeEntry> {
    let books = look.books;
    let viewer = look.viewer.clone();
    let keys = books.entries.select(Some((window.from.0, window.to.0)), None, None).into_owned();
    keys.into_iter()
        .filter_map(move |key| books.entries.get(key.1))
        .filter(move |one| viewer.sees_work(one.user, one.project))
}

/// Expenses of the window that the person of the request may see.
fn expenses_of<'a>(look: &Look<'a>, window: Window) -> impl Iterator<Item = &'a Expense> {
    let books = look.books;
    let viewer = look.viewer.clone();
    let keys = books.expenses.select(Some((window.from.0, window.to.0)), None, None).into_owned();
    keys.into_iter()
        .filter_map(move |key| books.expenses.get(key.1))
        .filter(move |one| viewer.sees_work(one.user, one.project))
}

/// Currency in which work on a project is paid.
fn currency(look: &Look<'_>, project: i64) -> &'static str {
    look.books.client_of(project).map_or("USD", |client| client.currency)
}

#[derive(Clone, Copy, Debug, Default)]
struct TimeSums {
    total: Number,
    billable: Number,
    amount: Money,
}

fn time(look: &Look<'_>, window: Window, subject: Subject) -> Vec<Vec<u8>> {
    let mut sums: BTreeMap<(i64, &str), TimeSums> = BTreeMap::new();
    for entry in entries_of(look, window) {
        let project = look.books.projects.get(entry.project);
        let id = match subject {
            Subject::Client => project.map_or(0, |one| one.client),
            Subject::Project => entry.project,
            Subject::Task => entry.task,
            Subject::User | Subject::Category => entry.user,
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
        Extra::Capacity
    })
}

#[derive(Clone, Copy, Debug, Default)]
struct ExpenseSums {
    total: Money,
    billable: Money,
}

fn expenses(look: &Look<'_>, window: Window, subject: Subject) -> Vec<Vec<u8>> {
    let mut sums: BTreeMap<(i64, &str), ExpenseSums> = BTreeMap::new();
    for expense in expenses_of(look, window) {
        let id = match subject {
            Subject::Client => look.books.client_of(expense.project).map_or(0, |one| one.id),
            Subject::Project => expense.project,
            Subject::Category => expense.category,
            Subject::User | Subject::Task => expense.user,
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
        Extra::Nothing
    })
}

/// Fields of a row besides the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extra {
    Nothing,
    Capacity,
}

/// Writes one row per subject and currency, sorted by name.
fn by_name<T>(
    look: &Look<'_>,
    subject: Subject,
    sums: &BTreeMap<(i64, &str), T>,
    write: impl Fn(&mut Json, (i64, &str), &T) -> Extra,
) -> Vec<Vec<u8>> {
    let mut rows: Vec<(String, Vec<u8>)> = Vec::with_capacity(sums.len());
    for (key, sum) in sums {
        let mut json = Json::with_capacity(256);
        json.salt(key.0);
        json.spell(look.spelling.of_record(key.0));
        json.open();
        let name = head(look, &mut json, subject, key.0);
        let extra = write(&mut json, *key, sum);
        let user = look.books.users.get(key.0);
        if let (Extra::Capacity, Subject::User, Some(user)) = (extra, subject, user) {
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
fn head(look: &Look<'_>, json: &mut Json, subject: Subject, id: i64) -> String {
    let books = look.books;
    match subject {
        Subject::Client => client_head(look, json, id),
        Subject::Project => {
            let project = books.projects.get(id);
            client_head(look, json, project.map_or(0, |one| one.client));
            let name = project.map(|one| one.name.clone()).unwrap_or_default();
            let code = project.and_then(|one| one.code.as_deref()).filter(|code| !code.is_empty());
            let name = code.map_or_else(|| name.clone(), |code| format!("[{code}] {name}"));
            json.int("project_id", id);
            json.text("project_name", &name);
            name
        }
        Subject::Task => {
            let name = books.tasks.get(id).map(|one| one.name.clone()).unwrap_or_default();
            json.int("task_id", id);
            json.text("task_name", &name);
            name
        }
        Subject::User => {
            let user = books.users.get(id);
            let name = user.map(User::name).unwrap_or_default();
            json.int("user_id", id);
            json.text("user_name", &name);
            json.flag("is_contractor", user.is_some_and(|one| one.is_contractor));
            name
        }
        Subject::Category => {
            let category = books.expense_categories.get(id);
            let name = category.map(|one| one.name.clone()).unwrap_or_default();
            json.int("expense_category_id", id);
            json.text("expense_category_name", &name);
            name
        }
    }
}

fn client_head(look: &Look<'_>, json: &mut Json, id: i64) -> String {
    let name = look.books.clients.get(id).map(|one| one.name.clone()).unwrap_or_default();
    json.int("client_id", id);
    json.text("client_name", &name);
    name
}
