//! `invoice_payments`: payments that invoices received.

use engine::spec::{
    Module, PartitionSpec, PerParent, RateClass, StreamKind, StreamSpec, SweepCadence, date,
    instant, int, money, object, text,
};

use crate::invoices::INVOICES;

/// One payment of an invoice.
pub static INVOICE_PAYMENTS: StreamSpec = StreamSpec {
    name: "invoice_payments",
    doc: "One payment of an invoice.",
    path: "/invoices/{parent}/payments",
    records_key: Some("invoice_payments"),
    kind: StreamKind::PerParent(PerParent {
        trigger: &INVOICES,
        parent_id: "id",
        parent_path: "/invoices/{parent}",
        parent_column: "invoice_id",
        only_role: None,
    }),
    rate_class: RateClass::General,
    module: Some(Module::Invoice),
    primary_key: &["id"],
    partition: PartitionSpec::ParentCreatedYear,
    sweep: SweepCadence::ByCost,
    personal: None,
    dated: None,
    fields: &[
        int("id").required(),
        money("amount").doc("in the currency of the invoice"),
        instant("paid_at").doc("midnight UTC where only a day was given"),
        date("paid_date"),
        text("recorded_by"),
        text("recorded_by_email"),
        text("notes"),
        text("transaction_id"),
        object("payment_gateway", &[int("id").doc("null where no gateway was used"), text("name")]),
        instant("created_at"),
        instant("updated_at"),
    ],
};
