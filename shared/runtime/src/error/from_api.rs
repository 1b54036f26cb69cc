//! Errors of failed requests.

use engine::retry::Failure;
use harvest_api::ApiError;

use super::{ACCOUNT, RunError};

/// Error of a failed request, by the kind of its failure.
pub(crate) fn from_api(stream: &'static str, account: i64, source: Box<ApiError>) -> RunError {
    if stream == ACCOUNT {
        return of_account(account, source);
    }
    match source.failure() {
        Failure::Unauthorized => RunError::Credentials { account, source },
        Failure::Forbidden => RunError::Refused { stream, source },
        Failure::TimedOut
        | Failure::Server(_)
        | Failure::RateLimited { .. }
        | Failure::Malformed
        | Failure::TooLarge
        | Failure::NotFound
        | Failure::Invalid(_)
        | Failure::Unreachable
        | Failure::Unexpected(_)
        | Failure::ForeignLink => RunError::Api { stream, source },
    }
}

/// Error of a failed request about the account, before any stream was read.
fn of_account(account: i64, source: Box<ApiError>) -> RunError {
    match source.failure() {
        Failure::Unauthorized => RunError::Credentials { account, source },
        Failure::Forbidden | Failure::NotFound => RunError::NoSuchAccount { account, source },
        Failure::TimedOut
        | Failure::Server(_)
        | Failure::RateLimited { .. }
        | Failure::Malformed
        | Failure::TooLarge
        | Failure::Invalid(_)
        | Failure::Unreachable
        | Failure::Unexpected(_)
        | Failure::ForeignLink => RunError::AccountUnread { account, source },
    }
}
