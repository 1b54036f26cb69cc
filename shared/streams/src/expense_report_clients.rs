//! `expense_report_clients`: expenses of a window by client.

use engine::spec::{
    Module, PartitionSpec, RateClass, ReportWindow, StreamKind, StreamSpec, int, money, text,
};

use crate::stubs::OWN_WORK;

/// Expenses of one client in one currency within one window.
///
/// Read by windows, as described in the documentation of this crate. Each record has two totals:
/// all expenses, and those of them that are billable.
pub static EXPENSE_REPORT_CLIENTS: StreamSpec = StreamSpec {
    name: "expense_report_clients",
    doc: "Expenses of one client in one currency within one window.",
    path: "/reports/expenses/clients",
    records_key: Some("results"),
    kind: StreamKind::ReportWindow(ReportWindow {
        includes_issue_date: false,
        values_fixed_fees: false,
    }),
    rate_class: RateClass::Reports,
    module: Some(Module::Expense),
    primary_key: &["period_start", "period_end", "client_id", "currency"],
    partition: PartitionSpec::PeriodYear,
    readers: OWN_WORK,
    personal: None,
    fields: &[
        int("client_id"),
        text("client_name"),
        money("total_amount").doc("in currency"),
        money("billable_amount").doc("in currency"),
        text("currency").doc("ISO 4217 code"),
    ],
    ..StreamSpec::USUAL
};
