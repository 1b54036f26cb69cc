//! Failed requests: tried again, given up, or the end of the run.

use engine::pass::{AfterFailure, Ask, Reads, Stopped, Target};
use engine::retry::{Attempts, Decision, Reach};
use engine::time::{Timestamp, plus};

use super::request::Trouble;
use super::{Driver, name};
use crate::error::{RunError, from_api};
use crate::hold::Hold;

impl Driver {
    pub(super) fn on_trouble(
        &mut self,
        ask: &Ask,
        requested_at: Timestamp,
        trouble: Trouble,
        hold: &mut Hold,
    ) -> Result<(), RunError> {
        let failure = trouble.failure(ask.reads);
        let now = self.context.clock.now();
        let target = name(&ask.target);
        let (attempts, not_before) =
            self.attempts.entry(target).or_insert((Attempts::default(), now));
        let last = match attempts.on_failure(&failure, self.context.random.next()) {
            Decision::Again { after } => {
                *not_before = plus(now, after);
                false
            }
            Decision::GiveUp => true,
        };
        tracing::debug!(stream = self.spec.name, last, ?failure, "request failed");
        if failure.reach() == Reach::StopAccount {
            return Err(self.error(trouble, &ask.target));
        }
        match self.reading.on_failure(ask.id, requested_at, &failure, last) {
            AfterFailure::GoOn(effects) => {
                if last {
                    self.gave_up.get_or_insert((trouble, ask.target.clone()));
                }
                hold.apply(effects, None)
            }
            AfterFailure::Stop(stopped) => Err(self.stopped(stopped, trouble, &ask.target)),
        }
    }

    /// Error of a reading that has only failed units left.
    pub(super) fn ended(&mut self, stopped: Stopped) -> RunError {
        match self.gave_up.take() {
            Some((trouble, target)) if trouble.failure(Reads::Count) == stopped.failure => {
                self.error(trouble, &target)
            }
            Some(_) | None => {
                let Stopped { what, failure } = stopped;
                RunError::Stopped { stream: self.spec.name, what, failure }
            }
        }
    }

    fn stopped(&self, stopped: Stopped, trouble: Trouble, target: &Target) -> RunError {
        if stopped.failure == trouble.failure(Reads::Count) {
            return self.error(trouble, target);
        }
        RunError::Stopped { stream: self.spec.name, what: stopped.what, failure: stopped.failure }
    }

    fn error(&self, trouble: Trouble, target: &Target) -> RunError {
        let stream = self.spec.name;
        match trouble {
            Trouble::Api(source) => from_api(stream, self.context.settings.account.0, source),
            Trouble::Page(source) => {
                RunError::Page { stream, path: name(target), source: Box::new(source) }
            }
        }
    }
}
