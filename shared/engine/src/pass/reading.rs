//! A reading: the pagers of a stream's kind behind one face.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pager::{Pager, Proof, Setback};
use super::parents::{HeldUnits, Parents, Parked};
use super::units::Units;
use super::{Ask, Effect, PageFacts, Parent, Pass, Reads, Stopped, Target, Unit};
use crate::cursor;
use crate::retry::Failure;
use crate::spec::{Kind, Listing, Paging, StreamSpec};
use crate::time::{Date, Timestamp};
use crate::window::Period;

/// What a reading is to read.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The stream.
    pub spec: &'static StreamSpec,
    /// Which of its passes.
    pub pass: Pass,
    /// The stream's cursor; incremental passes read from a little before it.
    pub cursor: Option<Timestamp>,
    /// The first day of dated listings that full passes read; `None`: all history.
    pub start_date: Option<Date>,
    /// The report windows to read, in this order.
    pub windows: Vec<Period>,
    /// Parents that failed before.
    pub parked: BTreeMap<i64, Parked>,
    /// How many requests may be under way at once.
    pub width: usize,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send this.
    Ask(Ask),
    /// Tell which units the table holds rows of: [`Reading::on_held`].
    Held,
    /// Answers are awaited.
    Wait,
    /// Everything is read.
    Done,
}

/// What follows a failed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// Go on; the request comes again from [`Reading::next_step`], perhaps for less.
    GoOn(Vec<Effect>),
    /// The reading cannot go on now.
    Stop(Stopped),
}

/// One pass over one stream, by one or more runs.
#[derive(Debug)]
pub struct Reading {
    plan: Plan,
    work: Work,
    held: Option<HeldUnits>,
    routes: BTreeMap<u64, Route>,
    last_id: u64,
    resumed: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Work {
    /// Pages for themselves.
    Pages(Vec<Pager>),
    /// Units for themselves.
    Units(Units),
    /// Units that a trigger names.
    Parents(Box<Parents>),
}

/// Whose request it was.
#[derive(Clone, Copy, Debug)]
enum Route {
    Page { pager: usize, slot: u32 },
    Trigger { slot: u32 },
    Unit(Unit),
    Existence(Parent),
}

impl Reading {
    /// A reading from the beginning.
    #[must_use]
    pub fn start(plan: Plan) -> Self {
        let spec = plan.spec;
        let work = match &spec.kind {
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
                let trigger = match &parent.trigger.kind {
                    Kind::Listing(listing) => listing.paging,
                    Kind::Snapshot(paging) => *paging,
                    Kind::PerParent(_) | Kind::ReportWindow(_) => Paging::Cursor,
                };
                // Trigger listings never send the start date: older parents change, too.
                let pager = Pager::new(trigger, parent.trigger.path, since(&plan), None);
                Work::Parents(Box::new(Parents::new(pager, plan.pass, plan.parked.clone())))
            }
        };
        Self { plan, work, held: None, routes: BTreeMap::new(), last_id: 0, resumed: false }
    }

    /// A reading that an earlier run saved.
    ///
    /// # Errors
    /// Where `saved` is not the saved form of a reading of this stream's kind.
    pub fn resume(plan: Plan, saved: &serde_json::Value) -> Result<Self, serde_json::Error> {
        let mut work = Work::deserialize(saved)?;
        match &mut work {
            Work::Pages(pagers) => pagers.iter_mut().for_each(Pager::resumed),
            Work::Units(_) => {}
            Work::Parents(parents) => parents.trigger.resumed(),
        }
        Ok(Self { plan, work, held: None, routes: BTreeMap::new(), last_id: 0, resumed: true })
    }

    /// The saved form: whatever is under way is asked again.
    ///
    /// # Errors
    /// Never in practice: all parts have a JSON form.
    pub fn save(&self) -> Result<serde_json::Value, serde_json::Error> {
        let work = match &self.work {
            Work::Pages(pagers) => Work::Pages(pagers.clone()),
            Work::Units(units) => Work::Units(units.suspended()),
            Work::Parents(parents) => Work::Parents(Box::new(parents.suspended())),
        };
        serde_json::to_value(work)
    }

    /// Whether an earlier run began this reading.
    #[must_use]
    pub const fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// What to do now. Call again until it says `Wait` or `Done`.
    pub fn next_step(&mut self) -> Next {
        if let Some((route, target, reads)) = self.question() {
            self.last_id = self.last_id.saturating_add(1);
            self.routes.insert(self.last_id, route);
            return Next::Ask(Ask { id: self.last_id, target, reads });
        }
        let needs_held = match &self.work {
            Work::Pages(_) => false,
            Work::Units(units) => units.needs_held(),
            Work::Parents(parents) => parents.needs_held(),
        };
        if needs_held {
            return Next::Held;
        }
        if self.is_done() { Next::Done } else { Next::Wait }
    }

    fn question(&mut self) -> Option<(Route, Target, Reads)> {
        let width = self.plan.width.max(1);
        if self.routes.len() >= width {
            return None;
        }
        match &mut self.work {
            Work::Pages(pagers) => pagers.iter_mut().enumerate().find_map(|(index, pager)| {
                let question = pager.next()?;
                let reads =
                    if question.count_only { Reads::Count } else { Reads::Records(Unit::Stream) };
                Some((Route::Page { pager: index, slot: question.slot }, question.target, reads))
            }),
            Work::Units(units) => {
                let (unit, target) = units.next(self.plan.spec, width)?;
                Some((Route::Unit(unit), target, Reads::Records(unit)))
            }
            Work::Parents(parents) => {
                let Kind::PerParent(spec) = &self.plan.spec.kind else {
                    return None;
                };
                if let Some(question) = parents.trigger.next() {
                    let reads = if question.count_only { Reads::Count } else { Reads::Parents };
                    return Some((Route::Trigger { slot: question.slot }, question.target, reads));
                }
                if let Some((parent, target)) = parents.next_existence(spec) {
                    return Some((Route::Existence(parent), target, Reads::Existence(parent)));
                }
                let (unit, target) = parents.units.next(self.plan.spec, width)?;
                Some((Route::Unit(unit), target, Reads::Records(unit)))
            }
        }
    }

    fn is_done(&self) -> bool {
        self.routes.is_empty()
            && match &self.work {
                Work::Pages(pagers) => pagers.iter().all(Pager::is_done),
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
            (Route::Page { pager, slot }, Work::Pages(pagers)) => {
                let Some(pager) = pagers.get_mut(pager) else {
                    return Vec::new();
                };
                // Of listings every page counts for itself, also when the list starts over.
                pager.on_page(slot, facts);
                vec![Effect::Keep]
            }
            (Route::Unit(unit), Work::Units(units)) => {
                units.on_page(unit, requested_at, facts, held)
            }
            (Route::Unit(unit), Work::Parents(parents)) => {
                let effects = parents.units.on_page(unit, requested_at, facts, held);
                parents.on_children(&effects);
                effects
            }
            (Route::Trigger { slot }, Work::Parents(parents)) => {
                let Kind::PerParent(spec) = &self.plan.spec.kind else {
                    return Vec::new();
                };
                parents.trigger.on_page(slot, facts);
                parents.on_parents(spec, requested_at, facts)
            }
            (Route::Existence(parent), Work::Parents(parents)) => {
                let there = facts.parents.first().map_or(parent, |found| found.parent);
                parents.on_existing(parent, there);
                Vec::new()
            }
            (
                Route::Page { .. } | Route::Trigger { .. } | Route::Unit(_) | Route::Existence(_),
                Work::Pages(_) | Work::Units(_) | Work::Parents(_),
            ) => Vec::new(),
        }
    }

    /// Takes a failure. `last` says that this request is not to be tried again as it is.
    pub fn on_failure(
        &mut self,
        id: u64,
        requested_at: Timestamp,
        failure: &Failure,
        last: bool,
    ) -> AfterFailure {
        let Some(route) = self.routes.remove(&id) else {
            return AfterFailure::GoOn(Vec::new());
        };
        let what = self.plan.spec.path.to_owned();
        let stop = || AfterFailure::Stop(Stopped { what, failure: failure.clone() });
        match (route, &mut self.work) {
            (Route::Page { pager, slot }, Work::Pages(pagers)) => {
                match pagers.get_mut(pager).map(|pager| pager.on_failure(slot, failure, last)) {
                    Some(Setback::Final) => stop(),
                    Some(Setback::Same | Setback::Restart) | None => AfterFailure::GoOn(Vec::new()),
                }
            }
            (Route::Unit(unit), Work::Units(units)) => {
                if let Some(effects) = units.on_failure(unit, failure, last) {
                    return AfterFailure::GoOn(effects);
                }
                units.put_back(unit);
                stop()
            }
            (Route::Trigger { slot }, Work::Parents(parents)) => {
                match parents.on_trigger_failure(slot, failure, last) {
                    Setback::Final => stop(),
                    Setback::Same | Setback::Restart => AfterFailure::GoOn(Vec::new()),
                }
            }
            (Route::Unit(unit), Work::Parents(_)) => {
                self.on_child_failure(unit, requested_at, failure, last)
            }
            (Route::Existence(parent), Work::Parents(parents)) => {
                if *failure == Failure::NotFound {
                    let effects = parents.on_gone(self.plan.pass, parent, requested_at);
                    return AfterFailure::GoOn(effects);
                }
                parents.on_existence_failure(parent, last);
                AfterFailure::GoOn(Vec::new())
            }
            (
                Route::Page { .. } | Route::Trigger { .. } | Route::Unit(_) | Route::Existence(_),
                Work::Pages(_) | Work::Units(_) | Work::Parents(_),
            ) => AfterFailure::GoOn(Vec::new()),
        }
    }

    fn on_child_failure(
        &mut self,
        unit: Unit,
        requested_at: Timestamp,
        failure: &Failure,
        last: bool,
    ) -> AfterFailure {
        let (Work::Parents(parents), Kind::PerParent(spec), Unit::Parent(parent)) =
            (&mut self.work, &self.plan.spec.kind, unit)
        else {
            return AfterFailure::GoOn(Vec::new());
        };
        if spec.only_role.is_some() && *failure == Failure::Invalid(422) {
            // Harvest's way to say that this person has none.
            let effects = parents.units.on_nothing(unit, requested_at, self.held.as_ref());
            parents.on_children(&effects);
            return AfterFailure::GoOn(effects);
        }
        if let Some(effects) = parents.units.on_failure(unit, failure, last) {
            return AfterFailure::GoOn(effects);
        }
        match parents.give_up(spec, parent, failure) {
            Ok(effects) => AfterFailure::GoOn(effects),
            Err(stopped) => AfterFailure::Stop(stopped),
        }
    }

    /// Frees a request that was not sent: it comes again from [`Reading::next_step`].
    pub fn on_unsent(&mut self, id: u64, now: Timestamp) {
        // Not a failure of Harvest's: counts against nothing.
        let after = self.on_failure(id, now, &Failure::RateLimited { retry_after: None }, false);
        debug_assert!(matches!(after, AfterFailure::GoOn(_)), "an unsent request stops nothing");
    }

    /// Tells which units the table holds rows of.
    pub fn on_held(&mut self, held: HeldUnits) -> Vec<Effect> {
        let effects = match &mut self.work {
            Work::Pages(_) => Vec::new(),
            Work::Units(units) => units.on_held(&held),
            Work::Parents(parents) => {
                let effects = parents.on_held(&held);
                parents.on_children(&effects);
                effects
            }
        };
        self.held = Some(held);
        effects
    }

    /// What the finished reading proves: without proof an incremental pass moves no cursor.
    #[must_use]
    pub fn proof(&self) -> Proof {
        let unproven = match &self.work {
            Work::Pages(pagers) => pagers.iter().map(Pager::proof).find_map(|proof| match proof {
                Proof::Proven => None,
                Proof::Unproven(why) => Some(why),
            }),
            Work::Units(units) => units.unproven.first().cloned(),
            Work::Parents(parents) => match parents.trigger.proof() {
                Proof::Proven => parents.units.unproven.first().cloned(),
                Proof::Unproven(why) => Some(why),
            },
        };
        unproven.map_or(Proof::Proven, Proof::Unproven)
    }

    /// Parents that failed, to be tried again in each run.
    #[must_use]
    pub fn parked(&self) -> BTreeMap<i64, Parked> {
        match &self.work {
            Work::Pages(_) | Work::Units(_) => BTreeMap::new(),
            Work::Parents(parents) => parents.parked.clone(),
        }
    }

    /// Units read and units known to be left, for people; `(0, 0)` where pages stand for themselves.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        match &self.work {
            Work::Pages(_) => (0, 0),
            Work::Units(units) => (units.done, units.left()),
            Work::Parents(parents) => (parents.units.done, parents.units.left()),
        }
    }
}

fn since(plan: &Plan) -> Vec<(String, String)> {
    match (plan.pass, plan.cursor) {
        (Pass::Incremental, Some(cursor)) => {
            vec![("updated_since".to_owned(), cursor::read_from(cursor))]
        }
        (Pass::Incremental, None) | (Pass::Full, _) => Vec::new(),
    }
}

fn listing_pagers(spec: &StreamSpec, listing: &Listing, plan: &Plan) -> Vec<Pager> {
    let start = match plan.pass {
        Pass::Incremental => None,
        Pass::Full => plan.start_date,
    };
    let mut pagers = vec![Pager::new(listing.paging, spec.path, since(plan), start)];
    if let (Pass::Incremental, Some((name, value))) = (plan.pass, listing.reread) {
        let filter = vec![(name.to_owned(), value.to_owned())];
        pagers.push(Pager::new(listing.paging, spec.path, filter, None));
    }
    pagers
}
