//! `estimate_item_categories`: categories of estimate line items.

use engine::spec::{
    Listing, Module, Paging, PartitionSpec, StreamKind, StreamReaders, StreamSpec, instant, int,
    text,
};

/// One category of estimate line items.
///
/// Harvest documents the list with `updated_since` and pages by cursor, and each category under a
/// path of its own. Older documentation reserves it to administrators, and 403 is reported. The
/// stream is then refused; a 403 never counts as an empty list.
pub static ESTIMATE_ITEM_CATEGORIES: StreamSpec = StreamSpec {
    name: "estimate_item_categories",
    doc: "One category of estimate line items.",
    path: "/estimate_item_categories",
    records_key: Some("estimate_item_categories"),
    kind: StreamKind::Listing(Listing::new(Paging::Cursor, "/estimate_item_categories/{id}")),
    module: Some(Module::Estimate),
    partition: PartitionSpec::None,
    readers: StreamReaders::Administrators,
    personal: None,
    fields: &[int("id").required(), text("name"), instant("created_at"), instant("updated_at")],
    ..StreamSpec::USUAL
};
