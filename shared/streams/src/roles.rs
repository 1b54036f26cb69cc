//! `roles`: business roles of users.

use engine::spec::{
    Kind, Paging, Partition, RateClass, StreamSpec, Sweep, instant, int, ints, text,
};

/// One business role with its users; it grants no permissions.
pub static ROLES: StreamSpec = StreamSpec {
    name: "roles",
    doc: "One business role with its users; it grants no permissions.",
    path: "/roles",
    records_key: Some("roles"),
    kind: Kind::Snapshot(Paging::Cursor),
    rate_class: RateClass::General,
    module: None,
    primary_key: &["id"],
    partition: Partition::None,
    sweep: Sweep::Always,
    fields: &[
        int("id").required(),
        text("name"),
        ints("user_ids").doc("users with this role"),
        instant("created_at"),
        instant("updated_at"),
    ],
};
