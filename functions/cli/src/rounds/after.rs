//! Consequences of an ended run for its stream, and the time to look for due runs again.
//!
//! | outcome of the run | consequence in this sync |
//! | --- | --- |
//! | complete | the plan says whether the stream is due again, twice at most |
//! | yielded for the budget | goes on once the budget has permits, if that wait is accepted |
//! | busy | tried each second, and given up after `BUSY_PATIENCE` |
//! | the token is refused | no run is started any more, for no stream |
//! | failed otherwise, or stopped | tried again if due, given up after `MOST_FRUITLESS` runs |

use engine::spec::StreamSpec;
use engine::time::{Timestamp, between, plus};
use runtime::run::{RunOutcome, RunReport};
use runtime::{RunError, records};

use super::{BUSY_PATIENCE, BUSY_PAUSE, MOST_FRUITLESS, SHORT_WAIT, SyncLoop};

impl SyncLoop<'_> {
    /// Takes note of a run that ended, for its report and for the next runs.
    pub(super) fn take(&mut self, report: RunReport) {
        let (stream, now) = (report.stream, self.context.clock.now());
        self.running.remove(stream);
        match &report.outcome {
            // No part of the summary's numbers, and no line: the run did nothing. A person is told
            // only if the stream is given up.
            RunOutcome::Busy { .. } => {
                let since = *self.busy_since.entry(stream).or_insert(now);
                if between(since, now) >= BUSY_PATIENCE {
                    self.synced.busy.insert(stream);
                    self.given_up.insert(stream);
                } else {
                    self.pauses.insert(stream, plus(now, BUSY_PAUSE));
                }
                return;
            }
            RunOutcome::Complete => {
                self.busy_since.remove(stream);
                let done = self.completed.entry((stream, report.pass)).or_default();
                *done = done.saturating_add(1);
            }
            // The item of the stream has the time at which it goes on, and `waits_until` finds it there,
            // unless nothing of the pass could be saved.
            RunOutcome::Yielded(runtime::run::YieldReason::Budget(until)) => {
                self.busy_since.remove(stream);
                self.yielded.insert(stream, *until);
            }
            // All streams use the same token. More requests with it would only be refused, too.
            RunOutcome::Failed(RunError::Credentials { .. }) => {
                self.synced.credentials_refused = true;
            }
            RunOutcome::Yielded(runtime::run::YieldReason::Deadline) | RunOutcome::Failed(_) => {
                self.in_vain(stream, now);
            }
        }
        self.watch.ended(&report);
        self.synced.reports.push(report);
    }

    /// Counts a run without success.
    ///
    /// The plan of a sync tries a failed stream no second time, because its item has the failure.
    /// Some ends of a run leave no failure in the item: another run took the lease, the state could
    /// not be written, somebody was erased meanwhile. Such a stream stays due, so a pause and a
    /// number bound the tries.
    fn in_vain(&mut self, stream: &'static str, now: Timestamp) {
        let times = self.fruitless.entry(stream).or_default();
        *times = times.saturating_add(1);
        // The run had the lease, so another process that has it next began after that.
        if let Some(since) = self.busy_since.get_mut(stream) {
            *since = now;
        }
        self.pauses.insert(stream, plus(now, BUSY_PAUSE));
        if *times >= MOST_FRUITLESS {
            self.given_up.insert(stream);
        }
    }

    /// Returns the time to look for due runs even if no run ends before: the end of a pause, or of
    /// a wait for the budget. `None` if there is nothing to wait for.
    ///
    /// # Errors
    /// Fails if the state store fails.
    pub(super) async fn wake(&self) -> Result<Option<Timestamp>, RunError> {
        let now = self.context.clock.now();
        let open =
            |name: &&'static str| !self.running.contains_key(name) && !self.given_up.contains(name);
        let mut wakes: Vec<Timestamp> = Vec::new();
        // Another process tells nobody when it ends, so a busy stream is looked at again while
        // other runs go on.
        for name in self.busy_since.keys().filter(|name| open(name)) {
            wakes.extend(self.pauses.get(name));
        }
        // While runs are at work the end of any of them leads to a new plan anyway, and it may
        // change what the budget allows.
        if self.runs.is_empty() {
            for spec in streams::STREAMS.iter().filter(|spec| open(&spec.name)) {
                let untils = [self.waits_until(spec).await?, self.yielded.get(spec.name).copied()];
                let accepted = |at: &Timestamp| self.wait || between(now, *at) <= SHORT_WAIT;
                wakes.extend(untils.into_iter().flatten().filter(accepted));
            }
        }
        // Pauses that are over do not count: `start_due` has just had its chance with these
        // streams.
        Ok(wakes.into_iter().filter(|at| *at > now).min())
    }

    /// Returns the time at which the budget has permits for an unfinished pass of this stream;
    /// `None` if no pass of it waits. Read from the state each time: another process may have gone
    /// on with the pass.
    async fn waits_until(&self, spec: &'static StreamSpec) -> Result<Option<Timestamp>, RunError> {
        let settings = &self.context.settings;
        let skipped = self.synced.skipped.iter().any(|other| other.name == spec.name);
        if skipped || !settings.includes(spec.name) {
            return Ok(None);
        }
        let state = |source| RunError::State { stream: spec.name, source };
        let present = self.context.present();
        let item = records::stream(&*self.context.state, settings.account, spec.name, &present);
        let position = item.await.map_err(state)?.value.position;
        let passes = [position.incremental, position.full].into_iter();
        Ok(passes.filter_map(|pass| pass.unfinished?.waits_until).min())
    }
}
