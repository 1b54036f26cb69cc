//! `user_billable_rates`: price of an hour of a user.

use engine::spec::{
    PartitionSpec, PerParent, StreamKind, StreamReaders, StreamSpec, SweepCadence, date, decimal,
    instant, int,
};

use crate::users::USERS;

/// One default billable rate of a user and the days for which it is valid.
///
/// There is one list per user and no `updated_since` (documented). A new rate without a start date
/// replaces all older ones, whose ids then vanish (documented), and it is not known that a new rate
/// moves the user's `updated_at`. So all users are read daily, and each list proves what is gone.
///
/// Records do not name their user; `user_id` comes from the path.
pub static USER_BILLABLE_RATES: StreamSpec = StreamSpec {
    name: "user_billable_rates",
    doc: "One default billable rate of a user and the days that it holds for.",
    path: "/users/{parent}/billable_rates",
    records_key: Some("billable_rates"),
    kind: StreamKind::PerParent(PerParent {
        trigger: &USERS,
        parent_id: "id",
        parent_path: "/users/{parent}",
        parent_column: "user_id",
        only_role: None,
    }),
    partition: PartitionSpec::None,
    sweep: SweepCadence::Daily,
    readers: StreamReaders::Managers {
        with: &["billable_rates_manager"],
        read: "those of people that they see",
    },
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
