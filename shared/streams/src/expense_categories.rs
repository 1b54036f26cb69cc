//! `expense_categories`: categories of expenses.

use engine::spec::{
    Listing, Module, Paging, PartitionSpec, StreamKind, StreamReaders, StreamSpec, decimal, flag,
    instant, int, text,
};

/// One category of expenses, with its unit price if it has one.
///
/// Harvest documents the list with `updated_since` and pages by cursor. The unit price is a number
/// in answers and a string in one description of the API. It may have three and more decimals, so
/// it is a decimal with six places, not an amount of money with four.
pub static EXPENSE_CATEGORIES: StreamSpec = StreamSpec {
    name: "expense_categories",
    doc: "One category of expenses, with its unit price where it has one.",
    path: "/expense_categories",
    records_key: Some("expense_categories"),
    kind: StreamKind::Listing(Listing::new(Paging::Cursor, "/expense_categories/{id}")),
    module: Some(Module::Expense),
    partition: PartitionSpec::None,
    readers: StreamReaders::Administrators,
    personal: None,
    fields: &[
        int("id").required(),
        text("name"),
        text("unit_name"),
        decimal("unit_price").doc("may have three and more decimals"),
        flag("is_active"),
        instant("created_at"),
        instant("updated_at"),
    ],
    ..StreamSpec::USUAL
};
