//! Main loop of a run: read, flush, save, until the pass is complete or the run has to stop.
//!
//! Three values share the work. The `Driver` sends requests and owns the reading, which decides.
//! The `RunBuffer` owns the rows that came and are not durable yet. The `Run` owns table, item and
//! lease, and makes both durable together: rows and reading are saved at the same page, so that the
//! next run neither skips a page nor counts one twice.
//!
//! | end of the loop | position afterwards | outcome |
//! | --- | --- | --- |
//! | everything is read | complete pass, cursor moved if proven | `Complete`, or the error |
//! | budget is used | unfinished pass, with the end of the wait | `Yielded(Budget)` |
//! | deadline, or a person stops it | unfinished pass | `Yielded(Deadline)` |
//! | requests failed for good | unfinished pass | `Failed` |
//! | any other error | as after the last flush | `Failed` |

use std::sync::Arc;

use engine::item::{ResumablePass, StreamItem};
use engine::pace::{RunPace, still_lost};
use engine::pass::Pass;
use engine::position::PassStage;

use super::leave::fail;
use super::{Run, RunOutcome, RunReport, YieldReason};
use crate::drive::{Driver, DriverStep};
use crate::error::RunError;
use crate::held::table_units;
use crate::hold::RunBuffer;

impl Run {
    /// Works until the run ends; the lease is given back whatever happens.
    pub(super) async fn work(mut self) -> RunReport {
        let outcome = match self.read().await {
            Ok(outcome) => outcome,
            // The next run begins from the same position and leaves the erased users out.
            Err(RunError::ErasedMeanwhile { .. }) => RunOutcome::Yielded(YieldReason::Deadline),
            // Not a failure: the next run reads again the pages since the last flush.
            Err(RunError::Waits { waiting, .. }) => {
                let pass = self.item.value.position.pass_mut(self.order.pass);
                if let Some(unfinished) = &mut pass.unfinished {
                    unfinished.waits_until = Some(waiting.until);
                }
                RunOutcome::Yielded(YieldReason::Budget(waiting.until))
            }
            Err(error) => RunOutcome::Failed(error),
        };
        self.close(outcome).await
    }

    /// Bounds on when this run flushes and when it ends reading.
    pub(super) fn pace(&self) -> RunPace {
        RunPace {
            begun: self.begun,
            deadline: self.order.deadline,
            lost: self.item.value.health.lost,
            flush_bytes: self.context.settings.flush_bytes,
            flush_speed: self.context.settings.flush_speed,
        }
    }

    /// Reads and flushes until the run ends, and puts the counts into the report.
    ///
    /// The counts are taken over on failures, too: requests were sent, and differences from the
    /// declaration are worth telling whatever came of the run.
    async fn read(&mut self) -> Result<RunOutcome, RunError> {
        // Before the first request of a pass that may take hours: the same check before each commit
        // would only fail after them.
        self.check_roles().await?;
        self.check_general_class().await?;
        let unfinished = self.item.value.position.pass(self.order.pass).unfinished.clone();
        let keeper = Arc::clone(&self.keeper);
        let (reading, seen, unfinished) = keeper.beside(self.reading(unfinished)).await?;
        // Read once for the whole run, and compared before each commit: pages that were decoded
        // before a person was erased hold their data.
        self.erased = crate::erased::erased_of(&self.context, self.order.spec).await?;
        let users = self.erased.clone();
        let decoder = crate::erased::decoder_without(&self.context, self.order.spec, users).await?;
        let (spec, pass) = (self.order.spec, self.order.pass);
        let mut driver = Driver::new(&self.context, spec, decoder, pass, reading);
        // A file of another engine may have no statistics.
        let files = self.table.files().iter();
        driver.read_after(
            files.map(|file| file.latest(engine::schema::SYNCED_AT).unwrap_or(file.modified)),
        );
        let mut hold = RunBuffer::new(&self.context, self.table.schema().clone());
        hold.seen = Arc::new(seen.unwrap_or_default());
        let driving = self.drive(&mut driver, &mut hold, unfinished.as_ref());
        let ended = Box::pin(keeper.beside(driving)).await;
        let (units, tally) = (driver.reading.progress(), &driver.tally);
        self.report.units = units;
        self.report.requests = self.report.requests.saturating_add(tally.traffic.requests);
        self.report.throttled = tally.traffic.throttled;
        self.report.failed_requests = tally.traffic.failed;
        self.report.answer_bytes = tally.traffic.bytes;
        self.report.records = tally.traffic.records;
        self.report.observe(&tally.observed);
        self.watch(&driver.look(), unfinished.as_ref(), &ended);
        self.report.quarantined = hold.quarantined.len() as u64;
        self.count_quarantined(self.report.quarantined, unfinished.as_ref());
        self.report.parked = driver.reading.parked().len() as u64;
        ended
    }

    /// Performs the driver's steps until the reading is done or the run has to stop.
    ///
    /// `driver.stop()` does not end the loop: requests that were sent still bring their pages,
    /// which are part of the last flush. The driver returns `Stopped` once none is under way.
    async fn drive(
        &mut self,
        driver: &mut Driver,
        hold: &mut RunBuffer,
        unfinished: Option<&ResumablePass>,
    ) -> Result<RunOutcome, RunError> {
        let mut flushed_at = self.begun;
        let pace = self.pace();
        loop {
            let event = match driver.advance(hold).await {
                Ok(event) => event,
                Err(error) => {
                    // Pages that were read are kept: the next run goes on from here.
                    if error.keeps_what_is_in() {
                        let stage = self.goes_on(driver, None)?;
                        self.save(driver, hold, unfinished, stage).await?;
                    }
                    return Err(error);
                }
            };
            match event {
                DriverStep::Progress => {
                    // First flush, then judge whether reading ends: rows that are durable no longer
                    // count towards the time that the last flush needs.
                    let now = self.context.clock.now();
                    if pace.flush_is_due(hold.bytes(), flushed_at, now) {
                        let stage = self.goes_on(driver, None)?;
                        self.save(driver, hold, unfinished, stage).await?;
                        flushed_at = self.context.clock.now();
                    }
                    // Read anew: the flush may have taken minutes.
                    let late = pace.ends_reading(hold.bytes(), self.context.clock.now());
                    if late || self.context.progress.wants_stop() {
                        driver.stop();
                    }
                }
                // An answer was empty. The reading asks a second time if the table has rows that
                // would be deleted by it.
                DriverStep::NeedsHeld => {
                    let effects = driver.reading.on_held(table_units(&self.table).await?);
                    hold.apply(effects, None)?;
                }
                // All pages of a sweep are read: rows that were on none of them may be deleted, or
                // their records moved between pages meanwhile.
                DriverStep::NeedsMissing(scope) => {
                    let since = self.start(driver, unfinished).by_server;
                    let missing = self.missing(&scope, Arc::clone(&hold.seen)).await?;
                    let effects = driver.reading.on_missing(missing, since);
                    hold.apply(effects, None)?;
                }
                DriverStep::Waits(at) => {
                    let stage = self.goes_on(driver, Some(at))?;
                    self.save(driver, hold, unfinished, stage).await?;
                    return Ok(RunOutcome::Yielded(YieldReason::Budget(at)));
                }
                DriverStep::Stopped => {
                    let stage = self.goes_on(driver, None)?;
                    self.save(driver, hold, unfinished, stage).await?;
                    return Ok(RunOutcome::Yielded(YieldReason::Deadline));
                }
                DriverStep::Done => {
                    let stage = PassStage::Complete {
                        by_halves: driver.reading.is_by_halves(),
                        absent: driver.reading.absent().cloned(),
                        idle: !driver.has_read() && unfinished.is_none(),
                    };
                    return self.save(driver, hold, unfinished, stage).await;
                }
            }
        }
    }

    /// Ends the run: updates health, gives the lease back, and fills the report.
    ///
    /// Health and release are one write: a lease that is given back without the failure would let
    /// the next tick run the stream at once. If that write fails, the lease ends by itself after
    /// two minutes. After a lost lease nothing is written: the item is the other run's.
    async fn close(mut self, mut outcome: RunOutcome) -> RunReport {
        let now = self.context.clock.now();
        self.tell();
        let lost = matches!(outcome, RunOutcome::Failed(RunError::LostLease { .. }));
        if !lost && self.tidy(&outcome).await {
            if let (RunOutcome::Complete, Some(standing), Pass::Incremental) =
                (&outcome, &self.item.value.health.unswept, self.order.pass)
            {
                let standing = format!("the last full pass does not count: {}", standing.error);
                let warnings = self.report.warning.take().into_iter().chain([standing]);
                self.report.warning = Some(warnings.collect::<Vec<_>>().join("; "));
            }
            let report = &self.report;
            let item: &mut StreamItem = &mut self.item.value;
            item.health.rows = self.table.rows();
            match &outcome {
                RunOutcome::Failed(error) => fail(item, self.order.pass, now, error),
                RunOutcome::Complete => {
                    item.health.last_success = Some(now);
                    if self.order.pass == Pass::Full {
                        item.health.unswept = None;
                    }
                    item.health.forget_error();
                    (item.health.failures, item.health.lost) = (0, 0);
                    item.health.refused = false;
                    item.health.warning.clone_from(&report.warning);
                }
                // Runs that are shorter after losses stay so until a pass is complete: the pass may
                // yet come to the page that needed too much memory.
                RunOutcome::Yielded(_) => {
                    item.health.lost = still_lost(item.health.lost);
                    item.health.failures = item.health.lost;
                    item.health.forget_error();
                }
                RunOutcome::Busy { .. } => item.health.failures = 0,
            }
            // A run without records says nothing about misfits: the last count stays.
            if report.records > 0 {
                item.health.misfits = report.misfits.values().sum();
            }
            item.lease = item.lease.as_ref().map(engine::lease::Lease::released);
            self.leave_record(&outcome, now).await;
            if let Err(error) = self.save_item().await {
                // An item that another run has taken over tells of that run.
                self.report.unrecorded = !matches!(error, RunError::LostLease { .. });
                tracing::warn!(
                    stream = self.stream(),
                    error = error.chain(),
                    "lease not given back"
                );
                if self.unsaved {
                    outcome = RunOutcome::Failed(error);
                }
            }
        } else if self.unsaved {
            outcome = RunOutcome::Failed(RunError::LostLease { stream: self.stream() });
        }
        self.report.outcome = outcome;
        self.report.rows = self.table.rows();
        self.report.files = self.table.files().len() as u64;
        self.report.bytes = self.table.files().iter().map(|file| file.size).sum();
        self.report.version = self.table.version();
        self.report
    }
}
