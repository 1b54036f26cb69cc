//! Limits of Harvest, and the reserve that keeps us below them.

use core::fmt;
use core::str::FromStr;

use crate::time::{SignedDuration, Timestamp, plus};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const MOST_REQUESTS: u32 = 1_000_000;
/// Length of window from which on the guard no longer grows with it.
const LONG_WINDOW: SignedDuration = SignedDuration::from_secs(15);

/// A number of requests in any window of a length, written `100/15s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimit {
    requests: u32,
    window: SignedDuration,
}

impl RequestLimit {
    /// Limit that Harvest documents for everything but reports.
    pub const GENERAL: Self = Self { requests: 100, window: SignedDuration::from_secs(15) };
    /// Limit that Harvest documents for `/reports/*`.
    pub const REPORTS: Self = Self { requests: 100, window: SignedDuration::from_secs(900) };

    /// Returns a limit of 1 to 1,000,000 requests per 1 ms to one day; the window is cut to whole
    /// milliseconds.
    ///
    /// # Errors
    /// Numbers out of these ranges.
    pub fn new(requests: u32, window: SignedDuration) -> Result<Self, LimitError> {
        let millis = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
        let window = SignedDuration::from_millis(millis);
        if !(1..=MOST_REQUESTS).contains(&requests) {
            return Err(LimitError::Requests(requests));
        }
        if millis < 1 || window > DAY {
            return Err(LimitError::Window);
        }
        Ok(Self { requests, window })
    }

    /// Number of requests that fit in one window; at least 1.
    #[must_use]
    pub const fn requests(self) -> u32 {
        self.requests
    }

    /// Length of the window.
    #[must_use]
    pub const fn window(self) -> SignedDuration {
        self.window
    }

    /// Returns the part of this limit that we use: `max(1, floor(requests * percent / 100))`. More
    /// than 100 counts as 100.
    #[must_use]
    pub fn percent(self, percent: u32) -> Self {
        let share = u64::from(self.requests).saturating_mul(u64::from(percent.min(100))) / 100;
        Self { requests: u32::try_from(share).unwrap_or(self.requests).max(1), ..self }
    }

    /// Returns the reserve that keeps a window of the server's clock within this limit.
    #[must_use]
    pub fn guard(self) -> BudgetGuard {
        if self.window >= LONG_WINDOW {
            return BudgetGuard {
                lateness: SignedDuration::from_millis(100),
                skew: SignedDuration::from_millis(100),
                jitter: SignedDuration::from_millis(200),
            };
        }
        let millis = i64::try_from(self.window.as_millis()).unwrap_or(i64::MAX);
        let total = (millis / 50).max(20);
        let quarter = total / 4;
        BudgetGuard {
            lateness: SignedDuration::from_millis(quarter),
            skew: SignedDuration::from_millis(quarter),
            jitter: SignedDuration::from_millis(total.saturating_sub(quarter.saturating_mul(2))),
        }
    }

    /// Least time from one permit to the next. A hundred requests in the same instant would delay
    /// each other by more than the guard's jitter: connections are opened, and one thread sends
    /// them all.
    #[must_use]
    pub fn spacing(self) -> SignedDuration {
        let share = self.window.as_millis().checked_div(i128::from(self.requests)).unwrap_or(0);
        SignedDuration::from_millis(i64::from(share >= 10))
    }

    /// Number of requests that one run has under way at once when an answer takes `latency`: twice
    /// the number that uses all of this limit, so that a slow answer now and then does not matter;
    /// at least `least`.
    #[must_use]
    pub fn under_way(self, latency: SignedDuration, least: usize) -> usize {
        let needed = i128::from(self.requests)
            .saturating_mul(2)
            .saturating_mul(latency.as_micros().max(0))
            .checked_div(self.window.as_micros().max(1))
            .unwrap_or(0);
        usize::try_from(needed).unwrap_or(usize::MAX).saturating_add(1).max(least)
    }

    /// Time that a caller with a free permit waits for others, to ask together: an eighth of the
    /// time in which the limit allows one request, at most 20 ms. It is nearly zero under a very
    /// high limit.
    #[must_use]
    pub fn moment(self) -> SignedDuration {
        let micros = self.window.as_micros().checked_div(i128::from(self.requests)).unwrap_or(0);
        SignedDuration::from_micros(i64::try_from(micros / 8).unwrap_or(0))
            .min(SignedDuration::from_millis(20))
    }

    /// Time ahead of now within which permits are reserved under this limit: `horizon` for
    /// Harvest's windows, proportionally less for shorter ones, so that the second worker waits for
    /// the same part of a window.
    #[must_use]
    pub fn horizon(self, horizon: SignedDuration) -> SignedDuration {
        if self.window >= LONG_WINDOW {
            return horizon;
        }
        let window = i64::try_from(self.window.as_millis()).unwrap_or(i64::MAX);
        let long = i64::try_from(LONG_WINDOW.as_millis()).unwrap_or(i64::MAX);
        let millis = i64::try_from(horizon.as_millis()).unwrap_or(i64::MAX);
        SignedDuration::from_millis(millis.saturating_mul(window) / long)
    }

    /// Whether it is too late to send the request whose permit was due at `due`: the permit is
    /// spent, and a new one is needed.
    #[must_use]
    pub fn is_dead(self, due: Timestamp, now: Timestamp) -> bool {
        now > plus(due, self.guard().lateness)
    }
}

/// The parts of the reserve that is added to each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetGuard {
    /// Time after its due time within which a permit may be used.
    pub lateness: SignedDuration,
    /// Largest difference between any two workers' clocks.
    pub skew: SignedDuration,
    /// Largest difference between the travel times of two requests.
    pub jitter: SignedDuration,
}

impl BudgetGuard {
    /// The whole reserve.
    #[must_use]
    pub fn total(self) -> SignedDuration {
        self.lateness.saturating_add(self.skew).saturating_add(self.jitter)
    }
}

impl fmt::Display for RequestLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.window.as_millis();
        if millis % 1000 == 0 {
            write!(f, "{}/{}s", self.requests, millis / 1000)
        } else {
            write!(f, "{}/{millis}ms", self.requests)
        }
    }
}

impl FromStr for RequestLimit {
    type Err = LimitError;

    /// Reads `100/15s`; units are `ms`, `s`, `m` and `h`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = || LimitError::Shape(text.to_owned());
        let (requests, window) = text.trim().split_once('/').ok_or_else(shape)?;
        let unit_at = window.find(|c: char| !c.is_ascii_digit()).ok_or_else(shape)?;
        let (count, unit) = window.split_at(unit_at);
        let unit_millis: i64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(shape()),
        };
        if !requests.bytes().all(|b| b.is_ascii_digit()) {
            return Err(shape());
        }
        let requests: u32 = requests.parse().map_err(|_| shape())?;
        let count: i64 = count.parse().map_err(|_| shape())?;
        Self::new(requests, SignedDuration::from_millis(count.saturating_mul(unit_millis)))
    }
}

/// Reason for which a text or a pair of numbers is no limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The text does not have the form of a limit.
    #[error("`{0}` is not a rate limit: write requests per window, such as 100/15s or 100/1500ms")]
    Shape(String),
    /// Too few or too many requests.
    #[error("a rate limit takes 1 to 1000000 requests per window, not {0}")]
    Requests(u32),
    /// A window that is too short or too long.
    #[error("the window of a rate limit is at least 1ms and at most 24h")]
    Window,
}
