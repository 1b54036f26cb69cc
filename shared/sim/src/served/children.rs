//! Lists of the children of a parent.
//!
//! Children are few and part of their parent, so their keys are collected and sorted for each
//! request. Messages, payments and teammates are listed by time of creation, newest first; rates by
//! their first day, oldest first; the assignments of a user come from the table of all assignments.

use std::borrow::Cow;

use crate::calendar::Moment;
use crate::filter::ListFilter;
use crate::people::UserRate;
use crate::render::RenderContext;
use crate::request::ServerResponse;
use crate::stream::Stream;
use crate::table::RankKey;

impl ListFilter {
    /// Returns the keys of the children of one parent. The error is the answer for an unknown
    /// parent, 404, or for the teammates of a user who is no manager, 422: "no such parent" and "no
    /// children" are different facts, and a reader deletes the children of the first only.
    ///
    /// Messages and payments have the filter `updated_since`. Rates and teammates have none in
    /// Harvest, hence they must be read whole each time.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only streams with a parent come here")]
    pub(super) fn children<'a>(
        &self,
        look: &RenderContext<'a>,
        stream: Stream,
        parent: i64,
    ) -> Result<Cow<'a, [RankKey]>, ServerResponse> {
        let books = look.books;
        let changed = |updated: Moment| self.since.is_none_or(|since| updated >= since);
        let user = || books.users.get(parent).ok_or_else(ServerResponse::not_found);
        let invoice = || books.invoices.get(parent).ok_or_else(ServerResponse::not_found);
        let mut keys: Vec<RankKey> = match stream {
            Stream::InvoiceMessages => (invoice()?.document.messages.iter())
                .filter(|one| changed(one.updated))
                .map(|one| (one.created.0, one.id))
                .collect(),
            Stream::InvoicePayments => (invoice()?.payments.iter())
                .filter(|one| changed(one.updated))
                .map(|one| (one.created.0, one.id))
                .collect(),
            Stream::EstimateMessages => {
                let estimate = books.estimates.get(parent).ok_or_else(ServerResponse::not_found)?;
                (estimate.document.messages.iter())
                    .filter(|one| changed(one.updated))
                    .map(|one| (one.created.0, one.id))
                    .collect()
            }
            Stream::UserBillableRates => user()?.billable_rates.iter().map(by_start).collect(),
            Stream::UserCostRates => user()?.cost_rates.iter().map(by_start).collect(),
            Stream::UserProjectAssignments => {
                user()?;
                // Harvest documents that this list alone has active assignments only. Their ids are
                // those of `/user_assignments`.
                let own = |one: &crate::work::UserAssignment| one.user == parent && one.is_active;
                return Ok(books.user_assignments.select(None, self.since, Some(&own)));
            }
            Stream::UserTeammates => {
                let manager = user()?;
                if !manager.has("manager") {
                    return Err(ServerResponse::message(422, "User is not a Manager"));
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

/// Returns the key of a rate. Its rank is the negated day, because rates are listed oldest first,
/// while lists are read backwards. A rate without a start applies from the beginning, so it comes
/// first.
fn by_start(rate: &UserRate) -> RankKey {
    (rate.start.map_or(i64::MAX, |day| -day.0), rate.id)
}
