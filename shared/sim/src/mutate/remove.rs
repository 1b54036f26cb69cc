//! Deletions of messages and payments.

use super::NotApplied;
use crate::generate::AccountGenerator;
use crate::stream::Stream;

impl AccountGenerator<'_> {
    /// Removes the newest message of an invoice or estimate, which does not move.
    pub(super) fn remove_message(&mut self, stream: Stream, id: i64) -> Result<(), NotApplied> {
        let mut gone = None;
        self.edit_document(stream, id, |one| gone = one.messages.pop());
        gone.map(drop).ok_or_else(|| NotApplied::new("it has no message"))
    }

    /// Removes the newest payment of an invoice, which moves.
    pub(super) fn remove_payment(&mut self, id: i64) -> Result<(), NotApplied> {
        let paid = self.books.invoices.get(id).is_some_and(|one| !one.payments.is_empty());
        if !paid {
            return Err(NotApplied::new("it has no payment"));
        }
        self.books.invoices.edit(id, self.now, |one| drop(one.payments.pop()));
        Ok(())
    }
}
