//! Save points of a run: it makes rows and position durable, and tells what a complete pass comes
//! to.

use engine::item::ResumablePass;
use engine::pass::ListProof;
use engine::position::{PassFlush, PassStage};
use engine::time::Timestamp;

use super::objects::WorkObjects;
use super::{Run, RunOutcome};
use crate::drive::Driver;
use crate::error::RunError;
use crate::hold::RunBuffer;

impl Run {
    /// Returns the stage of a pass that is not complete. `waits_until`: instant from which the
    /// budget has room for another run; `None`: the pass does not wait.
    pub(super) fn goes_on(
        &self,
        driver: &Driver,
        waits_until: Option<Timestamp>,
    ) -> Result<PassStage, RunError> {
        let reading = driver.reading.save().map_err(|error| self.defect(&error))?;
        Ok(PassStage::GoesOn { reading, waits_until })
    }

    /// Facts from which the position after a flush is computed.
    fn pass_flush(
        &self,
        driver: &Driver,
        unfinished: Option<&ResumablePass>,
        stage: PassStage,
    ) -> PassFlush {
        let (requests, answers) =
            unfinished.map(|it| (it.requests, it.answers)).unwrap_or_default();
        let settings = &self.context.settings;
        PassFlush {
            spec: self.order.spec,
            pass: self.order.pass,
            start: self.start(driver, unfinished),
            stage,
            proof: driver.reading.proof(),
            answers: answers.plus(driver.tally.answers),
            parked: driver.reading.parked(),
            requests: requests.saturating_add(driver.tally.traffic.requests),
            progress: driver.reading.progress(),
            grid: settings.grid,
            fixed_fees: settings.fixed_fees,
            start_date: settings.start_date,
            present: self.context.present(),
        }
    }

    /// Makes the rows that were read durable, then the position of the pass.
    ///
    /// The order is what makes a crash harmless:
    ///
    /// 1. Compute the next position; nothing is written.
    /// 2. Store its work objects, under new names. After a crash nothing names them, and a later
    ///    run deletes them as orphans.
    /// 3. Flush: files, commit with the position in its note, changes, item.
    /// 4. Delete work objects of the former position. Not before: until the commit, the former
    ///    position is the one that counts.
    pub(super) async fn save(
        &mut self,
        driver: &Driver,
        hold: &mut RunBuffer,
        unfinished: Option<&ResumablePass>,
        stage: PassStage,
    ) -> Result<RunOutcome, RunError> {
        let flush = self.pass_flush(driver, unfinished, stage);
        self.read_until = driver.last_answer.unwrap_or(flush.present.now());
        let superseded = WorkObjects::of(&self.item.value.position, flush.pass);
        let next = flush.position(&self.item.value.position);
        self.tell_cursor_ahead(next.cursor_ahead);
        let mut after = next.position;
        let seen = driver.reading.watches().then_some(&*hold.seen);
        self.externalize(&mut after, flush.start.by_server, seen).await?;
        let commits = self.report.commits;
        let refused = self.flush(hold, after).await?;
        let renewed = self.report.commits > commits;
        self.discard_superseded(superseded, renewed).await;
        let goes_on = matches!(flush.stage, PassStage::GoesOn { .. });
        let outcome = match flush.stage {
            PassStage::GoesOn { .. } => refused.map_or(Ok(RunOutcome::Complete), Err),
            PassStage::Complete { .. } => self.conclude(driver, hold, flush, refused).await,
        };
        if goes_on {
            self.report.warning = self_contradicting(hold);
        }
        outcome
    }

    /// Returns the outcome of a pass that was read whole and is durable: complete, or the error
    /// that people have to know although all rows are written.
    ///
    /// A refused delete comes before a contradiction, because it needs an answer by the operator.
    /// Quarantined records from before the pass are removed only if it is usable: otherwise the
    /// pass has not read them again.
    async fn conclude(
        &mut self,
        driver: &Driver,
        hold: &RunBuffer,
        flush: PassFlush,
        refused: Option<RunError>,
    ) -> Result<RunOutcome, RunError> {
        if refused.is_none() && !flush.is_usable() {
            return Err(self.unusable(flush.answers, hold));
        }
        if refused.is_none() {
            let parked = flush.parked.len();
            self.supersede_quarantine(flush.start.begun, &flush.proof, parked, hold).await;
        }
        self.remark(driver, hold, &flush.proof);
        match (refused, flush.proof) {
            (Some(error), _) => Err(error),
            (None, ListProof::Contradictory(why)) => {
                Err(RunError::Contradictory { stream: self.stream(), why })
            }
            (None, ListProof::Proven | ListProof::Unproven(_)) => Ok(RunOutcome::Complete),
        }
    }

    /// Sets the warning of a complete pass: remarks of the reading, and a doubt about its proof.
    fn remark(&mut self, driver: &Driver, hold: &RunBuffer, proof: &ListProof) {
        let mut remarks: Vec<String> = self_contradicting(hold).into_iter().collect();
        remarks.extend(driver.reading.remarks());
        remarks.extend(proof.doubt().map(str::to_owned));
        self.report.warning = (!remarks.is_empty()).then(|| remarks.join("; "));
    }
}

/// Sentence about report windows that contradict themselves; `None` if there is none.
fn self_contradicting(hold: &RunBuffer) -> Option<String> {
    let windows = hold.contradictions;
    (windows > 0).then(|| {
        format!("{windows} windows contradict themselves: not written, kept raw in the quarantine")
    })
}
