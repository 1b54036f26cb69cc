//! `user_teammates`: users and their managers.

use engine::spec::{
    PartitionSpec, PerParent, PersonalFields, StreamKind, StreamReaders, StreamSpec, SweepCadence,
    int, text,
};

use crate::users::USERS;

/// One user assigned to a manager.
///
/// There is one list per user, without `updated_since` (documented). Only managers have teammates:
/// for anybody else Harvest answers 422. `only_role` keeps such requests away, and a 422 for a user
/// whose role is unknown counts as an empty list.
///
/// `id` is the teammate, a user, and not the relation: a user can have several managers. So the key
/// is the pair of manager and teammate. Assigning a teammate need not move the `updated_at` of a
/// user, so all managers are read daily.
pub static USER_TEAMMATES: StreamSpec = StreamSpec {
    name: "user_teammates",
    doc: "One user that a manager looks after.",
    path: "/users/{parent}/teammates",
    records_key: Some("teammates"),
    kind: StreamKind::PerParent(PerParent {
        trigger: &USERS,
        parent_id: "id",
        parent_path: "/users/{parent}",
        parent_column: "user_id",
        only_role: Some("manager"),
    }),
    primary_key: &["user_id", "id"],
    partition: PartitionSpec::None,
    sweep: SweepCadence::Daily,
    readers: StreamReaders::Administrators,
    personal: Some(PersonalFields { person: "id", members: &["first_name", "last_name", "email"] }),
    fields: &[
        int("id").required().doc("the user looked after; user_id is the manager"),
        text("first_name"),
        text("last_name"),
        text("email"),
    ],
    ..StreamSpec::USUAL
};
