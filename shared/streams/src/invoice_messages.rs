//! `invoice_messages`: mails and events of invoices.

use engine::spec::{
    Module, PartitionSpec, PerParent, StreamKind, StreamReaders, StreamSpec, date, flag, instant,
    int, objects, text,
};

use crate::invoices::INVOICES;
use crate::stubs::{INVOICING, RECIPIENTS};

/// One message or event of an invoice.
///
/// Harvest has no list of all messages, only one per invoice (documented). So the stream is read
/// per parent: `invoices` with `updated_since` tells which invoices changed, and the messages of
/// each are read whole. Records do not name their invoice; `invoice_id` comes from the path.
///
/// It is not documented whether a new message moves the invoice's `updated_at`. If it does not, the
/// sweep finds the message, which reads the lists of all invoices.
///
/// Messages are in the partition of the year in which their invoice was created. A message's own
/// year would spread the messages of one invoice over files, which are read and replaced together.
pub static INVOICE_MESSAGES: StreamSpec = StreamSpec {
    name: "invoice_messages",
    doc: "One message or event of an invoice.",
    path: "/invoices/{parent}/messages",
    records_key: Some("invoice_messages"),
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
        text("sent_by"),
        text("sent_by_email"),
        text("sent_from"),
        text("sent_from_email"),
        objects("recipients", RECIPIENTS),
        text("subject"),
        text("body").doc("lines end with CR LF"),
        flag("include_link_to_client_invoice")
            .doc("deprecated by Harvest: follows payment_options"),
        flag("attach_pdf"),
        flag("send_me_a_copy"),
        flag("thank_you"),
        text("event_type").doc("close, draft, re-open, send, view; null for an ordinary mail"),
        flag("reminder"),
        date("send_reminder_on"),
        instant("created_at"),
        instant("updated_at"),
    ],
    ..StreamSpec::USUAL
};
