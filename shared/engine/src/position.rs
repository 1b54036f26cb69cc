//! Where a stream stands after a flush: when its cursor moves, what a pass claims, and what a
//! refused delete brings back.
//!
//! [`PassFlush::position`] is the position once everything that was read is durable;
//! [`PassDeletes::settle`] takes into account what the merge did to rows. The commit carries the
//! result, and the state item takes it from the receipt of that commit.

use std::collections::BTreeMap;

use crate::cursor;
use crate::item::{Position, Stored, Unfinished};
use crate::pass::{IdSet, Parked, Pass, Proof};
use crate::plan::claims_cursor_at_once;
use crate::present::Present;
use crate::quarantine::Answers;
use crate::spec::{Kind, StreamSpec};
use crate::time::{Date, Timestamp};
use crate::window::Grid;

/// Start of a pass, by two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassStart {
    /// Instant by our clock.
    pub begun: Timestamp,
    /// Instant by the server's clock: the cursor that a complete pass leaves.
    pub by_server: Timestamp,
}

/// Whether a pass is at its end when its position is saved.
#[derive(Clone, Debug)]
pub enum PassStage {
    /// More is to be read, in this run or in another.
    GoesOn {
        /// The saved reading.
        reading: serde_json::Value,
        /// When the budget has room for it again, where the run ends for want of it.
        waits_until: Option<Timestamp>,
    },
    /// Everything is read.
    Complete {
        /// Whether the listing has to be read by its halves.
        by_halves: bool,
        /// Rows that the pass missed without proof that they are gone; `None`: it compared none.
        absent: Option<IdSet>,
        /// Whether no answer of the whole pass held anything.
        idle: bool,
    },
}

/// A flush of a pass: what its position depends on.
#[derive(Clone, Debug)]
pub struct PassFlush {
    /// The stream.
    pub spec: &'static StreamSpec,
    /// The pass.
    pub pass: Pass,
    /// When the pass began.
    pub start: PassStart,
    /// How far it is.
    pub stage: PassStage,
    /// Whether what it read is all there is.
    pub proof: Proof,
    /// What its answers held, those of earlier runs included.
    pub answers: Answers,
    /// Parents whose children could not be read.
    pub parked: BTreeMap<i64, Parked>,
    /// Requests of the pass, those of earlier runs included.
    pub requests: u64,
    /// Units read and units left, for people.
    pub progress: (u64, u64),
    /// Grid of report windows, as it is set.
    pub grid: Grid,
    /// First day that full passes read, as it is set; `None`: all.
    pub start_date: Option<Date>,
    /// The time.
    pub present: Present,
}

/// A position that is to become durable.
#[derive(Clone, Debug, PartialEq)]
pub struct NextPosition {
    /// The position, were all deletes accepted.
    pub position: Position,
    /// The cursor that was found to lie in Harvest's future and is forgotten.
    pub cursor_ahead: Option<Timestamp>,
}

impl PassFlush {
    /// Whether the answers held records that could become rows, or none at all.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.answers.failed(&self.spec.kind) == 0
    }

    /// The position after `before`, once what was read is durable.
    #[must_use]
    pub fn position(&self, before: &Position) -> NextPosition {
        let (spec, pass) = (self.spec, self.pass);
        let mut after = before.clone();
        let mut cursor_ahead = None;
        after.parked = Stored::Here(self.parked.clone());
        if matches!(spec.kind, Kind::ReportWindow(_)) {
            after.grid = Some(self.grid);
        }
        // The backfill reads all that is older, this start and the cursor all that is newer.
        if pass == Pass::Full && self.is_usable() && claims_cursor_at_once(spec, &after) {
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
                if let Proof::Contradictory(_) = &self.proof {
                    self.doubt(&mut after);
                } else {
                    // An incremental pass from a cursor in the future missed what came before it.
                    let in_vain = cursor_ahead.is_some() && pass == Pass::Incremental;
                    // An idle pass that leaves the cursor claims nothing, so that nobody has to ask
                    // what the person may see; the next one asks from the same cursor.
                    let idle = *idle && pass == Pass::Incremental;
                    let proven = self.proof == Proof::Proven && !in_vain && !idle;
                    self.complete(&mut after, proven);
                    if let Some(absent) = absent {
                        after.absent = Stored::Here(absent.clone());
                    }
                }
                if !self.is_usable() {
                    after.cursor = before.cursor;
                    after.pass_mut(pass).last_begun = before.pass(pass).last_begun;
                }
            }
        }
        NextPosition { position: after, cursor_ahead }
    }

    fn unfinished(
        &self,
        before: &Position,
        reading: serde_json::Value,
        waits_until: Option<Timestamp>,
    ) -> Unfinished {
        let PassDeletes { deleted, refused } = PassDeletes::before(before, self.pass);
        Unfinished {
            start: self.start.by_server,
            begun: self.start.begun,
            resume: Stored::Here(reading),
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

    /// Ends a pass whose answers contradict themselves: the cursor stays, and a full pass does not
    /// count.
    fn doubt(&self, after: &mut Position) {
        let state = after.pass_mut(self.pass);
        state.unfinished = None;
        match self.pass {
            Pass::Incremental => state.last_begun = Some(self.start.begun),
            Pass::Full => state.doubted = Some(self.start.begun),
        }
    }

    /// Ends a pass; `proven`: nothing that changed before its start is missing.
    fn complete(&self, after: &mut Position, proven: bool) {
        let state = after.pass_mut(self.pass);
        state.unfinished = None;
        state.doubted = None;
        state.last_begun = Some(self.start.begun);
        state.last_requests = self.requests;
        // A full pass from a start date on says nothing of older records that changed.
        let whole = match self.pass {
            Pass::Incremental => true,
            Pass::Full => self.start_date.is_none(),
        };
        if proven && whole && follows_changes(self.spec) {
            after.cursor = Some(cursor::advance(after.cursor, self.start.by_server));
        }
        if self.pass == Pass::Full {
            after.start_date = self.start_date;
        }
    }
}

/// Whether the cursor of a stream moves: it is asked for what changed since.
const fn follows_changes(spec: &StreamSpec) -> bool {
    matches!(spec.kind, Kind::Listing(_) | Kind::PerParent(_))
}

/// Whether a position without a commit claims something all the same: that nothing changed of what
/// the person may see. An incremental pass that leaves its cursor claims nothing.
#[must_use]
pub fn claims(spec: &StreamSpec, pass: Pass, before: &Position, after: &Position) -> bool {
    let ends = after.pass(pass).unfinished.is_none();
    let stays = follows_changes(spec) && pass == Pass::Incremental && after.cursor == before.cursor;
    ends && !stays
}

/// Rows that a pass deleted, and rows that it was not allowed to delete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassDeletes {
    /// Rows deleted.
    pub deleted: u64,
    /// Rows whose deletion was refused.
    pub refused: u64,
}

impl PassDeletes {
    /// Those of `pass` before this flush: of the unfinished pass, or, where it begins, rows that
    /// refused passes before it deleted.
    #[must_use]
    pub fn before(position: &Position, pass: Pass) -> Self {
        let state = position.pass(pass);
        match &state.unfinished {
            Some(unfinished) => Self { deleted: unfinished.deleted, refused: unfinished.refused },
            None => Self { deleted: state.deleted, refused: 0 },
        }
    }

    /// Adds those of one flush.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            deleted: self.deleted.saturating_add(other.deleted),
            refused: self.refused.saturating_add(other.refused),
        }
    }

    /// `next` with the deletes of the whole pass. A refused delete is not done: the pass comes
    /// again, from the cursor that it had.
    #[must_use]
    pub fn settle(self, mut next: Position, before: &Position, pass: Pass) -> Position {
        let state = next.pass_mut(pass);
        if let Some(unfinished) = &mut state.unfinished {
            unfinished.deleted = self.deleted;
            unfinished.refused = self.refused;
        } else if self.refused == 0 {
            state.deleted = 0;
        } else {
            state.last_begun = before.pass(pass).last_begun;
            state.deleted = self.deleted;
            if pass == Pass::Incremental {
                next.cursor = before.cursor;
            }
        }
        next
    }
}

#[cfg(test)]
mod tests;
