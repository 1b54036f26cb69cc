//! Invoices and estimates, with their line items, messages and payments.
//!
//! Both kinds contain a `BillingDocument`, because Harvest gives them the same fields up to the
//! state. Messages and payments have no table of their own. They are part of their document, as
//! their API lists are below it, and disappear with it.
//!
//! Sums and states are computed when they are asked for and stored nowhere, so that a change of a
//! line or a payment cannot leave a stale amount behind.

use crate::calendar::{Day, Moment};
use crate::decimal::{DecimalNumber, Money};
use crate::table::{Record, UNDATED, listed_by};

/// One line of an invoice or an estimate.
#[derive(Clone, Debug)]
pub(crate) struct LineItem {
    pub(crate) id: i64,
    /// Id, name and code of the project as they were when the line was made. They outlive a change
    /// or the deletion of the project, so a reader must not look for the project behind them.
    pub(crate) project: Option<(i64, String, Option<String>)>,
    /// Name of an item category, as text: renaming the category does not change the line.
    pub(crate) kind: String,
    pub(crate) description: Option<String>,
    pub(crate) quantity: DecimalNumber,
    pub(crate) price: DecimalNumber,
    /// Quantity times price, rounded to four places; one line of the generator has a longer amount
    /// instead.
    pub(crate) amount: Money,
    /// Whether taxes apply to the line; both sums of taxes count the same lines.
    pub(crate) taxed: bool,
}

/// Part that invoices and estimates have in common.
#[derive(Clone, Debug)]
pub(crate) struct BillingDocument {
    pub(crate) id: i64,
    pub(crate) client: i64,
    /// User who made the document, who may be deleted since.
    pub(crate) creator: i64,
    /// `client_key`: part of the public URL of the document.
    pub(crate) key: String,
    pub(crate) number: String,
    pub(crate) purchase_order: Option<String>,
    pub(crate) lines: Vec<LineItem>,
    /// First tax in per cent; `None` for no tax, which is null in JSON.
    pub(crate) tax: Option<DecimalNumber>,
    /// Second tax in per cent, added to the first and not applied on top of it.
    pub(crate) tax2: Option<DecimalNumber>,
    /// Discount in per cent of all lines, subtracted before taxes.
    pub(crate) discount: Option<DecimalNumber>,
    pub(crate) subject: Option<String>,
    pub(crate) notes: Option<String>,
    /// Currency of the client when the document was made.
    pub(crate) currency: &'static str,
    /// `issue_date`, by which the list is ordered; documents without one come last.
    pub(crate) issued: Option<Day>,
    /// Time at which it was sent; `None` for a draft.
    pub(crate) sent: Option<Moment>,
    /// Messages, oldest first. They do not move the document.
    pub(crate) messages: Vec<Message>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// Sums of a document, each rounded to hundredths where it is a percentage of others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DocumentTotals {
    pub(crate) amount: Money,
    pub(crate) tax: Money,
    pub(crate) tax2: Money,
    pub(crate) discount: Money,
}

impl BillingDocument {
    /// Computes the sums: all lines, less the discount, plus taxes on the taxed lines after
    /// discount.
    ///
    /// Example: lines of 100.00 (taxed) and 50.00 with a discount of 10 % and a tax of 19 % give a
    /// discount of 15.00, a tax of 17.10 on 90.00, and an amount of 152.10.
    pub(crate) fn totals(&self) -> DocumentTotals {
        let lines = |taxed_only: Option<bool>| {
            self.lines
                .iter()
                .filter(|line| taxed_only.is_none_or(|taxed| line.taxed == taxed))
                .fold(Money::default(), |sum, line| sum.plus(line.amount))
        };
        let share = |base: Money, percent: Option<DecimalNumber>| {
            percent.map(|percent| base.percent(percent)).unwrap_or_default()
        };
        let discount = share(lines(None), self.discount);
        let taxed = lines(Some(true));
        // Tax is owed on the price after discount.
        let taxed = taxed.minus(share(taxed, self.discount));
        let tax = share(taxed, self.tax);
        let tax2 = share(taxed, self.tax2);
        let amount = lines(None).minus(discount).plus(tax).plus(tax2);
        DocumentTotals { amount, tax, tax2, discount }
    }
}

/// Invoice: a document that asks for money.
#[derive(Clone, Debug)]
pub(crate) struct Invoice {
    pub(crate) document: BillingDocument,
    pub(crate) estimate: Option<i64>,
    /// Id of a retainer, which the API serves nowhere else.
    pub(crate) retainer: Option<i64>,
    /// Id of the definition by which the invoice recurs, which the API serves nowhere else.
    pub(crate) recurring: Option<i64>,
    /// First and last day of the period that the invoice bills.
    pub(crate) period: Option<(Day, Day)>,
    pub(crate) due: Option<Day>,
    pub(crate) term: &'static str,
    pub(crate) payment_options: Vec<&'static str>,
    /// Time at which it was closed, whether paid or not.
    pub(crate) closed: Option<Moment>,
    /// Payments, oldest first. A new or removed one moves the invoice.
    pub(crate) payments: Vec<Payment>,
}

impl Invoice {
    /// Returns the amount that is not paid yet; negative if too much was paid.
    pub(crate) fn due_amount(&self) -> Money {
        let paid = self.payments.iter().fold(Money::default(), |sum, one| sum.plus(one.amount));
        self.document.totals().amount.minus(paid)
    }

    /// Tells whether nothing is due any more; of a credit note, whether nothing is to be sent back.
    fn is_settled(&self) -> bool {
        let nothing = Money::default();
        let due = self.due_amount();
        if self.document.totals().amount < nothing { due >= nothing } else { due <= nothing }
    }

    /// Returns the state: `draft`, `open`, `paid` or `closed`. Closed wins over all others, and an
    /// invoice that was never sent is a draft even if nothing is due.
    pub(crate) fn state(&self) -> &'static str {
        if self.closed.is_some() {
            "closed"
        } else if self.document.sent.is_none() {
            "draft"
        } else if self.is_settled() {
            "paid"
        } else {
            "open"
        }
    }
}

/// Estimate: a document that proposes work at a price.
#[derive(Clone, Debug)]
pub(crate) struct Estimate {
    pub(crate) document: BillingDocument,
    pub(crate) accepted: Option<Moment>,
    pub(crate) declined: Option<Moment>,
}

impl Estimate {
    /// Returns the state: `draft`, `sent`, `accepted` or `declined`. An answer wins over sending.
    pub(crate) const fn state(&self) -> &'static str {
        if self.accepted.is_some() {
            "accepted"
        } else if self.declined.is_some() {
            "declined"
        } else if self.document.sent.is_some() {
            "sent"
        } else {
            "draft"
        }
    }
}

/// Message about an invoice or estimate; also the record of an event such as sending it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: i64,
    /// Name and mail address of the sender.
    pub(crate) sender: (String, String),
    /// Name and mail address of each recipient. Either can be missing: recorded bodies have null
    /// there.
    pub(crate) recipients: Vec<(Option<String>, Option<String>)>,
    pub(crate) subject: Option<String>,
    pub(crate) body: Option<String>,
    /// Event that the message records, such as `send`, `view` or `re-open`; `None` for a text,
    /// which alone has a subject and a body.
    pub(crate) event: Option<&'static str>,
    pub(crate) thank_you: bool,
    pub(crate) reminder: bool,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// Payment of an invoice, or of a part of it.
#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub(crate) id: i64,
    pub(crate) amount: Money,
    /// Midnight UTC of the day of payment: Harvest gives it as an instant and as a day.
    pub(crate) paid: Moment,
    /// Name and mail address of the user who recorded it.
    pub(crate) recorded_by: (String, String),
    pub(crate) notes: Option<String>,
    /// Number that the gateway gave the payment.
    pub(crate) transaction: Option<String>,
    /// Id and name of the gateway; without one Harvest gives an object with two nulls, not null.
    pub(crate) gateway: Option<(i64, &'static str)>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// Category of lines of invoices. The list of those of estimates is separate.
#[derive(Clone, Debug)]
pub(crate) struct InvoiceItemCategory {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) use_as_service: bool,
    pub(crate) use_as_expense: bool,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// Category of lines of estimates.
#[derive(Clone, Debug)]
pub(crate) struct EstimateItemCategory {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

listed_by!(|one| one.created.0; InvoiceItemCategory, EstimateItemCategory);
// Documents are listed by their day of issue, newest first, as Harvest documents for both lists.
// The day may change, and can move a document to another page.
listed_by!(
    |one| one.document.issued.map_or(UNDATED, |day| day.0);
    Invoice: document, Estimate: document
);
