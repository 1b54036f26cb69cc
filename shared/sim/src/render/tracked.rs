//! Time entries and expenses. Each record is left open.
//!
//! Both embed the current names of their user, client, project and task, and whole assignments. The
//! same entry is thus served with other content after any of those has changed, with the same
//! `updated_at`.

use super::RenderContext;
use super::people::stamps;
use super::work::{project_stub, task_assignment_stub, task_stub, user_assignment_stub};
use crate::calendar::Day;
use crate::dice::scramble;
use crate::json::JsonWriter;
use crate::table::UNDATED;
use crate::work::{Approval, Expense, TimeEntry};

/// Returns the reason why an entry is locked, in the words of recorded answers; `None` if it is
/// not. Nothing is stored: locking is computed from the invoice, the approval and the project.
fn lock(look: &RenderContext<'_>, entry: &TimeEntry) -> Option<&'static str> {
    let project_locked = look.books.projects.get(entry.project).is_some_and(|one| one.is_locked);
    match (entry.invoice.is_some(), entry.approval == Approval::Approved) {
        (true, true) => Some("Item Invoiced and Approved and Locked for this Time Period"),
        (true, false) => Some("Item Invoiced and Locked for this Time Period"),
        (false, true) => Some("Item Approved and Locked for this Time Period"),
        (false, false) if project_locked => Some("The project is locked for this time period."),
        (false, false) => None,
    }
}

/// Appends `{"id", "number"}` of an invoice as `invoice`; null without one.
fn invoice_stub(look: &RenderContext<'_>, json: &mut JsonWriter, invoice: Option<i64>) {
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

/// Appends a user assignment as a member; null if it is missing or deleted.
fn assignment_of_user(look: &RenderContext<'_>, json: &mut JsonWriter, id: Option<i64>) {
    match id.and_then(|id| look.books.user_assignments.get(id)) {
        Some(assignment) => {
            json.object("user_assignment");
            user_assignment_stub(look, json, assignment);
            json.close();
        }
        None => json.null("user_assignment"),
    }
}

/// Appends an entry, left open. Without the permission `billable_rate` is null and `cost_rate` is
/// missing.
pub(crate) fn entry(look: &RenderContext<'_>, json: &mut JsonWriter, entry: &TimeEntry) {
    json.open();
    json.int("id", entry.id);
    spent(json, entry.id, entry.spent);
    look.user_stub(json, entry.user);
    let client = look.books.projects.get(entry.project).map_or(0, |one| one.client);
    look.client_stub(json, client);
    look.client_currency(json, client);
    json.close();
    project_stub(look, json, entry.project);
    json.close();
    task_stub(look, json, entry.task);
    assignment_of_user(look, json, entry.user_assignment);
    match entry.task_assignment.and_then(|id| look.books.task_assignments.get(id)) {
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
    json.maybe_number("billable_rate", entry.billable_rate.filter(|_| look.viewer.sees_rates()));
    if look.viewer.sees_costs() {
        json.maybe_number("cost_rate", entry.cost_rate);
    }
}

/// Appends `external_reference`. Its parts depend on the card's number, and some are null.
fn reference(json: &mut JsonWriter, entry: &TimeEntry) {
    let Some(card) = entry.reference else {
        json.null("external_reference");
        return;
    };
    json.object("external_reference");
    json.text("id", &card.to_string());
    json.maybe_text("group_id", (card % 4 != 0).then(|| format!("G{}", card % 50)).as_deref());
    json.maybe_text("account_id", (card % 3 == 0).then_some("7"));
    json.text("permalink", &format!("https://trello.com/c/{card}/{}-card", card % 97));
    json.text("service", "trello.com");
    json.text("service_icon_url", "https://cache.harvestapp.com/assets/services/trello.com.png");
    json.close();
}

/// Appends `spent_date`; for an undated record a value that is no day. Which one depends on the id,
/// so that a record keeps its value.
fn spent(json: &mut JsonWriter, id: i64, day: Day) {
    const UNUSABLE: [&[u8]; 5] =
        [b"null", b"\"\"", b"\"2026-02-31\"", b"\"0000-00-00\"", b"\"31.12.2025\""];
    if day.0 != UNDATED {
        return json.day("spent_date", day);
    }
    let choice = usize::try_from(id.unsigned_abs()).unwrap_or(0) % UNUSABLE.len();
    json.raw("spent_date", UNUSABLE.get(choice).copied().unwrap_or(b"null"));
}

/// Returns the time of day: `9:05am` for 545 minutes after midnight.
fn clock(minute: i64) -> String {
    let minute = minute.rem_euclid(24 * 60);
    let (hour, half) = (minute / 60, if minute < 720 { "am" } else { "pm" });
    let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
    format!("{hour}:{:02}{half}", minute % 60)
}

/// Appends an expense, left open.
pub(crate) fn expense(look: &RenderContext<'_>, json: &mut JsonWriter, expense: &Expense) {
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
    spent(json, expense.id, expense.spent);
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
    let client = look.books.projects.get(expense.project).map_or(0, |one| one.client);
    look.client_stub(json, client);
    look.client_currency(json, client);
    json.close();
    invoice_stub(look, json, expense.invoice);
}

/// Appends the receipt; its link has a new signature each second. Harvest does not document whether
/// its links are stable. If they are not, a reader that compares them sees a change of every
/// expense in every reading.
fn receipt(look: &RenderContext<'_>, json: &mut JsonWriter, expense: &Expense) {
    let Some(size) = expense.receipt else {
        json.null("receipt");
        return;
    };
    let signature = scramble(expense.id.unsigned_abs(), look.now.0.unsigned_abs());
    json.object("receipt");
    let path = format!("expenses/{}/receipt?signature={signature:016x}", expense.id);
    json.text("url", &format!("https://{}/{path}", look.books.company.domain));
    json.text("file_name", &format!("Beleg-{}-é.gif", expense.id % 1000));
    json.int("file_size", size);
    json.text("content_type", "image/gif");
    json.close();
}
