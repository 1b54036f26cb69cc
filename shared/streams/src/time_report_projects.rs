//! `time_report_projects`: hours of a window by project.

use engine::spec::{
    PartitionSpec, RateClass, ReportWindow, StreamKind, StreamSpec, decimal, int, money, text,
};

use crate::stubs::OWN_WORK;

/// Hours for one project in one currency within one window.
///
/// Read by windows, as described in the documentation of this crate. `project_name` begins with the
/// code of the project (recorded). The billable amount of a project with a fixed fee is 0
/// (recorded), unless `include_fixed_fee` is sent (`--report-fixed-fees`).
pub static TIME_REPORT_PROJECTS: StreamSpec = StreamSpec {
    name: "time_report_projects",
    doc: "Hours for one project in one currency within one window.",
    path: "/reports/time/projects",
    records_key: Some("results"),
    kind: StreamKind::ReportWindow(ReportWindow {
        includes_issue_date: false,
        values_fixed_fees: true,
    }),
    rate_class: RateClass::Reports,
    primary_key: &["period_start", "period_end", "project_id", "currency"],
    partition: PartitionSpec::PeriodYear,
    readers: OWN_WORK,
    personal: None,
    fields: &[
        int("client_id"),
        text("client_name"),
        int("project_id"),
        text("project_name").doc("may begin with the project code in square brackets"),
        decimal("total_hours").doc("rounded by the setting of the account"),
        decimal("billable_hours").doc("rounded by the setting of the account"),
        text("currency").doc("ISO 4217 code; null without the permission to see rates"),
        money("billable_amount").doc("in currency; null without the permission to see rates"),
    ],
    ..StreamSpec::USUAL
};
