//! `expense_report_projects`: expenses of a window by project.

use engine::spec::{
    Module, PartitionSpec, RateClass, ReportWindow, StreamKind, StreamSpec, SweepCadence, int,
    money, text,
};

/// Expenses of one project in one currency within one window.
pub static EXPENSE_REPORT_PROJECTS: StreamSpec = StreamSpec {
    name: "expense_report_projects",
    doc: "Expenses of one project in one currency within one window.",
    path: "/reports/expenses/projects",
    records_key: Some("results"),
    kind: StreamKind::ReportWindow(ReportWindow { includes_issue_date: false }),
    rate_class: RateClass::Reports,
    module: Some(Module::Expense),
    primary_key: &["period_start", "period_end", "project_id", "currency"],
    partition: PartitionSpec::PeriodYear,
    sweep: SweepCadence::ByCost,
    personal: None,
    dated: None,
    fields: &[
        int("client_id"),
        text("client_name"),
        int("project_id"),
        text("project_name").doc("may begin with the project code in square brackets"),
        money("total_amount").doc("in currency"),
        money("billable_amount").doc("in currency"),
        text("currency").doc("ISO 4217 code"),
    ],
};
