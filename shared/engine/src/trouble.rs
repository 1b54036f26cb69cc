//! Streams that need a person, and the news about them.
//!
//! People are told once when a stream comes into trouble, and once when it is out of it. The names
//! that they were told of are kept: in the orchestrator's item, and for a command on somebody's
//! machine in an item of its own. So nobody is told again by each tick or sync, and news that got
//! lost are told by the next one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::item::StreamItem;
use crate::runbook::Remedy;
use crate::time::{SignedDuration, Timestamp, between};

/// Number of runs in a row that failed or died from which on a stream of a deployment is in trouble.
/// A tick comes each minute, and the pauses between the runs grow.
const DEPLOYED_FAILURES: u32 = 5;
/// The same number for a command that a schedule runs. The next run may be a day away, and each has
/// tried its requests several times.
const COMMAND_FAILURES: u32 = 1;

/// Name that stands for all streams while Harvest refuses the token. No stream has it.
pub const TOKEN: &str = "token";
/// Name that stands for all streams while no sync can begin. No stream has it.
pub const SYNC: &str = "sync";

/// Bounds from which on a stream is in trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TroubleBounds {
    /// Runs in a row that failed or died.
    failures: u32,
    /// Greatest age of its data.
    oldest: SignedDuration,
}

impl TroubleBounds {
    /// Returns the bounds of a deployment.
    #[must_use]
    pub const fn deployed(oldest: SignedDuration) -> Self {
        Self { failures: DEPLOYED_FAILURES, oldest }
    }

    /// Returns the bounds of a command that a schedule runs.
    #[must_use]
    pub const fn of_command(oldest: SignedDuration) -> Self {
        Self { failures: COMMAND_FAILURES, oldest }
    }
}

/// Reason for which a stream needs a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleReason {
    /// Harvest does not accept the token.
    TokenRefused,
    /// No sync can begin.
    NotRun,
    /// Harvest refuses the stream to the person of the token.
    Refused,
    /// Its runs fail, or its last full pass does not count: incremental passes do not answer for that.
    Failing,
    /// Its data is older than people want it to be.
    Late,
}

impl TroubleReason {
    /// All reasons.
    pub const ALL: [Self; 5] =
        [Self::TokenRefused, Self::NotRun, Self::Refused, Self::Failing, Self::Late];

    /// Returns the reason for which a stream needs a person, the first that applies; `None` if it
    /// needs none.
    #[must_use]
    pub fn of(item: &StreamItem, bounds: TroubleBounds, now: Timestamp) -> Option<Self> {
        if item.health.refused {
            Some(Self::Refused)
        } else if item.health.failures >= bounds.failures || item.health.unswept.is_some() {
            Some(Self::Failing)
        } else {
            (lag(item, now) > bounds.oldest).then_some(Self::Late)
        }
    }

    /// Words for people, after the name of the stream.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::TokenRefused => "is refused by Harvest, and nothing is read",
            Self::NotRun => "cannot begin, and nothing is read",
            Self::Refused => "is refused by Harvest to the person of the token",
            Self::Failing => "fails",
            Self::Late => "is too old",
        }
    }

    /// Returns the remedy for a stream in trouble for this reason. A failing one has that of its last
    /// error.
    #[must_use]
    pub fn remedy(self, item: Option<&StreamItem>) -> Remedy {
        match self {
            Self::TokenRefused => Remedy::TOKEN,
            Self::Refused => Remedy::REFUSED,
            Self::Late => Remedy::LATE,
            Self::NotRun | Self::Failing => {
                item.and_then(|item| item.health.remedy()).unwrap_or(Remedy::FAILING)
            }
        }
    }

    /// Name that stands for all streams where the reason concerns all; `None` for one that is that of
    /// a stream.
    const fn of_all(self) -> Option<&'static str> {
        match self {
            Self::TokenRefused => Some(TOKEN),
            Self::NotRun => Some(SYNC),
            Self::Refused | Self::Failing | Self::Late => None,
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

/// Streams in trouble, with the reasons.
pub type StreamsInTrouble = BTreeMap<String, TroubleReason>;

/// Returns the streams of `open` that need a person.
///
/// `blocked`: the reason for which no stream can run. Then nothing is known of the streams: those
/// that people were told of stay.
#[must_use]
pub fn in_trouble<'i>(
    open: impl IntoIterator<Item = (&'static str, &'i StreamItem)>,
    blocked: Option<TroubleReason>,
    told: &BTreeSet<String>,
    (bounds, now): (TroubleBounds, Timestamp),
) -> StreamsInTrouble {
    if let Some(reason) = blocked {
        let all = reason.of_all().map(str::to_owned);
        return told.iter().cloned().chain(all).map(|name| (name, reason)).collect();
    }
    let of = |(name, item): (&str, &StreamItem)| {
        Some((name.to_owned(), TroubleReason::of(item, bounds, now)?))
    };
    open.into_iter().filter_map(of).collect()
}

/// Item about the streams in trouble of which the person was told whose command works on the lake.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToldTrouble {
    /// Names of the streams.
    pub told: BTreeSet<String>,
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
    pub fn of(told: &BTreeSet<String>, now: &StreamsInTrouble) -> Option<Self> {
        let began: Vec<String> = now.keys().filter(|name| !told.contains(*name)).cloned().collect();
        let ended: Vec<String> =
            told.iter().filter(|name| !now.contains_key(*name)).cloned().collect();
        (!began.is_empty() || !ended.is_empty()).then_some(Self { began, ended })
    }

    /// Returns the bad news and the good news apart; `None` for a part without any.
    #[must_use]
    pub fn apart(self) -> (Option<Self>, Option<Self>) {
        let Self { began, ended } = self;
        let bad = (!began.is_empty()).then(|| Self { began, ended: Vec::new() });
        let good = (!ended.is_empty()).then(|| Self { began: Vec::new(), ended });
        (bad, good)
    }

    /// Adds to `told` what these news tell.
    pub fn tell(&self, told: &mut BTreeSet<String>) {
        told.retain(|name| !self.ended.contains(name));
        told.extend(self.began.iter().cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::StandingError;
    use crate::time::plus;

    fn now() -> Timestamp {
        "2026-11-23T06:15:00Z".parse().unwrap()
    }

    #[test]
    fn a_stream_that_is_refused_or_fails_again_and_again_or_is_too_old_is_in_trouble() {
        let day = SignedDuration::from_hours(24);
        let mut stream = StreamItem::default();
        let bounds = TroubleBounds::deployed(day);
        let reason = |stream: &StreamItem, at| TroubleReason::of(stream, bounds, at);
        assert_eq!(reason(&stream, now()), None, "a stream before its first run");
        stream.position.full.last_begun = Some(plus(now(), SignedDuration::from_hours(-24)));
        assert_eq!(reason(&stream, now()), None);
        let later = plus(now(), SignedDuration::from_secs(1));
        assert_eq!(reason(&stream, later), Some(TroubleReason::Late));
        stream.health.failures = DEPLOYED_FAILURES - 1;
        assert_eq!(reason(&stream, now()), None);
        stream.health.failures = DEPLOYED_FAILURES;
        assert_eq!(reason(&stream, later), Some(TroubleReason::Failing));
        stream.health.refused = true;
        assert_eq!(reason(&stream, later), Some(TroubleReason::Refused));
        let mut unswept = StreamItem::default();
        unswept.health.unswept = Some(StandingError {
            at: now(),
            error: "deletes are refused".to_owned(),
            error_type: "DeletesRefused".to_owned(),
        });
        unswept.health.last_success = Some(now());
        assert_eq!(reason(&unswept, now()), Some(TroubleReason::Failing));
        let mut once = StreamItem::default();
        once.health.failures = 1;
        assert_eq!(reason(&once, now()), None);
        let of_command = TroubleReason::of(&once, TroubleBounds::of_command(day), now());
        assert_eq!(of_command, Some(TroubleReason::Failing));
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

    /// The first column is the state of stream `a` and of the whole at each sync; the others are the
    /// calls that follow, of a person who hears of everything.
    #[test]
    fn a_person_is_told_once_of_each_trouble_and_once_of_its_end() {
        let failing = |failures| {
            let mut item = StreamItem::default();
            item.health.failures = failures;
            item
        };
        let bounds = TroubleBounds::of_command(SignedDuration::from_hours(26));
        let mut told = BTreeSet::new();
        let mut sync = |failures: u32, blocked: Option<TroubleReason>| {
            let item = failing(failures);
            let found = in_trouble([("a", &item)], blocked, &told, (bounds, now()));
            let (bad, good) =
                TroubleNews::of(&told, &found).map_or((None, None), TroubleNews::apart);
            let names = |news: &Option<TroubleNews>, of: fn(&TroubleNews) -> &Vec<String>| {
                news.as_ref().map(|news| of(news).join("+"))
            };
            let calls = (names(&bad, |news| &news.began), names(&good, |news| &news.ended));
            for news in [bad, good].into_iter().flatten() {
                news.tell(&mut told);
            }
            calls
        };
        let call = |names: &str| Some(names.to_owned());
        let (token, not_run) = (Some(TroubleReason::TokenRefused), Some(TroubleReason::NotRun));
        for (failures, blocked, expected) in [
            (0, None, (None, None)),
            (1, None, (call("a"), None)),
            (2, None, (None, None)),
            // Nothing is known of it meanwhile.
            (2, token, (call("token"), None)),
            (2, token, (None, None)),
            (2, not_run, (call("sync"), None)),
            (2, None, (None, call("sync+token"))),
            (0, None, (None, call("a"))),
            (0, None, (None, None)),
            (0, not_run, (call("sync"), None)),
            (0, None, (None, call("sync"))),
        ] {
            assert_eq!(sync(failures, blocked), expected, "{failures} {blocked:?}");
        }
    }

    #[test]
    fn news_that_were_not_told_are_news_again() {
        let told: BTreeSet<String> = ["b".to_owned()].into();
        let item = StreamItem::default();
        let mut failing = item.clone();
        failing.health.failures = 1;
        let bounds = TroubleBounds::of_command(SignedDuration::from_hours(26));
        let open = [("a", &failing), ("b", &item)];
        let found = in_trouble(open, None, &told, (bounds, now()));
        let (bad, good) = TroubleNews::of(&told, &found).unwrap().apart();
        // The hook for the good news was not there.
        let mut half = told.clone();
        bad.unwrap().tell(&mut half);
        let left = TroubleNews::of(&half, &found);
        assert_eq!(left, good);
    }

    #[test]
    fn a_failing_stream_has_the_remedy_of_its_error() {
        let mut item = StreamItem::default();
        let of = |item: &StreamItem| TroubleReason::Failing.remedy(Some(item));
        assert_eq!(of(&item), Remedy::FAILING);
        item.health.note_error(now(), "it is damaged".to_owned(), Some("TableUnusable"));
        assert_eq!(of(&item), Remedy::of("TableUnusable"));
        item.health.lost = 3;
        item.health.note_error(now(), "without a word".to_owned(), None);
        assert_eq!(of(&item), Remedy::LOST);
        assert_eq!(TroubleReason::Late.remedy(Some(&item)), Remedy::LATE);
    }
}
