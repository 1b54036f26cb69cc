//! `task_assignments`: kinds of work that a project offers.

use engine::spec::{
    Listing, Paging, PartitionSpec, StreamKind, StreamReaders, StreamSpec, decimal, flag, instant,
    int, object,
};

use crate::stubs::{NAMED, PROJECT};

/// One assignment of a task to a project, archived ones included.
///
/// The global list replaces one list per project (documented). Records have their own path below
/// their project only, and go with it.
///
/// `halves`: for `user_assignments` it is documented that the list has archived records if
/// `is_active` is not given; for this list it is not. So the totals of both halves are compared
/// with the whole, and the list is read by halves if they hold more.
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
    partition: PartitionSpec::None,
    readers: StreamReaders::Managers { with: &[], read: "those of managed projects" },
    personal: None,
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
    ..StreamSpec::USUAL
};
