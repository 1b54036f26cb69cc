//! The filters of a list.
//!
//! Facts of Harvest's lists that tests rely on:
//!
//! * `updated_since` finds records whose `updated_at` is at or after the instant. Harvest's
//!   documentation says only "since"; other programs that read or imitate it take it so.
//! * `from` and `to` include both ends, and concern the day of work or of issue, never
//!   `updated_at`.
//! * A list without `is_active` has active and archived records; only
//!   `/users/{id}/project_assignments` has active ones alone.
//! * `/roles` has no filter at all, and records without a usable day are in no range of days.

use crate::calendar::{Day, Moment};
use crate::request::{ServerRequest, ServerResponse};
use crate::table::UNDATED;

/// Filters of a request; `None` lets all records pass. Parameters that a list does not know are
/// ignored, as are ids that are no numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ListFilter {
    /// `updated_since`, rounded up to a whole second.
    pub(crate) since: Option<Moment>,
    /// First day, included.
    from: Option<Day>,
    /// Last day, included.
    to: Option<Day>,
    pub(crate) is_active: Option<bool>,
    pub(crate) is_running: Option<bool>,
    pub(crate) is_billed: Option<bool>,
    pub(crate) client: Option<i64>,
    pub(crate) project: Option<i64>,
    pub(crate) user: Option<i64>,
    pub(crate) task: Option<i64>,
    /// State of an invoice or estimate, such as `open`.
    pub(crate) state: Option<String>,
    /// `approval_status` of an entry or expense, such as `approved`.
    pub(crate) approval: Option<String>,
    /// Id of an entry in another system (`external_reference_id`).
    pub(crate) reference: Option<i64>,
}

impl ListFilter {
    /// Parses the filters of a request; the error is the answer to it. Only days and instants can
    /// be refused: Harvest has answered 400 to an instant with a space for the `T`.
    pub(crate) fn of(request: &ServerRequest) -> Result<Self, ServerResponse> {
        let day = |name: &str| match request.param(name) {
            None => Ok(None),
            Some(text) => Day::parse(text)
                .map(Some)
                .ok_or_else(|| ServerResponse::message(400, &format!("Invalid {name}: {text}"))),
        };
        let since = match request.param("updated_since") {
            None => None,
            Some(text) => Some(
                Moment::parse_ceiling(text)
                    .ok_or_else(|| ServerResponse::message(400, "Invalid updated_since"))?,
            ),
        };
        let flag = |name: &str| request.param(name).map(|text| text == "true");
        let id = |name: &str| request.param(name).and_then(|text| text.parse().ok());
        Ok(Self {
            since,
            from: day("from")?,
            to: day("to")?,
            is_active: flag("is_active"),
            is_running: flag("is_running"),
            is_billed: flag("is_billed"),
            client: id("client_id"),
            project: id("project_id"),
            user: id("user_id"),
            task: id("task_id"),
            state: request.param("state").map(str::to_owned),
            approval: request.param("approval_status").map(str::to_owned),
            reference: id("external_reference_id"),
        })
    }

    /// Returns the range of ranks that `from` and `to` allow; `None` allows all. The lowest rank is
    /// that of undated records, which no range contains, not even one without `from`.
    pub(crate) fn ranks(&self) -> Option<(i64, i64)> {
        if self.from.is_none() && self.to.is_none() {
            return None;
        }
        Some((self.from.map_or(UNDATED + 1, |day| day.0), self.to.map_or(i64::MAX, |day| day.0)))
    }

    /// Tells whether no filter but those of time looks into a record. If none does, and the person
    /// sees everything, the table's own order is the answer.
    pub(crate) fn is_of_time_alone(&self) -> bool {
        *self == Self { since: self.since, from: self.from, to: self.to, ..Self::default() }
    }
}

/// Tells whether a filter, if there is one, is for this value.
pub(crate) fn is_wanted<T: PartialEq>(wanted: Option<T>, given: &T) -> bool {
    wanted.is_none_or(|wanted| wanted == *given)
}
