//! Faults on purpose: rules that pick requests and spoil their answers.
//!
//! A rule says which requests it concerns (`path`), which of these it picks (`select`), and what
//! happens to their answers (`effect`). Tests set rules in code or, as JSON, over the control face:
//!
//! ```json
//! [{"path": "/time_entries", "select": {"nth": 2}, "effect": {"status": {"status": 500}}},
//!  {"path": "/v2/clients?", "effect": {"contradiction": "no_links"}}]
//! ```
//!
//! Effects are carried out at the station where their cause would be:
//!
//! | effect | where |
//! | --- | --- |
//! | statuses, redirects, text or HTML instead of JSON, no answer | before (`instead`) |
//! | totals, links, order, contradictions | in the making of the list (`oddity`) |
//! | cut bodies, other values, missing headers, delays | on the finished answer (`spoil`) |
//!
//! Choices depend on the account's seed and on counts, never on time, so the same requests in the
//! same order meet the same faults.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::contradiction::Contradiction;
use crate::dice::scramble;
use crate::request::{DeliveryFault, ServerRequest, ServerResponse, refusal};
use crate::rewrite::ValueRewrite;

/// Rule that picks requests and spoils their answers. The first rule that picks a request decides.
///
/// A rule that JSON gives more members than these is refused: a misspelt `select` would otherwise
/// spoil every answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Pattern that path and query (`/v2/clients?per_page=2000`) must contain. `*` matches
    /// anything, `$` at the end matches the end, and an empty pattern matches all. Ids are matched
    /// literally.
    #[serde(default)]
    pub path: String,
    /// Choice among the matching requests.
    #[serde(default)]
    pub select: FaultChoice,
    /// Effect on the picked requests.
    pub effect: FaultEffect,
}

/// Choice among the requests that match a rule. Each rule counts them, the first one that comes
/// after the rule was set being number 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultChoice {
    /// Picks every request.
    #[default]
    Always,
    /// Picks the request with this number alone.
    Nth(u64),
    /// Picks the requests whose number is a multiple of this; 0 picks none.
    Every(u64),
    /// Picks this number of requests, the first ones.
    First(u64),
    /// Picks about this percentage of the requests, by the account's seed.
    Percent(u64),
}

/// Effect on a request or its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultEffect {
    /// Refuses with this status, in the shape that Harvest gives it.
    Status {
        /// Status, such as 400, 401, 403, 404, 422, 429, 500, 502 or 520.
        status: u16,
        /// Value of the header `Retry-After`, sent unchanged.
        #[serde(default)]
        retry_after: Option<String>,
        /// Whether the body is an HTML page instead of Harvest's JSON.
        #[serde(default)]
        html: bool,
    },
    /// Announces the length of the whole body in `Content-Length`, sends half of it, and closes the
    /// connection.
    CutBody,
    /// Sends status 200 and half of the JSON, up to a whole character, with a `Content-Length` that
    /// fits the half. Nothing but the text itself shows that it is not whole.
    TruncatedJson,
    /// Sends status 200 and plain text with the content type of JSON, as a proxy with an error may.
    NotJson,
    /// Sends status 200 and an HTML page, as during maintenance.
    HtmlPage,
    /// Sends the right body with a content type other than JSON.
    WrongContentType,
    /// Redirects to this address. A client that follows would send its token there.
    Redirect(String),
    /// Lets `links.next` lead to this origin, a scheme with a host. A client that follows would
    /// send its token there.
    ForeignNext(String),
    /// Delays the answer by this many milliseconds.
    Slow(u64),
    /// Closes the connection before the first byte of the answer.
    Drop,
    /// Keeps the connection open and never answers.
    Hang,
    /// Adds this number to `total_entries`.
    WrongTotal(i64),
    /// Sends the first row of a report twice, the second time with another name, and counts both. A
    /// reader must find out by the key.
    DuplicateRow,
    /// Sends the records of the page in the opposite order: oldest first.
    Reversed,
    /// Sends a complete list without any record, in a correct envelope. A reader cannot detect this
    /// from the answer, and must not delete all rows because of it.
    EmptyList,
    /// Leaves out the header `Date`, from which a reader takes its cursor.
    WithoutDate,
    /// Lets the list contradict itself, or have no last page.
    Contradiction(Contradiction),
    /// Writes the values of the records in another way, which a schema may not accept.
    Rewritten(ValueRewrite),
}

/// Effect that changes the making of the list, not the finished answer. Its variants are those of
/// `FaultEffect` with the same names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListOddity {
    ForeignNext(String),
    WrongTotal(i64),
    DuplicateRow,
    Reversed,
    EmptyList,
    Contradiction(Contradiction),
}

/// Rule in force, with its counts.
#[derive(Clone, Debug)]
struct ActiveRule {
    rule: FaultRule,
    /// Number of requests that the rule matched.
    matched: u64,
    /// Number of answers that the rule changed.
    spoilt: u64,
}

/// Rules in force, with their counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActiveFaults {
    /// Seed of the account, by which `FaultChoice::Percent` picks.
    seed: u64,
    /// Rules in the order in which they were added. A place in this list stays valid until `clear`.
    rules: Vec<ActiveRule>,
}

impl ActiveFaults {
    /// Returns the state without any rule.
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, rules: Vec::new() }
    }

    /// Adds a rule, which has seen no request yet.
    pub(crate) fn add(&mut self, rule: FaultRule) {
        self.rules.push(ActiveRule { rule, matched: 0, spoilt: 0 });
    }

    /// Removes all rules with their counts.
    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// Returns the number of answers that each rule spoilt.
    pub(crate) fn spoilt(&self) -> Vec<u64> {
        self.rules.iter().map(|active| active.spoilt).collect()
    }

    /// Counts an answer that the rule at `place` changed.
    pub(crate) fn note(&mut self, place: usize) {
        if let Some(active) = self.rules.get_mut(place) {
            active.spoilt += 1;
        }
    }

    /// Returns the effect on this request, and the place of the rule that decides. Every rule that
    /// matches counts the request, even if an earlier rule has decided: the number of a request
    /// does not depend on the rules that stand before.
    pub(crate) fn strike(&mut self, request: &ServerRequest) -> Option<(usize, FaultEffect)> {
        if self.rules.is_empty() {
            return None;
        }
        let target = request.target();
        let mut struck = None;
        for (place, ActiveRule { rule, matched, .. }) in self.rules.iter_mut().enumerate() {
            if !matches_pattern(&rule.path, &target) {
                continue;
            }
            *matched += 1;
            // The place is part of the seed, or two rules with the same percentage would pick the
            // same requests.
            let chance = scramble(self.seed ^ u64::try_from(place).unwrap_or(0) << 32, *matched);
            let picked = match rule.select {
                FaultChoice::Always => true,
                FaultChoice::Nth(number) => *matched == number,
                FaultChoice::Every(step) => step > 0 && *matched % step == 0,
                FaultChoice::First(count) => *matched <= count,
                FaultChoice::Percent(percent) => chance % 100 < percent,
            };
            if picked && struck.is_none() {
                struck = Some((place, rule.effect.clone()));
            }
        }
        struck
    }
}

/// Tells whether a path with its query matches the pattern of a rule. Each part between two `*` is
/// looked for behind the one before, from the left.
///
/// | pattern | matches |
/// | --- | --- |
/// | `/users` | `/v2/users`, `/v2/users/7/cost_rates`, `/v2/users?page=2` |
/// | `/users$` | `/v2/users` alone |
/// | `/users/*/cost_rates` | the cost rates of any user |
/// | `per_page=1$` | requests that end in this parameter, not in `per_page=10` |
pub(crate) fn matches_pattern(pattern: &str, target: &str) -> bool {
    let (pattern, to_the_end) = match pattern.strip_suffix('$') {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut rest = target;
    for piece in pattern.split('*') {
        match rest.find(piece) {
            Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    !to_the_end || rest.is_empty()
}

impl FaultEffect {
    /// Returns the answer of effects that replace the account's; `None` for all others.
    ///
    /// A dropped or hung answer gets a status and body, too, for statistics and for tests without
    /// sockets.
    pub(crate) fn instead(&self) -> Option<ServerResponse> {
        match self {
            Self::Status { status, retry_after, html } => {
                let mut response = refusal(*status, *html);
                if let Some(after) = retry_after {
                    response.set_header("retry-after", after);
                }
                Some(response)
            }
            Self::NotJson => {
                let mut response = ServerResponse::json(200, Vec::new());
                response.body = Bytes::from_static(b"upstream connect error or disconnect");
                Some(response)
            }
            Self::HtmlPage => Some(ServerResponse::html(200, "We'll be back soon")),
            Self::Redirect(location) => {
                let mut response = ServerResponse::html(302, "Found");
                response.set_header("location", location);
                Some(response)
            }
            Self::Drop | Self::Hang => {
                let mut response = ServerResponse::html(500, "never sent");
                response.delivery.breach =
                    if *self == Self::Drop { DeliveryFault::Dropped } else { DeliveryFault::Hung };
                Some(response)
            }
            Self::CutBody
            | Self::TruncatedJson
            | Self::WrongContentType
            | Self::ForeignNext(_)
            | Self::Slow(_)
            | Self::WrongTotal(_)
            | Self::DuplicateRow
            | Self::Reversed
            | Self::EmptyList
            | Self::WithoutDate
            | Self::Contradiction(_)
            | Self::Rewritten(_) => None,
        }
    }

    /// Returns the effect on the making of the list; `None` if it has none.
    pub(crate) fn oddity(&self) -> Option<ListOddity> {
        match self {
            Self::ForeignNext(origin) => Some(ListOddity::ForeignNext(origin.clone())),
            Self::WrongTotal(by) => Some(ListOddity::WrongTotal(*by)),
            Self::DuplicateRow => Some(ListOddity::DuplicateRow),
            Self::Reversed => Some(ListOddity::Reversed),
            Self::EmptyList => Some(ListOddity::EmptyList),
            Self::Contradiction(contradiction) => Some(ListOddity::Contradiction(*contradiction)),
            Self::Status { .. }
            | Self::CutBody
            | Self::TruncatedJson
            | Self::NotJson
            | Self::HtmlPage
            | Self::WrongContentType
            | Self::Redirect(_)
            | Self::Slow(_)
            | Self::Drop
            | Self::Hang
            | Self::WithoutDate
            | Self::Rewritten(_) => None,
        }
    }

    /// Spoils a finished answer. Effects that were carried out before change nothing here.
    pub(crate) fn spoil(&self, response: &mut ServerResponse) {
        match self {
            Self::CutBody => response.delivery.breach = DeliveryFault::CutBody,
            // The length that the client is told is that of the shortened body, so only the JSON is
            // wrong.
            Self::TruncatedJson => {
                let middle = response.body.len() / 2;
                let half = String::from_utf8_lossy(&response.body).floor_char_boundary(middle);
                response.body.truncate(half);
            }
            Self::WrongContentType => {
                response.set_header("content-type", "application/octet-stream");
            }
            Self::Rewritten(how) => {
                let body = String::from_utf8_lossy(&response.body).into_owned();
                response.body = Bytes::from(how.of(&body));
            }
            Self::Slow(ms) => response.delivery.delay_ms = *ms,
            Self::WithoutDate => response.headers.retain(|(name, _)| name != "date"),
            Self::Status { .. }
            | Self::NotJson
            | Self::HtmlPage
            | Self::Redirect(_)
            | Self::ForeignNext(_)
            | Self::Drop
            | Self::Hang
            | Self::WrongTotal(_)
            | Self::DuplicateRow
            | Self::Reversed
            | Self::EmptyList
            | Self::Contradiction(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(select: FaultChoice, times: usize) -> Vec<usize> {
        let mut faults = ActiveFaults::new(1);
        faults.add(FaultRule { path: "/clients".into(), select, effect: FaultEffect::Drop });
        let request = ServerRequest::new("GET", "", "/v2/clients?page=1");
        (1..=times).filter(|_| faults.strike(&request).is_some()).collect()
    }

    #[test]
    fn rules_pick_by_count() {
        assert_eq!(struck(FaultChoice::Nth(3), 5), [3]);
        assert_eq!(struck(FaultChoice::Every(2), 5), [2, 4]);
        assert_eq!(struck(FaultChoice::First(2), 5), [1, 2]);
        assert_eq!(struck(FaultChoice::Always, 2), [1, 2]);
        let some = struck(FaultChoice::Percent(30), 1000).len();
        assert!((200..400).contains(&some), "{some}");
    }

    #[test]
    fn patterns_match_parts_of_the_target() {
        assert!(matches_pattern("", "/v2/clients"));
        assert!(matches_pattern("/invoices/*/payments", "/v2/invoices/5/payments?page=1"));
        assert!(matches_pattern("cursor=", "/v2/clients?cursor=abc"));
        assert!(!matches_pattern("/invoices/*/payments", "/v2/invoices/5/messages"));
        assert!(matches_pattern("/v2/invoices/5$", "/v2/invoices/5"));
        assert!(!matches_pattern("/v2/invoices/5$", "/v2/invoices/5/messages"));
    }

    #[test]
    fn rules_are_read_from_json() {
        let text = r#"{"path":"/time_entries","select":{"nth":2},
            "effect":{"status":{"status":429,"retry_after":"3"}}}"#;
        let rule: FaultRule = serde_json::from_str(text).unwrap();
        assert_eq!(rule.select, FaultChoice::Nth(2));
        let response = rule.effect.instead().unwrap();
        assert_eq!((response.status, response.header_value("Retry-After")), (429, Some("3")));
        let plain: FaultRule = serde_json::from_str(r#"{"effect":"cut_body"}"#).unwrap();
        assert_eq!((plain.select, plain.effect), (FaultChoice::Always, FaultEffect::CutBody));
    }
}
