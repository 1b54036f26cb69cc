//! Parts that several streams share: objects that their records embed, and readers.
//!
//! A new member adds a column to each of these streams.
//!
//! An embedded object is a short copy of another record, as it was when Harvest composed the
//! answer. Its columns can differ from the row of the record itself until the next full pass,
//! because the embedding record's `updated_at` does not move with it.

use engine::spec::{FieldSpec, StreamReaders, decimal, flag, instant, int, text};

/// A related record by id and name. The name may be null although the id is not: of deleted people
/// only the id is left (reported).
pub(crate) const NAMED: &[FieldSpec] = &[int("id"), text("name")];

/// The client of a record. The amounts of the record are in its `currency`.
pub(crate) const CLIENT_WITH_CURRENCY: &[FieldSpec] =
    &[int("id"), text("name"), text("currency").doc("ISO 4217 code")];

/// The project of a record. Reports put the code before the name in brackets; here they are apart.
pub(crate) const PROJECT: &[FieldSpec] =
    &[int("id"), text("name"), text("code").doc("null or empty where the project has none")];

/// The invoice that bills a record; null while none does.
pub(crate) const INVOICE_NUMBER: &[FieldSpec] =
    &[int("id").doc("the invoice that bills it"), text("number")];

/// The assignment that let the user track time or expenses; null once the user has left the
/// project.
pub(crate) const USER_ASSIGNMENT_STUB: &[FieldSpec] = &[
    int("id"),
    flag("is_project_manager"),
    flag("is_active"),
    flag("use_default_rates"),
    decimal("budget").doc("hours"),
    decimal("hourly_rate").doc("null without the permission to see rates"),
    instant("created_at"),
    instant("updated_at"),
];

/// Recipients of a message.
pub(crate) const RECIPIENTS: &[FieldSpec] = &[text("name"), text("email")];

/// Access roles of which a manager needs one to read invoices.
pub(crate) const INVOICING: &[&str] =
    &["managed_projects_invoice_manager", "managed_projects_invoice_drafter"];

/// Readers of hours and expenses, and of the reports on them.
pub(crate) const OWN_WORK: StreamReaders = StreamReaders::Everybody {
    managers_read: "their own, those of teammates and of managed projects",
    members_read: "their own",
};
