//! The report on the used part of each project's budget, as of now.
//!
//! It takes no days, and its rows change with each entry and with time: a reader keeps snapshots of
//! it. All entries are summed, because a budget covers the whole life of its project unless it is
//! monthly.

use std::collections::BTreeMap;

use super::client_head;
use crate::decimal::DecimalNumber;
use crate::json::JsonWriter;
use crate::render::RenderContext;

/// Returns one row for each project with a budget, by id. Budgets in money are null for a person
/// who may not see rates. `budget_remaining` is negative if more was used than planned.
pub(super) fn rows(look: &RenderContext<'_>) -> Vec<Vec<u8>> {
    let this_month = look.now.day().first_of_month();
    let mut spent: BTreeMap<i64, (DecimalNumber, DecimalNumber)> = BTreeMap::new();
    for entry in look.books.entries.iter() {
        let Some(project) = look.books.projects.get(entry.project) else {
            continue;
        };
        if project.budget_by == "none" || project.budget_is_monthly && entry.spent < this_month {
            continue;
        }
        let hours = entry.hours_at(look.now).quarter_up();
        let money = hours.times(entry.billable_rate.unwrap_or_default()).number();
        let sum = spent.entry(entry.project).or_default();
        *sum = (sum.0.plus(hours), sum.1.plus(money));
    }
    let mut rows = Vec::new();
    for project in look.books.projects.iter() {
        if project.budget_by == "none" || !look.viewer.sees_project(project.id) {
            continue;
        }
        // Two kinds of budgets are in money; all others are in hours, and are shown to everybody.
        let in_money = matches!(project.budget_by, "project_cost" | "task_fees");
        let (hours, money) = spent.get(&project.id).copied().unwrap_or_default();
        let used = if in_money { money } else { hours };
        let budget = if in_money { project.cost_budget } else { project.budget };
        let shown = !in_money || look.viewer.sees_rates();
        let mut json = JsonWriter::with_capacity(256);
        json.salt(project.id);
        json.spell(look.spelling.of_record(project.id));
        json.open();
        json.int("project_id", project.id);
        json.text("project_name", &project.name);
        client_head(look, &mut json, project.client);
        json.flag("budget_is_monthly", project.budget_is_monthly);
        json.text("budget_by", project.budget_by);
        json.flag("is_active", project.is_active);
        json.maybe_number("budget", budget.filter(|_| shown));
        json.maybe_number("budget_spent", Some(used).filter(|_| shown));
        let left = budget.map(|budget| budget.minus(used));
        json.maybe_number("budget_remaining", left.filter(|_| shown));
        json.close();
        rows.push(json.finish());
    }
    rows
}
