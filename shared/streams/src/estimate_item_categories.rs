//! `estimate_item_categories`: categories of estimate line items.

use engine::spec::{
    Kind, Listing, Module, Paging, Partition, RateClass, StreamSpec, Sweep, instant, int, text,
};

/// One category of estimate line items.
pub static ESTIMATE_ITEM_CATEGORIES: StreamSpec = StreamSpec {
    name: "estimate_item_categories",
    doc: "One category of estimate line items.",
    path: "/estimate_item_categories",
    records_key: Some("estimate_item_categories"),
    kind: Kind::Listing(Listing::new(Paging::Cursor, "/estimate_item_categories/{id}")),
    rate_class: RateClass::General,
    module: Some(Module::Estimate),
    primary_key: &["id"],
    partition: Partition::None,
    sweep: Sweep::ByCost,
    fields: &[int("id").required(), text("name"), instant("created_at"), instant("updated_at")],
};
