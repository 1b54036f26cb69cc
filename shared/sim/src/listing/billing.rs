//! Invoices, estimates and their item categories.

use super::{ListedRecord, NewValues, nothing};
use crate::billing::{Estimate, EstimateItemCategory, Invoice, InvoiceItemCategory};
use crate::calendar::{Day, Moment};
use crate::filter::{ListFilter, is_wanted};
use crate::generate::AccountGenerator;
use crate::json::JsonWriter;
use crate::mutate::NotApplied;
use crate::render::{RenderContext, billing};

impl ListedRecord for Invoice {
    fn make(maker: &mut AccountGenerator<'_>, created: Moment) -> Result<Self, NotApplied> {
        let project = maker.any_project().ok_or_else(|| NotApplied::new("no project"))?;
        maker.invoice(project, created).ok_or_else(|| NotApplied::new("no project"))
    }

    fn render(&self, look: &RenderContext<'_>, json: &mut JsonWriter) {
        billing::invoice(look, json, self);
    }

    fn vary(&mut self, new: NewValues) {
        self.document.subject = new.text;
        self.document.purchase_order = Some(new.roll.to_string());
    }

    fn redate(&mut self, day: Option<Day>) -> bool {
        self.document.issued = day;
        true
    }

    fn passes(&self, filter: &ListFilter, _look: &RenderContext<'_>) -> bool {
        filter.state.as_deref().is_none_or(|state| state == self.state())
            && is_wanted(filter.client, &self.document.client)
            && filter.project.is_none_or(|id| {
                let mut lines = self.document.lines.iter();
                lines.any(|line| line.project.as_ref().is_some_and(|it| it.0 == id))
            })
    }

    /// Bills up to ten open entries of its project, which move and are locked; its client moves
    /// without any other change. Both were seen in recorded answers.
    fn settle(maker: &mut AccountGenerator<'_>, id: i64) {
        let (books, now) = (&mut *maker.books, maker.now);
        let Some(document) = books.invoices.get(id).map(|one| &one.document) else {
            return;
        };
        let client = document.client;
        let project = document.lines.first().and_then(|line| line.project.as_ref());
        let project = project.map(|project| project.0);
        let open: Vec<i64> = (books.entries.iter().rev())
            .filter(|one| Some(one.project) == project && one.billable && one.invoice.is_none())
            // The hours of a running entry are not final.
            .filter(|one| one.timer.is_none())
            .map(|one| one.id)
            .take(10)
            .collect();
        for entry in open {
            books.edit_entry(entry, now, |one| one.invoice = Some(id));
        }
        // No field of the client changes, but it moves.
        books.clients.edit(client, now, |_| {});
    }

    /// Removes an invoice with its messages and payments. Entries that it billed are open again,
    /// and move.
    fn remove(maker: &mut AccountGenerator<'_>, id: i64) {
        let books = &mut *maker.books;
        let billed = books.entries.iter().filter(|one| one.invoice == Some(id));
        for entry in billed.map(|one| one.id).collect::<Vec<_>>() {
            books.edit_entry(entry, maker.now, |one| one.invoice = None);
        }
        books.invoices.remove(id);
    }
}

impl ListedRecord for Estimate {
    fn make(maker: &mut AccountGenerator<'_>, created: Moment) -> Result<Self, NotApplied> {
        let client = maker.any_client().ok_or_else(nothing)?;
        Ok(maker.one_estimate(client, created))
    }

    fn render(&self, look: &RenderContext<'_>, json: &mut JsonWriter) {
        billing::estimate(look, json, self);
    }

    fn vary(&mut self, new: NewValues) {
        self.document.notes = new.text;
        self.document.sent = Some(new.now);
        self.accepted = (new.roll % 2 == 0).then_some(new.now);
        self.declined = (new.roll % 2 != 0).then_some(new.now);
    }

    fn redate(&mut self, day: Option<Day>) -> bool {
        self.document.issued = day;
        true
    }

    fn passes(&self, filter: &ListFilter, _look: &RenderContext<'_>) -> bool {
        filter.state.as_deref().is_none_or(|state| state == self.state())
            && is_wanted(filter.client, &self.document.client)
    }
}

impl ListedRecord for InvoiceItemCategory {
    fn make(maker: &mut AccountGenerator<'_>, created: Moment) -> Result<Self, NotApplied> {
        let id = maker.books.invoice_categories.claim_id();
        let name = format!("Posten {id}");
        let (use_as_service, use_as_expense) = (false, false);
        Ok(Self { id, name, use_as_service, use_as_expense, created, updated: created })
    }

    fn render(&self, _look: &RenderContext<'_>, json: &mut JsonWriter) {
        billing::invoice_category(json, self);
    }

    fn vary(&mut self, new: NewValues) {
        self.name = format!("Posten {}", new.roll);
    }
}

impl ListedRecord for EstimateItemCategory {
    fn make(maker: &mut AccountGenerator<'_>, created: Moment) -> Result<Self, NotApplied> {
        let id = maker.books.estimate_categories.claim_id();
        Ok(Self { id, name: format!("Posten {id}"), created, updated: created })
    }

    fn render(&self, _look: &RenderContext<'_>, json: &mut JsonWriter) {
        billing::estimate_category(json, self);
    }

    fn vary(&mut self, new: NewValues) {
        self.name = format!("Posten {}", new.roll);
    }
}
