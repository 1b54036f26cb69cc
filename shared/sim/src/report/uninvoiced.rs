//! The report on billable work and expenses of each project that no invoice bills yet.
//!
//! It looks at the days of work and at the days of issue of invoices in the same window. A new
//! invoice of today thus changes rows of old windows, through the entries that it bills.

use std::collections::BTreeMap;

use super::{ReportDays, client_head, currency, entries_of, expenses_of};
use crate::decimal::{DecimalNumber, Money};
use crate::json::JsonWriter;
use crate::render::RenderContext;

/// Sums of one project over the window.
#[derive(Clone, Copy, Debug, Default)]
struct UninvoicedSums {
    /// All hours, billable or not.
    hours: DecimalNumber,
    /// Billable hours that no invoice bills.
    open_hours: DecimalNumber,
    open_expenses: Money,
    /// Amount of these hours.
    open_work: Money,
    /// Amount of the lines for the project in invoices of the window, for fixed fees.
    invoiced: Money,
}

/// Returns one row for each project that has entries, expenses or invoice lines in the window, by
/// id.
///
/// A fixed-fee project owes its fee in the window in which it starts, less the amount of the
/// invoices of the window, so that the result can be negative. Harvest does not document how it
/// computes this; negative amounts were recorded.
pub(super) fn rows(look: &RenderContext<'_>, window: ReportDays) -> Vec<Vec<u8>> {
    let mut sums: BTreeMap<i64, UninvoicedSums> = BTreeMap::new();
    for entry in entries_of(look, window) {
        let sum = sums.entry(entry.project).or_default();
        let hours = entry.hours_at(look.now).quarter_up();
        sum.hours = sum.hours.plus(hours);
        if entry.billable && entry.invoice.is_none() {
            sum.open_hours = sum.open_hours.plus(hours);
            let rate = entry.billable_rate.unwrap_or_default();
            sum.open_work = sum.open_work.plus(hours.times(rate));
        }
    }
    for expense in expenses_of(look, window) {
        let sum = sums.entry(expense.project).or_default();
        if expense.billable && expense.invoice.is_none() {
            sum.open_expenses = sum.open_expenses.plus(expense.total);
        }
    }
    // Invoices count by their day of issue, whatever the days of the work that they bill.
    let issued = look.books.invoices.select(Some((window.from.0, window.to.0)), None, None);
    let lines = issued
        .iter()
        .filter_map(|key| look.books.invoices.get(key.1))
        .flat_map(|invoice| &invoice.document.lines);
    for line in lines {
        let Some((project, _, _)) = &line.project else {
            continue;
        };
        if look.books.projects.get(*project).is_some() && look.viewer.sees_project(*project) {
            let sum = sums.entry(*project).or_default();
            sum.invoiced = sum.invoiced.plus(line.amount);
        }
    }
    sums.iter().filter_map(|(project, sum)| row(look, window, *project, sum)).collect()
}

/// Returns the row of a project; `None` if it is deleted, or a fixed-fee project that was not asked
/// for.
fn row(
    look: &RenderContext<'_>,
    window: ReportDays,
    id: i64,
    sum: &UninvoicedSums,
) -> Option<Vec<u8>> {
    let project = look.books.projects.get(id)?;
    if project.is_fixed_fee && !window.fixed_fee {
        return None;
    }
    // A fixed fee replaces the price of the hours.
    let work = if project.is_fixed_fee {
        let starts = project.starts.unwrap_or(project.created.day());
        let due_here = (window.from..=window.to).contains(&starts);
        let fee = project.fee.filter(|_| due_here).unwrap_or_default();
        fee.minus(sum.invoiced)
    } else {
        sum.open_work
    };
    let mut json = JsonWriter::with_capacity(256);
    json.salt(id);
    json.spell(look.spelling.of_record(id));
    json.open();
    client_head(look, &mut json, project.client);
    json.int("project_id", id);
    json.text("project_name", &project.name);
    json.text("currency", currency(look, id));
    json.number("total_hours", sum.hours);
    json.number("uninvoiced_hours", sum.open_hours);
    json.money("uninvoiced_expenses", sum.open_expenses);
    json.money("uninvoiced_amount", work.plus(sum.open_expenses));
    json.close();
    Some(json.finish())
}
