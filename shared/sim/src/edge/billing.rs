//! Invoices, payments and estimates of the account made by hand.

use super::tracked::Work;
use super::{day, nine};
use crate::billing::{
    BillingDocument, Estimate, EstimateItemCategory, Invoice, InvoiceItemCategory, LineItem,
    Payment,
};
use crate::books::Books;
use crate::decimal::{DecimalNumber, Money};

/// Project of a line, its kind, and quantity and price in hundredths.
type Line = (Option<i64>, &'static str, i64, i64);

/// Makes all documents. `creator` is the id of the person who writes them.
pub(super) fn documents(books: &mut Books, creator: i64, work: &Work) {
    categories(books);
    let (website, fixed, support) = (Some(work.website), Some(work.fixed), Some(work.support));
    let mut put =
        |number: &str, client: i64, days: (Option<&str>, Option<&str>), lines: &[Line]| {
            put_invoice(books, creator, (number, client), days, lines)
        };
    // 15.25 hours of the first week of March with 20 % tax; a part is paid, and it is a day late.
    let days = (Some("2026-03-07"), Some("2026-03-17"));
    let first = put("1001", work.acme, days, &[(website, "Service", 1525, 10_000)]);
    // A credit note.
    let days = (Some("2026-03-10"), Some("2026-04-09"));
    put("1002", work.acme, days, &[(website, "Service", 100, -10_000)]);
    // Time and an expense; paid, with too much, which was sent back.
    let days = (Some("2026-03-06"), Some("2026-03-16"));
    let lines = [(support, "Service", 1400, 9_000), (support, "Product", 100, 20_000)];
    let third = put("1003", work.bolt, days, &lines);
    // A part of the fixed fee, very late.
    let days = (Some("2025-12-01"), Some("2025-12-15"));
    put("1004", work.acme, days, &[(fixed, "Service", 100, 200_000)]);
    // A retainer.
    let days = (Some("2026-02-01"), Some("2026-02-15"));
    let fifth = put("1005", work.bolt, days, &[(None, "Service", 100, 50_000)]);
    // A draft without a day.
    put("1006", work.acme, (None, None), &[(fixed, "Service", 100, 30_000)]);
    // Due at no certain day.
    put("1007", work.acme, (Some("2026-03-01"), None), &[(None, "Service", 100, 5_000)]);
    // Written off.
    let days = (Some("2025-11-05"), Some("2025-12-05"));
    let eighth = put("1008", work.bolt, days, &[(None, "Service", 100, 7_500)]);

    books.invoices.edit(first, nine("2026-03-16"), |one| {
        one.document.tax = Some(DecimalNumber::whole(20));
    });
    books.invoices.edit(fifth, nine("2026-02-11"), |one| one.retainer = Some(77));
    books.invoices.edit(eighth, nine("2026-02-20"), |one| one.closed = Some(nine("2026-02-20")));
    for (invoice, cents, paid) in [
        (first, 100_000, "2026-03-16"),
        (third, 150_000, "2026-03-14"),
        (third, -4_000, "2026-03-15"),
        (fifth, 50_000, "2026-02-11"),
    ] {
        pay(books, invoice, cents, paid);
    }
    for (invoice, entries) in [(first, work.billed_website), (third, work.billed_support)] {
        for id in entries {
            books.edit_entry(id, nine("2026-03-07"), |one| one.invoice = Some(invoice));
        }
    }
    books.expenses.edit(work.billed_expense, nine("2026-03-09"), |one| one.invoice = Some(third));
    for (client, cents, accepted, declined) in [
        (work.acme, 100_000, Some("2026-02-10"), None),
        (work.bolt, 40_000, None, Some("2026-02-12")),
        (work.acme, 25_000, None, None),
        (work.crest, 70_000, Some("2026-02-11"), None),
    ] {
        let number = (books.estimates.len() + 1).to_string();
        let id = books.estimates.claim_id();
        let document = document(books, id, creator, (&number, client), Some("2026-02-01"));
        let mut estimate =
            Estimate { document, accepted: accepted.map(nine), declined: declined.map(nine) };
        estimate.document.lines = vec![line(books, &(None, "Service", 100, cents))];
        books.estimates.put(estimate);
    }
}

/// Makes the categories of items: hours and expenses.
fn categories(books: &mut Books) {
    let created = nine("2025-01-02");
    for (name, service) in [("Service", true), ("Product", false)] {
        let id = books.invoice_categories.claim_id();
        let name = name.to_owned();
        books.invoice_categories.put(InvoiceItemCategory {
            id,
            name: name.clone(),
            use_as_service: service,
            use_as_expense: !service,
            created,
            updated: created,
        });
        let id = books.estimate_categories.claim_id();
        let category = EstimateItemCategory { id, name, created, updated: created };
        books.estimate_categories.put(category);
    }
}

/// Makes an invoice of a number for a client, issued and due on `days`; returns its id. Without a
/// day of issue it is a draft.
fn put_invoice(
    books: &mut Books,
    creator: i64,
    of: (&str, i64),
    days: (Option<&str>, Option<&str>),
    lines: &[Line],
) -> i64 {
    let id = books.invoices.claim_id();
    let mut document = document(books, id, creator, of, days.0);
    document.lines = lines.iter().map(|one| line(books, one)).collect();
    books.invoices.put(Invoice {
        document,
        estimate: None,
        retainer: None,
        recurring: None,
        period: None,
        due: days.1.map(day),
        term: "custom",
        payment_options: Vec::new(),
        closed: None,
        payments: Vec::new(),
    });
    id
}

/// Makes a document without lines.
fn document(
    books: &Books,
    id: i64,
    creator: i64,
    (number, client): (&str, i64),
    issued: Option<&str>,
) -> BillingDocument {
    let created = nine(issued.unwrap_or("2026-03-17"));
    BillingDocument {
        id,
        client,
        creator,
        key: format!("{id:040x}"),
        number: number.to_owned(),
        purchase_order: None,
        lines: Vec::new(),
        tax: None,
        tax2: None,
        discount: None,
        subject: None,
        notes: None,
        currency: books.clients.get(client).map_or("EUR", |one| one.currency),
        issued: issued.map(day),
        sent: issued.map(|_| created),
        messages: Vec::new(),
        created,
        updated: created,
    }
}

fn line(books: &mut Books, (project, kind, quantity, price): &Line) -> LineItem {
    let found = project.and_then(|id| books.projects.get(id));
    let project = found.map(|one| (one.id, one.name.clone(), one.code.clone()));
    let (quantity, price) = (DecimalNumber::cents(*quantity), DecimalNumber::cents(*price));
    LineItem {
        project,
        id: books.claim_child(),
        kind: (*kind).to_owned(),
        description: None,
        quantity,
        price,
        amount: quantity.times(price),
        taxed: true,
    }
}

/// Adds a payment of so many cents, negative for money that was sent back.
fn pay(books: &mut Books, invoice: i64, cents: i64, paid: &str) {
    let payment = Payment {
        id: books.claim_child(),
        amount: Money::cents(cents),
        paid: day(paid).start(),
        recorded_by: ("Ada Berg".to_owned(), "ada@example.com".to_owned()),
        notes: None,
        transaction: None,
        gateway: None,
        created: nine(paid),
        updated: nine(paid),
    };
    books.invoices.edit(invoice, nine(paid), |one| one.payments.push(payment));
}
