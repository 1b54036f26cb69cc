//! Counting of requests as in Harvest's servers: true rolling windows, one per rate class.
//!
//! Harvest documents 100 general requests per 15 seconds and 100 report requests per 15 minutes,
//! and answers more of them with 429 and a `Retry-After` in seconds. It does not document how it
//! counts. The fake takes the strictest reading: a limit holds for *every* window of this length,
//! not only for those that begin at a full quarter of a minute. A client that keeps within it keeps
//! within any laxer way of counting, too.
//!
//! An example with 2 requests per 15 seconds:
//!
//! | second | answer | because the window of the last 15 seconds has |
//! | --- | --- | --- |
//! | 0 | admitted | 0 admitted requests |
//! | 5 | admitted | 1 |
//! | 5.000001 | 429, `Retry-After: 10` | 2; the one of second 0 leaves at second 15 |
//! | 15 | admitted | 1: a request as old as the window has left it |

use std::collections::{BTreeMap, VecDeque};

use engine::spec::RateClass;
use jiff::Timestamp;
use serde::Serialize;

/// Microseconds in a second. Times are counted in microseconds, as finely as tests can step.
const MICROS: i64 = 1_000_000;

/// Limit of a rate class: the number of requests that every window of this length allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaLimit {
    /// Most requests that one window admits.
    pub requests: usize,
    /// Length of the window in milliseconds.
    pub window_ms: u32,
    /// Whether requests over the limit are refused. If not, they are admitted and still counted, so
    /// that a test sees by how much a client would have exceeded the limit.
    pub enforced: bool,
}

impl QuotaLimit {
    /// Limit of Harvest for everything but reports: 100 requests in 15 seconds.
    pub const GENERAL: Self = Self { requests: 100, window_ms: 15_000, enforced: true };
    /// Limit of Harvest for reports: 100 requests in 15 minutes.
    pub const REPORTS: Self = Self { requests: 100, window_ms: 900_000, enforced: true };

    /// Returns the same limit, counted but not enforced.
    #[must_use]
    pub const fn off(mut self) -> Self {
        self.enforced = false;
        self
    }

    /// Parses `100/15s`, `20/1500ms`, `100/15m`, or `off`, which keeps the numbers of `self`;
    /// `None` for anything else. A limit of no request, or with a window of no length, is refused:
    /// no client could ever get through the first, and the second would limit nothing.
    #[must_use]
    pub fn read(self, text: &str) -> Option<Self> {
        if text == "off" {
            return Some(self.off());
        }
        let (requests, window) = text.split_once('/')?;
        let (number, unit) = window.split_at(window.find(|c: char| !c.is_ascii_digit())?);
        let scale = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            _ => return None,
        };
        let window_ms = number.parse::<u32>().ok()?.checked_mul(scale)?;
        let requests = requests.parse().ok().filter(|count| *count > 0)?;
        (window_ms > 0).then_some(Self { requests, window_ms, enforced: true })
    }
}

/// Statistics about the requests of one rate class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClassStatistics {
    /// Requests that arrived, including those that were refused.
    pub requests: u64,
    /// Requests that the limit refused.
    pub refused: u64,
    /// Most requests in any one window, including those that were refused.
    pub peak: usize,
    /// Time of the first request, in microseconds since 1970.
    pub first_us: Option<i64>,
    /// Time of the last request, in microseconds since 1970.
    pub last_us: Option<i64>,
}

/// Statistics about all requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RequestStatistics {
    /// Requests for anything but reports.
    pub general: ClassStatistics,
    /// Requests below `/reports`.
    pub reports: ClassStatistics,
    /// Number of requests by path below `/v2`, with ids as `{id}`.
    pub paths: BTreeMap<String, u64>,
    /// Time of the last request for a list or a record of a general stream, in microseconds since
    /// 1970. `/company` and `/users/me` do not count: runs of reports send them, too, long after
    /// the general streams are read.
    pub last_general_stream_us: Option<i64>,
    /// Number of requests by stream, for its lists and its single records.
    pub streams: BTreeMap<String, u64>,
    /// Number of answers by status; answers that a fault drops count as 500.
    pub statuses: BTreeMap<u16, u64>,
}

/// Limit of one rate class, and the requests of the last window.
#[derive(Clone, Debug)]
struct ClassQuota {
    limit: QuotaLimit,
    /// Times of all requests within the last window, oldest first, in microseconds. Only for the
    /// statistics.
    arrived: VecDeque<i64>,
    /// Times of the admitted requests within the last window, oldest first, in microseconds.
    /// Refused requests use up nothing: else a client that asks again too early would never get
    /// through.
    admitted: VecDeque<i64>,
}

impl ClassQuota {
    /// Returns the limit with empty windows.
    const fn new(limit: QuotaLimit) -> Self {
        Self { limit, arrived: VecDeque::new(), admitted: VecDeque::new() }
    }

    /// Counts a request; the error is the number of seconds after which a slot is free, rounded up.
    /// A client that waits for so long is not refused again, unless another request takes the slot.
    /// This does not hold for a limit that was lowered or just enforced: more requests than it
    /// allows may then be in the window, and each must leave it.
    ///
    /// Requests that arrive at the same time come in any order, because each is handled by a task
    /// of its own. An earlier `now` than the last one therefore counts as the last one: the windows
    /// rely on times that never fall.
    fn admit(&mut self, now: i64, seen: &mut ClassStatistics) -> Result<(), i64> {
        let now = self.arrived.back().map_or(now, |last| now.max(*last));
        let window = i64::from(self.limit.window_ms) * 1000;
        // A request leaves the window when it is exactly as old as the window is long.
        for kept in [&mut self.arrived, &mut self.admitted] {
            while kept.front().is_some_and(|at| *at <= now - window) {
                kept.pop_front();
            }
        }
        self.arrived.push_back(now);
        seen.requests += 1;
        seen.peak = seen.peak.max(self.arrived.len());
        seen.first_us = seen.first_us.or(Some(now));
        seen.last_us = Some(now);
        // A limit that is not enforced still notes what it admits, so that it is right at once when
        // a test enforces it again.
        if !self.limit.enforced || self.admitted.len() < self.limit.requests {
            self.admitted.push_back(now);
            return Ok(());
        }
        seen.refused += 1;
        // Rounded up, because a client that waits for the seconds rounded down comes too early.
        let free = self.admitted.front().map_or(now, |oldest| oldest + window);
        Err((free - now + MICROS - 1) / MICROS)
    }
}

/// Limits of both rate classes, and the statistics about all requests.
#[derive(Clone, Debug)]
pub(crate) struct AccountQuota {
    general: ClassQuota,
    reports: ClassQuota,
    pub(crate) statistics: RequestStatistics,
}

impl AccountQuota {
    /// Returns the limits of Harvest, with empty windows.
    pub(crate) fn new() -> Self {
        Self {
            general: ClassQuota::new(QuotaLimit::GENERAL),
            reports: ClassQuota::new(QuotaLimit::REPORTS),
            statistics: RequestStatistics::default(),
        }
    }

    /// Sets the limit of a class. Its windows keep their requests, so that a change of the limit
    /// does not open the gate for a whole window at once.
    pub(crate) fn set(&mut self, class: RateClass, limit: QuotaLimit) {
        match class {
            RateClass::General => self.general.limit = limit,
            RateClass::Reports => self.reports.limit = limit,
        }
    }

    /// Counts a request; the error is the `Retry-After` of its refusal, in seconds.
    pub(crate) fn admit(&mut self, class: RateClass, now: Timestamp) -> Result<(), i64> {
        let now = now.as_microsecond();
        match class {
            RateClass::General => self.general.admit(now, &mut self.statistics.general),
            RateClass::Reports => self.reports.admit(now, &mut self.statistics.reports),
        }
    }

    /// Adds a request to the statistics by path and stream. `pattern` is its path with ids as
    /// `{id}`; `stream` is `None` for requests that ask for no stream.
    pub(crate) fn note(&mut self, now: Timestamp, pattern: String, stream: Option<&str>) {
        if stream.is_some_and(|_| !pattern.starts_with("/reports") && pattern != "/company") {
            self.statistics.last_general_stream_us = Some(now.as_microsecond());
        }
        *self.statistics.paths.entry(pattern).or_default() += 1;
        if let Some(stream) = stream {
            *self.statistics.streams.entry(stream.to_owned()).or_default() += 1;
        }
    }

    /// Clears the statistics. Requests in the current windows still count against the limits.
    pub(crate) fn reset(&mut self) {
        self.statistics = RequestStatistics::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_microsecond(micros).unwrap()
    }

    #[test]
    fn a_full_window_says_when_its_oldest_request_leaves_it() {
        let mut gate = AccountQuota::new();
        let limit = QuotaLimit { requests: 2, window_ms: 15_000, enforced: true };
        gate.set(RateClass::General, limit);
        assert_eq!(gate.admit(RateClass::General, at(0)), Ok(()));
        assert_eq!(gate.admit(RateClass::General, at(5_000_000)), Ok(()));
        assert_eq!(gate.admit(RateClass::General, at(5_000_001)), Err(10));
        assert_eq!(gate.admit(RateClass::General, at(14_999_999)), Err(1));
        assert_eq!(gate.admit(RateClass::General, at(15_000_000)), Ok(()));
        assert_eq!(gate.admit(RateClass::General, at(15_000_000)), Err(5));
        assert_eq!(gate.admit(RateClass::Reports, at(15_000_000)), Ok(()));
        let seen = &gate.statistics.general;
        assert_eq!((seen.requests, seen.refused, seen.peak), (6, 3, 5));
    }

    #[test]
    fn limits_are_read_as_people_write_them() {
        let limit = |requests, window_ms| Some(QuotaLimit { requests, window_ms, enforced: true });
        assert_eq!(QuotaLimit::GENERAL.read("100/15s"), limit(100, 15_000));
        assert_eq!(QuotaLimit::GENERAL.read("7/1500ms"), limit(7, 1500));
        assert_eq!(QuotaLimit::GENERAL.read("7/2m"), limit(7, 120_000));
        assert_eq!(QuotaLimit::REPORTS.read("off"), Some(QuotaLimit::REPORTS.off()));
        for odd in ["", "100", "0/15s", "5/0s", "5/15", "x/15s", "5/h"] {
            assert_eq!(QuotaLimit::GENERAL.read(odd), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn no_window_lets_more_through_than_its_limit(
            steps in proptest::collection::vec(0_i64..400_000, 1..200), requests in 1_usize..8
        ) {
            let mut gate = AccountQuota::new();
            gate.set(RateClass::General, QuotaLimit { requests, window_ms: 1000, enforced: true });
            let (mut now, mut admitted) = (0, Vec::new());
            for step in steps {
                now += step;
                if gate.admit(RateClass::General, at(now)).is_ok() {
                    admitted.push(now);
                } else {
                    let recent = admitted.iter().filter(|one| **one > now - 1_000_000).count();
                    prop_assert_eq!(recent, requests);
                }
            }
            for start in &admitted {
                let within = (*start..*start + 1_000_000).clone();
                let count = admitted.iter().filter(|one| within.contains(one)).count();
                prop_assert!(count <= requests);
            }
        }
    }
}
