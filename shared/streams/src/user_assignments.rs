//! `user_assignments`: assignments of users to projects.

use engine::spec::{
    Listing, Paging, PartitionSpec, PersonalFields, StreamKind, StreamReaders, StreamSpec, decimal,
    flag, instant, int, object,
};

use crate::stubs::{NAMED, PROJECT};

/// One assignment of a user to a project, archived ones included.
///
/// The global list replaces one list per project (documented): a request for 2,000 assignments
/// instead of one per project. Each record still has its own path below its project only, and so
/// goes with it.
///
/// `halves`: Harvest documents that this list has archived assignments if `is_active` is not given.
/// The totals of both halves are compared with the whole in full passes, because a list without the
/// archived ones would make them look deleted.
pub static USER_ASSIGNMENTS: StreamSpec = StreamSpec {
    name: "user_assignments",
    doc: "One assignment of a user to a project, archived ones included.",
    path: "/user_assignments",
    records_key: Some("user_assignments"),
    kind: StreamKind::Listing(
        Listing::new(Paging::Cursor, "/projects/{parent}/user_assignments/{id}")
            .goes_with("project_id", "/projects/{parent}")
            .halves("is_active"),
    ),
    partition: PartitionSpec::None,
    readers: StreamReaders::Managers {
        with: &[],
        read: "those of teammates and managed projects; refused without either",
    },
    personal: Some(PersonalFields { person: "user.id", members: &["user.name"] }),
    fields: &[
        int("id").required(),
        object("project", PROJECT),
        object("user", NAMED),
        flag("is_active"),
        flag("is_project_manager"),
        flag("use_default_rates"),
        decimal("hourly_rate").doc("null without the permission to see rates"),
        decimal("budget").doc("hours"),
        instant("created_at"),
        instant("updated_at").doc("changes of embedded names and stubs do not move it"),
    ],
    ..StreamSpec::USUAL
};
