//! The run itself: read, flush, save, until the pass is complete or somebody says stop.

use std::sync::Arc;

use engine::cursor;
use engine::item::{Position, Stored, StreamItem, Unfinished};
use engine::pass::{Pass, Proof};
use engine::plan::claims_cursor_at_once;
use engine::spec::Kind;
use engine::time::{SignedDuration, Timestamp, between};

use super::pace::{caution, reserve, still_lost};
use super::{Outcome, Run, RunReport, Yielded, fail};
use crate::drive::{Driver, Event};
use crate::error::RunError;
use crate::flush::Before;
use crate::hold::Hold;

/// A run that reads for longer flushes in between.
const FLUSH_INTERVAL: SignedDuration = SignedDuration::from_mins(10);

/// Where a pass stands when its position is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It goes on, perhaps in another run, perhaps not before some instant.
    GoesOn(Option<Timestamp>),
    /// It is complete.
    Complete,
}

impl Run {
    /// Works until the run ends; the lease is given back whatever happens.
    pub(super) async fn work(mut self) -> RunReport {
        let outcome = match self.read().await {
            Ok(outcome) => outcome,
            // The next run begins where this one did, and leaves them out.
            Err(RunError::ErasedMeanwhile { .. }) => Outcome::Yielded(Yielded::Deadline),
            // Nothing is wrong: what was read since the last flush is read again then.
            Err(RunError::Waits { waiting, .. }) => {
                let pass = self.item.value.position.pass_mut(self.order.pass);
                if let Some(unfinished) = &mut pass.unfinished {
                    unfinished.waits_until = Some(waiting.until);
                }
                Outcome::Yielded(Yielded::Budget(waiting.until))
            }
            Err(error) => Outcome::Failed(error),
        };
        self.close(outcome).await
    }

    /// How often the length of this run is halved.
    pub(super) fn caution(&self) -> u32 {
        caution(self.item.value.health.failures)
    }

    async fn read(&mut self) -> Result<Outcome, RunError> {
        self.check_roles().await?;
        let unfinished = self.item.value.position.pass(self.order.pass).unfinished.clone();
        let keeper = Arc::clone(&self.keeper);
        let (reading, seen, unfinished) = keeper.beside(self.reading(unfinished)).await?;
        self.erased = crate::erase::erased_of(&self.context, self.order.spec).await?;
        let users = self.erased.clone();
        let decoder = crate::erase::decoder_without(&self.context, self.order.spec, users).await?;
        let (spec, pass) = (self.order.spec, self.order.pass);
        let mut driver = Driver::new(&self.context, spec, decoder, pass, reading);
        let mut hold = Hold::new(&self.context, self.table.schema().clone());
        hold.seen = Arc::new(seen.unwrap_or_default());
        let driving = self.drive(&mut driver, &mut hold, unfinished.as_ref());
        let ended = Box::pin(keeper.beside(driving)).await;
        let (units, tally) = (driver.reading.progress(), &driver.tally);
        self.report.units = units;
        self.report.requests = self.report.requests.saturating_add(tally.requests);
        self.report.records = tally.records;
        self.report.observe(&tally.observed);
        self.watch(&driver.look(), unfinished.as_ref(), &ended);
        self.report.quarantined = hold.quarantined.len() as u64;
        self.count_quarantined(self.report.quarantined, unfinished.as_ref());
        self.report.parked = driver.reading.parked().len() as u64;
        ended
    }

    async fn drive(
        &mut self,
        driver: &mut Driver,
        hold: &mut Hold,
        unfinished: Option<&Unfinished>,
    ) -> Result<Outcome, RunError> {
        let mut flushed_at = self.begun;
        let caution = self.caution();
        loop {
            let event = match driver.advance(hold).await {
                Ok(event) => event,
                Err(error) => {
                    // What is in is kept: the next run goes on from here.
                    if error.keeps_what_is_in() {
                        self.save(driver, hold, unfinished, Stage::GoesOn(None)).await?;
                    }
                    return Err(error);
                }
            };
            match event {
                Event::Progress => {
                    let now = self.context.clock.now();
                    let interval = FLUSH_INTERVAL / (1 << caution);
                    let long = between(flushed_at, now) >= interval;
                    if hold.bytes() >= self.context.settings.flush_bytes >> caution || long {
                        self.save(driver, hold, unfinished, Stage::GoesOn(None)).await?;
                        flushed_at = now;
                    }
                    let reserve = reserve(hold.bytes(), self.context.settings.flush_speed);
                    let late = self.order.deadline.is_some_and(|end| {
                        let short = caution > 0 && between(self.begun, now) >= interval;
                        short || between(now, end) <= reserve
                    });
                    if late || self.context.progress.wants_stop() {
                        driver.stop();
                    }
                }
                Event::NeedsHeld => {
                    let effects = driver.reading.on_held(self.held().await?);
                    hold.apply(effects, None)?;
                }
                Event::NeedsMissing(scope) => {
                    let (_, since) = self.start(driver, unfinished);
                    let missing = self.missing(&scope, Arc::clone(&hold.seen)).await?;
                    let effects = driver.reading.on_missing(missing, since);
                    hold.apply(effects, None)?;
                }
                Event::Waits(at) => {
                    self.save(driver, hold, unfinished, Stage::GoesOn(Some(at))).await?;
                    return Ok(Outcome::Yielded(Yielded::Budget(at)));
                }
                Event::Stopped => {
                    self.save(driver, hold, unfinished, Stage::GoesOn(None)).await?;
                    return Ok(Outcome::Yielded(Yielded::Deadline));
                }
                Event::Done => {
                    return self.save(driver, hold, unfinished, Stage::Complete).await;
                }
            }
        }
    }

    /// Makes what was read durable, then where the pass stands.
    async fn save(
        &mut self,
        driver: &Driver,
        hold: &mut Hold,
        unfinished: Option<&Unfinished>,
        stage: Stage,
    ) -> Result<Outcome, RunError> {
        let requests = unfinished.map_or(0, |it| it.requests).saturating_add(driver.tally.requests);
        let now = self.context.clock.now();
        self.read_until = driver.last_answer.unwrap_or(now);
        let (begun, start) = self.start(driver, unfinished);
        let proof = driver.reading.proof();
        let answers = unfinished.map(|it| it.answers).unwrap_or_default();
        let answers = answers.plus(driver.tally.answers);
        let usable = answers.failed(&self.order.spec.kind) == 0;
        let mut after = self.item.value.position.clone();
        let pass = self.order.pass;
        let old = self.item.value.position.pass(pass).unfinished.as_ref();
        let old_objects: Vec<String> = old.map(|old| old.objects().collect()).unwrap_or_default();
        let position = &self.item.value.position;
        let old_kept = [position.parked.object(), position.absent.object()];
        let commits = self.report.commits;
        let (deleted, refused_before) = old
            .map_or((self.item.value.position.pass(pass).deleted, 0), |old| {
                (old.deleted, old.refused)
            });
        after.parked = Stored::Here(driver.reading.parked());
        if matches!(self.order.spec.kind, Kind::ReportWindow(_)) {
            after.grid = Some(self.context.settings.grid);
        }
        if pass == Pass::Full && usable && claims_cursor_at_once(self.order.spec, &after) {
            after.cursor = Some(start);
        }
        match stage {
            Stage::GoesOn(waits_until) => {
                let saved = driver.reading.save().map_err(|error| self.defect(&error))?;
                after.pass_mut(pass).unfinished = Some(Unfinished {
                    start,
                    begun,
                    resume: Stored::Here(saved),
                    seen: None,
                    deleted,
                    refused: refused_before,
                    answers,
                    start_date: self.context.settings.start_date,
                    requests,
                    progress: driver.reading.progress(),
                    tried_at: now,
                    waits_until,
                });
            }
            Stage::Complete => {
                let nothing = driver.tally.records == 0 && driver.reading.progress().0 == 0;
                let idle = nothing && unfinished.is_none() && pass == Pass::Incremental;
                // The next pass asks from the same cursor and finds the same nothing: leaving it
                // claims nothing, so nobody has to ask what the person may see.
                let claims = (!idle && proof == Proof::Proven).then_some(start);
                if pass == Pass::Full {
                    after.by_halves = driver.reading.is_by_halves();
                }
                let in_vain = self.forget_cursor_ahead(&mut after) && pass == Pass::Incremental;
                if let Proof::Contradictory(_) = &proof {
                    self.doubted(&mut after, begun);
                } else {
                    self.completed(&mut after, claims.filter(|_| !in_vain), begun, requests);
                    if let Some(absent) = driver.reading.absent() {
                        after.absent = Stored::Here(absent.clone());
                    }
                }
                if !usable {
                    self.stays(&mut after);
                }
            }
        }
        let seen = driver.reading.watches().then_some(&*hold.seen);
        self.externalize(&mut after, start, seen).await?;
        let before = Before { deleted, refused: refused_before };
        let refused = self.flush(hold, after, before).await?;
        let renewed = self.report.commits > commits;
        self.discard_superseded(old_objects, old_kept, renewed).await;
        if stage == Stage::Complete && refused.is_none() {
            if !usable {
                return Err(self.unusable(answers, hold));
            }
            let parked = driver.reading.parked().len();
            self.supersede_quarantine(begun, &proof, parked, hold).await;
        }
        if stage == Stage::Complete {
            self.remark(driver, &proof);
        }
        if hold.contradictions > 0 {
            let windows = hold.contradictions;
            self.report.warning = Some(format!(
                "{windows} windows contradict themselves: not written, kept raw in the quarantine"
            ));
        }
        match (refused, proof) {
            (Some(error), _) => Err(error),
            (None, Proof::Contradictory(why)) if stage == Stage::Complete => {
                Err(RunError::Contradictory { stream: self.stream(), why })
            }
            (None, Proof::Proven | Proof::Unproven(_) | Proof::Contradictory(_)) => {
                Ok(Outcome::Complete)
            }
        }
    }

    /// Deletes work objects that nothing names any more. Those that only a new position leaves out
    /// stay until a commit named their successors: a lost state would need them.
    async fn discard_superseded(
        &self,
        objects: Vec<String>,
        kept: [Option<String>; 2],
        renewed: bool,
    ) {
        for key in objects {
            self.discard(&key).await;
        }
        if renewed {
            let named = self.item.value.position.objects();
            for key in kept.into_iter().flatten().filter(|key| !named.contains(key)) {
                self.discard(&key).await;
            }
        }
    }

    /// What people should know of a pass that is complete.
    fn remark(&mut self, driver: &Driver, proof: &Proof) {
        let mut remarks = driver.reading.remarks();
        remarks.extend(proof.doubt().map(str::to_owned));
        self.report.warning = (!remarks.is_empty()).then(|| remarks.join("; "));
    }

    /// The position after a pass whose answers contradict themselves: no cursor moves, and a full
    /// pass does not count.
    fn doubted(&self, after: &mut Position, begun: Timestamp) {
        let state = after.pass_mut(self.order.pass);
        state.unfinished = None;
        match self.order.pass {
            Pass::Incremental => state.last_begun = Some(begun),
            Pass::Full => state.doubted = Some(begun),
        }
    }

    /// The position after a complete pass; `claims`: where its cursor may move.
    fn completed(
        &self,
        after: &mut Position,
        claims: Option<Timestamp>,
        begun: Timestamp,
        requests: u64,
    ) {
        let settings = &self.context.settings;
        let state = after.pass_mut(self.order.pass);
        state.unfinished = None;
        state.doubted = None;
        state.last_begun = Some(begun);
        state.last_requests = requests;
        let follows_changes = matches!(self.order.spec.kind, Kind::Listing(_) | Kind::PerParent(_));
        // A full pass from a start date on says nothing of older records that changed.
        let whole = match self.order.pass {
            Pass::Incremental => true,
            Pass::Full => settings.start_date.is_none(),
        };
        if let Some(start) = claims.filter(|_| follows_changes && whole) {
            after.cursor = Some(cursor::advance(after.cursor, start));
        }
        if self.order.pass == Pass::Full {
            after.start_date = settings.start_date;
        }
    }

    /// Ends the run: health, lease, report.
    async fn close(mut self, outcome: Outcome) -> RunReport {
        let now = self.context.clock.now();
        self.tell();
        let lost = matches!(outcome, Outcome::Failed(RunError::LostLease { .. }));
        if !lost && self.tidy(&outcome).await {
            let report = &self.report;
            let item: &mut StreamItem = &mut self.item.value;
            item.health.rows = self.table.rows();
            match &outcome {
                Outcome::Failed(error) => fail(item, now, error),
                Outcome::Complete => {
                    item.health.last_success = Some(now);
                    item.health.last_error = None;
                    item.health.failures = 0;
                    item.health.refused = false;
                    item.health.warning.clone_from(&report.warning);
                }
                Outcome::Yielded(_) => {
                    item.health.failures = still_lost(item.health.failures);
                    item.health.last_error = None;
                }
                Outcome::Busy { .. } => item.health.failures = 0,
            }
            if report.records > 0 {
                item.health.misfits = report.misfits.values().sum();
            }
            item.lease = item.lease.as_ref().map(engine::lease::Lease::released);
            if let Err(error) = self.save_item().await {
                tracing::warn!(
                    stream = self.stream(),
                    error = error.chain(),
                    "lease not given back"
                );
            }
        }
        self.report.outcome = outcome;
        self.report.rows = self.table.rows();
        self.report.files = self.table.files().len() as u64;
        self.report.bytes = self.table.files().iter().map(|file| file.size).sum();
        self.report.version = self.table.version();
        self.report
    }
}
