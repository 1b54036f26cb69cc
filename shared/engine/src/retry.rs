//! What a failed request means: send it again, stop the stream, or stop the account.

use crate::time::SignedDuration;

/// Why a request brought no usable answer, as far as the next step depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No answer in time, or the connection broke, also in the middle of a body.
    TimedOut,
    /// Harvest (or what stands in front of it) answered 5xx.
    Server(u16),
    /// 429: everybody waits.
    RateLimited {
        /// From `Retry-After`; `None` where it was missing or unreadable.
        retry_after: Option<SignedDuration>,
    },
    /// 200 with something that is not the JSON that was asked for.
    Malformed,
    /// 401: the token, or the account id for this token, is not accepted.
    Unauthorized,
    /// 403: the person of this token may not read this.
    Forbidden,
    /// 404: there is no such thing.
    NotFound,
    /// 400 or 422: the request itself is refused.
    Invalid(u16),
    /// No connection: name, network or TLS.
    Unreachable,
    /// A redirect or another status that the API does not document.
    Unexpected(u16),
    /// `links.next` leads out of the configured origin; not followed.
    ForeignLink,
}

/// How far a failure reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The same request may succeed later.
    Retry,
    /// This stream cannot go on now; the others can.
    StopStream,
    /// No stream of this account can go on.
    StopAccount,
}
