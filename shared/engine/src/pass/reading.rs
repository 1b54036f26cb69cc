//! A reading: one interface to the pagers of every kind of stream.
//!
//! | kind | pass | work | a record counts |
//! | --- | --- | --- | --- |
//! | listing | incremental | pages since the cursor, and those of `reread` | at once |
//! | listing | full | a sweep: all pages, then the missing rows | at once |
//! | snapshot | both | the whole stream as one unit | when the unit is whole |
//! | report | both | each window as a unit | when its window is whole |
//! | per parent | both | pages of the trigger; each parent's children as a unit | when whole |
//!
//! A request leaves as an `Ask` with a number. Its answer or failure comes back with that number,
//! in any order; `routes` leads it to the part that asked. Numbers are never used twice, so a
//! second answer to a request finds no route and changes nothing.

mod failure;
mod outcome;
mod plan;
mod question;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pager::Pager;
use super::parents::{ParentReading, TableUnits};
use super::sweep::{SweepReading, SweepSlot, halves_of};
use super::units::UnitsReading;
use super::{AnswerEffect, PageFacts, PageRequest, Parent, Pass, StopReason, Unit};
use crate::spec::StreamKind;
use crate::time::Timestamp;
pub use plan::{AfterFailure, ListingSample, ReadingPlan, ReadingStep};
use plan::{listing_pagers, sample_pagers, since};

/// One pass over one stream, in one or more runs.
#[derive(Debug)]
pub struct Reading {
    plan: ReadingPlan,
    work: ReadingWork,
    /// Units of which the table holds rows, once they were asked for.
    held: Option<TableUnits>,
    /// Requests under way.
    routes: BTreeMap<u64, AskRoute>,
    /// Number of the last request.
    last_id: u64,
}

/// Part of the reading that differs by kind and pass. It is all that is saved: the plan is made
/// anew in each run.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum ReadingWork {
    /// Pages, each kept by itself.
    Pages(Vec<Pager>),
    /// All pages, and then the rows that no page had.
    Sweep(Box<SweepReading>),
    /// Units, each read by itself.
    Units(UnitsReading),
    /// Units named by a trigger.
    Parents(Box<ParentReading>),
}

/// Part of the reading that sent a request.
#[derive(Clone, Copy, Debug)]
enum AskRoute {
    Page { pager: usize, slot: u32 },
    Sweep(SweepSlot),
    Trigger { slot: u32 },
    Unit(Unit),
    Existence(Parent),
}

impl Reading {
    /// Returns a reading from the beginning.
    #[must_use]
    pub fn start(plan: ReadingPlan) -> Self {
        let spec = plan.spec;
        let work = match (&spec.kind, &plan.sample) {
            (StreamKind::Listing(_), Some(sample)) => {
                ReadingWork::Pages(sample_pagers(spec.path, sample))
            }
            (StreamKind::Listing(listing), None) if plan.pass == Pass::Full => {
                let (pages, other) = if let Some(filter) = listing.halves.filter(|_| plan.by_halves)
                {
                    let [active, archived] = halves_of(listing.paging, spec.path, &[], filter);
                    (active, Some(archived))
                } else {
                    let from = plan.start_date;
                    (Pager::new(listing.paging, spec.path, Vec::new(), from), None)
                };
                ReadingWork::Sweep(Box::new(SweepReading::new(pages, other, plan.compares)))
            }
            (StreamKind::Listing(listing), None) => {
                ReadingWork::Pages(listing_pagers(spec, listing, &plan))
            }
            (StreamKind::Snapshot(_), _) => {
                let mut units = UnitsReading::default();
                units.push(Unit::Stream);
                ReadingWork::Units(units)
            }
            (StreamKind::ReportWindow(_), _) => {
                let mut units = UnitsReading::default();
                units.extend(plan.windows.iter().copied().map(Unit::Window));
                ReadingWork::Units(units)
            }
            (StreamKind::PerParent(parent), sample) => {
                let trigger = parent.trigger;
                let pager = match sample {
                    Some(sample) => Pager::sample(trigger.path, Vec::new(), sample.records),
                    // Trigger listings never send the start date: older parents change, too.
                    None => Pager::new(trigger.paging(), trigger.path, since(&plan), None),
                };
                let (parked, absent) = (plan.parked.clone(), plan.absent.clone());
                ReadingWork::Parents(Box::new(ParentReading::new(pager, plan.pass, parked, absent)))
            }
        };
        Self { plan, work, held: None, routes: BTreeMap::new(), last_id: 0 }
    }

    /// Returns a reading that an earlier run saved.
    ///
    /// # Errors
    /// `saved` is not the saved form of a reading of this stream's kind.
    pub fn resume(plan: ReadingPlan, saved: &serde_json::Value) -> Result<Self, serde_json::Error> {
        let mut work = ReadingWork::deserialize(saved)?;
        match &mut work {
            ReadingWork::Pages(pagers) => pagers.iter_mut().for_each(Pager::resumed),
            ReadingWork::Sweep(sweep) => sweep.resumed(),
            ReadingWork::Units(units) => {
                units.resumed(plan.pass, plan.windows.iter().copied().map(Unit::Window));
            }
            ReadingWork::Parents(parents) => parents.resumed(&plan.parked, plan.absent.clone()),
        }
        Ok(Self { plan, work, held: None, routes: BTreeMap::new(), last_id: 0 })
    }

    /// Returns the saved form: requests under way are sent again after it is resumed.
    ///
    /// # Errors
    /// Never in practice: all parts have a JSON form.
    pub fn save(&self) -> Result<serde_json::Value, serde_json::Error> {
        let work = match &self.work {
            ReadingWork::Pages(pagers) => ReadingWork::Pages(pagers.clone()),
            ReadingWork::Sweep(sweep) => ReadingWork::Sweep(Box::new(sweep.suspended())),
            ReadingWork::Units(units) => ReadingWork::Units(units.suspended()),
            ReadingWork::Parents(parents) => ReadingWork::Parents(Box::new(parents.suspended())),
        };
        serde_json::to_value(work)
    }

    /// Number of requests that may be under way at once.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.plan.width
    }

    /// Sets the number of requests that may be under way at once.
    pub const fn set_width(&mut self, width: usize) {
        self.plan.width = width;
    }

    /// Returns the next step. Call again until it is `Wait` or `Done`.
    pub fn next_step(&mut self) -> ReadingStep {
        let (unit_waits, needs_held) = match &self.work {
            ReadingWork::Pages(_) | ReadingWork::Sweep(_) => (false, false),
            ReadingWork::Units(units) => (units.needs_held(), false),
            ReadingWork::Parents(parents) => (parents.units.needs_held(), parents.needs_held()),
        };
        // Before any other request: a unit still waiting for this answer would be read again after
        // a stop.
        if unit_waits {
            return ReadingStep::Held;
        }
        if let Some((route, target, purpose)) = self.question() {
            self.last_id = self.last_id.saturating_add(1);
            self.routes.insert(self.last_id, route);
            return ReadingStep::Fetch(PageRequest { id: self.last_id, target, purpose });
        }
        if needs_held {
            return ReadingStep::Held;
        }
        if let (ReadingWork::Sweep(sweep), StreamKind::Listing(listing)) =
            (&self.work, &self.plan.spec.kind)
            && self.routes.is_empty()
            && let Some(scope) = sweep.wants_missing(listing)
        {
            return ReadingStep::Missing(scope);
        }
        if self.routes.is_empty()
            && let Some(stopped) = self.stopped()
        {
            return ReadingStep::Stop(stopped);
        }
        if self.is_done() { ReadingStep::Done } else { ReadingStep::Wait }
    }

    /// Returns the failure for which no more can be read in this run, although the reading is not
    /// complete.
    fn stopped(&mut self) -> Option<StopReason> {
        match (&mut self.work, &self.plan.spec.kind) {
            (ReadingWork::Units(units), _) => units.stopped(),
            (ReadingWork::Parents(parents), StreamKind::PerParent(spec)) => {
                parents.stopped(spec, self.plan.pass)
            }
            (ReadingWork::Pages(_) | ReadingWork::Sweep(_) | ReadingWork::Parents(_), _) => None,
        }
    }

    fn is_done(&self) -> bool {
        self.routes.is_empty()
            && match &self.work {
                ReadingWork::Pages(pagers) => pagers.iter().all(Pager::is_done),
                ReadingWork::Sweep(sweep) => match &self.plan.spec.kind {
                    StreamKind::Listing(listing) => sweep.is_done(listing),
                    StreamKind::Snapshot(_)
                    | StreamKind::PerParent(_)
                    | StreamKind::ReportWindow(_) => true,
                },
                ReadingWork::Units(units) => units.is_done(),
                ReadingWork::Parents(parents) => parents.is_done(),
            }
    }

    /// Takes a usable answer that was requested at `requested_at`.
    pub fn on_page(
        &mut self,
        id: u64,
        requested_at: Timestamp,
        facts: &PageFacts,
    ) -> Vec<AnswerEffect> {
        let Some(route) = self.routes.remove(&id) else {
            return Vec::new();
        };
        let held = self.held.as_ref();
        match (route, &mut self.work) {
            (AskRoute::Page { pager, slot }, ReadingWork::Pages(pagers)) => {
                let Some(pager) = pagers.get_mut(pager) else {
                    return Vec::new();
                };
                // Each page of a listing is kept by itself, even if the list starts over.
                pager.on_page(slot, facts);
                vec![AnswerEffect::Keep]
            }
            (AskRoute::Sweep(slot), ReadingWork::Sweep(sweep)) => {
                let StreamKind::Listing(listing) = &self.plan.spec.kind else {
                    return Vec::new();
                };
                sweep.on_page(listing, self.plan.spec.path, slot, requested_at, facts)
            }
            (AskRoute::Unit(unit), ReadingWork::Units(units)) => {
                units.on_page(unit, requested_at, facts, held)
            }
            (AskRoute::Unit(unit), ReadingWork::Parents(parents)) => {
                let effects = parents.units.on_page(unit, requested_at, facts, held);
                parents.on_children(&effects);
                effects
            }
            (AskRoute::Trigger { slot }, ReadingWork::Parents(parents)) => {
                let StreamKind::PerParent(spec) = &self.plan.spec.kind else {
                    return Vec::new();
                };
                parents.trigger.on_page(slot, facts);
                parents.on_parents(spec, requested_at, facts)
            }
            (AskRoute::Existence(parent), ReadingWork::Parents(parents)) => {
                let there = facts.parents.first().map_or(parent, |found| found.parent);
                parents.on_existing(self.plan.pass, parent, there)
            }
            (
                AskRoute::Page { .. }
                | AskRoute::Sweep(_)
                | AskRoute::Trigger { .. }
                | AskRoute::Unit(_)
                | AskRoute::Existence(_),
                ReadingWork::Pages(_)
                | ReadingWork::Sweep(_)
                | ReadingWork::Units(_)
                | ReadingWork::Parents(_),
            ) => Vec::new(),
        }
    }

    /// Takes the units of which the table holds rows.
    pub fn on_held(&mut self, held: TableUnits) -> Vec<AnswerEffect> {
        let effects = match &mut self.work {
            ReadingWork::Pages(_) | ReadingWork::Sweep(_) => Vec::new(),
            ReadingWork::Units(units) => units.on_held(&held),
            ReadingWork::Parents(parents) => {
                let effects = parents.on_held(self.plan.pass, &held);
                parents.on_children(&effects);
                effects
            }
        };
        self.held = Some(held);
        effects
    }
}
