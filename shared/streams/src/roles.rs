//! `roles`: business roles of users.

use engine::spec::{
    Paging, PartitionSpec, StreamKind, StreamReaders, StreamSpec, SweepCadence, instant, int, ints,
    text,
};

/// One business role with its users; it grants no permissions.
///
/// Harvest documents no `updated_since` for this list, although some connectors send it. A filter
/// that is ignored would do no harm, one that hides changes would, so the list is read whole each
/// time. It is short: one record per role.
///
/// The members of a role are a list of ids in the record, and it is not documented that a change of
/// members moves `updated_at`. The view `role_users` has one row per member.
pub static ROLES: StreamSpec = StreamSpec {
    name: "roles",
    doc: "One business role with its users; it grants no permissions.",
    path: "/roles",
    records_key: Some("roles"),
    kind: StreamKind::Snapshot(Paging::Cursor),
    partition: PartitionSpec::None,
    sweep: SweepCadence::Always,
    readers: StreamReaders::Administrators,
    personal: None,
    fields: &[
        int("id").required(),
        text("name"),
        ints("user_ids").doc("users with this role"),
        instant("created_at"),
        instant("updated_at"),
    ],
    ..StreamSpec::USUAL
};
