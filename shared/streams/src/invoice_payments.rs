//! `invoice_payments`: payments that invoices received.

use engine::spec::{
    Module, PartitionSpec, PerParent, StreamKind, StreamReaders, StreamSpec, date, instant, int,
    money, object, text,
};

use crate::invoices::INVOICES;
use crate::stubs::INVOICING;

/// One payment of an invoice.
///
/// Harvest has no list of all payments, only one per invoice (documented). A payment gave its
/// invoice the same `updated_at` (recorded), so the trigger `invoices` shows new payments. The list
/// of an invoice is read whole, without `updated_since`, so that deleted payments are noticed, too.
/// Records do not name their invoice; `invoice_id` comes from the path.
///
/// Amounts may be negative: credit notes are invoices with negative payments (reported).
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
    module: Some(Module::Invoice),
    partition: PartitionSpec::ParentCreatedYear,
    readers: StreamReaders::Managers {
        with: INVOICING,
        read: "those of invoices that the role covers",
    },
    personal: None,
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
    ..StreamSpec::USUAL
};
