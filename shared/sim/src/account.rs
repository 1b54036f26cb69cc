//! The account: answers requests from its records, without clock or network.
//!
//! A request passes these stations, and the first one that refuses it decides:
//!
//! 1. It is counted, against its limit and in the statistics, even if it is refused later.
//! 2. Its headers: 400 without `User-Agent`, 401 for a wrong account or token.
//! 3. The limit of its class: 429 with `Retry-After`.
//! 4. The rules of faults: the first one that picks the request may replace the answer.
//! 5. The answer itself, from the records as of `now`.
//!
//! Requests of the control face (`/_sim/`) and of Harvest ID (`identity`) skip all of them.
//! Everything that an answer depends on is in the account or comes with the call, so the same calls
//! in the same order give the same bytes.

mod control;
pub(crate) mod identity;

use std::collections::BTreeMap;

use engine::spec::RateClass;
use jiff::Timestamp;

use self::identity::IdentityBooks;
use crate::answer::{Answerer, ReportCache};
use crate::books::Books;
use crate::calendar::Moment;
use crate::fault::{ActiveFaults, FaultEffect, FaultRule, matches_pattern};
use crate::gate::{AccountQuota, QuotaLimit, RequestStatistics};
use crate::listing;
use crate::paging::MOST_PER_PAGE;
use crate::request::{ServerRequest, ServerResponse};
use crate::route::Route;
use crate::scale::AccountScale;
use crate::spelling::Spelling;
use crate::viewer::Viewer;

/// Harvest account in memory. It reads no clock: `now` comes with each request.
///
/// A clone is independent: it has the same records, rules, statistics and counts, and an empty
/// cache of reports.
#[derive(Clone, Debug)]
pub struct Account {
    /// Records of all streams.
    pub(crate) books: Books,
    /// User of each valid bearer token.
    pub(crate) tokens: BTreeMap<String, i64>,
    /// Codes and tokens of Harvest ID.
    pub(crate) identity: IdentityBooks,
    /// Rules that spoil answers.
    pub(crate) faults: ActiveFaults,
    /// Limits, and the statistics about requests.
    pub(crate) gate: AccountQuota,
    pub(crate) id: i64,
    /// Whether about a third of the records have a field that no declaration knows.
    pub(crate) unknown_members: bool,
    /// Seed of the account. Random mutations and faults derive theirs from it.
    pub(crate) seed: u64,
    /// Pattern of paths, and the most records that a page of theirs may have.
    page_cap: Option<(String, usize)>,
    spelling: Spelling,
    /// Number of mutations that were tried, those that were refused included. Rows of reports that
    /// were cached at a lower number are stale.
    pub(crate) changes: u64,
    cache: ReportCache,
}

impl Account {
    /// Makes up an account of this size, whose history ends at `now`. The same arguments make the
    /// same account, byte for byte. Limits are those of Harvest, and no rule of faults is in force.
    #[must_use]
    pub fn generate(scale: &AccountScale, seed: u64, now: Timestamp) -> Self {
        let made = listing::generate(scale, seed, Moment::of(now));
        Self {
            books: made.books,
            tokens: made.tokens,
            identity: IdentityBooks::default(),
            faults: ActiveFaults::new(seed),
            gate: AccountQuota::new(),
            id: scale.account_id,
            unknown_members: scale.unknown_members,
            seed,
            page_cap: None,
            spelling: Spelling::default(),
            changes: 0,
            cache: ReportCache::default(),
        }
    }

    /// Returns the value that the header `Harvest-Account-Id` must have.
    #[must_use]
    pub const fn account_id(&self) -> i64 {
        self.id
    }

    /// Sets the account's address at Harvest, such as `example.harvestapp.com`.
    pub fn set_domain(&mut self, domain: &str) {
        domain.clone_into(&mut self.books.company.domain);
    }

    /// Sets the limit of general requests. Requests in the current window still count.
    pub fn set_general_limit(&mut self, limit: QuotaLimit) {
        self.gate.set(RateClass::General, limit);
    }

    /// Sets the limit of report requests. Requests in the current window still count.
    pub fn set_report_limit(&mut self, limit: QuotaLimit) {
        self.gate.set(RateClass::Reports, limit);
    }

    /// Adds a rule after those in force, which come first: at most one rule spoils an answer.
    pub fn add_fault(&mut self, rule: FaultRule) {
        self.faults.add(rule);
    }

    /// Returns the number of answers that each rule in force spoilt, in the order in which the
    /// rules were added. Answers that a rule did not change are not counted, so that a test can
    /// tell whether the fault that it is about has happened at all.
    #[must_use]
    pub fn spoilt(&self) -> Vec<u64> {
        self.faults.spoilt()
    }

    /// Limits pages of lists whose target matches `path`, a pattern as in [`FaultRule`], to this
    /// number of records, even if a request asks for more. One limit is in force at a time; another
    /// call replaces it.
    ///
    /// Harvest documents 2000 records as the most, and had 100 until about 2022: a client must not
    /// take its own `per_page` for the size of the pages that come.
    pub fn set_page_cap(&mut self, path: &str, records: usize) {
        self.page_cap = Some((path.to_owned(), records));
    }

    /// Removes the limit that `set_page_cap` has set.
    pub fn lift_page_cap(&mut self) {
        self.page_cap = None;
    }

    /// Returns the most records that a page of this request may have.
    fn page_cap(&self, request: &ServerRequest) -> usize {
        let cap =
            self.page_cap.as_ref().filter(|(path, _)| matches_pattern(path, &request.target()));
        cap.map_or(MOST_PER_PAGE, |(_, records)| *records)
    }

    /// Sets the deviations from the documented JSON types with which values are written from now
    /// on.
    pub fn set_spelling(&mut self, spelling: Spelling) {
        self.spelling = spelling;
    }

    /// Removes all rules, with their counts.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Statistics about requests since the last reset.
    #[must_use]
    pub const fn statistics(&self) -> &RequestStatistics {
        &self.gate.statistics
    }

    /// Begins the statistics anew. The windows of the limits go on.
    pub fn reset_statistics(&mut self) {
        self.gate.reset();
    }

    /// Answers a request as of `now`. Paths below `/_sim/` are the control face: no credentials, no
    /// limits, no faults, no statistics.
    ///
    /// A refused request (400, 401, 429) is no subject of fault rules and is not counted by them,
    /// so a rule for the second request means the second one that is admitted.
    pub fn handle(&mut self, now: Timestamp, request: &ServerRequest) -> ServerResponse {
        let moment = Moment::of(now);
        if let Some(path) = request.path.strip_prefix("/_sim/") {
            return control::handle(self, now, path, request);
        }
        if let Some(answer) = identity::handle(self, now, request) {
            return answer;
        }
        // Faults work at three places: instead of an answer, while a list is made, and on the
        // finished answer. `place` is that of the rule; its count rises only if the rule has
        // changed the answer.
        let mut effect = None;
        let mut response = match self.admit(now, request) {
            Ok(viewer) => {
                let struck = self.faults.strike(request);
                let place = struck.as_ref().map(|(place, _)| *place);
                effect = struck.map(|(_, effect)| effect);
                let mut spoilt = place;
                let response = if let Some(instead) = effect.as_ref().and_then(FaultEffect::instead)
                {
                    instead
                } else {
                    let oddity = effect.as_ref().and_then(FaultEffect::oddity);
                    let mut answerer = self.answerer(moment, &viewer);
                    answerer.page_cap = self.page_cap(request);
                    let response = answerer.answer(request, oddity.as_ref());
                    // Some faults do not change some answers: a list of one page has no link to the
                    // next one that could be missing.
                    if oddity.is_some() && answerer.answer(request, None).body == response.body {
                        spoilt = None;
                    }
                    response
                };
                if let Some(place) = spoilt {
                    self.faults.note(place);
                }
                response
            }
            Err(refusal) => refusal,
        };
        // Each answer has the server's time, because a client takes its cursor from there and not
        // from its own clock. The headers come before the last effects, one of which removes
        // `Date`.
        response.set_header("date", &moment.http_date());
        response.set_header("server", "cloudflare");
        if let Some(effect) = effect {
            effect.spoil(&mut response);
        }
        // Answers that are dropped or never sent count with the status that they would have had.
        *self.gate.statistics.statuses.entry(response.status).or_default() += 1;
        response
    }

    /// Counts a request, and checks its headers, its token and the limits, in this order; the error
    /// is the refusal.
    ///
    /// A request without a valid token uses up the limit, too, as it would on a server that counts
    /// before it looks into the token. Harvest does not document what its limit is counted per
    /// (token, person or account), so all tokens of the fake share one.
    fn admit(&mut self, now: Timestamp, request: &ServerRequest) -> Result<Viewer, ServerResponse> {
        let below = request.path.strip_prefix("/v2").unwrap_or(&request.path);
        let class =
            if below.starts_with("/reports/") { RateClass::Reports } else { RateClass::General };
        // Statistics by stream count lists and single records of streams, not `/users/me` and the
        // lists of one project.
        let stream = match Route::of(below) {
            Some(Route::List(stream, _) | Route::One(stream, _) | Route::Child(stream, _, _)) => {
                Some(stream.name())
            }
            Some(
                Route::Me
                | Route::MyAssignments
                | Route::ProjectUsers(_)
                | Route::ProjectTasks(_)
                | Route::NewMessage(_),
            )
            | None => None,
        };
        self.gate.note(now, Route::pattern(below), stream);
        // Counted before any check, so that refused requests are in the statistics. The limit is
        // looked at last, so that a wrong token is answered with 401 even over the limit.
        let admitted = self.gate.admit(class, now);
        if request.header_value("user-agent").is_none_or(str::is_empty) {
            return Err(ServerResponse::message(400, "A User-Agent header is required"));
        }
        let user = self.bearer(now, request);
        let account = request.header_value("harvest-account-id").map(str::trim);
        if account != Some(&self.id.to_string()) {
            return Err(ServerResponse::invalid_token());
        }
        let user = user.ok_or_else(ServerResponse::invalid_token)?;
        if let Err(seconds) = admitted {
            let mut refusal = ServerResponse::html(429, "429 Too Many Requests");
            refusal.set_header("retry-after", &seconds.to_string());
            return Err(refusal);
        }
        Ok(Viewer::of(&self.books, user))
    }

    /// Returns the user of a request's token; `None` without a token that is valid at `now`.
    ///
    /// The scheme is compared without regard to case, as RFC 9110 asks for.
    pub(crate) fn bearer(&self, now: Timestamp, request: &ServerRequest) -> Option<i64> {
        let (scheme, token) = request.header_value("authorization")?.split_once(' ')?;
        let user = self.tokens.get(token).copied()?;
        let valid = scheme.eq_ignore_ascii_case("bearer") && !self.identity.is_over(token, now);
        valid.then_some(user)
    }

    /// Returns the part that answers requests as of `now` for this person. It only reads the
    /// account.
    pub(crate) fn answerer<'a>(&'a self, now: Moment, viewer: &'a Viewer) -> Answerer<'a> {
        Answerer {
            look: crate::render::RenderContext {
                books: &self.books,
                now,
                viewer,
                unknown_members: self.unknown_members,
                spelling: self.spelling,
            },
            changes: self.changes,
            cache: &self.cache,
            page_cap: MOST_PER_PAGE,
        }
    }
}
