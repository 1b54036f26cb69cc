//! `expense_report_projects`: expenses of a window by project.

use engine::spec::{
    Module, PartitionSpec, RateClass, ReportWindow, StreamKind, StreamSpec, int, money, text,
};

use crate::stubs::OWN_WORK;

/// Expenses of one project in one currency within one window.
///
/// Read by windows, as described in the documentation of this crate. `project_name` begins with the
/// code of the project in this report, `[FP] First project` (recorded), but not in
/// `uninvoiced_report`. Join by `project_id`, not by name.
pub static EXPENSE_REPORT_PROJECTS: StreamSpec = StreamSpec {
    name: "expense_report_projects",
    doc: "Expenses of one project in one currency within one window.",
    path: "/reports/expenses/projects",
    records_key: Some("results"),
    kind: StreamKind::ReportWindow(ReportWindow {
        includes_issue_date: false,
        values_fixed_fees: false,
    }),
    rate_class: RateClass::Reports,
    module: Some(Module::Expense),
    primary_key: &["period_start", "period_end", "project_id", "currency"],
    partition: PartitionSpec::PeriodYear,
    readers: OWN_WORK,
    personal: None,
    fields: &[
        int("client_id"),
        text("client_name"),
        int("project_id"),
        text("project_name").doc("may begin with the project code in square brackets"),
        money("total_amount").doc("in currency"),
        money("billable_amount").doc("in currency"),
        text("currency").doc("ISO 4217 code"),
    ],
    ..StreamSpec::USUAL
};
