//! `time_report_tasks`: hours of a window by task.

use engine::spec::{
    PartitionSpec, RateClass, ReportWindow, StreamKind, StreamSpec, decimal, int, money, text,
};

use crate::stubs::OWN_WORK;

/// Hours for one task in one currency within one window.
///
/// Read by windows, as described in the documentation of this crate. A task belongs to no project,
/// so its hours are those of all projects together.
pub static TIME_REPORT_TASKS: StreamSpec = StreamSpec {
    name: "time_report_tasks",
    doc: "Hours for one task in one currency within one window.",
    path: "/reports/time/tasks",
    records_key: Some("results"),
    kind: StreamKind::ReportWindow(ReportWindow {
        includes_issue_date: false,
        values_fixed_fees: true,
    }),
    rate_class: RateClass::Reports,
    primary_key: &["period_start", "period_end", "task_id", "currency"],
    partition: PartitionSpec::PeriodYear,
    readers: OWN_WORK,
    personal: None,
    fields: &[
        int("task_id"),
        text("task_name"),
        decimal("total_hours").doc("rounded by the setting of the account"),
        decimal("billable_hours").doc("rounded by the setting of the account"),
        text("currency").doc("ISO 4217 code; null without the permission to see rates"),
        money("billable_amount").doc("in currency; null without the permission to see rates"),
    ],
    ..StreamSpec::USUAL
};
