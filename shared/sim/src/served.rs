//! The records of any stream: those of a list, and their JSON.
//!
//! A list is answered as keys, not as records: `(rank, id)` in ascending order, from which `paging`
//! cuts a page. A list without filters borrows the order that its table keeps, so that the first
//! page of a million entries costs no pass over them.

mod children;

use std::borrow::Cow;

use crate::filter::ListFilter;
use crate::json::JsonWriter;
use crate::render::{RenderContext, billing, people, work};
use crate::request::ServerResponse;
use crate::stream::Stream;
use crate::table::RankKey;

impl RenderContext<'_> {
    /// Appends the record as an object; returns `false`, and appends nothing, if no record has this
    /// id. `parent` is the id of the parent for children that are part of it, and is not looked at
    /// for others.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other streams are treated alike")]
    pub(crate) fn record(
        &self,
        json: &mut JsonWriter,
        stream: Stream,
        parent: Option<i64>,
        id: i64,
    ) -> bool {
        json.salt(id);
        json.spell(match stream {
            Stream::Company => self.spelling.of_account(),
            _ => self.spelling.of_record(id),
        });
        let books = self.books;
        let found = if let Some(listing) = stream.listing() {
            (listing.render)(self, json, id).then_some(())
        } else {
            let parent = parent.unwrap_or_default();
            match stream {
                Stream::Company => {
                    people::company(self, json);
                    Some(())
                }
                Stream::UserBillableRates => (books.users.get(parent))
                    .and_then(|user| user.billable_rates.iter().find(|rate| rate.id == id))
                    .map(|rate| people::rate(json, rate)),
                Stream::UserCostRates => (books.users.get(parent))
                    .and_then(|user| user.cost_rates.iter().find(|rate| rate.id == id))
                    .map(|rate| people::rate(json, rate)),
                Stream::UserTeammates => {
                    books.users.get(id).map(|user| people::teammate(json, user))
                }
                Stream::UserProjectAssignments => (books.user_assignments.get(id))
                    .map(|one| work::project_assignment(self, json, one)),
                Stream::InvoiceMessages => (books.invoices.get(parent))
                    .and_then(|one| one.document.messages.iter().find(|one| one.id == id))
                    .map(|one| billing::invoice_message(json, one)),
                Stream::EstimateMessages => (books.estimates.get(parent))
                    .and_then(|one| one.document.messages.iter().find(|one| one.id == id))
                    .map(|one| billing::estimate_message(json, one)),
                Stream::InvoicePayments => (books.invoices.get(parent))
                    .and_then(|one| one.payments.iter().find(|one| one.id == id))
                    .map(|one| billing::payment(json, one)),
                _ => None,
            }
        };
        if found.is_some() {
            self.close(json, id);
        }
        json.spell(None);
        found.is_some()
    }
}

impl ListFilter {
    /// Returns the keys of the list that pass the filters, in ascending order; lists are read
    /// backwards, so that the newest record comes first.
    ///
    /// Children need `parent`; an unknown parent is answered with 404. Reports and `/company` have
    /// no keys: their rows are no records of a table.
    pub(crate) fn keys<'a>(
        &self,
        look: &RenderContext<'a>,
        stream: Stream,
        parent: Option<i64>,
    ) -> Result<Cow<'a, [RankKey]>, ServerResponse> {
        match stream.listing() {
            Some(listing) => Ok((listing.keys)(self, look)),
            None => self.children(look, stream, parent.unwrap_or_default()),
        }
    }
}
