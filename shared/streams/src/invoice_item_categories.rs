//! `invoice_item_categories`: categories of invoice line items.

use engine::spec::{
    Listing, Module, Paging, PartitionSpec, StreamKind, StreamReaders, StreamSpec, flag, instant,
    int, text,
};

/// One category of invoice line items.
///
/// Harvest documents the list with `updated_since` and pages by cursor, and each category under a
/// path of its own. Line items name their category by its name (`kind`), not by this id.
pub static INVOICE_ITEM_CATEGORIES: StreamSpec = StreamSpec {
    name: "invoice_item_categories",
    doc: "One category of invoice line items.",
    path: "/invoice_item_categories",
    records_key: Some("invoice_item_categories"),
    kind: StreamKind::Listing(Listing::new(Paging::Cursor, "/invoice_item_categories/{id}")),
    module: Some(Module::Invoice),
    partition: PartitionSpec::None,
    readers: StreamReaders::Managers { with: &[], read: "all (older documentation)" },
    personal: None,
    fields: &[
        int("id").required(),
        text("name"),
        flag("use_as_service"),
        flag("use_as_expense"),
        instant("created_at"),
        instant("updated_at"),
    ],
    ..StreamSpec::USUAL
};
