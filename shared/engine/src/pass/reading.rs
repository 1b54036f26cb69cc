//! A reading: one interface to the pagers of every kind of stream.

mod failure;
mod outcome;
mod plan;
mod question;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use plan::{AfterFailure, Next, Plan};
use plan::{listing_pagers, since};

use super::pager::Pager;
use super::parents::{HeldUnits, Parents};
use super::sweep::{Sweep, SweepSlot, halves_of};
use super::units::Units;
use super::{Ask, Effect, PageFacts, Parent, Pass, Stopped, Unit};
use crate::spec::Kind;
use crate::time::Timestamp;

/// One pass over one stream, in one or more runs.
#[derive(Debug)]
pub struct Reading {
    plan: Plan,
    work: Work,
    held: Option<HeldUnits>,
    routes: BTreeMap<u64, AskRoute>,
    last_id: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Work {
    /// Pages, each kept by itself.
    Pages(Vec<Pager>),
    /// All pages, and then the rows that no page had.
    Sweep(Box<Sweep>),
    /// Units, each read by itself.
    Units(Units),
    /// Units named by a trigger.
    Parents(Box<Parents>),
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
    pub fn start(plan: Plan) -> Self {
        let spec = plan.spec;
        let work = match &spec.kind {
            Kind::Listing(listing) if plan.pass == Pass::Full => {
                let (pages, other) = if let Some(filter) = listing.halves.filter(|_| plan.by_halves)
                {
                    let [active, archived] = halves_of(listing.paging, spec.path, &[], filter);
                    (active, Some(archived))
                } else {
                    let from = plan.start_date;
                    (Pager::new(listing.paging, spec.path, Vec::new(), from), None)
                };
                Work::Sweep(Box::new(Sweep::new(pages, other, plan.compares)))
            }
            Kind::Listing(listing) => Work::Pages(listing_pagers(spec, listing, &plan)),
            Kind::Snapshot(_) => {
                let mut units = Units::default();
                units.push(Unit::Stream);
                Work::Units(units)
            }
            Kind::ReportWindow(_) => {
                let mut units = Units::default();
                units.extend(plan.windows.iter().copied().map(Unit::Window));
                Work::Units(units)
            }
            Kind::PerParent(parent) => {
                // Trigger listings never send the start date: older parents change, too.
                let pager =
                    Pager::new(parent.trigger.paging(), parent.trigger.path, since(&plan), None);
                let (parked, absent) = (plan.parked.clone(), plan.absent.clone());
                Work::Parents(Box::new(Parents::new(pager, plan.pass, parked, absent)))
            }
        };
        Self { plan, work, held: None, routes: BTreeMap::new(), last_id: 0 }
    }

    /// Returns a reading that an earlier run saved.
    ///
    /// # Errors
    /// `saved` is not the saved form of a reading of this stream's kind.
    pub fn resume(plan: Plan, saved: &serde_json::Value) -> Result<Self, serde_json::Error> {
        let mut work = Work::deserialize(saved)?;
        match &mut work {
            Work::Pages(pagers) => pagers.iter_mut().for_each(Pager::resumed),
            Work::Sweep(sweep) => sweep.resumed(plan.compares),
            Work::Units(_) => {}
            Work::Parents(parents) => parents.resumed(&plan.parked, plan.absent.clone()),
        }
        Ok(Self { plan, work, held: None, routes: BTreeMap::new(), last_id: 0 })
    }

    /// Returns the saved form: requests under way are sent again after it is resumed.
    ///
    /// # Errors
    /// Never in practice: all parts have a JSON form.
    pub fn save(&self) -> Result<serde_json::Value, serde_json::Error> {
        let work = match &self.work {
            Work::Pages(pagers) => Work::Pages(pagers.clone()),
            Work::Sweep(sweep) => Work::Sweep(Box::new(sweep.suspended())),
            Work::Units(units) => Work::Units(units.suspended()),
            Work::Parents(parents) => Work::Parents(Box::new(parents.suspended())),
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
    pub fn next_step(&mut self) -> Next {
        let (unit_waits, needs_held) = match &self.work {
            Work::Pages(_) | Work::Sweep(_) => (false, false),
            Work::Units(units) => (units.needs_held(), false),
            Work::Parents(parents) => (parents.units.needs_held(), parents.needs_held()),
        };
        // Before any other request: a unit still waiting for this answer would be read again after
        // a stop.
        if unit_waits {
            return Next::Held;
        }
        if let Some((route, target, reads)) = self.question() {
            self.last_id = self.last_id.saturating_add(1);
            self.routes.insert(self.last_id, route);
            return Next::Ask(Ask { id: self.last_id, target, reads });
        }
        if needs_held {
            return Next::Held;
        }
        if let (Work::Sweep(sweep), Kind::Listing(listing)) = (&self.work, &self.plan.spec.kind)
            && self.routes.is_empty()
            && let Some(scope) = sweep.wants_missing(listing)
        {
            return Next::Missing(scope);
        }
        if self.routes.is_empty()
            && let Some(stopped) = self.stopped()
        {
            return Next::Stop(stopped);
        }
        if self.is_done() { Next::Done } else { Next::Wait }
    }

    /// Returns the failure for which no more can be read in this run, although the reading is not
    /// complete.
    fn stopped(&mut self) -> Option<Stopped> {
        match (&mut self.work, &self.plan.spec.kind) {
            (Work::Units(units), _) => units.stopped(),
            (Work::Parents(parents), Kind::PerParent(spec)) => {
                parents.stopped(spec, self.plan.pass)
            }
            (Work::Pages(_) | Work::Sweep(_) | Work::Parents(_), _) => None,
        }
    }

    fn is_done(&self) -> bool {
        self.routes.is_empty()
            && match &self.work {
                Work::Pages(pagers) => pagers.iter().all(Pager::is_done),
                Work::Sweep(sweep) => match &self.plan.spec.kind {
                    Kind::Listing(listing) => sweep.is_done(listing),
                    Kind::Snapshot(_) | Kind::PerParent(_) | Kind::ReportWindow(_) => true,
                },
                Work::Units(units) => units.is_done(),
                Work::Parents(parents) => parents.is_done(),
            }
    }

    /// Takes a usable answer that was requested at `requested_at`.
    pub fn on_page(&mut self, id: u64, requested_at: Timestamp, facts: &PageFacts) -> Vec<Effect> {
        let Some(route) = self.routes.remove(&id) else {
            return Vec::new();
        };
        let held = self.held.as_ref();
        match (route, &mut self.work) {
            (AskRoute::Page { pager, slot }, Work::Pages(pagers)) => {
                let Some(pager) = pagers.get_mut(pager) else {
                    return Vec::new();
                };
                // Each page of a listing is kept by itself, even if the list starts over.
                pager.on_page(slot, facts);
                vec![Effect::Keep]
            }
            (AskRoute::Sweep(slot), Work::Sweep(sweep)) => {
                let Kind::Listing(listing) = &self.plan.spec.kind else {
                    return Vec::new();
                };
                sweep.on_page(listing, self.plan.spec.path, slot, requested_at, facts)
            }
            (AskRoute::Unit(unit), Work::Units(units)) => {
                units.on_page(unit, requested_at, facts, held)
            }
            (AskRoute::Unit(unit), Work::Parents(parents)) => {
                let effects = parents.units.on_page(unit, requested_at, facts, held);
                parents.on_children(&effects);
                effects
            }
            (AskRoute::Trigger { slot }, Work::Parents(parents)) => {
                let Kind::PerParent(spec) = &self.plan.spec.kind else {
                    return Vec::new();
                };
                parents.trigger.on_page(slot, facts);
                parents.on_parents(spec, requested_at, facts)
            }
            (AskRoute::Existence(parent), Work::Parents(parents)) => {
                let there = facts.parents.first().map_or(parent, |found| found.parent);
                parents.on_existing(self.plan.pass, parent, there)
            }
            (
                AskRoute::Page { .. }
                | AskRoute::Sweep(_)
                | AskRoute::Trigger { .. }
                | AskRoute::Unit(_)
                | AskRoute::Existence(_),
                Work::Pages(_) | Work::Sweep(_) | Work::Units(_) | Work::Parents(_),
            ) => Vec::new(),
        }
    }

    /// Takes the units of which the table holds rows.
    pub fn on_held(&mut self, held: HeldUnits) -> Vec<Effect> {
        let effects = match &mut self.work {
            Work::Pages(_) | Work::Sweep(_) => Vec::new(),
            Work::Units(units) => units.on_held(&held),
            Work::Parents(parents) => {
                let effects = parents.on_held(self.plan.pass, &held);
                parents.on_children(&effects);
                effects
            }
        };
        self.held = Some(held);
        effects
    }
}
