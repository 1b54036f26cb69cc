//! Reports compared with sums over their entries and expenses.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{Caller, Truth, exact};
use crate::AccountScale;

const WINDOW: &str = "from=20260101&to=20260630";

type Row = BTreeMap<String, Box<RawValue>>;

#[derive(serde::Deserialize)]
struct Report {
    results: Vec<Row>,
}

fn rows(caller: &mut Caller, path: &str) -> Vec<Row> {
    let response = caller.ask(path);
    assert_eq!(response.status, 200, "{path}");
    serde_json::from_slice::<Report>(&response.body).unwrap().results
}

fn number(row: &Row, member: &str) -> i128 {
    exact(row[member].get())
}

fn within(one: &Truth) -> bool {
    let value = one.value();
    let day = value["spent_date"].as_str().unwrap();
    ("2026-01-01"..="2026-06-30").contains(&day)
}

/// Total hours, billable hours and billable amount, each in millionths.
type Sums = BTreeMap<(i64, String), (i128, i128, i128)>;

fn expected(caller: &mut Caller, subject: &str, fixed_fee: bool) -> Sums {
    let projects = caller.truth("projects");
    let fixed: BTreeMap<i64, bool> = (projects.iter())
        .map(|one| (one.int("/id"), one.value()["is_fixed_fee"].as_bool().unwrap()))
        .collect();
    let mut sums = Sums::new();
    for entry in caller.truth("time_entries").iter().filter(|one| within(one)) {
        let value = entry.value();
        let currency = value["client"]["currency"].as_str().unwrap().to_owned();
        let sum = sums.entry((entry.int(subject), currency)).or_default();
        let hours = entry.exact("rounded_hours");
        sum.0 += hours;
        if value["billable"] == true {
            sum.1 += hours;
            if fixed_fee || !fixed[&entry.int("/project/id")] {
                // Each entry is rounded to four places.
                let product = hours * entry.exact("billable_rate");
                sum.2 += (product + 50_000_000) / 100_000_000 * 100;
            }
        }
    }
    sums
}

#[test]
fn time_reports_are_the_sums_of_their_entries() {
    let mut caller = Caller::new(&AccountScale { days: 2 * 365, ..AccountScale::tiny() }, 3);
    for (path, member, subject) in [
        ("clients", "client_id", "/client/id"),
        ("projects", "project_id", "/project/id"),
        ("tasks", "task_id", "/task/id"),
        ("team", "user_id", "/user/id"),
    ] {
        for (extra, fixed_fee) in [("", false), ("&include_fixed_fee=true", true)] {
            let wanted = expected(&mut caller, subject, fixed_fee);
            let target = format!("/v2/reports/time/{path}?{WINDOW}{extra}");
            let found: Sums = rows(&mut caller, &target)
                .iter()
                .map(|row| {
                    let currency = row["currency"].get().trim_matches('"').to_owned();
                    let sums = (
                        number(row, "total_hours"),
                        number(row, "billable_hours"),
                        number(row, "billable_amount"),
                    );
                    ((row[member].get().parse().unwrap(), currency), sums)
                })
                .collect();
            assert_eq!(found, wanted, "{path}{extra}");
            assert!(found.len() > 3);
        }
    }
}

#[test]
fn expense_reports_are_the_sums_of_their_expenses() {
    let mut caller = Caller::tiny();
    for (path, member, subject) in [
        ("clients", "client_id", "/client/id"),
        ("projects", "project_id", "/project/id"),
        ("categories", "expense_category_id", "/expense_category/id"),
        ("team", "user_id", "/user/id"),
    ] {
        let mut wanted: BTreeMap<(i64, String), (i128, i128)> = BTreeMap::new();
        for expense in caller.truth("expenses").iter().filter(|one| within(one)) {
            let value = expense.value();
            let currency = value["client"]["currency"].as_str().unwrap().to_owned();
            let sum = wanted.entry((expense.int(subject), currency)).or_default();
            sum.0 += expense.exact("total_cost");
            if value["billable"] == true {
                sum.1 += expense.exact("total_cost");
            }
        }
        let found: BTreeMap<(i64, String), (i128, i128)> =
            rows(&mut caller, &format!("/v2/reports/expenses/{path}?{WINDOW}"))
                .iter()
                .map(|row| {
                    let currency = row["currency"].get().trim_matches('"').to_owned();
                    let sums = (number(row, "total_amount"), number(row, "billable_amount"));
                    ((row[member].get().parse().unwrap(), currency), sums)
                })
                .collect();
        assert_eq!(found, wanted, "{path}");
        assert!(!found.is_empty());
    }
}

#[test]
fn a_report_follows_every_change() {
    let mut caller = Caller::tiny();
    let target = format!("/v2/reports/time/clients?{WINDOW}");
    let before = rows(&mut caller, &target);
    assert_eq!(before.len(), rows(&mut caller, &target).len());
    let entry = caller.truth("time_entries").into_iter().find(within).unwrap().int("/id");
    caller.apply(&format!(r#"{{"op":"move_entry","id":{entry},"day":"2026-07-01"}}"#));
    let total = |rows: &[Row]| rows.iter().map(|row| number(row, "total_hours")).sum::<i128>();
    assert!(total(&rows(&mut caller, &target)) < total(&before));
}

#[test]
fn project_names_carry_the_code_in_time_and_expense_reports_only() {
    let mut caller = Caller::tiny();
    let names = |rows: &[Row]| -> Vec<String> {
        rows.iter().map(|row| serde_json::from_str(row["project_name"].get()).unwrap()).collect()
    };
    let window = "from=20251124&to=20261123";
    let time = names(&rows(&mut caller, &format!("/v2/reports/time/projects?{window}")));
    assert!(time.iter().any(|name| name.starts_with("[P")), "{time:?}");
    let open = names(&rows(&mut caller, &format!("/v2/reports/uninvoiced?{window}")));
    assert!(!open.is_empty() && open.iter().all(|name| !name.starts_with('[')), "{open:?}");
    let budget = names(&rows(&mut caller, "/v2/reports/project_budget"));
    assert!(!budget.is_empty() && budget.iter().all(|name| !name.starts_with('[')), "{budget:?}");
}

#[test]
fn a_new_invoice_changes_old_windows_of_uninvoiced() {
    let mut caller = Caller::tiny();
    let target = "/v2/reports/uninvoiced?from=20251124&to=20261123";
    let before = rows(&mut caller, target);
    let open: i128 = before.iter().map(|row| number(row, "uninvoiced_hours")).sum();
    caller.apply(r#"{"op":"create","stream":"invoices"}"#);
    let after: i128 =
        rows(&mut caller, target).iter().map(|row| number(row, "uninvoiced_hours")).sum();
    assert!(after < open);
}

#[test]
fn what_is_left_of_a_budget_adds_up() {
    let mut caller = Caller::tiny();
    for row in rows(&mut caller, "/v2/reports/project_budget") {
        let budget = row["budget"].get();
        if budget != "null" {
            let left = number(&row, "budget_spent") + number(&row, "budget_remaining");
            assert_eq!(left, exact(budget));
        }
    }
}

#[test]
fn the_truth_is_told_as_of_an_instant() {
    let mut caller = Caller::new(&AccountScale::demo(), 7);
    let then = caller.control("/_sim/truth/project_budget_report");
    let asked = format!("/_sim/truth/project_budget_report?at={}", caller.now);
    caller.wait(40 * 24 * 60 * 60);
    // Monthly budgets begin anew.
    assert_ne!(caller.control("/_sim/truth/project_budget_report"), then);
    assert_eq!(caller.control(&asked), then);
}
