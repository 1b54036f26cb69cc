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

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::pager::{ListProof, Pager, PagerSetback, PagerTurn};
use super::parents::TableUnits;
use super::{AnswerEffect, PageFacts, RequestTarget, StopReason, Unit};
use crate::retry::RequestFailure;
use crate::spec::{StreamKind, StreamSpec};
use crate::time::Timestamp;
use crate::window::FixedFeeAmounts;

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
    /// Whether units are read one by one, because a run ended with some under way and none read:
    /// side by side they may take more requests than a run has, each time again.
    #[serde(default)]
    one_by_one: bool,
    /// Number of units that failed, in this run and earlier ones, since a unit was last read.
    #[serde(default)]
    failed: usize,
}

/// Number of units that may fail before any is read; then the run gives up the others, too. A run
/// may have too few requests to see as many failures, so those of earlier runs count.
const FAILING_AT_FIRST: usize = 5;

/// A unit that is being read.
#[derive(Clone, Debug)]
struct ActiveUnit {
    unit: Unit,
    pager: Pager,
    /// Time of the first request that was answered: rows written since then are not deleted.
    begun: Option<Timestamp>,
    /// Records in the present reading of the unit, usable or not.
    records: u64,
    /// Those of them that cannot be rows: any row of the table may be one of them.
    quarantined: u64,
    /// Number of times that the unit was read and found empty.
    empties: u32,
    /// Whether the unit was empty and the table has to tell whether it holds rows of it.
    awaits_held: bool,
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
            ListProof::Proven => None,
            ListProof::Unproven(why) => {
                self.unproven.push(why);
                None
            }
            ListProof::Contradictory(why) => {
                self.contradictory.push(why);
                None
            }
        };
        self.done = self.done.saturating_add(1);
        self.read = self.read.saturating_add(1);
        self.failed = 0;
        vec![AnswerEffect::Complete { unit, covered }]
    }

    /// Frees the failed request; `None` if nothing else can be tried.
    pub(super) fn on_failure(
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
    pub(super) fn give_up(&mut self, unit: Unit) -> Vec<AnswerEffect> {
        self.active.retain(|one| one.unit != unit);
        vec![AnswerEffect::Drop(unit)]
    }

    /// Sets a failed unit aside for another run; the other units go on.
    pub(super) fn set_aside(&mut self, unit: Unit, stopped: StopReason) -> Vec<AnswerEffect> {
        let effects = self.give_up(unit);
        self.aside.push((unit, stopped));
        self.failed = self.failed.saturating_add(1);
        effects
    }

    /// Whether too many units failed before any was read, so that the others would fail, too.
    fn is_hopeless(&self) -> bool {
        self.read == 0 && !self.aside.is_empty() && self.failed >= FAILING_AT_FIRST
    }

    /// Returns the first failure once only failed units are left. They are queued for the next run.
    pub(super) fn stopped(&mut self) -> Option<StopReason> {
        if !self.active.is_empty() || !(self.queue.is_empty() || self.is_hopeless()) {
            return None;
        }
        let mut aside = core::mem::take(&mut self.aside).into_iter();
        let (unit, first) = aside.next()?;
        self.failed = 0;
        self.queue.push_back(unit);
        self.queue.extend(aside.map(|(unit, _)| unit));
        Some(first)
    }

    /// Queues a failed unit at the end, for another run.
    pub(super) fn put_back(&mut self, unit: Unit) -> Vec<AnswerEffect> {
        let effects = self.give_up(unit);
        self.queue.push_back(unit);
        effects
    }
}

impl ActiveUnit {
    /// Forgets the counts of a reading that begins anew. `begun` stays: an early time only deletes
    /// fewer rows.
    fn restart_counts(&mut self) {
        self.records = 0;
        self.quarantined = 0;
    }
}

/// Returns the pager that reads one unit of the stream.
fn pager(spec: &StreamSpec, unit: Unit, fixed_fees: FixedFeeAmounts) -> Pager {
    let mut filters = match unit {
        Unit::Stream | Unit::Parent(_) => Vec::new(),
        Unit::Window(period) => vec![
            ("from".to_owned(), period.start.to_string()),
            ("to".to_owned(), period.end.to_string()),
        ],
    };
    // Without the parameter, Harvest answers amounts of 0.
    if let (StreamKind::ReportWindow(report), FixedFeeAmounts::Rates) = (&spec.kind, fixed_fees)
        && report.values_fixed_fees
    {
        filters.push(("include_fixed_fee".to_owned(), "true".to_owned()));
    }
    Pager::new(spec.paging(), &unit_path(spec.path, unit), filters, None)
}

/// Returns the path with the parent's id in it.
pub(super) fn unit_path(path: &str, unit: Unit) -> String {
    match unit {
        Unit::Parent(parent) => path.replace("{parent}", &parent.id.to_string()),
        Unit::Stream | Unit::Window(_) => path.to_owned(),
    }
}
