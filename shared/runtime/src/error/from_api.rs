//! Errors of failed requests. The same failure means different things to a person: 403 for a stream
//! is a missing permission, 403 for the account is most likely a wrong account id.

use engine::retry::RequestFailure;
use harvest_api::ApiError;

use super::RunError;

/// Stream in errors of requests and items outside of streams.
pub(crate) const ACCOUNT: &str = "account";

/// Returns the error of a failed request by the kind of its failure. `stream` is `account` for
/// requests before any stream is read.
pub(crate) fn from_api(stream: &'static str, account: i64, source: Box<ApiError>) -> RunError {
    if stream == ACCOUNT {
        return of_account(account, source);
    }
    match source.failure() {
        RequestFailure::Unauthorized => RunError::Credentials { account, source },
        RequestFailure::Forbidden => {
            let advice =
                format!("use an administrator's token, or leave it out with `--exclude {stream}`");
            RunError::Refused { stream, source: Box::new(source.with_advice(advice)) }
        }
        RequestFailure::TimedOut
        | RequestFailure::Server(_)
        | RequestFailure::RateLimited { .. }
        | RequestFailure::Malformed
        | RequestFailure::TooLarge
        | RequestFailure::NotFound
        | RequestFailure::Invalid(_)
        | RequestFailure::Unreachable
        | RequestFailure::Unexpected(_)
        | RequestFailure::ForeignLink => RunError::Api { stream, source },
    }
}

/// Returns the error of a failed request about the account, before any stream was read.
fn of_account(account: i64, source: Box<ApiError>) -> RunError {
    match source.failure() {
        RequestFailure::Unauthorized => RunError::Credentials { account, source },
        RequestFailure::Forbidden | RequestFailure::NotFound => {
            let advice = "compare the account id, which stands beside the token on \
                          id.getharvest.com/developers, and the base URL";
            let source = Box::new(source.with_advice(advice.to_owned()));
            RunError::NoSuchAccount { account, source }
        }
        RequestFailure::TimedOut
        | RequestFailure::Server(_)
        | RequestFailure::RateLimited { .. }
        | RequestFailure::Malformed
        | RequestFailure::TooLarge
        | RequestFailure::Invalid(_)
        | RequestFailure::Unreachable
        | RequestFailure::Unexpected(_)
        | RequestFailure::ForeignLink => RunError::AccountUnread { account, source },
    }
}
