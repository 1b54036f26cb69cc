//! Invoices and estimates, with their line items, messages and payments.

use crate::calendar::{Day, Moment};
use crate::decimal::{DecimalNumber, Money};
use crate::people::listed_by_creation;
use crate::table::{Record, UNDATED};

/// One line of an invoice or an estimate.
#[derive(Clone, Debug)]
pub(crate) struct LineItem {
    pub(crate) id: i64,
    /// Id, name and code of the project as they were when the line was made.
    pub(crate) project: Option<(i64, String, Option<String>)>,
    pub(crate) kind: String,
    pub(crate) description: Option<String>,
    pub(crate) quantity: DecimalNumber,
    pub(crate) price: DecimalNumber,
    pub(crate) amount: Money,
    pub(crate) taxed: bool,
}

/// Part that invoices and estimates have in common.
#[derive(Clone, Debug)]
pub(crate) struct BillingDocument {
    pub(crate) id: i64,
    pub(crate) client: i64,
    pub(crate) creator: i64,
    pub(crate) key: String,
    pub(crate) number: String,
    pub(crate) purchase_order: Option<String>,
    pub(crate) lines: Vec<LineItem>,
    pub(crate) tax: Option<DecimalNumber>,
    pub(crate) tax2: Option<DecimalNumber>,
    pub(crate) discount: Option<DecimalNumber>,
    pub(crate) subject: Option<String>,
    pub(crate) notes: Option<String>,
    pub(crate) currency: &'static str,
    pub(crate) issued: Option<Day>,
    pub(crate) sent: Option<Moment>,
    pub(crate) messages: Vec<Message>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// Sums of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DocumentTotals {
    pub(crate) amount: Money,
    pub(crate) tax: Money,
    pub(crate) tax2: Money,
    pub(crate) discount: Money,
}

impl BillingDocument {
    /// Computes the sums: lines less discount plus taxes.
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
        let taxed = taxed.minus(share(taxed, self.discount));
        let tax = share(taxed, self.tax);
        let tax2 = share(taxed, self.tax2);
        let amount = lines(None).minus(discount).plus(tax).plus(tax2);
        DocumentTotals { amount, tax, tax2, discount }
    }
}

/// An invoice.
#[derive(Clone, Debug)]
pub(crate) struct Invoice {
    pub(crate) document: BillingDocument,
    pub(crate) estimate: Option<i64>,
    pub(crate) retainer: Option<i64>,
    pub(crate) recurring: Option<i64>,
    /// Period that the invoice bills.
    pub(crate) period: Option<(Day, Day)>,
    pub(crate) due: Option<Day>,
    pub(crate) term: &'static str,
    pub(crate) payment_options: Vec<&'static str>,
    pub(crate) closed: Option<Moment>,
    pub(crate) payments: Vec<Payment>,
}

impl Invoice {
    /// Amount that is not paid yet.
    pub(crate) fn due_amount(&self) -> Money {
        let paid = self.payments.iter().fold(Money::default(), |sum, one| sum.plus(one.amount));
        self.document.totals().amount.minus(paid)
    }

    /// State: `draft`, `open`, `paid` or `closed`.
    pub(crate) fn state(&self) -> &'static str {
        if self.closed.is_some() {
            "closed"
        } else if self.document.sent.is_none() {
            "draft"
        } else if self.due_amount() <= Money::default() {
            "paid"
        } else {
            "open"
        }
    }
}

/// An estimate.
#[derive(Clone, Debug)]
pub(crate) struct Estimate {
    pub(crate) document: BillingDocument,
    pub(crate) accepted: Option<Moment>,
    pub(crate) declined: Option<Moment>,
}

impl Estimate {
    /// State: `draft`, `sent`, `accepted` or `declined`.
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

/// A message about an invoice or estimate.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: i64,
    pub(crate) sender: (String, String),
    pub(crate) recipients: Vec<(Option<String>, Option<String>)>,
    pub(crate) subject: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) event: Option<&'static str>,
    pub(crate) thank_you: bool,
    pub(crate) reminder: bool,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// A payment of an invoice.
#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub(crate) id: i64,
    pub(crate) amount: Money,
    pub(crate) paid: Moment,
    pub(crate) recorded_by: (String, String),
    pub(crate) notes: Option<String>,
    pub(crate) transaction: Option<String>,
    pub(crate) gateway: Option<(i64, &'static str)>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// Category of lines of invoices or estimates.
#[derive(Clone, Debug)]
pub(crate) struct ItemCategory {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) use_as_service: bool,
    pub(crate) use_as_expense: bool,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

listed_by_creation!(ItemCategory);

/// Implements `Record` for a document, listed by its day of issue.
macro_rules! listed_by_issue {
    ($($record:ty),+) => {$(
        impl Record for $record {
            fn id(&self) -> i64 {
                self.document.id
            }
            fn rank(&self) -> i64 {
                self.document.issued.map_or(UNDATED, |day| day.0)
            }
            fn updated(&self) -> Moment {
                self.document.updated
            }
            fn touch(&mut self, now: Moment) {
                self.document.updated = now;
            }
        }
    )+};
}
listed_by_issue!(Invoice, Estimate);
