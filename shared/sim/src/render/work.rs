//! Clients, projects, tasks, assignments, time entries and expenses. Each record is left open.

use super::Look;
use super::people::stamps;
use crate::decimal::{Money, Number};
use crate::dice::scramble;
use crate::json::Json;
use crate::work::{
    Approval, Client, Contact, Expense, ExpenseCategory, Project, Task, TaskAssignment, TimeEntry,
    UserAssignment,
};

pub(super) fn client(json: &mut Json, client: &Client) {
    json.open();
    json.int("id", client.id);
    json.text("name", &client.name);
    json.flag("is_active", client.is_active);
    json.maybe_text("address", client.address.as_deref());
    json.text("statement_key", &client.statement_key);
    stamps(json, client.created, client.updated);
    json.text("currency", client.currency);
}

pub(super) fn contact(look: &Look<'_>, json: &mut Json, contact: &Contact) {
    json.open();
    json.int("id", contact.id);
    json.maybe_text("title", contact.title.as_deref());
    json.text("first_name", &contact.first_name);
    json.maybe_text("last_name", contact.last_name.as_deref());
    json.maybe_text("email", contact.email.as_deref());
    json.maybe_text("phone_office", contact.phone_office.as_deref());
    json.maybe_text("phone_mobile", contact.phone_mobile.as_deref());
    json.maybe_text("fax", contact.fax.as_deref());
    let statuses = ["none", "recipient", "cc", "bcc"];
    let place = usize::try_from(contact.id.rem_euclid(4)).unwrap_or(0);
    json.text(
        "invoice_recipient_status",
        statuses.get(place).copied().unwrap_or("none"),
    );
    stamps(json, contact.created, contact.updated);
    look.client_stub(json, contact.client);
    json.close();
}

pub(super) fn project(look: &Look<'_>, json: &mut Json, project: &Project) {
    let rates = look.viewer.sees_rates();
    json.open();
    json.int("id", project.id);
    json.text("name", &project.name);
    json.maybe_text("code", project.code.as_deref());
    json.flag("is_active", project.is_active);
    json.text("bill_by", project.bill_by);
    json.maybe_number("budget", project.budget);
    json.text("budget_by", project.budget_by);
    json.flag("budget_is_monthly", project.budget_is_monthly);
    json.flag("notify_when_over_budget", project.budget.is_some());
    json.number("over_budget_notification_percentage", Number::whole(80));
    json.maybe_day("over_budget_notification_date", project.notified);
    json.flag("show_budget_to_all", project.id % 2 == 0);
    stamps(json, project.created, project.updated);
    json.maybe_day("starts_on", project.starts);
    json.maybe_day("ends_on", project.ends);
    json.flag("is_billable", project.is_billable);
    json.flag("is_fixed_fee", project.is_fixed_fee);
    json.maybe_text("notes", project.notes.as_deref());
    look.client_stub(json, project.client);
    look.client_currency(json, project.client);
    json.close();
    json.maybe_number("cost_budget", project.cost_budget.filter(|_| rates));
    json.flag("cost_budget_include_expenses", project.id % 3 == 0);
    json.maybe_number("hourly_rate", project.hourly_rate.filter(|_| rates));
    json.maybe_number("fee", project.fee.filter(|_| rates).map(Money::number));
    look.client_currency(json, project.client);
}

pub(super) fn task(json: &mut Json, task: &Task) {
    json.open();
    json.int("id", task.id);
    json.text("name", &task.name);
    json.flag("billable_by_default", task.billable_by_default);
    json.maybe_number("default_hourly_rate", task.default_rate);
    json.flag("is_default", task.is_default);
    json.flag("is_active", task.is_active);
    stamps(json, task.created, task.updated);
}

/// The members of a user assignment that entries and expenses embed too.
fn user_assignment_stub(look: &Look<'_>, json: &mut Json, assignment: &UserAssignment) {
    json.int("id", assignment.id);
    json.flag("is_project_manager", assignment.is_project_manager);
    json.flag("is_active", assignment.is_active);
    json.flag("use_default_rates", assignment.use_default_rates);
    json.maybe_number("budget", assignment.budget);
    stamps(json, assignment.created, assignment.updated);
    json.maybe_number(
        "hourly_rate",
        assignment.hourly_rate.filter(|_| look.viewer.sees_rates()),
    );
}

/// The members of a task assignment that entries and project assignments embed too.
fn task_assignment_stub(look: &Look<'_>, json: &mut Json, assignment: &TaskAssignment) {
    json.int("id", assignment.id);
    json.flag("billable", assignment.billable);
    json.flag("is_active", assignment.is_active);
    stamps(json, assignment.created, assignment.updated);
    json.maybe_number(
        "hourly_rate",
        assignment.hourly_rate.filter(|_| look.viewer.sees_rates()),
    );
    json.maybe_number("budget", assignment.budget);
}

/// Appends `{"id", "name", "code"}` of a project and leaves it open.
fn project_stub(look: &Look<'_>, json: &mut Json, id: i64) {
    let project = look.books.projects.get(id);
    json.object("project");
    json.int("id", id);
    json.text("name", project.map_or("", |one| one.name.as_str()));
    json.maybe_text("code", project.and_then(|one| one.code.as_deref()));
}

fn task_stub(look: &Look<'_>, json: &mut Json, id: i64) {
    json.object("task");
    json.int("id", id);
    json.text(
        "name",
        look.books.tasks.get(id).map_or("", |one| one.name.as_str()),
    );
    json.close();
}

pub(super) fn user_assignment(look: &Look<'_>, json: &mut Json, assignment: &UserAssignment) {
    json.open();
    user_assignment_stub(look, json, assignment);
    project_stub(look, json, assignment.project);
    json.close();
    look.user_stub(json, assignment.user);
}

pub(super) fn task_assignment(look: &Look<'_>, json: &mut Json, assignment: &TaskAssignment) {
    json.open();
    task_assignment_stub(look, json, assignment);
    project_stub(look, json, assignment.project);
    json.close();
    task_stub(look, json, assignment.task);
}

/// A user assignment as its user sees it: with the client and the tasks of the project.
pub(super) fn project_assignment(look: &Look<'_>, json: &mut Json, assignment: &UserAssignment) {
    json.open();
    user_assignment_stub(look, json, assignment);
    project_stub(look, json, assignment.project);
    let project = look.books.projects.get(assignment.project);
    json.flag("is_billable", project.is_some_and(|one| one.is_billable));
    json.close();
    let client = project.map_or(0, |one| one.client);
    look.client_stub(json, client);
    look.client_currency(json, client);
    json.close();
    json.list("task_assignments");
    for task in look
        .books
        .tasks(assignment.project)
        .filter(|one| one.is_active)
    {
        json.open();
        task_assignment_stub(look, json, task);
        task_stub(look, json, task.task);
        json.close();
    }
    json.end_list();
}

/// Why an entry is locked; `None` when it is not.
fn lock(look: &Look<'_>, entry: &TimeEntry) -> Option<&'static str> {
    let project_locked = look
        .books
        .projects
        .get(entry.project)
        .is_some_and(|one| one.is_locked);
    match (
        entry.invoice.is_some(),
        entry.approval == Approval::Approved,
    ) {
        (true, true) => Some("Item Invoiced and Approved and Locked for this Time Period"),
        (true, false) => Some("Item Invoiced and Locked for this Time Period"),
        (false, true) => Some("Item Approved and Locked for this Time Period"),
        (false, false) if project_locked => Some("The project is locked for this time period."),
        (false, false) => None,
    }
}

fn invoice_stub(look: &Look<'_>, json: &mut Json, invoice: Option<i64>) {
    match invoice.and_then(|id| look.books.invoices.get(id)) {
        Some(invoice) => {
            json.object("invoice");
            json.int("id", invoice.document.id);
            json.text("number", &invoice.document.number);
            json.close();
        }
        None => json.null("invoice"),
    }
}

fn assignment_of_user(look: &Look<'_>, json: &mut Json, id: Option<i64>) {
    match id.and_then(|id| look.books.user_assignments.get(id)) {
        Some(assignment) => {
            json.object("user_assignment");
            user_assignment_stub(look, json, assignment);
            json.close();
        }
        None => json.null("user_assignment"),
    }
}

pub(super) fn entry(look: &Look<'_>, json: &mut Json, entry: &TimeEntry) {
    json.open();
    json.int("id", entry.id);
    json.day("spent_date", entry.spent);
    look.user_stub(json, entry.user);
    let client = look
        .books
        .projects
        .get(entry.project)
        .map_or(0, |one| one.client);
    look.client_stub(json, client);
    look.client_currency(json, client);
    json.close();
    project_stub(look, json, entry.project);
    json.close();
    task_stub(look, json, entry.task);
    assignment_of_user(look, json, entry.user_assignment);
    match entry
        .task_assignment
        .and_then(|id| look.books.task_assignments.get(id))
    {
        Some(assignment) => {
            json.object("task_assignment");
            task_assignment_stub(look, json, assignment);
            json.close();
        }
        None => json.null("task_assignment"),
    }
    let hours = entry.hours_at(look.now);
    json.number("hours", hours);
    json.number("hours_without_timer", entry.hours);
    json.number("rounded_hours", hours.quarter_up());
    json.maybe_text("notes", entry.notes.as_deref());
    stamps(json, entry.created, entry.updated);
    let reason = lock(look, entry);
    json.flag("is_locked", reason.is_some());
    json.maybe_text("locked_reason", reason);
    json.flag("is_explicitly_locked", false);
    json.flag("is_closed", entry.approval == Approval::Approved);
    json.text("approval_status", entry.approval.name());
    json.flag("is_billed", entry.invoice.is_some());
    json.maybe_moment("timer_started_at", entry.timer);
    let ended = entry.began.filter(|_| entry.timer.is_none());
    let ended = ended.map(|minute| minute + entry.hours.0 * 60 / 1_000_000);
    json.maybe_text("started_time", entry.began.map(clock).as_deref());
    json.maybe_text("ended_time", ended.map(clock).as_deref());
    json.flag("is_running", entry.timer.is_some());
    invoice_stub(look, json, entry.invoice);
    reference(json, entry);
    json.flag("billable", entry.billable);
    json.flag("budgeted", entry.budgeted);
    json.maybe_number(
        "billable_rate",
        entry.billable_rate.filter(|_| look.viewer.sees_rates()),
    );
    if look.viewer.sees_costs() {
        json.maybe_number("cost_rate", entry.cost_rate);
    }
}

fn reference(json: &mut Json, entry: &TimeEntry) {
    let Some(card) = entry.reference else {
        json.null("external_reference");
        return;
    };
    json.object("external_reference");
    json.text("id", &card.to_string());
    json.maybe_text(
        "group_id",
        (card % 4 != 0)
            .then(|| format!("G{}", card % 50))
            .as_deref(),
    );
    json.maybe_text("account_id", (card % 3 == 0).then_some("7"));
    json.text(
        "permalink",
        &format!("https://trello.com/c/{card}/{}-card", card % 97),
    );
    json.text("service", "trello.com");
    json.text(
        "service_icon_url",
        "https://cache.harvestapp.com/assets/services/trello.com.png",
    );
    json.close();
}

/// `9:05am` for 545 minutes after midnight.
fn clock(minute: i64) -> String {
    let minute = minute.rem_euclid(24 * 60);
    let (hour, half) = (minute / 60, if minute < 720 { "am" } else { "pm" });
    let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
    format!("{hour}:{:02}{half}", minute % 60)
}

pub(super) fn expense(look: &Look<'_>, json: &mut Json, expense: &Expense) {
    let approved = expense.approval == Approval::Approved;
    let reason = match (expense.invoice.is_some(), approved) {
        (true, _) => Some("Expense is invoiced."),
        (false, true) => Some("Item Approved and Locked for this Time Period"),
        (false, false) => None,
    };
    json.open();
    json.int("id", expense.id);
    json.maybe_text("notes", expense.notes.as_deref());
    json.money("total_cost", expense.total);
    json.number("units", expense.units);
    json.flag("is_closed", approved);
    json.text("approval_status", expense.approval.name());
    json.flag("is_locked", reason.is_some());
    json.flag("is_billed", expense.invoice.is_some());
    json.maybe_text("locked_reason", reason);
    json.flag("is_explicitly_locked", false);
    json.null("reimbursement");
    json.day("spent_date", expense.spent);
    stamps(json, expense.created, expense.updated);
    json.flag("billable", expense.billable);
    receipt(look, json, expense);
    look.user_stub(json, expense.user);
    assignment_of_user(look, json, expense.user_assignment);
    project_stub(look, json, expense.project);
    json.close();
    let category = look.books.expense_categories.get(expense.category);
    json.object("expense_category");
    json.int("id", expense.category);
    json.text("name", category.map_or("", |one| one.name.as_str()));
    json.maybe_number("unit_price", category.and_then(|one| one.unit_price));
    json.maybe_text("unit_name", category.and_then(|one| one.unit_name));
    json.close();
    let client = look
        .books
        .projects
        .get(expense.project)
        .map_or(0, |one| one.client);
    look.client_stub(json, client);
    look.client_currency(json, client);
    json.close();
    invoice_stub(look, json, expense.invoice);
}

/// The receipt; its link is signed anew at each second.
fn receipt(look: &Look<'_>, json: &mut Json, expense: &Expense) {
    let Some(size) = expense.receipt else {
        json.null("receipt");
        return;
    };
    let signature = scramble(expense.id.unsigned_abs(), look.now.0.unsigned_abs());
    json.object("receipt");
    let path = format!("expenses/{}/receipt?signature={signature:016x}", expense.id);
    json.text(
        "url",
        &format!("https://{}/{path}", look.books.company.domain),
    );
    json.text("file_name", &format!("Beleg-{}-é.gif", expense.id % 1000));
    json.int("file_size", size);
    json.text("content_type", "image/gif");
    json.close();
}

pub(super) fn expense_category(json: &mut Json, category: &ExpenseCategory) {
    json.open();
    json.int("id", category.id);
    json.text("name", &category.name);
    json.maybe_text("unit_name", category.unit_name);
    json.maybe_number("unit_price", category.unit_price);
    json.flag("is_active", category.is_active);
    stamps(json, category.created, category.updated);
}
