//! `estimate_item_categories`: categories of estimate line items.

use engine::spec::{
    Listing, Module, Paging, PartitionSpec, RateClass, StreamKind, StreamSpec, SweepCadence,
    instant, int, text,
};

/// One category of estimate line items.
pub static ESTIMATE_ITEM_CATEGORIES: StreamSpec = StreamSpec {
    name: "estimate_item_categories",
    doc: "One category of estimate line items.",
    path: "/estimate_item_categories",
    records_key: Some("estimate_item_categories"),
    kind: StreamKind::Listing(Listing::new(Paging::Cursor, "/estimate_item_categories/{id}")),
    rate_class: RateClass::General,
    module: Some(Module::Estimate),
    primary_key: &["id"],
    partition: PartitionSpec::None,
    sweep: SweepCadence::ByCost,
    personal: None,
    dated: None,
    fields: &[int("id").required(), text("name"), instant("created_at"), instant("updated_at")],
};
