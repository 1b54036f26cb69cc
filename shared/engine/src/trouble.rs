//! Streams that need a person, and the news about them.
//!
//! People are told once when a stream comes into trouble, and once when it is out of it. The names
//! that they were told of are part of the orchestrator's item, so that no tick tells them again and
//! news that got lost are told by the next one.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::item::StreamItem;
use crate::time::{SignedDuration, Timestamp, between};

/// Number of runs in a row that failed or died from which on a stream is in trouble. The pauses
/// between them grow.
const TROUBLING_FAILURES: u32 = 5;

/// Name that stands for all streams while Harvest refuses the token. No stream has it.
pub const TOKEN: &str = "token";

/// Reason for which a stream needs a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleReason {
    /// Harvest does not accept the token.
    TokenRefused,
    /// Harvest refuses the stream to the person of the token.
    Refused,
    /// Its runs fail again and again.
    Failing,
    /// Its data is older than people want it to be.
    Late,
}

impl TroubleReason {
    /// All reasons.
    pub const ALL: [Self; 4] = [Self::TokenRefused, Self::Refused, Self::Failing, Self::Late];

    /// Returns the reason for which a stream needs a person, the first that applies; `None` if it
    /// needs none. `oldest`: the greatest age of its data.
    #[must_use]
    pub fn of(item: &StreamItem, oldest: SignedDuration, now: Timestamp) -> Option<Self> {
        if item.health.refused {
            Some(Self::Refused)
        } else if item.health.failures >= TROUBLING_FAILURES {
            Some(Self::Failing)
        } else {
            (lag(item, now) > oldest).then_some(Self::Late)
        }
    }

    /// Words for people, after the name of the stream.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::TokenRefused => "is refused by Harvest, and nothing is read",
            Self::Refused => "is refused by Harvest to the person of the token",
            Self::Failing => "fails again and again",
            Self::Late => "is too old",
        }
    }

    /// Heading of `docs/runbook.md` that says what to do, as a link has it.
    #[must_use]
    pub const fn anchor(self) -> &'static str {
        match self {
            Self::TokenRefused => "a-new-or-revoked-token-deployed",
            Self::Refused => "a-stream-that-harvest-refuses",
            Self::Failing => "a-stream-that-fails-again-and-again",
            Self::Late => "a-stream-that-is-too-old",
        }
    }
}

/// Age of the data of a stream: time since the beginning of its last complete pass. During a first
/// load it counts from the beginning of the load; before that it is zero.
#[must_use]
pub fn lag(item: &StreamItem, now: Timestamp) -> SignedDuration {
    let position = &item.position;
    let complete = position.full.last_begun.max(position.incremental.last_begun);
    let first = position.full.unfinished.as_ref().map(|unfinished| unfinished.begun);
    complete.or(first).map_or(SignedDuration::ZERO, |since| between(since, now))
}

/// Changes since people were last told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TroubleNews {
    /// Names that came into trouble, in order.
    pub began: Vec<String>,
    /// Names that are out of it, in order.
    pub ended: Vec<String>,
}

impl TroubleNews {
    /// Returns the news for people who were told of `told`, where those of `now` are in trouble;
    /// `None` if there are none.
    #[must_use]
    pub fn of(told: &BTreeSet<String>, now: &BTreeMap<String, TroubleReason>) -> Option<Self> {
        let began: Vec<String> = now.keys().filter(|name| !told.contains(*name)).cloned().collect();
        let ended: Vec<String> =
            told.iter().filter(|name| !now.contains_key(*name)).cloned().collect();
        (!began.is_empty() || !ended.is_empty()).then_some(Self { began, ended })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::plus;

    fn now() -> Timestamp {
        "2026-11-23T06:15:00Z".parse().unwrap()
    }

    #[test]
    fn a_stream_that_is_refused_or_fails_again_and_again_or_is_too_old_is_in_trouble() {
        let day = SignedDuration::from_hours(24);
        let mut stream = StreamItem::default();
        let reason = |stream: &StreamItem, at| TroubleReason::of(stream, day, at);
        assert_eq!(reason(&stream, now()), None, "a stream before its first run");
        stream.position.full.last_begun = Some(plus(now(), SignedDuration::from_hours(-24)));
        assert_eq!(reason(&stream, now()), None);
        let later = plus(now(), SignedDuration::from_secs(1));
        assert_eq!(reason(&stream, later), Some(TroubleReason::Late));
        stream.health.failures = TROUBLING_FAILURES - 1;
        assert_eq!(reason(&stream, now()), None);
        stream.health.failures = TROUBLING_FAILURES;
        assert_eq!(reason(&stream, later), Some(TroubleReason::Failing));
        stream.health.refused = true;
        assert_eq!(reason(&stream, later), Some(TroubleReason::Refused));
    }

    #[test]
    fn each_stream_is_told_of_once_when_it_begins_and_once_when_it_ends() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let in_trouble = |names: &[&str]| {
            names.iter().map(|name| ((*name).to_owned(), TroubleReason::Late)).collect()
        };
        let check = |told: &[&str], now: &[&str], news: Option<(&[&str], &[&str])>| {
            let found = TroubleNews::of(&set(told), &in_trouble(now));
            let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            let expected =
                news.map(|(began, ended)| TroubleNews { began: names(began), ended: names(ended) });
            assert_eq!(found, expected, "{told:?} {now:?}");
        };
        check(&[], &[], None);
        check(&[], &["a", "b"], Some((&["a", "b"], &[])));
        check(&["a", "b"], &["a", "b"], None);
        check(&["a", "b"], &["b", "c"], Some((&["c"], &["a"])));
        check(&["a"], &[], Some((&[], &["a"])));
    }

    #[test]
    fn the_lag_counts_from_the_beginning_of_what_is_complete() {
        let mut stream = StreamItem::default();
        assert_eq!(lag(&stream, now()), SignedDuration::ZERO);
        stream.position.full.last_begun = Some(plus(now(), SignedDuration::from_hours(-30)));
        assert_eq!(lag(&stream, now()), SignedDuration::from_hours(30));
        stream.position.incremental.last_begun = Some(plus(now(), SignedDuration::from_hours(-1)));
        assert_eq!(lag(&stream, now()), SignedDuration::from_hours(1));
    }
}
