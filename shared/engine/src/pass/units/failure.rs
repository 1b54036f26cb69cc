//! Failures of units: whether the same unit is tried again, and when a run gives up the others,
//! too.

use super::super::pager::PagerSetback;
use super::super::{AnswerEffect, StopReason, Unit};
use super::UnitsReading;
use crate::retry::RequestFailure;

/// Number of units that may fail before any is read; then the run gives up the others, too. A run
/// may have too few requests to see as many failures, so those of earlier runs count.
const FAILING_AT_FIRST: usize = 5;

impl UnitsReading {
    /// Forgets the units of a parent that has no children to read.
    pub(in crate::pass) fn withdraw(&mut self, parent: i64) -> Vec<AnswerEffect> {
        let is_of = |unit: Unit| unit.parent().is_some_and(|one| one.id == parent);
        self.queue.retain(|unit| !is_of(*unit));
        let active = self.active.extract_if(.., |one| is_of(one.unit));
        active.map(|one| AnswerEffect::Drop(one.unit)).collect()
    }

    /// Frees the failed request; `None` if nothing else can be tried.
    pub(in crate::pass) fn on_failure(
        &mut self,
        unit: Unit,
        failure: &RequestFailure,
        last: bool,
    ) -> Option<Vec<AnswerEffect>> {
        let one = self.active.iter_mut().find(|one| one.unit == unit)?;
        match one.pager.on_failure(0, failure, last) {
            PagerSetback::Same => Some(Vec::new()),
            PagerSetback::Restart => {
                one.restart_counts();
                Some(vec![AnswerEffect::Drop(unit)])
            }
            PagerSetback::Final => None,
        }
    }

    /// Gives the unit up: its records are dropped.
    pub(in crate::pass) fn give_up(&mut self, unit: Unit) -> Vec<AnswerEffect> {
        self.active.retain(|one| one.unit != unit);
        vec![AnswerEffect::Drop(unit)]
    }

    /// Sets a failed unit aside for another run; the other units go on.
    pub(in crate::pass) fn set_aside(
        &mut self,
        unit: Unit,
        stopped: StopReason,
    ) -> Vec<AnswerEffect> {
        let effects = self.give_up(unit);
        self.aside.push((unit, stopped));
        self.failed = self.failed.saturating_add(1);
        effects
    }

    /// Whether too many units failed before any was read, so that the others would fail, too.
    pub(super) fn is_hopeless(&self) -> bool {
        self.read == 0 && !self.aside.is_empty() && self.failed >= FAILING_AT_FIRST
    }

    /// Returns the first failure once only failed units are left. They are queued for the next run.
    pub(in crate::pass) fn stopped(&mut self) -> Option<StopReason> {
        if !self.active.is_empty() || !(self.queue.is_empty() || self.is_hopeless()) {
            return None;
        }
        let mut aside = core::mem::take(&mut self.aside).into_iter();
        let (unit, first) = aside.next()?;
        self.failed = 0;
        self.only_failed = self.queue.is_empty();
        self.queue.push_back(unit);
        self.queue.extend(aside.map(|(unit, _)| unit));
        Some(first)
    }

    /// Queues a failed unit at the end, for another run.
    pub(in crate::pass) fn put_back(&mut self, unit: Unit) -> Vec<AnswerEffect> {
        let effects = self.give_up(unit);
        self.queue.push_back(unit);
        effects
    }
}
