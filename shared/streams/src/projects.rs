//! `projects`: projects of clients.

use engine::spec::{
    Listing, Paging, PartitionSpec, StreamKind, StreamReaders, StreamSpec, date, decimal, flag,
    instant, int, money, object, text,
};

use crate::stubs::CLIENT_WITH_CURRENCY;

/// One project.
///
/// Harvest documents the list with `updated_since` and pages by cursor. `is_active` is not sent, so
/// that the list has active and archived projects.
///
/// Deleting a project deletes its time entries and expenses, but not its invoices (documented).
/// Assignments have their own paths below the project. The declarations of these streams therefore
/// name the project in `goes_with`.
///
/// `over_budget_notification_date` was later than `updated_at` in a recorded answer: Harvest sets
/// it without moving `updated_at`, and only sweeps see that.
pub static PROJECTS: StreamSpec = StreamSpec {
    name: "projects",
    doc: "One project.",
    path: "/projects",
    records_key: Some("projects"),
    kind: StreamKind::Listing(Listing::new(Paging::Cursor, "/projects/{id}")),
    partition: PartitionSpec::None,
    readers: StreamReaders::Managers { with: &[], read: "managed projects; refused without one" },
    personal: None,
    fields: &[
        int("id").required(),
        object("client", CLIENT_WITH_CURRENCY),
        text("name"),
        text("code"),
        flag("is_active"),
        flag("is_billable"),
        flag("is_fixed_fee"),
        text("bill_by").doc("Project, Tasks, People or none"),
        decimal("hourly_rate").doc("null without the permission to see rates"),
        decimal("budget").doc("hours"),
        text("budget_by").doc("project, project_cost, task, task_fees, person or none"),
        flag("budget_is_monthly"),
        flag("notify_when_over_budget"),
        decimal("over_budget_notification_percentage").doc("percent: 80 is 80 %"),
        date("over_budget_notification_date").doc("may change without updated_at"),
        flag("show_budget_to_all"),
        decimal("cost_budget").doc("money; null without the permission to see rates"),
        flag("cost_budget_include_expenses"),
        money("fee").doc("fixed fee; null without the permission to see rates"),
        text("notes"),
        date("starts_on"),
        date("ends_on"),
        text("currency").doc("ISO 4217 code; Harvest does not document this member"),
        instant("created_at"),
        instant("updated_at").doc("changes of embedded names and stubs do not move it"),
    ],
    ..StreamSpec::USUAL
};
