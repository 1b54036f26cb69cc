//! `expense_report_clients`: expenses of a window by client.

use engine::spec::{
    Module, PartitionSpec, RateClass, ReportWindow, StreamKind, StreamSpec, SweepCadence, int,
    money, text,
};

/// Expenses of one client in one currency within one window.
///
/// Rows of a report have no id and no time of change: Harvest computes them for the window that
/// `from` and `to` give, both inclusive and at most a year apart (documented). The key therefore
/// has the window, and a window is always replaced as a whole.
///
/// A client has one row per currency (documented), so the currency is part of the key. Days are
/// those of `spent_date`.
pub static EXPENSE_REPORT_CLIENTS: StreamSpec = StreamSpec {
    name: "expense_report_clients",
    doc: "Expenses of one client in one currency within one window.",
    path: "/reports/expenses/clients",
    records_key: Some("results"),
    kind: StreamKind::ReportWindow(ReportWindow { includes_issue_date: false }),
    rate_class: RateClass::Reports,
    module: Some(Module::Expense),
    primary_key: &["period_start", "period_end", "client_id", "currency"],
    partition: PartitionSpec::PeriodYear,
    sweep: SweepCadence::ByCost,
    personal: None,
    dated: None,
    fields: &[
        int("client_id"),
        text("client_name"),
        money("total_amount").doc("in currency"),
        money("billable_amount").doc("in currency"),
        text("currency").doc("ISO 4217 code"),
    ],
};
