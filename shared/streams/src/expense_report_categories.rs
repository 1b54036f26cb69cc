//! `expense_report_categories`: expenses of a window by category.

use engine::spec::{
    Module, PartitionSpec, RateClass, ReportWindow, StreamKind, StreamSpec, int, money, text,
};

use crate::stubs::OWN_WORK;

/// Expenses of one category in one currency within one window.
///
/// Read by windows, as described in the documentation of this crate. Currencies differ by client,
/// so one category can have several rows in a window.
pub static EXPENSE_REPORT_CATEGORIES: StreamSpec = StreamSpec {
    name: "expense_report_categories",
    doc: "Expenses of one category in one currency within one window.",
    path: "/reports/expenses/categories",
    records_key: Some("results"),
    kind: StreamKind::ReportWindow(ReportWindow {
        includes_issue_date: false,
        values_fixed_fees: false,
    }),
    rate_class: RateClass::Reports,
    module: Some(Module::Expense),
    primary_key: &["period_start", "period_end", "expense_category_id", "currency"],
    partition: PartitionSpec::PeriodYear,
    readers: OWN_WORK,
    personal: None,
    fields: &[
        int("expense_category_id"),
        text("expense_category_name"),
        money("total_amount").doc("in currency"),
        money("billable_amount").doc("in currency"),
        text("currency").doc("ISO 4217 code"),
    ],
    ..StreamSpec::USUAL
};
