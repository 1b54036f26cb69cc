//! `estimates`: estimates with their line items.

use engine::spec::{
    Listing, Module, Paging, PartitionSpec, PersonalFields, StreamKind, StreamReaders, StreamSpec,
    date, decimal, flag, instant, int, money, object, objects, text,
};

use crate::stubs::NAMED;

/// One estimate, line items included.
///
/// The list has `updated_since`, and pages by number that are sorted by `issue_date`, newest first
/// (documented), so it is read by ranges of days like `invoices`. Estimates without an issue date
/// exist (recorded), hence `nullable`: ranges of days alone would miss them.
///
/// No report covers estimates, so `dated` is none.
pub static ESTIMATES: StreamSpec = StreamSpec {
    name: "estimates",
    doc: "One estimate, line items included.",
    path: "/estimates",
    records_key: Some("estimates"),
    kind: StreamKind::Listing(Listing::new(
        Paging::DateKeyset { field: "issue_date", nullable: true },
        "/estimates/{id}",
    )),
    module: Some(Module::Estimate),
    partition: PartitionSpec::CreatedYear,
    readers: StreamReaders::Managers { with: &["estimates_manager"], read: "all" },
    personal: Some(PersonalFields { person: "creator.id", members: &["creator.name"] }),
    fields: &[
        int("id").required(),
        object("client", NAMED),
        objects(
            "line_items",
            &[
                int("id"),
                text("kind"),
                text("description"),
                decimal("quantity"),
                decimal("unit_price"),
                money("amount"),
                flag("taxed"),
                flag("taxed2"),
            ],
        ),
        object("creator", NAMED),
        text("client_key").doc("secret: opens the public page without a login"),
        text("number").doc("text, not always digits"),
        text("purchase_order"),
        money("amount").doc("total, taxes and discount included"),
        decimal("tax").doc("percent: 10 is 10 %"),
        money("tax_amount").doc("0 or null without the tax"),
        decimal("tax2").doc("percent: 10 is 10 %"),
        money("tax2_amount"),
        decimal("discount").doc("percent: 10 is 10 %"),
        money("discount_amount"),
        text("subject"),
        text("notes"),
        text("currency").doc("ISO 4217 code"),
        text("state").doc("draft, sent, accepted or declined"),
        date("issue_date"),
        instant("sent_at"),
        instant("accepted_at"),
        instant("declined_at"),
        instant("created_at"),
        instant("updated_at").doc("changes of embedded names and stubs do not move it"),
    ],
    ..StreamSpec::USUAL
};
