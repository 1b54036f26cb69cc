//! `expenses`: expenses of people for projects.

use engine::spec::{
    EntryDate, Listing, Module, Paging, PartitionSpec, PersonalFields, StreamKind, StreamSpec,
    date, decimal, flag, instant, int, money, object, text,
};

use crate::stubs::{
    CLIENT_WITH_CURRENCY, INVOICE_NUMBER, NAMED, OWN_WORK, PROJECT, USER_ASSIGNMENT_STUB,
};

/// One expense.
///
/// The list has `updated_since`, and pages by number that are sorted by `spent_date`, newest first
/// (documented), so it is read by ranges of days. Every recorded expense has a `spent_date`.
///
/// * `goes_with`: Harvest deletes the expenses of a project together with it (documented). One 404
///   of the project then proves many deletions.
/// * `receipt.url` is volatile: the link expires, and each answer may have another one.
/// * `is_locked` is computed by Harvest from invoices and approvals and may change without moving
///   `updated_at`; sweeps bring it up to date.
/// * `personal`: notes and receipts are the person's own; cost and day stay when the person is
///   erased.
///
/// Partitions are months of creation. `spent_date` can be edited, and a row must never move to
/// another partition.
pub static EXPENSES: StreamSpec = StreamSpec {
    name: "expenses",
    doc: "One expense.",
    path: "/expenses",
    records_key: Some("expenses"),
    kind: StreamKind::Listing(
        Listing::new(Paging::DateKeyset { field: "spent_date", nullable: false }, "/expenses/{id}")
            .goes_with("project_id", "/projects/{parent}"),
    ),
    module: Some(Module::Expense),
    partition: PartitionSpec::CreatedMonth,
    readers: OWN_WORK,
    personal: Some(PersonalFields {
        person: "user.id",
        members: &["user.name", "notes", "receipt"],
    }),
    dated: Some(EntryDate::Spent),
    fields: &[
        int("id").required(),
        object("client", CLIENT_WITH_CURRENCY),
        object("project", PROJECT),
        object(
            "expense_category",
            &[
                int("id"),
                text("name"),
                decimal("unit_price").doc("may have three and more decimals"),
                text("unit_name"),
            ],
        ),
        object("user", NAMED),
        object("user_assignment", USER_ASSIGNMENT_STUB),
        object(
            "receipt",
            &[
                text("url")
                    .volatile()
                    .doc("download link that expires; a new one alone is no change"),
                text("file_name"),
                int("file_size").doc("bytes"),
                text("content_type"),
            ],
        ),
        object("invoice", INVOICE_NUMBER),
        text("notes"),
        decimal("units").doc("quantity where the category has a unit price"),
        money("total_cost").doc("in the currency of the client"),
        flag("billable"),
        flag("is_closed").doc("deprecated by Harvest: use approval_status"),
        text("approval_status").doc("unsubmitted, submitted or approved"),
        flag("is_locked").doc("computed by Harvest; may change without updated_at"),
        text("locked_reason").doc("free text"),
        flag("is_billed"),
        date("spent_date").doc("the person's calendar day, without a zone"),
        flag("is_explicitly_locked").doc("Harvest does not document this member"),
        flag("reimbursement").doc("Harvest does not document this member"),
        instant("created_at"),
        instant("updated_at").doc("changes of embedded names and stubs do not move it"),
    ],
    ..StreamSpec::USUAL
};
