//! One question outside of streams: its permit, its retries, and how long it waits.
//!
//! Such a question (person, company, first and last days) is a request like any other: it spends a
//! permit of the shared budget for each attempt, and `engine::retry` decides whether it is sent
//! again.

use engine::budget::HORIZON_INCREMENTAL;
use engine::pass::RequestTarget;
use engine::retry::{RequestAttempts, RequestFailure, RetryDecision};
use engine::spec::RateClass;
use engine::time::{SignedDuration, Timestamp, between, plus};
use harvest_api::{ApiAnswer, ApiError};

use crate::context::Context;
use crate::error::{RunError, from_api};
use crate::gate::{NoPermit, PATIENCE};
use crate::request::send;
use crate::waiting::{RequestWait, WaitFor};

/// Limit of the time that a question waits for its permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermitPatience {
    /// As long as a worker would wait ([`PATIENCE`]).
    Brief,
    /// Until the budget has room; a long wait is logged. Where Harvest itself asked to wait, or the
    /// runs are asked to stop meanwhile, the question fails instead.
    Budget,
}

/// Interval in which a waiting question looks whether it has to stop: one second.
const LOOK: SignedDuration = SignedDuration::from_secs(1);

/// Sends one request with permits and retries, in the name of `stream`.
///
/// # Errors
/// The last failure, once the retries are used up. [`RunError::Waits`] if no request may be sent
/// soon.
pub async fn ask(
    context: &Context,
    stream: &'static str,
    class: RateClass,
    target: &RequestTarget,
    patience: PermitPatience,
) -> Result<ApiAnswer, RunError> {
    match try_ask(context, stream, class, target, patience).await? {
        Ok(answer) => Ok(answer),
        Err(error) => Err(from_api(stream, context.settings.account.0, Box::new(error))),
    }
}

/// Like [`ask`], but returns the failure of the request as a value: for some callers a refusal is
/// an answer. A person without the permission to read the company, for one, still has an account.
///
/// # Errors
/// Fails if the state store fails, or no request may be sent soon.
pub async fn try_ask(
    context: &Context,
    stream: &'static str,
    class: RateClass,
    target: &RequestTarget,
    patience: PermitPatience,
) -> Result<Result<ApiAnswer, ApiError>, RunError> {
    try_ask_until(context, stream, class, target, patience, Timestamp::MAX).await
}

/// Like [`try_ask`], but a failed request is not sent again after `last`.
pub(super) async fn try_ask_until(
    context: &Context,
    stream: &'static str,
    class: RateClass,
    target: &RequestTarget,
    patience: PermitPatience,
    last: Timestamp,
) -> Result<Result<ApiAnswer, ApiError>, RunError> {
    let state = |source| RunError::State { stream, source };
    let mut attempts = RequestAttempts::default();
    loop {
        let answer = match send(context, class, HORIZON_INCREMENTAL, target, || ()).await {
            Ok(sent) => sent.answer,
            Err(NoPermit::ComeBack(at)) => {
                wait(context, stream, class, at, patience).await?;
                continue;
            }
            Err(NoPermit::State(source)) => return Err(state(source)),
        };
        let error = match answer {
            Ok(answer) if is_json(&answer.body) => return Ok(Ok(answer)),
            Ok(_) => ApiError::new(RequestFailure::Malformed, format!("GET {}", name(target))),
            Err(error) => error,
        };
        match attempts.on_failure(error.failure(), context.random.next()) {
            RetryDecision::Again { after } if context.clock.now() < last => {
                context.clock.sleep_until(plus(context.clock.now(), after)).await;
            }
            RetryDecision::Again { .. } | RetryDecision::GiveUp => return Ok(Err(error)),
        }
    }
}

/// Waits until `at`, before which the budget has no permit of `class`, as far as `patience` allows.
/// The reason of the wait matters: a used budget is free again by itself within a window, while a
/// block by Harvest may be longer than a person wants to wait.
///
/// # Errors
/// [`RunError::Waits`] where the wait is longer than `patience`, or the runs are asked to stop; where
/// the state store fails.
pub(crate) async fn wait(
    context: &Context,
    stream: &'static str,
    class: RateClass,
    at: Timestamp,
    patience: PermitPatience,
) -> Result<(), RunError> {
    let blocked = context.gate.blocked_until(class).await;
    let waiting = match blocked.map_err(|source| RunError::State { stream, source })? {
        Some(until) => RequestWait { class, until, reason: WaitFor::Harvest },
        None => RequestWait { class, until: at, reason: WaitFor::Budget },
    };
    if patience == PermitPatience::Brief || waiting.reason == WaitFor::Harvest {
        return Err(RunError::Waits { stream, waiting });
    }
    tell(context, stream, waiting);
    while context.clock.now() < at {
        if context.progress.wants_stop() {
            return Err(RunError::Waits { stream, waiting });
        }
        context.clock.sleep_until(at.min(plus(context.clock.now(), LOOK))).await;
    }
    Ok(())
}

/// Logs a wait that takes long enough for people to wonder.
pub fn tell(context: &Context, stream: &str, waiting: RequestWait) {
    if between(context.clock.now(), waiting.until) > PATIENCE {
        tracing::warn!(stream, "waiting: {waiting}");
    }
}

/// Whether the body is whole JSON. An answer that was cut off is asked for again.
fn is_json(body: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok()
}

fn name(target: &RequestTarget) -> &str {
    match target {
        RequestTarget::Path { path, .. } => path,
        RequestTarget::Link(_) => "a link",
    }
}
