//! Meaning of a failed request: send it again, stop the stream, or stop the account.

use core::fmt;

use crate::time::SignedDuration;

/// Largest number of times that a request is sent, not counting answers of 429.
pub const MOST_ATTEMPTS: u32 = 6;
/// Largest number of 429 answers to one request. The budget keeps our own requests within the
/// limit, so an answer of 429 means that other clients use the account, and waiting helps.
pub const MOST_LIMITED: u32 = 30;
/// Upper bound of the wait after the first failure, in milliseconds; it doubles with each.
const FIRST_WAIT_MS: u64 = 1_000;
const LONGEST_WAIT_MS: u64 = 30_000;

/// Reason for which a request brought no usable answer, as far as the next step depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestFailure {
    /// No answer in time, or a broken connection, also in the middle of a body.
    TimedOut,
    /// 5xx from Harvest or from a proxy in front of it.
    Server(u16),
    /// 429: all requests wait.
    RateLimited {
        /// From `Retry-After`; `None` where it was missing or unreadable.
        retry_after: Option<SignedDuration>,
    },
    /// 200 with a body that is not the expected JSON.
    Malformed,
    /// 200 with a body that is larger than the allowed size.
    TooLarge,
    /// 401: the token, or the account id for this token, is not accepted.
    Unauthorized,
    /// 403: the person of this token may not read this.
    Forbidden,
    /// 404: the resource does not exist.
    NotFound,
    /// 400 or 422: Harvest refuses the request itself.
    Invalid(u16),
    /// No connection: name, network or TLS.
    Unreachable,
    /// A redirect or another status that the API does not document.
    Unexpected(u16),
    /// `links.next` leads out of the configured origin; not followed.
    ForeignLink,
}

impl fmt::Display for RequestFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Server(status) => write!(f, "Harvest failed ({status})"),
            Self::RateLimited { .. } => f.write_str("too many requests (429)"),
            Self::Malformed => f.write_str("the answer is not the documented JSON"),
            Self::TooLarge => f.write_str("the answer is too large"),
            Self::Unauthorized => f.write_str("the token is not accepted (401)"),
            Self::Forbidden => f.write_str("this token may not read it (403)"),
            Self::NotFound => f.write_str("it does not exist (404)"),
            Self::Invalid(status) => write!(f, "Harvest refuses the request ({status})"),
            Self::Unreachable => f.write_str("no connection to Harvest"),
            Self::Unexpected(status) => write!(f, "an undocumented answer ({status})"),
            Self::ForeignLink => f.write_str("the answer leads to another server"),
        }
    }
}

/// Reach of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureReach {
    /// The same request may succeed later.
    Retry,
    /// This stream cannot go on now; the others can.
    StopStream,
    /// No stream of this account can go on.
    StopAccount,
}

/// Condition under which a failed request is sent again for fewer records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmallerRetry {
    /// Never: the failure does not depend on the size of the page.
    No,
    /// When the request fails in this way again.
    WhenRepeated,
    /// At once: the same request brings the same answer.
    AtOnce,
}

/// Decision about a failed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    /// Send it again after this wait, with a fresh permit. Zero after a 429: there the block of the
    /// budget is the wait.
    Again {
        /// Wait, counted from the failure.
        after: SignedDuration,
    },
    /// The failure stands.
    GiveUp,
}

impl RequestFailure {
    /// Returns the reach of this failure.
    #[must_use]
    pub const fn reach(&self) -> FailureReach {
        match self {
            Self::TimedOut
            | Self::Server(_)
            | Self::RateLimited { .. }
            | Self::Malformed
            | Self::TooLarge
            | Self::Unreachable => FailureReach::Retry,
            Self::Forbidden
            | Self::NotFound
            | Self::Invalid(_)
            | Self::Unexpected(_)
            | Self::ForeignLink => FailureReach::StopStream,
            Self::Unauthorized => FailureReach::StopAccount,
        }
    }

    /// Whether the failure depends on the request, so that another request may succeed; `false` if
    /// the network, the rate limit or the token fails, which all requests share.
    #[must_use]
    pub const fn is_of_its_request(&self) -> bool {
        match self {
            Self::TimedOut
            | Self::Server(_)
            | Self::Malformed
            | Self::TooLarge
            | Self::Forbidden
            | Self::NotFound
            | Self::Invalid(_)
            | Self::Unexpected(_)
            | Self::ForeignLink => true,
            Self::RateLimited { .. } | Self::Unauthorized | Self::Unreachable => false,
        }
    }

    /// Whether and when a smaller page may help: the answer was too slow or too large.
    #[must_use]
    pub const fn asks_for_smaller_pages(&self) -> SmallerRetry {
        match self {
            Self::TimedOut | Self::Server(_) => SmallerRetry::WhenRepeated,
            Self::TooLarge => SmallerRetry::AtOnce,
            Self::RateLimited { .. }
            | Self::Malformed
            | Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::Invalid(_)
            | Self::Unreachable
            | Self::Unexpected(_)
            | Self::ForeignLink => SmallerRetry::No,
        }
    }
}

/// Failures of one request so far; answers of 429 are counted separately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestAttempts {
    failed: u32,
    limited: u32,
}

impl RequestAttempts {
    /// Counts `failure` and decides. `random` is any value of a random generator.
    pub fn on_failure(&mut self, failure: &RequestFailure, random: u64) -> RetryDecision {
        let counter = match failure {
            RequestFailure::RateLimited { .. } => &mut self.limited,
            RequestFailure::TimedOut
            | RequestFailure::Server(_)
            | RequestFailure::Malformed
            | RequestFailure::TooLarge
            | RequestFailure::Unauthorized
            | RequestFailure::Forbidden
            | RequestFailure::NotFound
            | RequestFailure::Invalid(_)
            | RequestFailure::Unreachable
            | RequestFailure::Unexpected(_)
            | RequestFailure::ForeignLink => &mut self.failed,
        };
        *counter = counter.saturating_add(1);
        decide(failure, *counter, random)
    }
}

/// Returns the decision after the `attempt`-th failure (from 1) of one request; answers of 429 are
/// numbered separately. Waits are spread over the whole of an interval that doubles up to 30 s
/// (full jitter).
#[must_use]
pub fn decide(failure: &RequestFailure, attempt: u32, random: u64) -> RetryDecision {
    match failure.reach() {
        FailureReach::StopStream | FailureReach::StopAccount => return RetryDecision::GiveUp,
        FailureReach::Retry => {}
    }
    let limited = matches!(failure, RequestFailure::RateLimited { .. });
    if attempt >= if limited { MOST_LIMITED } else { MOST_ATTEMPTS } {
        return RetryDecision::GiveUp;
    }
    let after = if limited { SignedDuration::ZERO } else { spread(attempt, random) };
    RetryDecision::Again { after }
}

fn spread(attempt: u32, random: u64) -> SignedDuration {
    let doubled = 1_u64.checked_shl(attempt.saturating_sub(1)).unwrap_or(u64::MAX);
    let ceiling = FIRST_WAIT_MS.saturating_mul(doubled).min(LONGEST_WAIT_MS);
    // The upper half of the product is `random` scaled to 0..=ceiling, without a division.
    let scaled = u128::from(random).saturating_mul(u128::from(ceiling).saturating_add(1)) >> 64;
    SignedDuration::from_millis(i64::try_from(scaled).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITED: RequestFailure = RequestFailure::RateLimited { retry_after: None };

    #[test]
    fn each_failure_has_its_reach() {
        // `own`: whether it depends on the request.
        let check = |failure: RequestFailure, reach, own| {
            assert_eq!((failure.reach(), failure.is_of_its_request()), (reach, own), "{failure:?}");
        };
        check(RequestFailure::TimedOut, FailureReach::Retry, true);
        check(RequestFailure::Server(503), FailureReach::Retry, true);
        check(LIMITED, FailureReach::Retry, false);
        check(RequestFailure::Malformed, FailureReach::Retry, true);
        check(RequestFailure::TooLarge, FailureReach::Retry, true);
        check(RequestFailure::Unreachable, FailureReach::Retry, false);
        check(RequestFailure::Forbidden, FailureReach::StopStream, true);
        check(RequestFailure::NotFound, FailureReach::StopStream, true);
        check(RequestFailure::Invalid(422), FailureReach::StopStream, true);
        check(RequestFailure::Unexpected(302), FailureReach::StopStream, true);
        check(RequestFailure::ForeignLink, FailureReach::StopStream, true);
        check(RequestFailure::Unauthorized, FailureReach::StopAccount, false);
    }

    #[test]
    fn what_cannot_succeed_is_not_sent_again() {
        for failure in [
            RequestFailure::Unauthorized,
            RequestFailure::Forbidden,
            RequestFailure::NotFound,
            RequestFailure::ForeignLink,
        ] {
            assert_eq!(decide(&failure, 1, 0), RetryDecision::GiveUp, "{failure:?}");
        }
    }

    #[test]
    fn retries_are_bounded() {
        let mut attempts = RequestAttempts::default();
        let again = (0..100)
            .take_while(|_| {
                attempts.on_failure(&RequestFailure::TimedOut, 0) != RetryDecision::GiveUp
            })
            .count();
        assert_eq!(again, 5);
    }

    #[test]
    fn answers_of_429_are_counted_apart_and_wait_by_the_block() {
        let mut attempts = RequestAttempts::default();
        for _ in 1..MOST_LIMITED {
            let decision = attempts.on_failure(&LIMITED, u64::MAX);
            assert_eq!(decision, RetryDecision::Again { after: SignedDuration::ZERO });
        }
        assert!(matches!(
            attempts.on_failure(&RequestFailure::Server(500), 0),
            RetryDecision::Again { .. }
        ));
        assert_eq!(attempts.on_failure(&LIMITED, 0), RetryDecision::GiveUp);
    }

    #[test]
    fn waits_fill_an_interval_that_doubles() {
        let check = |attempt, random, millis: i64| {
            let after = SignedDuration::from_millis(millis);
            assert_eq!(
                decide(&RequestFailure::Server(502), attempt, random),
                RetryDecision::Again { after }
            );
        };
        check(1, 0, 0);
        check(1, u64::MAX, 1_000);
        check(2, u64::MAX, 2_000);
        check(5, u64::MAX, 16_000);
        check(5, u64::MAX / 2, 8_000);
        assert_eq!(spread(20, u64::MAX), SignedDuration::from_secs(30));
        assert_eq!(spread(u32::MAX, u64::MAX), SignedDuration::from_secs(30));
    }
}
