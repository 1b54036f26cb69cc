//! Quiet time of a deployment: until its end no pass is due and no stream can come into trouble. A
//! tick needs to read nothing else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::item::StreamItem;
use crate::plan::{Demand, ripe};
use crate::present::Present;
use crate::spec::StreamSpec;
use crate::time::{Date, SignedDuration, Timestamp, between, plus};
use crate::trouble::{TroubleBounds, TroubleReason};
use crate::workers::{is_running, is_starting};

/// Longest quiet time: what other programs change in the state shows after it at the latest.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);
/// Shortest quiet time that is worth writing down: two ticks.
const SHORTEST: SignedDuration = SignedDuration::from_mins(2);

/// Settings that the plan of a deployment depends on. They are written down with the quiet time,
/// because an update may change it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietTerms {
    /// Seconds between incremental passes.
    pub interval: i64,
    /// Seconds of age from which on a stream is in trouble.
    pub trouble_after: i64,
    /// Names of the streams that run.
    pub streams: Vec<String>,
    /// First day of dated records; `None`: all of them.
    pub start_date: Option<Date>,
    /// Release that planned.
    pub release: String,
}

/// Time until which nothing is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietTime {
    /// Its end.
    pub until: Timestamp,
    /// Terms on which it was found.
    pub terms: QuietTerms,
}

impl QuietTime {
    /// Returns the quiet time from now on; `None` if there is none: a worker is at work or coming up,
    /// or something is due too soon.
    ///
    /// `open`: the streams that may run, with their items, none of which is due or in trouble that
    /// people do not know of.
    #[must_use]
    pub fn of(
        open: &[(&'static StreamSpec, &StreamItem)],
        invoked: &BTreeMap<String, Timestamp>,
        terms: &QuietTerms,
        present: Present,
    ) -> Option<Self> {
        let now = present.now();
        let interval = SignedDuration::from_secs(terms.interval);
        let oldest = SignedDuration::from_secs(terms.trouble_after);
        let mut until = plus(now, LONGEST);
        for (spec, item) in open {
            let invoked = invoked.get(spec.name);
            if is_running(item, now) || invoked.is_some_and(|at| is_starting(Some(item), *at, now))
            {
                return None;
            }
            let ripe = ripe(spec, item, Demand::Schedule { interval }, present);
            for at in [ripe.incremental, ripe.full].into_iter().flatten() {
                until = until.min(at);
            }
            let bounds = TroubleBounds::deployed(oldest);
            if TroubleReason::of(item, bounds, now).is_none()
                && TroubleReason::of(item, bounds, until).is_some()
            {
                // It may be late before then: only its last pass tells when.
                let begun = item.position.full.last_begun.max(item.position.incremental.last_begun);
                until = begun.map_or(now, |begun| until.min(plus(begun, oldest)));
            }
        }
        (between(now, until) >= SHORTEST).then(|| Self { until, terms: terms.clone() })
    }

    /// Whether `now` lies in it, on these terms. One that ends too late was written by a clock that
    /// was ahead, and does not count.
    #[must_use]
    pub fn holds(&self, terms: &QuietTerms, now: Timestamp) -> bool {
        now < self.until && between(now, self.until) <= LONGEST && self.terms == *terms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::Lease;
    use crate::plan::tests::specs;
    use crate::time::minus;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    fn now() -> Timestamp {
        "2026-11-23T06:15:00Z".parse().unwrap()
    }

    fn terms() -> QuietTerms {
        QuietTerms {
            interval: 3600,
            trouble_after: 26 * 3600,
            streams: vec!["listing".to_owned()],
            start_date: None,
            release: "1".to_owned(),
        }
    }

    /// A loaded stream whose last pass began so long ago.
    fn read(ago: SignedDuration) -> StreamItem {
        let mut item = StreamItem::default();
        item.position.full.last_begun = Some(minus(now(), ago));
        item.position.incremental.last_begun = Some(minus(now(), ago));
        item
    }

    fn minutes(item: &StreamItem) -> Option<i64> {
        let [listing, ..] = specs();
        let quiet =
            QuietTime::of(&[(listing, item)], &BTreeMap::new(), &terms(), Present::ours(now()));
        quiet.map(|quiet| between(now(), quiet.until).as_secs() / 60)
    }

    #[test]
    fn it_lasts_until_the_next_pass_is_due_but_not_for_long() {
        let minute = SignedDuration::from_mins;
        assert_eq!(minutes(&read(minute(5))), Some(10));
        assert_eq!(minutes(&read(minute(55))), Some(5));
        assert_eq!(minutes(&read(minute(59))), None, "not worth it");
        assert_eq!(minutes(&read(HOUR)), None, "due now");
        assert_eq!(minutes(&StreamItem::default()), None, "never read");
    }

    #[test]
    fn nothing_is_quiet_while_a_worker_is_at_work_or_was_invoked() {
        let [listing, ..] = specs();
        let mut item = read(SignedDuration::from_mins(5));
        let (lease, _) = Lease::acquire(None, "w", now(), false).unwrap();
        item.lease = Some(lease);
        assert_eq!(minutes(&item), None);
        item.lease = None;
        let invoked = BTreeMap::from([(listing.name.to_owned(), now())]);
        let present = Present::ours(now());
        assert_eq!(QuietTime::of(&[(listing, &item)], &invoked, &terms(), present), None);
    }

    #[test]
    fn a_stream_that_becomes_too_old_ends_it() {
        let mut item = read(SignedDuration::from_mins(26 * 60 - 4));
        // It does not run because its failures hold it back.
        item.health.last_error = Some((now(), "no".to_owned()));
        item.health.failures = 4;
        assert_eq!(minutes(&item), Some(4));
    }

    #[test]
    fn other_terms_and_a_clock_that_was_ahead_end_it() {
        let quiet = QuietTime { until: plus(now(), LONGEST), terms: terms() };
        assert!(quiet.holds(&terms(), now()));
        assert!(!quiet.holds(&terms(), quiet.until));
        assert!(!quiet.holds(&terms(), minus(now(), SignedDuration::from_secs(1))));
        assert!(!quiet.holds(&QuietTerms { interval: 60, ..terms() }, now()));
    }
}
