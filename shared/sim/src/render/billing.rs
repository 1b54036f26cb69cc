//! Invoices, estimates, messages, payments, item categories. Each record is left open.
//!
//! Two facts on which sources disagree follow recorded answers: amounts of taxes and discounts are
//! 0 and not null without tax or discount, and quantities have fractions.

use super::RenderContext;
use super::people::stamps;
use crate::billing::{
    BillingDocument, Estimate, EstimateItemCategory, Invoice, InvoiceItemCategory, LineItem,
    Message, Payment,
};
use crate::decimal::DecimalNumber;
use crate::json::JsonWriter;

/// Appends the fields that invoices and estimates share, up to the state.
fn document(look: &RenderContext<'_>, json: &mut JsonWriter, document: &BillingDocument) {
    let totals = document.totals();
    json.int("id", document.id);
    json.text("client_key", &document.key);
    json.text("number", &document.number);
    json.maybe_text("purchase_order", document.purchase_order.as_deref());
    json.money("amount", totals.amount);
    json.maybe_number("tax", document.tax);
    json.money("tax_amount", totals.tax);
    json.maybe_number("tax2", document.tax2);
    json.money("tax2_amount", totals.tax2);
    json.maybe_number("discount", document.discount);
    json.money("discount_amount", totals.discount);
    json.maybe_text("subject", document.subject.as_deref());
    json.maybe_text("notes", document.notes.as_deref());
    json.maybe_day("issue_date", document.issued);
    json.maybe_moment("sent_at", document.sent);
    stamps(json, document.created, document.updated);
    json.text("currency", document.currency);
    look.client_stub(json, document.client);
    json.close();
    let creator = look.books.users.get(document.creator).map(crate::people::User::name);
    json.object("creator");
    json.int("id", document.creator);
    json.text("name", creator.as_deref().unwrap_or("Deleted User"));
    json.close();
}

/// Appends an invoice, left open. `paid_at` and `paid_date` are those of the last payment, and null
/// in every state but `paid`.
pub(crate) fn invoice(look: &RenderContext<'_>, json: &mut JsonWriter, invoice: &Invoice) {
    json.open();
    document(look, json, &invoice.document);
    json.money("due_amount", invoice.due_amount());
    json.text("state", invoice.state());
    json.maybe_day("period_start", invoice.period.map(|period| period.0));
    json.maybe_day("period_end", invoice.period.map(|period| period.1));
    json.maybe_day("due_date", invoice.due);
    json.text("payment_term", invoice.term);
    json.texts("payment_options", invoice.payment_options.iter().copied());
    let paid = (invoice.state() == "paid").then(|| invoice.payments.last()).flatten();
    json.maybe_moment("paid_at", paid.map(|payment| payment.paid));
    json.maybe_day("paid_date", paid.map(|payment| payment.paid.day()));
    json.maybe_moment("closed_at", invoice.closed);
    json.maybe_int("recurring_invoice_id", invoice.recurring);
    maybe_id(json, "estimate", invoice.estimate);
    maybe_id(json, "retainer", invoice.retainer);
    json.list("line_items");
    for item in &invoice.document.lines {
        line(json, item);
        match &item.project {
            Some((id, name, code)) => {
                json.object("project");
                json.int("id", *id);
                json.text("name", name);
                json.maybe_text("code", code.as_deref());
                json.close();
            }
            None => json.null("project"),
        }
        json.close();
    }
    json.end_list();
}

/// Appends `{"id"}` as a member, or null.
fn maybe_id(json: &mut JsonWriter, name: &str, id: Option<i64>) {
    match id {
        Some(id) => {
            json.object(name);
            json.int("id", id);
            json.close();
        }
        None => json.null(name),
    }
}

/// Appends a line of a document, left open, because only lines of invoices have a project.
fn line(json: &mut JsonWriter, line: &LineItem) {
    json.open();
    json.int("id", line.id);
    json.text("kind", &line.kind);
    json.maybe_text("description", line.description.as_deref());
    json.number("quantity", line.quantity);
    json.number("unit_price", line.price);
    json.money("amount", line.amount);
    json.flag("taxed", line.taxed);
    json.flag("taxed2", line.taxed && line.quantity > DecimalNumber::whole(1));
}

/// Appends an estimate, left open.
pub(crate) fn estimate(look: &RenderContext<'_>, json: &mut JsonWriter, estimate: &Estimate) {
    json.open();
    document(look, json, &estimate.document);
    json.text("state", estimate.state());
    json.maybe_moment("accepted_at", estimate.accepted);
    json.maybe_moment("declined_at", estimate.declined);
    json.list("line_items");
    for item in &estimate.document.lines {
        line(json, item);
        json.close();
    }
    json.end_list();
}

/// Appends the fields that both kinds of messages share.
fn message(json: &mut JsonWriter, message: &Message) {
    json.open();
    json.int("id", message.id);
    json.text("sent_by", &message.sender.0);
    json.text("sent_by_email", &message.sender.1);
    json.text("sent_from", &message.sender.0);
    json.text("sent_from_email", &message.sender.1);
    json.flag("send_me_a_copy", message.id % 2 == 0);
    stamps(json, message.created, message.updated);
    json.maybe_text("event_type", message.event);
    json.list("recipients");
    for (name, email) in &message.recipients {
        json.open();
        json.maybe_text("name", name.as_deref());
        json.maybe_text("email", email.as_deref());
        json.close();
    }
    json.end_list();
    json.maybe_text("subject", message.subject.as_deref());
    json.maybe_text("body", message.body.as_deref());
}

/// Appends a message about an invoice, left open.
pub(crate) fn invoice_message(json: &mut JsonWriter, one: &Message) {
    message(json, one);
    json.flag("include_link_to_client_invoice", false);
    json.flag("attach_pdf", one.event.is_none());
    json.flag("thank_you", one.thank_you);
    json.flag("reminder", one.reminder);
    json.null("send_reminder_on");
}

/// Appends a message about an estimate, left open.
pub(crate) fn estimate_message(json: &mut JsonWriter, one: &Message) {
    message(json, one);
}

/// Appends a payment, left open. Without a gateway `payment_gateway` is an object of two nulls, as
/// in recorded answers.
pub(crate) fn payment(json: &mut JsonWriter, payment: &Payment) {
    json.open();
    json.int("id", payment.id);
    json.money("amount", payment.amount);
    json.moment("paid_at", payment.paid);
    json.day("paid_date", payment.paid.day());
    json.text("recorded_by", &payment.recorded_by.0);
    json.text("recorded_by_email", &payment.recorded_by.1);
    json.maybe_text("notes", payment.notes.as_deref());
    json.maybe_text("transaction_id", payment.transaction.as_deref());
    stamps(json, payment.created, payment.updated);
    json.object("payment_gateway");
    json.maybe_int("id", payment.gateway.map(|gateway| gateway.0));
    json.maybe_text("name", payment.gateway.map(|gateway| gateway.1));
    json.close();
}

/// Appends a category for invoices, left open. One for estimates has two fields less.
pub(crate) fn invoice_category(json: &mut JsonWriter, category: &InvoiceItemCategory) {
    json.open();
    json.int("id", category.id);
    json.text("name", &category.name);
    stamps(json, category.created, category.updated);
    json.flag("use_as_service", category.use_as_service);
    json.flag("use_as_expense", category.use_as_expense);
}

/// Appends a category for estimates, left open.
pub(crate) fn estimate_category(json: &mut JsonWriter, category: &EstimateItemCategory) {
    json.open();
    json.int("id", category.id);
    json.text("name", &category.name);
    stamps(json, category.created, category.updated);
}
