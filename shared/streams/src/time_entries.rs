//! `time_entries`: hours that people tracked.

use engine::spec::{
    EntryDate, Listing, Paging, PartitionSpec, PersonalFields, StreamKind, StreamSpec, date,
    decimal, flag, instant, int, object, text,
};

use crate::stubs::{
    CLIENT_WITH_CURRENCY, INVOICE_NUMBER, NAMED, OWN_WORK, PROJECT, USER_ASSIGNMENT_STUB,
};

/// One tracked time entry, which may be a running timer.
///
/// The list has `updated_since`, and pages by number that are sorted by `spent_date` (documented),
/// newest first in all recorded answers. It can have millions of records and changes while it is
/// read, so it is read by ranges of days with `from` and `to`, several at the same time.
///
/// * `reread`: `hours` of a running timer is computed when Harvest answers, and it is not
///   documented whether `updated_at` moves meanwhile. So each incremental pass also asks for
///   `is_running=true`.
/// * `goes_with`: Harvest deletes the entries of a project together with it (documented).
/// * `is_locked` and `rounded_hours` are computed by Harvest and may change without `updated_at`.
/// * `billable_rate` and `cost_rate` are null without the permission. A person with fewer rights
///   would therefore null these columns, which is why roles are compared before a commit.
/// * `dated`: the windows of reports reach from the oldest to the newest `spent_date`.
///
/// Partitions are months of creation, which never change; `spent_date` can be edited.
/// `updated_since` finds an entry that is added today for last month; a filter by `spent_date`
/// would not.
pub static TIME_ENTRIES: StreamSpec = StreamSpec {
    name: "time_entries",
    doc: "One tracked time entry; a running timer is one too.",
    path: "/time_entries",
    records_key: Some("time_entries"),
    kind: StreamKind::Listing(
        Listing::new(
            Paging::DateKeyset { field: "spent_date", nullable: false },
            "/time_entries/{id}",
        )
        .goes_with("project_id", "/projects/{parent}")
        .reread("is_running", "true"),
    ),
    partition: PartitionSpec::CreatedMonth,
    readers: OWN_WORK,
    personal: Some(PersonalFields {
        person: "user.id",
        members: &["user.name", "notes", "external_reference"],
    }),
    dated: Some(EntryDate::Spent),
    fields: &[
        int("id").required(),
        date("spent_date").doc("the person's calendar day, without a zone"),
        object("user", NAMED),
        object("user_assignment", USER_ASSIGNMENT_STUB),
        object("client", CLIENT_WITH_CURRENCY),
        object("project", PROJECT),
        object("task", NAMED),
        object(
            "task_assignment",
            &[
                int("id"),
                flag("billable"),
                flag("is_active"),
                decimal("hourly_rate").doc("null without the permission to see rates"),
                decimal("budget").doc("hours or money, by budget_by of the project"),
                instant("created_at"),
                instant("updated_at"),
            ],
        ),
        object(
            "external_reference",
            &[
                text("id").doc("id in the other system, text"),
                text("group_id"),
                text("account_id"),
                text("permalink"),
                text("service"),
                text("service_icon_url"),
            ],
        ),
        object("invoice", INVOICE_NUMBER),
        decimal("hours").doc("grows while the timer runs"),
        decimal("hours_without_timer").doc("hours before the running timer was started"),
        decimal("rounded_hours").doc("by the rounding setting of the account"),
        text("notes"),
        flag("is_locked").doc("computed by Harvest; may change without updated_at"),
        text("locked_reason").doc("free text"),
        flag("is_closed").doc("deprecated by Harvest: use approval_status"),
        text("approval_status").doc("unsubmitted, submitted or approved"),
        flag("is_billed"),
        instant("timer_started_at").doc("null unless the timer runs"),
        text("started_time").doc("8:00am or 14:59, by the clock setting of the account"),
        text("ended_time").doc("8:00am or 14:59, by the clock setting of the account"),
        flag("is_running"),
        flag("billable"),
        flag("budgeted").doc("whether it counts against the budget of the project"),
        decimal("billable_rate")
            .doc("what applied to the entry; null without the permission to see rates"),
        decimal("cost_rate").doc("what applied to the entry; null unless an administrator reads"),
        flag("is_explicitly_locked").doc("Harvest does not document this member"),
        instant("created_at"),
        instant("updated_at").doc("changes of embedded names and stubs do not move it"),
    ],
    ..StreamSpec::USUAL
};
