//! `clients`: companies and persons for whom work is done.

use engine::spec::{
    Listing, Paging, PartitionSpec, StreamKind, StreamReaders, StreamSpec, flag, instant, int, text,
};

/// One client of the account.
///
/// Harvest documents the list with `updated_since` and pages by cursor. `is_active` is not sent, so
/// that the list has active and archived clients.
///
/// Older clients may lack `statement_key`: it is absent from recorded answers before about 2019.
pub static CLIENTS: StreamSpec = StreamSpec {
    name: "clients",
    doc: "One client of the account.",
    path: "/clients",
    records_key: Some("clients"),
    kind: StreamKind::Listing(Listing::new(Paging::Cursor, "/clients/{id}")),
    partition: PartitionSpec::None,
    readers: StreamReaders::Managers { with: &["client_and_task_manager"], read: "all" },
    personal: None,
    fields: &[
        int("id").required(),
        text("name"),
        flag("is_active"),
        text("address").doc("may have several lines"),
        text("statement_key").doc("secret: opens the public statement of the client"),
        text("currency").doc("ISO 4217 code"),
        instant("created_at"),
        instant("updated_at"),
    ],
    ..StreamSpec::USUAL
};
