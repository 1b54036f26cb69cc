//! `user_cost_rates`: cost of an hour of a user.

use engine::spec::{
    PartitionSpec, PerParent, StreamKind, StreamReaders, StreamSpec, SweepCadence, date, decimal,
    instant, int,
};

use crate::users::USERS;

/// One cost rate of a user and the days for which it is valid.
///
/// There is one list per user and no `updated_since` (documented). As with `user_billable_rates`, a
/// new rate without a start date replaces all older ones, so all users are read daily.
///
/// Only administrators may read cost rates; others are answered 403 (documented). The stream is
/// then refused as a whole, and rows that it has stay.
pub static USER_COST_RATES: StreamSpec = StreamSpec {
    name: "user_cost_rates",
    doc: "One cost rate of a user and the days that it holds for.",
    path: "/users/{parent}/cost_rates",
    records_key: Some("cost_rates"),
    kind: StreamKind::PerParent(PerParent {
        trigger: &USERS,
        parent_id: "id",
        parent_path: "/users/{parent}",
        parent_column: "user_id",
        only_role: None,
    }),
    partition: PartitionSpec::None,
    sweep: SweepCadence::Daily,
    readers: StreamReaders::Administrators,
    personal: None,
    fields: &[
        int("id").required(),
        decimal("amount").doc("per hour"),
        date("start_date").doc("null: since ever"),
        date("end_date").doc("inclusive; null: the current rate"),
        instant("created_at"),
        instant("updated_at"),
    ],
    ..StreamSpec::USUAL
};
