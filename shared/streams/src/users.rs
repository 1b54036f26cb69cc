//! `users`: people of the account.

use engine::spec::{
    Listing, Paging, PartitionSpec, PersonalFields, StreamKind, StreamReaders, StreamSpec, decimal,
    flag, instant, int, text, texts,
};

/// One person of the account, archived ones included.
///
/// Harvest documents the list with `updated_since` and pages by cursor. `is_active` is not sent, so
/// that the list has active and archived people.
///
/// `access_roles` is what a person may do, and tells for which users `user_teammates` can be asked.
/// `roles` are names of business roles without permissions. `cost_rate` is shown to administrators
/// only, so the person of the token should be one.
///
/// `personal` lists what `erase` removes of a user. The id, rates and settings stay.
pub static USERS: StreamSpec = StreamSpec {
    name: "users",
    doc: "One person of the account, archived ones included.",
    path: "/users",
    records_key: Some("users"),
    kind: StreamKind::Listing(Listing::new(Paging::Cursor, "/users/{id}")),
    partition: PartitionSpec::None,
    readers: StreamReaders::Managers {
        with: &[],
        read: "themselves and teammates; refused without teammates",
    },
    personal: Some(PersonalFields {
        person: "id",
        members: &["first_name", "last_name", "email", "telephone", "avatar_url", "employee_id"],
    }),
    fields: &[
        int("id").required(),
        text("first_name"),
        text("last_name"),
        text("email"),
        text("telephone"),
        text("timezone").doc(
            "name of a Ruby on Rails zone, such as Eastern Time (US & Canada), not of an IANA one",
        ),
        flag("has_access_to_all_future_projects"),
        flag("is_contractor"),
        flag("is_active"),
        int("weekly_capacity").doc("seconds"),
        decimal("default_hourly_rate").doc("null without the permission to see rates"),
        decimal("cost_rate").doc("null unless an administrator reads"),
        texts("roles").doc("names of business roles; they grant nothing"),
        texts("access_roles")
            .doc("administrator, manager or member, and what a manager may do besides"),
        text("avatar_url"),
        flag("saml_exempt").doc("whether single sign-on is not asked for"),
        text("employee_id").doc("Harvest does not document this member"),
        flag("calendar_integration_enabled").doc("Harvest does not document this member"),
        text("calendar_integration_source").doc("Harvest does not document this member"),
        flag("can_create_projects").doc("Harvest does not document this member"),
        texts("permissions_claims")
            .doc("Harvest does not document this member; recent listings lack it"),
        instant("created_at"),
        instant("updated_at"),
    ],
    ..StreamSpec::USUAL
};
