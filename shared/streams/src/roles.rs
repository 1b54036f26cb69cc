//! `roles`: business roles of users.

use engine::spec::{
    Paging, PartitionSpec, RateClass, StreamKind, StreamSpec, SweepCadence, instant, int, ints,
    text,
};

/// One business role with its users; it grants no permissions.
pub static ROLES: StreamSpec = StreamSpec {
    name: "roles",
    doc: "One business role with its users; it grants no permissions.",
    path: "/roles",
    records_key: Some("roles"),
    kind: StreamKind::Snapshot(Paging::Cursor),
    rate_class: RateClass::General,
    module: None,
    primary_key: &["id"],
    partition: PartitionSpec::None,
    sweep: SweepCadence::Always,
    personal: None,
    dated: None,
    fields: &[
        int("id").required(),
        text("name"),
        ints("user_ids").doc("users with this role"),
        instant("created_at"),
        instant("updated_at"),
    ],
};
