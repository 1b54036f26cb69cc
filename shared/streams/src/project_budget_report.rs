//! `project_budget_report`: budgets of projects as they stand now.

use engine::spec::{
    Paging, PartitionSpec, RateClass, StreamKind, StreamReaders, StreamSpec, SweepCadence, decimal,
    flag, int, text,
};

/// Budget of one project and what is left of it, at the time of reading.
///
/// The only report without `from` and `to` (documented): it shows the present, so it is a snapshot
/// and has one row per project. Pages are numbered, so several pages count as the whole report only
/// if their totals agree. Its requests count against the limit of reports, 100 in 15 minutes.
///
/// Money is null for people without the permission to see rates, and projects without a budget may
/// be missing. What a number means follows from `budget_by`: hours or money.
pub static PROJECT_BUDGET_REPORT: StreamSpec = StreamSpec {
    name: "project_budget_report",
    doc: "Budget of one project and what is left of it, at the time of reading.",
    path: "/reports/project_budget",
    records_key: Some("results"),
    kind: StreamKind::Snapshot(Paging::Offset),
    rate_class: RateClass::Reports,
    primary_key: &["project_id"],
    partition: PartitionSpec::None,
    sweep: SweepCadence::Always,
    readers: StreamReaders::Everybody {
        managers_read: "managed projects, and assigned ones whose budget everybody sees",
        members_read: "assigned projects whose budget everybody sees",
    },
    personal: None,
    fields: &[
        int("client_id"),
        text("client_name"),
        int("project_id"),
        text("project_name"),
        flag("budget_is_monthly"),
        text("budget_by").doc("project, project_cost, task, task_fees, person or none"),
        flag("is_active"),
        decimal("budget").doc("hours or money, by budget_by"),
        decimal("budget_spent").doc("hours or money, by budget_by"),
        decimal("budget_remaining").doc("hours or money, by budget_by; may be negative"),
    ],
    ..StreamSpec::USUAL
};
