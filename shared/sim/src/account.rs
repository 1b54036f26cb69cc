//! The account: answers requests from its records, without clock or network.

mod control;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::answer::{Answerer, ReportCache};
use crate::books::Books;
use crate::calendar::Moment;
use crate::fault::{ActiveFaults, FaultEffect, FaultRule, matches_pattern};
use crate::gate::{AccountQuota, QuotaLimit, RequestStatistics};
use crate::generate;
use crate::paging::MOST_PER_PAGE;
use crate::request::{ServerRequest, ServerResponse};
use crate::route::Route;
use crate::scale::AccountScale;
use crate::spelling::Spelling;
use crate::stream::RequestClass;
use crate::viewer::Viewer;

/// Harvest account in memory. It reads no clock: `now` comes with each request.
#[derive(Clone, Debug)]
pub struct Account {
    pub(crate) books: Books,
    pub(crate) tokens: BTreeMap<String, i64>,
    pub(crate) faults: ActiveFaults,
    pub(crate) gate: AccountQuota,
    pub(crate) id: i64,
    pub(crate) unknown_members: bool,
    pub(crate) seed: u64,
    page_cap: Option<(String, usize)>,
    spelling: Spelling,
    /// Number of changes of the account. Reports cached at a lower number are stale.
    pub(crate) changes: u64,
    cache: ReportCache,
}

impl Account {
    /// Makes up an account of this size, whose history ends at `now`. The same arguments make the
    /// same account.
    #[must_use]
    pub fn generate(scale: &AccountScale, seed: u64, now: Timestamp) -> Self {
        let made = generate::account(scale, seed, Moment::of(now));
        Self {
            books: made.books,
            tokens: made.tokens,
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

    /// Value that the header `Harvest-Account-Id` must have.
    #[must_use]
    pub const fn account_id(&self) -> i64 {
        self.id
    }

    /// Sets the limit of general requests.
    pub fn set_general_limit(&mut self, limit: QuotaLimit) {
        self.gate.set(RequestClass::General, limit);
    }

    /// Sets the limit of report requests.
    pub fn set_report_limit(&mut self, limit: QuotaLimit) {
        self.gate.set(RequestClass::Reports, limit);
    }

    /// Adds a rule after those in force.
    pub fn add_fault(&mut self, rule: FaultRule) {
        self.faults.add(rule);
    }

    /// Number of answers that each rule in force spoilt, in the order in which the rules were
    /// added. Answers that a rule did not change are not counted.
    #[must_use]
    pub fn spoilt(&self) -> Vec<u64> {
        self.faults.spoilt()
    }

    /// Limits the pages of lists that match `path`, a pattern as in [`FaultRule`], to this number
    /// of records, also if a request asks for more.
    pub fn set_page_cap(&mut self, path: &str, records: usize) {
        self.page_cap = Some((path.to_owned(), records));
    }

    /// Removes the limit of `set_page_cap`.
    pub fn lift_page_cap(&mut self) {
        self.page_cap = None;
    }

    fn page_cap(&self, request: &ServerRequest) -> usize {
        let cap =
            self.page_cap.as_ref().filter(|(path, _)| matches_pattern(path, &request.target()));
        cap.map_or(MOST_PER_PAGE, |(_, records)| *records)
    }

    /// Sets the deviations from the documentation with which records are written from now on.
    pub fn set_spelling(&mut self, spelling: Spelling) {
        self.spelling = spelling;
    }

    /// Takes all rules out of force.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Statistics about requests since the last reset.
    #[must_use]
    pub const fn statistics(&self) -> &RequestStatistics {
        &self.gate.statistics
    }

    /// Begins the statistics anew.
    pub fn reset_statistics(&mut self) {
        self.gate.reset();
    }

    /// Answers a request as of `now`. Paths below `/_sim` are the control face: no credentials, no
    /// limits, no faults.
    pub fn handle(&mut self, now: Timestamp, request: &ServerRequest) -> ServerResponse {
        let moment = Moment::of(now);
        if let Some(path) = request.path.strip_prefix("/_sim/") {
            return control::handle(self, now, path, request);
        }
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
        response.set_header("date", &moment.http_date());
        response.set_header("server", "cloudflare");
        if let Some(effect) = effect {
            effect.spoil(&mut response);
        }
        *self.gate.statistics.statuses.entry(response.status).or_default() += 1;
        response
    }

    /// Counts a request and checks its headers, token and the limits, in this order.
    fn admit(&mut self, now: Timestamp, request: &ServerRequest) -> Result<Viewer, ServerResponse> {
        let below = request.path.strip_prefix("/v2").unwrap_or(&request.path);
        let class = if below.starts_with("/reports/") {
            RequestClass::Reports
        } else {
            RequestClass::General
        };
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
        let admitted = self.gate.admit(class, now);
        if request.header_value("user-agent").is_none_or(str::is_empty) {
            return Err(ServerResponse::message(400, "A User-Agent header is required"));
        }
        let token = request.header_value("authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token)
        });
        let user = token.and_then(|token| self.tokens.get(token)).copied();
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

    /// Returns the part that answers requests as of `now` for this person.
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
