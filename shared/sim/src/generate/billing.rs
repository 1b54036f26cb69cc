//! Invoices and estimates, with their lines, messages and payments.
//!
//! They come last, because an invoice bills entries that exist, and changes them: in recorded
//! answers a new invoice gave its entries, and its client, a new `updated_at`.

use std::collections::BTreeMap;

use super::{AccountGenerator, words};
use crate::billing::{
    BillingDocument, Estimate, EstimateItemCategory, Invoice, InvoiceItemCategory, LineItem,
    Message, Payment,
};
use crate::calendar::Moment;
use crate::decimal::{DecimalNumber, Money};

/// Amount with all 18 digits of `decimal(18,4)`: 12345678901234.5678. A binary float cannot hold
/// it.
const LONGEST: Money = Money(123_456_789_012_345_678);

impl AccountGenerator<'_> {
    /// Makes the categories of items and all invoices.
    pub(crate) fn bill(&mut self) {
        for (name, service) in [("Service", true), ("Product", false)] {
            let created = self.start;
            let (id, name) = (self.books.invoice_categories.claim_id(), name.to_owned());
            self.books.invoice_categories.put(InvoiceItemCategory {
                id,
                name: name.clone(),
                use_as_service: service,
                use_as_expense: !service,
                created,
                updated: created,
            });
            let id = self.books.estimate_categories.claim_id();
            let category = EstimateItemCategory { id, name, created, updated: created };
            self.books.estimate_categories.put(category);
        }
        // Billable entries by project, oldest first. Each is taken for at most one invoice.
        let mut open: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for entry in self.books.entries.iter().filter(|one| one.billable) {
            open.entry(entry.project).or_default().push(entry.id);
        }
        let mut moved: Vec<(i64, (i64, Moment))> = Vec::new();
        for (place, created) in self.moments(self.scale.invoices).into_iter().enumerate() {
            let Some(project) = self.any_project() else {
                continue;
            };
            let Some(mut invoice) = self.invoice(project, created) else {
                continue;
            };
            if place == 3
                && self.scale.longest_amount
                && let Some(line) = invoice.document.lines.last_mut()
            {
                // Without a project, so that no report has to add to this amount.
                (line.project, line.amount) = (None, LONGEST);
                (invoice.document.tax, invoice.document.discount) = (None, None);
                invoice.document.tax2 = None;
                invoice.document.lines.truncate(0);
                invoice.document.lines.push(self.plain_line(LONGEST));
                invoice.payments.clear();
            }
            let id = invoice.document.id;
            let updated = invoice.document.updated;
            self.books.invoices.put(invoice);
            // An invoice changes the entries that it bills.
            let billed = open.entry(project).or_default();
            // An entry that was created after the last change of the invoice cannot be on it.
            for entry in billed.drain(..billed.len().min(12)) {
                if self.books.entries.get(entry).is_some_and(|one| one.created < updated) {
                    moved.push((entry, (id, updated)));
                }
            }
        }
        // In one go, because each single edit of millions of entries would sort them anew.
        self.books.entries.edit_many(moved, |one, (invoice, updated)| {
            (one.invoice, one.updated) = (Some(invoice), one.updated.max(updated));
        });
    }

    /// Makes the line of the longest amount. The amount is given and not computed, because this
    /// quantity times a price with six places is a whole number.
    fn plain_line(&mut self, amount: Money) -> LineItem {
        LineItem {
            id: self.books.claim_child(),
            project: None,
            kind: "Product".to_owned(),
            description: None,
            quantity: DecimalNumber::whole(1_000_000),
            price: DecimalNumber(12_345_678_901_235),
            amount,
            taxed: false,
        }
    }

    /// Makes a document for a client, by a random user, still without lines. It has up to two
    /// messages, all written at its last change.
    fn document(&mut self, id: i64, client: i64, number: &str, created: Moment) -> BillingDocument {
        let currency = self.books.clients.get(client).map_or("USD", |one| one.currency);
        let percent = |roll: i64, value: i64| (roll < 50).then_some(DecimalNumber::cents(value));
        let updated = self.soon_after(created);
        let mut document = BillingDocument {
            id,
            client,
            creator: self.any_user().unwrap_or_default(),
            key: self.dice.hex(40),
            number: number.to_owned(),
            purchase_order: self.maybe("PO 5678"),
            lines: Vec::new(),
            tax: percent(self.dice.between(0, 99), 1900),
            tax2: percent(self.dice.between(0, 199), 575),
            discount: percent(self.dice.between(0, 199), 1000),
            subject: self.maybe("Leistungen – Phase 1"),
            notes: self.maybe("Vielen Dank!\r\n"),
            currency,
            issued: Some(created.day()),
            sent: self.dice.chance(85).then_some(updated),
            messages: Vec::new(),
            created,
            updated,
        };
        for _ in 0..self.dice.between(0, 2) {
            let message = self.message(&document, updated);
            document.messages.push(message);
        }
        document
    }

    /// Makes a line, for a project or for none. In CLF prices have four decimals, because a unit of
    /// this currency has a high value.
    pub(crate) fn line(&mut self, project: Option<i64>, clf: bool) -> LineItem {
        let quantity = DecimalNumber::cents(self.dice.between(1, 4000));
        let price = if clf {
            DecimalNumber(self.dice.between(1, 50_000) * 100)
        } else {
            DecimalNumber::cents(self.dice.between(50, 20_000))
        };
        let found = project.and_then(|id| self.books.projects.get(id));
        LineItem {
            project: found.map(|one| (one.id, one.name.clone(), one.code.clone())),
            id: self.books.claim_child(),
            kind: self.dice.pick(&["Service", "Product"]).to_owned(),
            description: self.maybe(words::NOTES.get(1).copied().unwrap_or_default()),
            quantity,
            price,
            amount: quantity.times(price),
            taxed: self.dice.chance(60),
        }
    }

    /// Makes an invoice for the client of a project; `None` if there is no such project. Each
    /// fourth line is for no project. Some invoices that were sent are paid, in one or two parts,
    /// and then in full.
    pub(crate) fn invoice(&mut self, project: i64, created: Moment) -> Option<Invoice> {
        let client = self.books.projects.get(project)?.client;
        let id = self.books.invoices.claim_id();
        let number = format!("{}", 1000 + id % 100_000);
        let mut document = self.document(id, client, &number, created);
        let clf = document.currency == "CLF";
        for place in 0..self.dice.between(1, 5) {
            let line = self.line((place % 4 != 3).then_some(project), clf);
            document.lines.push(line);
        }
        let issued = created.day();
        let recurring = self.dice.chance(8).then(|| 400_000 + id % 1000);
        let closed = self.dice.chance(3).then_some(document.updated);
        let mut invoice = Invoice {
            document,
            estimate: None,
            retainer: self.dice.chance(3).then(|| 77_000 + id % 100),
            recurring,
            period: self.dice.chance(50).then(|| (issued.plus(-30), issued)),
            due: Some(issued.plus(30)),
            term: self.dice.pick(&["upon receipt", "net 15", "net 30", "custom"]),
            payment_options: if id % 2 == 0 { vec!["credit_card", "ach"] } else { Vec::new() },
            closed,
            payments: Vec::new(),
        };
        if invoice.document.sent.is_some() && self.dice.chance(70) {
            let parts = if self.dice.chance(20) { 2 } else { 1 };
            let due = invoice.due_amount();
            let share = Money(due.0 / parts);
            for place in 0..parts {
                let amount = if place + 1 == parts { invoice.due_amount() } else { share };
                let payment = self.payment(amount, invoice.document.updated);
                invoice.payments.push(payment);
            }
        }
        Some(invoice)
    }

    /// Makes a payment that comes in at `now`, with or without a gateway.
    pub(crate) fn payment(&mut self, amount: Money, now: Moment) -> Payment {
        let gateway = self.dice.chance(40).then_some((1234, "Linkpoint International"));
        Payment {
            id: self.books.claim_child(),
            amount,
            paid: now.day().start(),
            recorded_by: self.somebody(),
            notes: self.maybe("Überweisung #4321"),
            transaction: gateway.map(|_| self.dice.hex(12)),
            gateway,
            created: now,
            updated: now,
        }
    }

    /// Returns the name and mail address of a random user.
    fn somebody(&mut self) -> (String, String) {
        let user = self.any_user().and_then(|id| self.books.users.get(id));
        user.map(|user| (user.name(), user.email.clone())).unwrap_or_default()
    }

    /// Makes a message about a document, written at `now`. Messages that record an event have
    /// neither subject nor body; one recipient has no mail address.
    pub(crate) fn message(&mut self, document: &BillingDocument, now: Moment) -> Message {
        let number = &document.number;
        let event = self.dice.pick(&[None, None, Some("send"), Some("view"), Some("re-open")]);
        let plain = event.is_none();
        Message {
            id: self.books.claim_child(),
            sender: self.somebody(),
            recipients: vec![
                (self.maybe("Richard Roe"), Some("richardroe@example.com".to_owned())),
                (Some("Łucja".to_owned()), None),
            ],
            subject: plain.then(|| format!("#{number} from Beispiel & Söhne")),
            body: plain.then(|| format!("-----\r\nNumber: {number}\r\nAmount: €288.90\r\n-----")),
            event,
            thank_you: plain && self.dice.chance(20),
            reminder: plain && self.dice.chance(20),
            created: now,
            updated: now,
        }
    }

    /// Makes all estimates. In each eleven, one has no day of issue, and no range of days finds it.
    pub(crate) fn estimate(&mut self) {
        for (place, created) in self.moments(self.scale.estimates).into_iter().enumerate() {
            let Some(client) = self.any_client() else {
                continue;
            };
            let mut estimate = self.one_estimate(client, created);
            if place % 11 == 7 {
                estimate.document.issued = None;
            }
            self.books.estimates.put(estimate);
        }
    }

    /// Makes an estimate for a client. Its lines are for no project. Only one that was sent has an
    /// answer.
    pub(crate) fn one_estimate(&mut self, client: i64, created: Moment) -> Estimate {
        let id = self.books.estimates.claim_id();
        let mut document = self.document(id, client, &format!("E-{}", id % 10_000), created);
        let clf = document.currency == "CLF";
        for _ in 0..self.dice.between(1, 4) {
            let line = self.line(None, clf);
            document.lines.push(line);
        }
        let answered = document.sent.is_some() && self.dice.chance(60);
        let accepted = answered && self.dice.chance(70);
        let updated = document.updated;
        Estimate {
            accepted: accepted.then_some(updated),
            declined: (answered && !accepted).then_some(updated),
            document,
        }
    }
}
