//! `invoices`: invoices with their line items.

use engine::spec::{
    EntryDate, Listing, Module, Paging, PartitionSpec, PersonalFields, StreamKind, StreamReaders,
    StreamSpec, date, decimal, flag, instant, int, money, object, objects, text, texts,
};

use crate::stubs::{INVOICING, NAMED, PROJECT};

/// One invoice, line items included.
///
/// The list has `updated_since`, and pages by number that are sorted by `issue_date`, newest first
/// (documented). Records shift between such pages when one is added or deleted. So the list is read
/// by ranges of days with `from` and `to`, which filter by `issue_date`.
///
/// The documentation does not say that each invoice has an issue date, and a range of days would
/// never show one without it. `nullable` therefore asks for a check of totals, and for another
/// reading without ranges if they differ.
///
/// Line items have no path of their own and no `updated_at`. They are part of the row, and a
/// changed line is a changed invoice. Partitions are years of creation: a change of an old invoice
/// rewrites a file of its year only.
///
/// `dated`: invoices count for the uninvoiced report by their day of issue.
pub static INVOICES: StreamSpec = StreamSpec {
    name: "invoices",
    doc: "One invoice, line items included.",
    path: "/invoices",
    records_key: Some("invoices"),
    kind: StreamKind::Listing(Listing::new(
        Paging::DateKeyset { field: "issue_date", nullable: true },
        "/invoices/{id}",
    )),
    module: Some(Module::Invoice),
    partition: PartitionSpec::CreatedYear,
    readers: StreamReaders::Managers {
        with: INVOICING,
        read: "what the role covers; a drafter reads drafts alone",
    },
    personal: Some(PersonalFields { person: "creator.id", members: &["creator.name"] }),
    dated: Some(EntryDate::Issued),
    fields: &[
        int("id").required(),
        object("client", NAMED),
        objects(
            "line_items",
            &[
                int("id"),
                object("project", PROJECT),
                text("kind"),
                text("description"),
                decimal("quantity"),
                decimal("unit_price"),
                money("amount"),
                flag("taxed"),
                flag("taxed2"),
            ],
        ),
        object("estimate", &[int("id").doc("the estimate that the invoice was made from")]),
        object("retainer", &[int("id").doc("the retainer that the invoice draws on")]),
        object("creator", NAMED),
        text("client_key").doc("secret: opens the public page without a login"),
        text("number").doc("text, not always digits"),
        text("purchase_order"),
        money("amount").doc("total, taxes and discount included"),
        money("due_amount").doc("what is still to be paid"),
        decimal("tax").doc("percent: 10 is 10 %"),
        money("tax_amount").doc("0 or null without the tax"),
        decimal("tax2").doc("percent: 10 is 10 %"),
        money("tax2_amount"),
        decimal("discount").doc("percent: 10 is 10 %"),
        money("discount_amount"),
        text("subject"),
        text("notes"),
        text("currency").doc("ISO 4217 code"),
        text("state").doc("draft, open, paid or closed"),
        date("period_start").doc("first day of the billed hours and expenses"),
        date("period_end").doc("last day of the billed hours and expenses"),
        date("issue_date"),
        date("due_date"),
        text("payment_term").doc("upon receipt, net 15, net 30, net 45, net 60 or custom"),
        texts("payment_options").doc("ach, credit_card, paypal"),
        instant("sent_at"),
        instant("paid_at"),
        date("paid_date"),
        instant("closed_at"),
        int("recurring_invoice_id").doc("the recurring invoice that made this one"),
        instant("created_at"),
        instant("updated_at").doc("changes of embedded names and stubs do not move it"),
    ],
    ..StreamSpec::USUAL
};
