//! `expense_report_categories`: expenses of a window by category.

use engine::spec::{
    Module, PartitionSpec, RateClass, ReportWindow, StreamKind, StreamSpec, SweepCadence, int,
    money, text,
};

/// Expenses of one category in one currency within one window.
///
/// Rows of a report have no id and no time of change: Harvest computes them for the window that
/// `from` and `to` give, both inclusive and at most a year apart (documented). The key therefore
/// has the window, and a window is always replaced as a whole.
///
/// Currencies differ by client, so one category can have several rows in a window.
pub static EXPENSE_REPORT_CATEGORIES: StreamSpec = StreamSpec {
    name: "expense_report_categories",
    doc: "Expenses of one category in one currency within one window.",
    path: "/reports/expenses/categories",
    records_key: Some("results"),
    kind: StreamKind::ReportWindow(ReportWindow { includes_issue_date: false }),
    rate_class: RateClass::Reports,
    module: Some(Module::Expense),
    primary_key: &["period_start", "period_end", "expense_category_id", "currency"],
    partition: PartitionSpec::PeriodYear,
    sweep: SweepCadence::ByCost,
    personal: None,
    dated: None,
    fields: &[
        int("expense_category_id"),
        text("expense_category_name"),
        money("total_amount").doc("in currency"),
        money("billable_amount").doc("in currency"),
        text("currency").doc("ISO 4217 code"),
    ],
};
