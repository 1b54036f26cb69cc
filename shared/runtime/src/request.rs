//! The one loop that sends a request: permit, token, answer.
//!
//! All requests for account data go through [`send`], whatever asks: the driver of a pass, questions
//! about the account, a comparison. It does what every request owes to the account's budget and to
//! its token, and leaves to its callers whether a failed request is worth another try.

use engine::pass::RequestTarget;
use engine::retry::RequestFailure;
use engine::spec::RateClass;
use engine::time::{SignedDuration, Timestamp, between};
use harvest_api::{ApiAnswer, ApiError};

use crate::context::Context;
use crate::gate::NoPermit;

/// A request that was sent.
#[derive(Debug)]
pub(crate) struct SentRequest {
    /// Time at which the request left: records of its answer are at least as new.
    pub(crate) requested_at: Timestamp,
    /// Answer of Harvest, or the failure.
    pub(crate) answer: Result<ApiAnswer, ApiError>,
}

/// Sends a GET request with a permit of `class` that is due within `horizon`. `on_leave` is called
/// when the request has its permit.
///
/// A refused token may have been replaced in its secret meanwhile, by an operator or by another
/// process that refreshed it: then the request is sent again with the new one, and a permit of its
/// own. An answer 429 blocks the class for all processes before anybody can act on it.
///
/// # Errors
/// Where no permit can be had soon, or the state store fails.
pub(crate) async fn send(
    context: &Context,
    class: RateClass,
    horizon: SignedDuration,
    target: &RequestTarget,
    on_leave: impl Fn() + Send,
) -> Result<SentRequest, NoPermit> {
    let Context { clock, gate, api, tokens, person, .. } = context;
    loop {
        gate.permit(class, horizon).await?;
        on_leave();
        // Remembered before the request: another request may bring a new token meanwhile, and only a
        // token that differs from the refused one is worth another try.
        let (token, requested_at) = (tokens.cell().get(), clock.now());
        let answer = api.get(target).await;
        told(target, between(requested_at, clock.now()), &answer);
        match &answer {
            Ok(answer) => person.date(answer.date, clock.now()),
            Err(error) if error.is_refused_token() => {
                if tokens.is_renewed(context, token.as_ref()).await {
                    continue;
                }
            }
            Err(error) => {
                if let RequestFailure::RateLimited { retry_after } = error.failure() {
                    gate.block(class, *retry_after).await.map_err(NoPermit::State)?;
                }
            }
        }
        return Ok(SentRequest { requested_at, answer });
    }
}

/// Logs a request that was answered, or that failed, for `--verbose`. Its address holds no secret:
/// paths, days and ids; the token is a header.
fn told(target: &RequestTarget, took: SignedDuration, answer: &Result<ApiAnswer, ApiError>) {
    let ms = took.as_millis();
    match answer {
        Ok(answer) => {
            let bytes = answer.body.len();
            tracing::debug!(status = 200, ms, bytes, "GET {}", address(target));
        }
        Err(error) => tracing::debug!(ms, "{error}"),
    }
}

/// Address of a request, for the log.
fn address(target: &RequestTarget) -> String {
    match target {
        RequestTarget::Link(url) => url.clone(),
        RequestTarget::Path { path, query } => {
            let pairs: Vec<_> =
                query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            if pairs.is_empty() { path.clone() } else { format!("{path}?{}", pairs.join("&")) }
        }
    }
}
