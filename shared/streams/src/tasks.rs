//! `tasks`: kinds of work.

use engine::spec::{
    Listing, Paging, PartitionSpec, StreamKind, StreamReaders, StreamSpec, decimal, flag, instant,
    int, text,
};

/// One kind of work that projects can offer.
///
/// Harvest documents the list with `updated_since` and pages by cursor. `is_active` is not sent, so
/// that the list has active and archived tasks. A task belongs to no project: `task_assignments`
/// connect them.
pub static TASKS: StreamSpec = StreamSpec {
    name: "tasks",
    doc: "One kind of work that projects can offer.",
    path: "/tasks",
    records_key: Some("tasks"),
    kind: StreamKind::Listing(Listing::new(Paging::Cursor, "/tasks/{id}")),
    partition: PartitionSpec::None,
    readers: StreamReaders::Managers { with: &["client_and_task_manager"], read: "all" },
    personal: None,
    fields: &[
        int("id").required(),
        text("name"),
        flag("billable_by_default"),
        decimal("default_hourly_rate").doc("null without the permission to see rates"),
        flag("is_default"),
        flag("is_active"),
        instant("created_at"),
        instant("updated_at"),
    ],
    ..StreamSpec::USUAL
};
