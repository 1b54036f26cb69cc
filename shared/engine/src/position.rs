//! Position of a stream after a flush: when its cursor moves, how much a pass proves, and how a
//! refused delete sends the pass back.
//!
//! [`PassFlush::position`] returns the position once everything that was read is durable;
//! [`PassDeletes::settle`] takes into account the rows that the merge deleted or refused to delete.
//! The commit carries the result, and the state item takes it from the receipt of that commit.

mod deletes;

use std::collections::BTreeMap;

use crate::cursor;
use crate::item::{ItemValue, ResumablePass, StreamPosition};
use crate::pass::{AbsentRows, ListProof, ParkedParent, Pass};
use crate::present::Present;
use crate::quarantine::AnswerCounts;
use crate::spec::{StreamKind, StreamSpec};
use crate::time::{Date, Timestamp};
use crate::window::{FixedFeeAmounts, WindowGrid};
pub use deletes::PassDeletes;

/// Start of a pass, by two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassStart {
    /// Instant by our clock.
    pub begun: Timestamp,
    /// Instant by the server's clock: the cursor that a complete pass leaves.
    pub by_server: Timestamp,
}

/// Stage of a pass when its position is saved: unfinished or complete.
#[derive(Clone, Debug)]
pub enum PassStage {
    /// More pages are to be read, in this run or in another.
    GoesOn {
        /// The saved reading.
        reading: serde_json::Value,
        /// Instant at which the budget has room for the pass again; `None`: the run did not end for
        /// want of budget.
        waits_until: Option<Timestamp>,
    },
    /// Everything is read.
    Complete {
        /// Whether the listing has to be read by its halves.
        by_halves: bool,
        /// Rows that the pass missed; `None`: it compared no rows.
        absent: Option<AbsentRows>,
        /// Whether no answer of the whole pass held a record.
        idle: bool,
    },
}

/// One flush of a pass: everything that its position depends on.
#[derive(Clone, Debug)]
pub struct PassFlush {
    /// The stream.
    pub spec: &'static StreamSpec,
    /// The pass.
    pub pass: Pass,
    /// Start of the pass.
    pub start: PassStart,
    /// Stage of the pass.
    pub stage: PassStage,
    /// Whether the pass is known to have read every record.
    pub proof: ListProof,
    /// Counts of records in the answers of the pass, those of earlier runs included.
    pub answers: AnswerCounts,
    /// Parents whose children could not be read.
    pub parked: BTreeMap<i64, ParkedParent>,
    /// Requests of the pass, those of earlier runs included.
    pub requests: u64,
    /// Units read and units left, for display.
    pub progress: (u64, u64),
    /// Grid of report windows, as it is set.
    pub grid: WindowGrid,
    /// Amounts of fixed fees in time reports, as they are set.
    pub fixed_fees: FixedFeeAmounts,
    /// First day that full passes read, as it is set; `None`: all.
    pub start_date: Option<Date>,
    /// The time of the flush.
    pub present: Present,
}

/// A position that is to become durable.
#[derive(Clone, Debug, PartialEq)]
pub struct NextPosition {
    /// The position if all deletes are accepted.
    pub position: StreamPosition,
    /// The former cursor, dropped because it lies in Harvest's future.
    pub cursor_ahead: Option<Timestamp>,
}

impl PassFlush {
    /// Whether the answers had usable records. An answer of nothing but bad records means that
    /// Harvest serves something else than the declaration expects.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.answers.failed(&self.spec.kind) == 0
    }

    /// Returns the position that follows `before` once the records of this flush are durable.
    #[must_use]
    pub fn position(&self, before: &StreamPosition) -> NextPosition {
        let (spec, pass) = (self.spec, self.pass);
        let mut after = before.clone();
        let mut cursor_ahead = None;
        after.parked = self.parked(before);
        if let StreamKind::ReportWindow(report) = &spec.kind {
            after.grid = Some(self.grid);
            if report.values_fixed_fees {
                after.fixed_fees = self.fixed_fees;
            }
        }
        // The backfill reads all older records; incremental passes from this start on read the
        // newer ones.
        if pass == Pass::Full
            && self.is_usable()
            && before.cursor.is_none()
            && !self.present.is_future_of_harvest(self.start.by_server)
            && spec.follows_changes()
        {
            after.cursor = Some(self.start.by_server);
        }
        match &self.stage {
            PassStage::GoesOn { reading, waits_until } => {
                let unfinished = self.unfinished(before, reading.clone(), *waits_until);
                after.pass_mut(pass).unfinished = Some(unfinished);
            }
            PassStage::Complete { by_halves, absent, idle } => {
                if pass == Pass::Full {
                    after.by_halves = *by_halves;
                }
                let present = self.present;
                cursor_ahead = after.cursor.take_if(|at| present.is_future_of_harvest(*at));
                if cursor_ahead.is_some() {
                    after.incremental.unfinished = None;
                }
                if pass == Pass::Full && *by_halves && !before.by_halves {
                    // Incremental passes since the beginning read a list that omits records.
                    after.cursor = after.cursor.map(|at| at.min(self.start.by_server));
                    after.incremental.unfinished = None;
                }
                if let ListProof::Contradictory(_) = &self.proof {
                    self.doubt(&mut after);
                } else {
                    // An incremental pass from a cursor in the future missed what came before it.
                    let in_vain = cursor_ahead.is_some() && pass == Pass::Incremental;
                    // An idle incremental pass leaves the cursor where it is and so proves nothing:
                    // its position needs no check of the person's roles. The next pass asks from
                    // the same cursor.
                    let idle = *idle && pass == Pass::Incremental;
                    let proven = self.proof == ListProof::Proven && !in_vain && !idle;
                    self.complete(&mut after, proven);
                    if let Some(absent) = absent {
                        after.absent = ItemValue::Here(absent.once.clone());
                        after.spared = ItemValue::Here(absent.twice.clone());
                    }
                }
                // No record could become a row: most likely the declaration is at fault, so the
                // pass does not count.
                if !self.is_usable() {
                    after.cursor = before.cursor;
                    after.pass_mut(pass).last_begun = before.pass(pass).last_begun;
                    after.start_date = before.start_date;
                }
            }
        }
        if after.full.last_begun != before.full.last_begun {
            after.rebases_changes = false;
        }
        NextPosition { position: after, cursor_ahead }
    }

    /// Returns the parked parents after this flush. As long as no record could become a row, those of
    /// before stay: nothing shows that their lists were read.
    fn parked(&self, before: &StreamPosition) -> ItemValue<BTreeMap<i64, ParkedParent>> {
        match &before.parked {
            ItemValue::Here(earlier) if !self.is_usable() => {
                let mut all = earlier.clone();
                all.extend(self.parked.clone());
                ItemValue::Here(all)
            }
            ItemValue::At(_) if !self.is_usable() => before.parked.clone(),
            ItemValue::Here(_) | ItemValue::At(_) => ItemValue::Here(self.parked.clone()),
        }
    }

    fn unfinished(
        &self,
        before: &StreamPosition,
        reading: serde_json::Value,
        waits_until: Option<Timestamp>,
    ) -> ResumablePass {
        let PassDeletes { deleted, refused } = PassDeletes::before(before, self.pass);
        ResumablePass {
            start: self.start.by_server,
            begun: self.start.begun,
            resume: ItemValue::Here(reading),
            seen: None,
            deleted,
            refused,
            answers: self.answers,
            start_date: self.start_date,
            requests: self.requests,
            progress: self.progress,
            tried_at: self.present.now(),
            waits_until,
        }
    }

    /// Ends a pass whose answers contradict each other: the cursor stays, and a full pass does not
    /// count.
    fn doubt(&self, after: &mut StreamPosition) {
        let state = after.pass_mut(self.pass);
        state.unfinished = None;
        match self.pass {
            Pass::Incremental => state.last_begun = Some(self.start.begun),
            Pass::Full => state.doubted = Some(self.start.begun),
        }
    }

    /// Ends a pass; `proven`: no record that changed before its start is missing.
    fn complete(&self, after: &mut StreamPosition, proven: bool) {
        let state = after.pass_mut(self.pass);
        state.unfinished = None;
        state.doubted = None;
        state.last_begun = Some(self.start.begun);
        state.last_requests = self.requests;
        // A full pass with a start date does not read older records that changed.
        let whole = match self.pass {
            Pass::Incremental => true,
            Pass::Full => self.start_date.is_none(),
        };
        let ahead = self.present.is_future_of_harvest(self.start.by_server);
        if proven && whole && !ahead && self.spec.follows_changes() {
            after.cursor = Some(cursor::advance(after.cursor, self.start.by_server));
        }
        if self.pass == Pass::Full {
            after.start_date = self.start_date;
        }
    }
}

/// Whether a position without a commit still claims that no record visible to the person changed.
/// An incremental pass that leaves its cursor makes no such claim.
#[must_use]
pub fn claims(
    spec: &StreamSpec,
    pass: Pass,
    before: &StreamPosition,
    after: &StreamPosition,
) -> bool {
    let ends = after.pass(pass).unfinished.is_none();
    let stays =
        spec.follows_changes() && pass == Pass::Incremental && after.cursor == before.cursor;
    ends && !stays
}

#[cfg(test)]
mod tests;
