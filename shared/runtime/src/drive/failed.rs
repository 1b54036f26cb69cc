//! Failed requests: tried again, given up, or the end of the run.

use engine::pass::{AfterFailure, AnswerPurpose, PageRequest, RequestTarget, StopReason};
use engine::retry::{FailureReach, RequestAttempts, RequestFailure, RetryDecision};
use engine::time::{Timestamp, plus};

use super::request::RequestError;
use super::{Driver, name};
use crate::error::{RunError, from_api};
use crate::hold::RunBuffer;

impl Driver {
    pub(super) fn on_trouble(
        &mut self,
        request: &PageRequest,
        requested_at: Timestamp,
        trouble: RequestError,
        hold: &mut RunBuffer,
    ) -> Result<(), RunError> {
        let failure = trouble.failure(request.purpose);
        if matches!(failure, RequestFailure::RateLimited { .. }) {
            self.tally.traffic.throttled = self.tally.traffic.throttled.saturating_add(1);
        }
        let now = self.context.clock.now();
        let target = name(&request.target);
        let (attempts, not_before) =
            self.attempts.entry(target).or_insert((RequestAttempts::default(), now));
        let last = match attempts.on_failure(&failure, self.context.random.next()) {
            RetryDecision::Again { after } => {
                *not_before = plus(now, after);
                false
            }
            RetryDecision::GiveUp => true,
        };
        tracing::debug!(stream = self.spec.name, last, ?failure, "request failed");
        if failure.reach() == FailureReach::StopAccount {
            return Err(self.error(trouble, &request.target));
        }
        match self.reading.on_failure(request.id, requested_at, &failure, last) {
            AfterFailure::GoOn(effects) => {
                if last {
                    self.gave_up.get_or_insert((trouble, request.target.clone()));
                }
                hold.apply(effects, None)
            }
            AfterFailure::Stop(stopped) => Err(self.stopped(stopped, trouble, &request.target)),
        }
    }

    /// Error of a reading that has only failed units left.
    pub(super) fn ended(&mut self, stopped: StopReason) -> RunError {
        match self.gave_up.take() {
            Some((trouble, target)) if trouble.failure(AnswerPurpose::Count) == stopped.failure => {
                self.error(trouble, &target)
            }
            Some(_) | None => {
                let StopReason { what, failure } = stopped;
                RunError::Stopped { stream: self.spec.name, what, failure }
            }
        }
    }

    fn stopped(
        &self,
        stopped: StopReason,
        trouble: RequestError,
        target: &RequestTarget,
    ) -> RunError {
        if stopped.failure == trouble.failure(AnswerPurpose::Count) {
            return self.error(trouble, target);
        }
        RunError::Stopped { stream: self.spec.name, what: stopped.what, failure: stopped.failure }
    }

    fn error(&self, trouble: RequestError, target: &RequestTarget) -> RunError {
        let stream = self.spec.name;
        match trouble {
            RequestError::Api(source) => from_api(stream, self.context.settings.account.0, source),
            RequestError::Page(source) => {
                RunError::Page { stream, path: name(target), source: Box::new(source) }
            }
        }
    }
}
