//! `estimate_messages`: mails and events of estimates.

use engine::spec::{
    Module, PartitionSpec, PerParent, StreamKind, StreamReaders, StreamSpec, flag, instant, int,
    objects, text,
};

use crate::estimates::ESTIMATES;
use crate::stubs::RECIPIENTS;

/// One message or event of an estimate.
///
/// Harvest has no list of all messages, only one per estimate (documented). `estimates` with
/// `updated_since` tells which estimates changed, and the messages of each are read whole. Records
/// do not name their estimate; `estimate_id` comes from the path. As for `invoice_messages`, only
/// the sweep is sure to find a message that did not move its estimate.
pub static ESTIMATE_MESSAGES: StreamSpec = StreamSpec {
    name: "estimate_messages",
    doc: "One message or event of an estimate.",
    path: "/estimates/{parent}/messages",
    records_key: Some("estimate_messages"),
    kind: StreamKind::PerParent(PerParent {
        trigger: &ESTIMATES,
        parent_id: "id",
        parent_path: "/estimates/{parent}",
        parent_column: "estimate_id",
        only_role: None,
    }),
    module: Some(Module::Estimate),
    partition: PartitionSpec::ParentCreatedYear,
    readers: StreamReaders::Managers { with: &["estimates_manager"], read: "all" },
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
        flag("send_me_a_copy"),
        text("event_type")
            .doc("send, accept, decline, re-open, view, invoice; null for an ordinary mail"),
        instant("created_at"),
        instant("updated_at"),
    ],
    ..StreamSpec::USUAL
};
