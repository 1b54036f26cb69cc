//! Reading of units, the parts of a stream that are kept as one: report windows, the children of
//! parents, and a snapshot as its only unit.
//!
//! A unit waits in the queue, is active while its pages are read, and ends in one of these ways:
//!
//! | end | effect | afterwards |
//! | --- | --- | --- |
//! | read whole and proven | `Complete` with the time of its first request | done |
//! | read whole, and changing, contradictory or with bad records | `Complete`, no proof | done |
//! | failed by itself (reports, snapshots) | `Drop` | aside, queued for the next run |
//! | failed by itself (children) | `Drop` | the caller parks its parent |
//! | network or token failed | `Drop` | back in the queue |
//!
//! An empty unit of which the table holds rows is read a second time before it counts, because its
//! completion deletes these rows.

mod active;
mod failure;

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::pager::{ListProof, PagerTurn};
use super::parents::TableUnits;
use super::{AnswerEffect, PageFacts, Pass, RequestTarget, StopReason, Unit};
use crate::spec::{StreamKind, StreamSpec};
use crate::time::Timestamp;
use crate::window::FixedFeeAmounts;
pub(super) use active::unit_path;
use active::{ActiveUnit, pager};

/// The units still to read, and those under way.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct UnitsReading {
    #[serde(with = "super::compact::queue")]
    queue: VecDeque<Unit>,
    #[serde(skip)]
    active: Vec<ActiveUnit>,
    /// Units that failed in this run, to be read in another one, with their failures.
    #[serde(skip)]
    aside: Vec<(Unit, StopReason)>,
    /// Units read in this run.
    #[serde(skip)]
    read: u64,
    /// Units read.
    pub(super) done: u64,
    /// Units whose reading proves nothing because they changed meanwhile, for display.
    pub(super) unproven: Vec<String>,
    /// Units whose answers contradict each other, for display.
    #[serde(default)]
    contradictory: Vec<String>,
    /// Units whose reading in this run proved nothing, so that it has to be repeated.
    #[serde(skip)]
    doubted: BTreeSet<Unit>,
    /// Units with records that could not become rows, in which therefore no row is deleted.
    #[serde(default)]
    withheld: u64,
    /// Whether units are read one by one, because a run ended with some under way and none read:
    /// side by side they may take more requests than a run has, each time again.
    #[serde(default)]
    one_by_one: bool,
    /// Number of units that failed, in this run and earlier ones, since a unit was last read.
    #[serde(default)]
    failed: usize,
    /// Whether the queue has only units that failed: all others were read.
    #[serde(default)]
    only_failed: bool,
}

impl UnitsReading {
    /// Queues a unit unless it is queued or under way.
    pub(super) fn push(&mut self, unit: Unit) {
        let known = self.queue.contains(&unit) || self.active.iter().any(|one| one.unit == unit);
        if !known {
            self.queue.push_back(unit);
        }
    }

    /// Queues units that are known to be new.
    pub(super) fn extend(&mut self, units: impl IntoIterator<Item = Unit>) {
        self.queue.extend(units);
    }

    /// Queues units that are not queued or under way yet.
    pub(super) fn extend_unless_known(&mut self, units: impl IntoIterator<Item = Unit>) {
        let active = self.active.iter().map(|one| one.unit);
        let mut known: BTreeSet<Unit> = self.queue.iter().copied().chain(active).collect();
        self.queue.extend(units.into_iter().filter(|unit| known.insert(*unit)));
    }

    pub(super) fn left(&self) -> u64 {
        let waiting = self.queue.len().saturating_add(self.aside.len());
        waiting.saturating_add(self.active.len()) as u64
    }

    pub(super) fn is_done(&self) -> bool {
        self.queue.is_empty() && self.active.is_empty() && self.aside.is_empty()
    }

    pub(super) fn needs_held(&self) -> bool {
        self.active.iter().any(|one| one.awaits_held)
    }

    /// Goes on in another run with `units`, those of a new reading. An incremental pass of which only failed
    /// units are left begins anew with all of them: one window that always fails must not keep the
    /// others, such as that of today, from being read again.
    pub(super) fn resumed(&mut self, pass: Pass, units: impl IntoIterator<Item = Unit>) {
        if core::mem::take(&mut self.only_failed) && pass == Pass::Incremental {
            let failed = core::mem::take(&mut self.queue);
            self.extend(units);
            self.extend_unless_known(failed);
        }
    }

    /// Returns the units as they are saved: those under way are read again from their beginning.
    pub(super) fn suspended(&self) -> Self {
        let mut saved = self.clone();
        saved.one_by_one |= self.read == 0 && !self.active.is_empty();
        for one in saved.active.drain(..).rev() {
            saved.queue.push_front(one.unit);
        }
        saved.queue.extend(saved.aside.drain(..).map(|(unit, _)| unit));
        saved
    }

    /// Returns the proof of all units that were read: the first contradiction, otherwise the first
    /// unit that changed.
    pub(super) fn proof(&self) -> ListProof {
        let first = |doubts: &[String]| doubts.first().cloned();
        match (first(&self.contradictory), first(&self.unproven)) {
            (Some(why), _) => ListProof::Contradictory(why),
            (None, Some(why)) => ListProof::Unproven(why),
            (None, None) => ListProof::Proven,
        }
    }

    /// Whether the present reading of `unit` has brought records.
    pub(super) fn has_records(&self, unit: Unit) -> bool {
        self.active.iter().any(|one| one.unit == unit && one.records > 0)
    }

    /// Whether records of `unit` may be missing, because its answers changed or contradicted each other.
    pub(super) fn is_doubted(&self, unit: Unit) -> bool {
        self.doubted.contains(&unit)
    }

    /// Returns a remark about units in which no row is deleted, for display.
    pub(super) fn remark(&self, spec: &StreamSpec) -> Option<String> {
        let units = match &spec.kind {
            StreamKind::Listing(_) | StreamKind::Snapshot(_) => "the list".to_owned(),
            StreamKind::PerParent(_) => format!("{} of the parents' lists", self.withheld),
            StreamKind::ReportWindow(_) => format!("{} of the windows", self.withheld),
        };
        (self.withheld > 0).then(|| {
            format!(
                "in {units} records could not become rows (`harvest-lake quarantine` lists them): rows that are gone there stay until a full pass can read these"
            )
        })
    }

    /// Returns the next request: of a unit under way, otherwise of the next unit of the queue if
    /// fewer than `width` units are under way. Units that were begun come first, because only a
    /// whole unit is worth its requests.
    pub(super) fn next(
        &mut self,
        spec: &StreamSpec,
        fixed_fees: FixedFeeAmounts,
        width: usize,
    ) -> Option<(Unit, RequestTarget)> {
        for one in &mut self.active {
            if one.awaits_held {
                continue;
            }
            if let Some(question) = one.pager.next() {
                return Some((one.unit, question.target));
            }
        }
        let width = if self.one_by_one { width.min(1) } else { width };
        if self.active.len() >= width || self.is_hopeless() {
            return None;
        }
        let unit = self.queue.pop_front()?;
        let mut pager = pager(spec, unit, fixed_fees);
        let question = pager.next();
        self.active.push(ActiveUnit {
            unit,
            pager,
            begun: None,
            records: 0,
            quarantined: 0,
            empties: 0,
            awaits_held: false,
        });
        question.map(|question| (unit, question.target))
    }

    pub(super) fn on_page(
        &mut self,
        unit: Unit,
        requested_at: Timestamp,
        facts: &PageFacts,
        held: Option<&TableUnits>,
    ) -> Vec<AnswerEffect> {
        let Some(one) = self.active.iter_mut().find(|one| one.unit == unit) else {
            return Vec::new();
        };
        one.begun = one.begun.or(Some(requested_at));
        let turn = one.pager.on_page(0, facts);
        let mut effects = Vec::new();
        match turn {
            PagerTurn::On => {
                one.records = one.records.saturating_add(facts.records());
                one.quarantined = one.quarantined.saturating_add(facts.quarantined);
                effects.push(AnswerEffect::Hold(unit));
            }
            PagerTurn::Restarted => {
                one.restart_counts();
                effects.push(AnswerEffect::Drop(unit));
            }
        }
        if one.pager.is_done() {
            effects.extend(self.finish(unit, held));
        }
        effects
    }

    /// Takes the answer that means "no records" without being a list.
    pub(super) fn on_nothing(
        &mut self,
        unit: Unit,
        requested_at: Timestamp,
        held: Option<&TableUnits>,
    ) -> Vec<AnswerEffect> {
        let Some(one) = self.active.iter_mut().find(|one| one.unit == unit) else {
            return Vec::new();
        };
        one.begun = one.begun.or(Some(requested_at));
        self.finish(unit, held)
    }

    pub(super) fn on_held(&mut self, held: &TableUnits) -> Vec<AnswerEffect> {
        let waiting: Vec<Unit> =
            self.active.iter().filter(|one| one.awaits_held).map(|one| one.unit).collect();
        waiting.into_iter().flat_map(|unit| self.finish(unit, Some(held))).collect()
    }

    /// Ends a unit whose list is read to its end, or reads it again. `held`: the units of which the
    /// table holds rows; `None`: not known yet.
    fn finish(&mut self, unit: Unit, held: Option<&TableUnits>) -> Vec<AnswerEffect> {
        let Some(at) = self.active.iter().position(|one| one.unit == unit) else {
            return Vec::new();
        };
        let mut one = self.active.swap_remove(at);
        one.awaits_held = false;
        if one.records == 0 && one.empties == 0 {
            // An empty unit is read a second time if the table holds rows of it: these would be
            // deleted.
            let Some(held) = held else {
                one.awaits_held = true;
                self.active.push(one);
                return Vec::new();
            };
            if held.holds(unit) {
                one.empties = 1;
                one.pager.restart();
                self.active.push(one);
                return Vec::new();
            }
        }
        let covered = match one.pager.proof() {
            ListProof::Proven if one.quarantined == 0 => one.begun,
            ListProof::Proven => {
                self.withheld = self.withheld.saturating_add(1);
                None
            }
            ListProof::Unproven(why) => {
                self.doubted.insert(unit);
                self.unproven.push(why);
                None
            }
            ListProof::Contradictory(why) => {
                self.doubted.insert(unit);
                self.contradictory.push(why);
                None
            }
        };
        self.done = self.done.saturating_add(1);
        self.read = self.read.saturating_add(1);
        self.failed = 0;
        vec![AnswerEffect::Complete { unit, covered }]
    }
}
