//! `task_assignments`: kinds of work that a project offers.

use engine::spec::{
    Listing, Paging, PartitionSpec, RateClass, StreamKind, StreamSpec, SweepCadence, decimal, flag,
    instant, int, object,
};

use crate::stubs::{NAMED, PROJECT};

/// One assignment of a task to a project, archived ones included.
pub static TASK_ASSIGNMENTS: StreamSpec = StreamSpec {
    name: "task_assignments",
    doc: "One assignment of a task to a project, archived ones included.",
    path: "/task_assignments",
    records_key: Some("task_assignments"),
    kind: StreamKind::Listing(
        Listing::new(Paging::Cursor, "/projects/{parent}/task_assignments/{id}")
            .goes_with("project_id", "/projects/{parent}")
            .halves("is_active"),
    ),
    rate_class: RateClass::General,
    module: None,
    primary_key: &["id"],
    partition: PartitionSpec::None,
    sweep: SweepCadence::ByCost,
    personal: None,
    dated: None,
    fields: &[
        int("id").required(),
        object("project", PROJECT),
        object("task", NAMED),
        flag("is_active"),
        flag("billable"),
        decimal("hourly_rate").doc("null without the permission to see rates"),
        decimal("budget").doc("hours or money, by budget_by of the project"),
        instant("created_at"),
        instant("updated_at").doc("changes of embedded names and stubs do not move it"),
    ],
};
