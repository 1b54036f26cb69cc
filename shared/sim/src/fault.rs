//! What goes wrong on purpose: rules that pick requests and spoil their answers.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::contradiction::Contradiction;
use crate::dice::scramble;
use crate::request::{Breach, Request, Response};
use crate::rewrite::Rewrite;

/// Picks requests and says what happens to them. The first rule that picks a request decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Part of path and query (`/v2/clients?per_page=2000`); `*` stands for anything, `$` at the end
    /// for the end, empty for all. An id in it is matched as it is.
    #[serde(default)]
    pub path: String,
    /// Which of the matching requests are picked.
    #[serde(default)]
    pub select: Select,
    /// What happens to them.
    pub effect: Effect,
}

/// Which of the requests that match are picked. Counting starts at 1 when the rule is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Select {
    /// Each.
    #[default]
    Always,
    /// Only this one.
    Nth(u64),
    /// Each one that is a multiple of this.
    Every(u64),
    /// The first so many.
    First(u64),
    /// About so many of a hundred, by the account's seed.
    Percent(u64),
}

/// What happens to a request or its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// This status instead of an answer, in the shape that Harvest gives it.
    Status {
        /// 400, 401, 403, 404, 422, 429, 500, 502, 520, ...
        status: u16,
        /// The header `Retry-After`, as it stands here.
        #[serde(default)]
        retry_after: Option<String>,
        /// An HTML page where Harvest would send JSON.
        #[serde(default)]
        html: bool,
    },
    /// More `Content-Length` than body; then the connection closes.
    CutBody,
    /// Status 200 and half of the JSON, in good form otherwise.
    TruncatedJson,
    /// Status 200, JSON by its type, plain words by its body.
    NotJson,
    /// Status 200 and an HTML page.
    HtmlPage,
    /// The right body under a wrong content type.
    WrongContentType,
    /// A redirect to this address.
    Redirect(String),
    /// `links.next` leads to this origin, a scheme with a host.
    ForeignNext(String),
    /// The answer comes this many milliseconds later.
    Slow(u64),
    /// The connection closes without an answer.
    Drop,
    /// No answer ever comes.
    Hang,
    /// `total_entries` is off by so many.
    WrongTotal(i64),
    /// The first row of a report comes twice, the second time with another content.
    DuplicateRow,
    /// The records of the page come in the opposite order.
    Reversed,
    /// A complete list without any record.
    EmptyList,
    /// Without the header `Date`.
    WithoutDate,
    /// The list contradicts itself, or its pages never end.
    Contradiction(Contradiction),
    /// The values of the records are written in another way.
    Rewritten(Rewrite),
}

/// What the list itself must do differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    ForeignNext(String),
    WrongTotal(i64),
    DuplicateRow,
    Reversed,
    EmptyList,
    Contradiction(Contradiction),
}

/// A rule in force.
#[derive(Clone, Debug)]
struct ActiveRule {
    rule: FaultRule,
    /// Requests that it matched.
    matched: u64,
    /// Answers that are not what they would have been without it.
    spoilt: u64,
}

/// The rules in force and how often each has matched.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    seed: u64,
    rules: Vec<ActiveRule>,
}

impl Faults {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, rules: Vec::new() }
    }

    pub(crate) fn add(&mut self, rule: FaultRule) {
        self.rules.push(ActiveRule { rule, matched: 0, spoilt: 0 });
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// How many answers each rule spoilt.
    pub(crate) fn spoilt(&self) -> Vec<u64> {
        self.rules.iter().map(|active| active.spoilt).collect()
    }

    /// Notes that the rule at `place` made an answer another one.
    pub(crate) fn note(&mut self, place: usize) {
        if let Some(active) = self.rules.get_mut(place) {
            active.spoilt += 1;
        }
    }

    /// What happens to this request, and the place of the rule that says so. Every rule that matches
    /// counts it.
    pub(crate) fn strike(&mut self, request: &Request) -> Option<(usize, Effect)> {
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
            let chance = scramble(self.seed ^ u64::try_from(place).unwrap_or(0) << 32, *matched);
            let picked = match rule.select {
                Select::Always => true,
                Select::Nth(number) => *matched == number,
                Select::Every(step) => step > 0 && *matched % step == 0,
                Select::First(count) => *matched <= count,
                Select::Percent(percent) => chance % 100 < percent,
            };
            if picked && struck.is_none() {
                struck = Some((place, rule.effect.clone()));
            }
        }
        struck
    }
}

/// Whether a path with its query matches the pattern of a rule.
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

impl Effect {
    /// The answer that takes the place of the real one, if the request is not even looked at.
    pub(crate) fn instead(&self) -> Option<Response> {
        match self {
            Self::Status { status, retry_after, html } => {
                let mut response = refusal(*status, *html);
                if let Some(after) = retry_after {
                    response.set_header("retry-after", after);
                }
                Some(response)
            }
            Self::NotJson => {
                let mut response = Response::json(200, Vec::new());
                response.body = Bytes::from_static(b"upstream connect error or disconnect");
                Some(response)
            }
            Self::HtmlPage => Some(Response::html(200, "We'll be back soon")),
            Self::Redirect(location) => {
                let mut response = Response::html(302, "Found");
                response.set_header("location", location);
                Some(response)
            }
            Self::Drop | Self::Hang => {
                let mut response = Response::html(500, "never sent");
                response.delivery.breach =
                    if *self == Self::Drop { Breach::Dropped } else { Breach::Hung };
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

    /// What the list must do differently.
    pub(crate) fn oddity(&self) -> Option<Oddity> {
        match self {
            Self::ForeignNext(origin) => Some(Oddity::ForeignNext(origin.clone())),
            Self::WrongTotal(by) => Some(Oddity::WrongTotal(*by)),
            Self::DuplicateRow => Some(Oddity::DuplicateRow),
            Self::Reversed => Some(Oddity::Reversed),
            Self::EmptyList => Some(Oddity::EmptyList),
            Self::Contradiction(contradiction) => Some(Oddity::Contradiction(*contradiction)),
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

    /// Spoils an answer that is ready to go.
    pub(crate) fn spoil(&self, response: &mut Response) {
        match self {
            Self::CutBody => response.delivery.breach = Breach::CutBody,
            Self::TruncatedJson => response.body.truncate(response.body.len() / 2),
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

/// A refusal in the shape that Harvest gives this status.
pub(crate) fn refusal(status: u16, html: bool) -> Response {
    match status {
        _ if html => Response::html(status, &format!("Error {status}")),
        401 => Response::invalid_token(),
        403 => Response::message(403, "Not authorized!"),
        404 => Response::not_found(),
        400 | 422 => Response::message(status, "This request makes no sense"),
        429 => Response::html(429, "429 Too Many Requests"),
        _ => Response::html(status, &format!("Error {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(select: Select, times: usize) -> Vec<usize> {
        let mut faults = Faults::new(1);
        faults.add(FaultRule { path: "/clients".into(), select, effect: Effect::Drop });
        let request = Request::new("GET", "", "/v2/clients?page=1");
        (1..=times).filter(|_| faults.strike(&request).is_some()).collect()
    }

    #[test]
    fn rules_pick_by_count() {
        assert_eq!(struck(Select::Nth(3), 5), [3]);
        assert_eq!(struck(Select::Every(2), 5), [2, 4]);
        assert_eq!(struck(Select::First(2), 5), [1, 2]);
        assert_eq!(struck(Select::Always, 2), [1, 2]);
        let some = struck(Select::Percent(30), 1000).len();
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
        assert_eq!(rule.select, Select::Nth(2));
        let response = rule.effect.instead().unwrap();
        assert_eq!((response.status, response.header_value("Retry-After")), (429, Some("3")));
        let plain: FaultRule = serde_json::from_str(r#"{"effect":"cut_body"}"#).unwrap();
        assert_eq!((plain.select, plain.effect), (Select::Always, Effect::CutBody));
    }
}
