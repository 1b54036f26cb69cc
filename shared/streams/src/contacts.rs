//! `contacts`: contact persons of clients.

use engine::spec::{
    Listing, Paging, PartitionSpec, StreamKind, StreamReaders, StreamSpec, instant, int, object,
    text,
};

use crate::stubs::NAMED;

/// One contact person of a client.
///
/// Harvest documents the list with `updated_since` and pages by cursor. The filter `client_id` is
/// not needed: without it the list has the contacts of all clients.
///
/// `personal` is none, because a contact is no user: `erase` removes data of users only.
pub static CONTACTS: StreamSpec = StreamSpec {
    name: "contacts",
    doc: "One contact person of a client.",
    path: "/contacts",
    records_key: Some("contacts"),
    kind: StreamKind::Listing(Listing::new(Paging::Cursor, "/contacts/{id}")),
    partition: PartitionSpec::None,
    readers: StreamReaders::Managers { with: &["client_and_task_manager"], read: "all" },
    personal: None,
    fields: &[
        int("id").required(),
        object("client", NAMED),
        text("title"),
        text("first_name"),
        text("last_name"),
        text("email"),
        text("phone_office"),
        text("phone_mobile"),
        text("fax"),
        text("invoice_recipient_status")
            .doc("none, recipient, cc or bcc; absent from accounts before 2026"),
        instant("created_at"),
        instant("updated_at").doc("changes of embedded names and stubs do not move it"),
    ],
    ..StreamSpec::USUAL
};
