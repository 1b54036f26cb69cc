//! `clients`: companies and persons for whom work is done.

use engine::spec::{
    Kind, Listing, Paging, Partition, RateClass, StreamSpec, Sweep, flag, instant, int, text,
};

/// One client of the account.
pub static CLIENTS: StreamSpec = StreamSpec {
    name: "clients",
    doc: "One client of the account.",
    path: "/clients",
    records_key: Some("clients"),
    kind: Kind::Listing(Listing::new(Paging::Cursor, "/clients/{id}")),
    rate_class: RateClass::General,
    module: None,
    primary_key: &["id"],
    partition: Partition::None,
    sweep: Sweep::ByCost,
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
};
