//! New messages, payments and timers.

use super::NotApplied;
use crate::billing::BillingDocument;
use crate::decimal::{DecimalNumber, Money};
use crate::generate::AccountGenerator;
use crate::stream::Stream;
use crate::work::Approval;

impl AccountGenerator<'_> {
    /// Adds a message to an invoice or estimate, which does not move: in recorded answers no
    /// message moved its invoice alone. A reader that asks for messages of changed documents only
    /// would miss it.
    pub(super) fn add_message(&mut self, stream: Stream, id: i64) -> Result<(), NotApplied> {
        let mut document = None;
        self.edit_document(stream, id, |one| document = Some(one.clone()));
        let document = document.ok_or_else(|| NotApplied::new("has no messages"))?;
        let message = self.message(&document, self.now);
        self.edit_document(stream, id, |one| one.messages.push(message));
        Ok(())
    }

    /// Changes what invoices and estimates share; the document does not move. Other streams have
    /// no such part, and nothing is changed.
    pub(super) fn edit_document(
        &mut self,
        stream: Stream,
        id: i64,
        edit: impl FnOnce(&mut BillingDocument),
    ) {
        if stream == Stream::Invoices {
            self.books.invoices.edit_quietly(id, |one| edit(&mut one.document));
        } else if stream == Stream::Estimates {
            self.books.estimates.edit_quietly(id, |one| edit(&mut one.document));
        }
    }

    /// Pays half of the amount due, or all of it up to 100.00; the invoice moves in the same
    /// second, as in recorded answers. Refused for a draft, and where nothing is due.
    pub(super) fn add_payment(&mut self, id: i64) -> Result<(), NotApplied> {
        let invoice = self.books.invoices.get(id).ok_or_else(|| NotApplied::new("no invoice"))?;
        let due = invoice.due_amount();
        if invoice.document.sent.is_none() || due <= Money::default() {
            return Err(NotApplied::new("nothing is due"));
        }
        let amount = if due > Money::cents(10_000) { Money(due.0 / 2) } else { due };
        let payment = self.payment(amount, self.now);
        self.books.invoices.edit(id, self.now, |one| one.payments.push(payment));
        Ok(())
    }

    /// Adds an entry of today whose timer runs from now on; returns its id.
    pub(super) fn start_timer(&mut self) -> Result<i64, NotApplied> {
        let entry = self.entry(self.now).ok_or_else(|| NotApplied::new("no project"))?;
        let id = entry.id;
        let mut entry = entry;
        entry.spent = self.now.day();
        entry.timer = Some(self.now);
        entry.approval = Approval::Unsubmitted;
        entry.hours = DecimalNumber::default();
        self.books.put_entry(entry);
        Ok(id)
    }
}
