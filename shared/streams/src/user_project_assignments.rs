//! `user_project_assignments`: active assignments of users, seen from the user.

use engine::spec::{
    PartitionSpec, PerParent, StreamKind, StreamReaders, StreamSpec, decimal, flag, instant, int,
    object, objects, text,
};

use crate::stubs::NAMED;
use crate::user_assignments::USER_ASSIGNMENTS;

/// One active assignment of a user to a project, with the tasks that it offers.
///
/// The records have the ids of `user_assignments` (recorded), but this list has active assignments
/// only, and embeds client and tasks. There is one list per user (documented).
///
/// * `trigger`: an assignment that is added, changed or archived moves its own `updated_at` in
///   `user_assignments`. A record there names the user in `user.id`, whose list is then read whole.
///   `users` would be a worse trigger: it is not documented that an assignment moves the
///   `updated_at` of its user.
/// * An archived assignment is missing from the list of its user, and its row is deleted. The row
///   of `user_assignments` stays, with `is_active` false.
/// * An assignment that is deleted, or a project whose name or tasks change, need not move a record
///   of the trigger. Sweeps notice these changes.
pub static USER_PROJECT_ASSIGNMENTS: StreamSpec = StreamSpec {
    name: "user_project_assignments",
    doc: "One active assignment of a user to a project, with the tasks that it offers.",
    path: "/users/{parent}/project_assignments",
    records_key: Some("project_assignments"),
    kind: StreamKind::PerParent(PerParent {
        trigger: &USER_ASSIGNMENTS,
        parent_id: "user.id",
        parent_path: "/users/{parent}",
        parent_column: "user_id",
        only_role: None,
    }),
    partition: PartitionSpec::None,
    readers: StreamReaders::Managers { with: &[], read: "their own and those of teammates" },
    personal: None,
    fields: &[
        int("id").required().doc("the same as in user_assignments"),
        flag("is_active"),
        flag("is_project_manager"),
        flag("use_default_rates"),
        decimal("hourly_rate").doc("null without the permission to see rates"),
        decimal("budget").doc("hours"),
        object(
            "project",
            &[
                int("id"),
                text("name"),
                text("code").doc("null or empty where the project has none"),
                flag("is_billable").doc("Harvest does not document this member"),
            ],
        ),
        object(
            "client",
            &[
                int("id"),
                text("name").doc("may lag behind a rename until the next sweep"),
                text("currency").doc("ISO 4217 code; Harvest does not document this member"),
            ],
        ),
        objects(
            "task_assignments",
            &[
                int("id"),
                flag("billable"),
                flag("is_active"),
                decimal("hourly_rate").doc("null without the permission to see rates"),
                decimal("budget").doc("hours or money, by budget_by of the project"),
                object("task", NAMED),
                instant("created_at"),
                instant("updated_at").doc("changes of embedded names and stubs do not move it"),
            ],
        ),
        instant("created_at"),
        instant("updated_at").doc("changes of embedded names and stubs do not move it"),
    ],
    ..StreamSpec::USUAL
};
