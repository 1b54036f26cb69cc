//! Clients, contacts, projects, tasks, assignments, expense categories. Each record is left open.
//!
//! Rates of projects and assignments, and fees and cost budgets of projects, are null for a person
//! who may not see rates, while rates of users are missing then.

use super::RenderContext;
use super::people::stamps;
use crate::decimal::{DecimalNumber, Money};
use crate::json::JsonWriter;
use crate::work::{
    Client, Contact, ExpenseCategory, Project, Task, TaskAssignment, UserAssignment,
};

/// Appends a client, left open.
pub(crate) fn client(json: &mut JsonWriter, client: &Client) {
    json.open();
    json.int("id", client.id);
    json.text("name", &client.name);
    json.flag("is_active", client.is_active);
    json.maybe_text("address", client.address.as_deref());
    json.text("statement_key", &client.statement_key);
    stamps(json, client.created, client.updated);
    json.text("currency", client.currency);
}

/// Appends a contact, left open.
pub(crate) fn contact(look: &RenderContext<'_>, json: &mut JsonWriter, contact: &Contact) {
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
    json.text("invoice_recipient_status", statuses.get(place).copied().unwrap_or("none"));
    stamps(json, contact.created, contact.updated);
    look.client_stub(json, contact.client);
    json.close();
}

/// Appends a project, left open.
pub(crate) fn project(look: &RenderContext<'_>, json: &mut JsonWriter, project: &Project) {
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
    json.number("over_budget_notification_percentage", DecimalNumber::whole(80));
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

/// Appends a task, left open.
pub(crate) fn task(json: &mut JsonWriter, task: &Task) {
    json.open();
    json.int("id", task.id);
    json.text("name", &task.name);
    json.flag("billable_by_default", task.billable_by_default);
    json.maybe_number("default_hourly_rate", task.default_rate);
    json.flag("is_default", task.is_default);
    json.flag("is_active", task.is_active);
    stamps(json, task.created, task.updated);
}

/// Appends the fields of a user assignment that entries and expenses embed, too.
pub(super) fn user_assignment_stub(
    look: &RenderContext<'_>,
    json: &mut JsonWriter,
    assignment: &UserAssignment,
) {
    json.int("id", assignment.id);
    json.flag("is_project_manager", assignment.is_project_manager);
    json.flag("is_active", assignment.is_active);
    json.flag("use_default_rates", assignment.use_default_rates);
    json.maybe_number("budget", assignment.budget);
    stamps(json, assignment.created, assignment.updated);
    json.maybe_number("hourly_rate", assignment.hourly_rate.filter(|_| look.viewer.sees_rates()));
}

/// Appends the fields of a task assignment that entries and project assignments embed, too.
pub(super) fn task_assignment_stub(
    look: &RenderContext<'_>,
    json: &mut JsonWriter,
    assignment: &TaskAssignment,
) {
    json.int("id", assignment.id);
    json.flag("billable", assignment.billable);
    json.flag("is_active", assignment.is_active);
    stamps(json, assignment.created, assignment.updated);
    json.maybe_number("hourly_rate", assignment.hourly_rate.filter(|_| look.viewer.sees_rates()));
    json.maybe_number("budget", assignment.budget);
}

/// Appends `{"id", "name", "code"` of a project as `project`, and leaves it open: project
/// assignments add a field.
pub(super) fn project_stub(look: &RenderContext<'_>, json: &mut JsonWriter, id: i64) {
    let project = look.books.projects.get(id);
    json.object("project");
    json.int("id", id);
    json.text("name", project.map_or("", |one| one.name.as_str()));
    json.maybe_text("code", project.and_then(|one| one.code.as_deref()));
}

/// Appends `{"id", "name"}` of a task as `task`.
pub(super) fn task_stub(look: &RenderContext<'_>, json: &mut JsonWriter, id: i64) {
    json.object("task");
    json.int("id", id);
    json.text("name", look.books.tasks.get(id).map_or("", |one| one.name.as_str()));
    json.close();
}

/// Appends a user assignment of the listing, left open.
pub(crate) fn user_assignment(
    look: &RenderContext<'_>,
    json: &mut JsonWriter,
    assignment: &UserAssignment,
) {
    json.open();
    user_assignment_stub(look, json, assignment);
    project_stub(look, json, assignment.project);
    json.close();
    look.user_stub(json, assignment.user);
}

/// Appends a task assignment of the listing, left open.
pub(crate) fn task_assignment(
    look: &RenderContext<'_>,
    json: &mut JsonWriter,
    assignment: &TaskAssignment,
) {
    json.open();
    task_assignment_stub(look, json, assignment);
    project_stub(look, json, assignment.project);
    json.close();
    task_stub(look, json, assignment.task);
}

/// Appends a user assignment as its user sees it, left open: with the client, and with the active
/// tasks of the project. The tasks are other records, so their changes do not move this one.
pub(crate) fn project_assignment(
    look: &RenderContext<'_>,
    json: &mut JsonWriter,
    assignment: &UserAssignment,
) {
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
    for task in look.books.tasks(assignment.project).filter(|one| one.is_active) {
        json.open();
        task_assignment_stub(look, json, task);
        task_stub(look, json, task.task);
        json.close();
    }
    json.end_list();
}

/// Appends an expense category, left open. `unit_price` is a number in recorded bodies, although a
/// generated description of the API calls it a string.
pub(crate) fn expense_category(json: &mut JsonWriter, category: &ExpenseCategory) {
    json.open();
    json.int("id", category.id);
    json.text("name", &category.name);
    json.maybe_text("unit_name", category.unit_name);
    json.maybe_number("unit_price", category.unit_price);
    json.flag("is_active", category.is_active);
    stamps(json, category.created, category.updated);
}
