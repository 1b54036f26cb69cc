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

mod effect;

use serde::{Deserialize, Serialize};

use crate::dice::scramble;
use crate::request::ServerRequest;
pub use effect::FaultEffect;
pub(crate) use effect::ListOddity;

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
