//! Lists of the children of a parent.

use std::borrow::Cow;

use super::Filter;
use crate::calendar::Moment;
use crate::people::Rate;
use crate::render::Look;
use crate::request::Response;
use crate::stream::Stream;
use crate::table::Key;

impl Filter {
    /// Returns the keys of the children of one parent.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only streams with a parent come here")]
    pub(super) fn children<'a>(
        &self,
        look: &Look<'a>,
        stream: Stream,
        parent: i64,
    ) -> Result<Cow<'a, [Key]>, Response> {
        let books = look.books;
        let changed = |updated: Moment| self.since.is_none_or(|since| updated >= since);
        let user = || books.users.get(parent).ok_or_else(Response::not_found);
        let invoice = || books.invoices.get(parent).ok_or_else(Response::not_found);
        let mut keys: Vec<Key> = match stream {
            Stream::InvoiceMessages => (invoice()?.document.messages.iter())
                .filter(|one| changed(one.updated))
                .map(|one| (one.created.0, one.id))
                .collect(),
            Stream::InvoicePayments => (invoice()?.payments.iter())
                .filter(|one| changed(one.updated))
                .map(|one| (one.created.0, one.id))
                .collect(),
            Stream::EstimateMessages => {
                let estimate = books.estimates.get(parent).ok_or_else(Response::not_found)?;
                (estimate.document.messages.iter())
                    .filter(|one| changed(one.updated))
                    .map(|one| (one.created.0, one.id))
                    .collect()
            }
            Stream::UserBillableRates => user()?.billable_rates.iter().map(by_start).collect(),
            Stream::UserCostRates => user()?.cost_rates.iter().map(by_start).collect(),
            Stream::UserProjectAssignments => {
                user()?;
                let own = |one: &crate::work::UserAssignment| one.user == parent && one.is_active;
                return Ok(books.user_assignments.select(None, self.since, Some(&own)));
            }
            Stream::UserTeammates => {
                let manager = user()?;
                if !manager.has("manager") {
                    return Err(Response::message(422, "User is not a Manager"));
                }
                let known = manager.teammates.iter().filter_map(|id| books.users.get(*id));
                known.map(|one| (one.created.0, one.id)).collect()
            }
            _ => Vec::new(),
        };
        keys.sort_unstable();
        Ok(Cow::Owned(keys))
    }
}

/// Returns the key of a rate. Its rank is negated, because rates are listed oldest first, while
/// lists are read backwards.
fn by_start(rate: &Rate) -> Key {
    (rate.start.map_or(i64::MAX, |day| -day.0), rate.id)
}
