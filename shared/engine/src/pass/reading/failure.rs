//! Effect of a failed or unsent request on a reading.
//!
//! The question is each time how much a failure takes along:
//!
//! | failed request | effect, once its retries are used up |
//! | --- | --- |
//! | page of a listing or of a trigger | the reading stops; its pages so far are kept |
//! | report window | set aside, the others are read first |
//! | children of a parent | the parent is parked, the others are read |
//! | parent or record under its own URL | 404 is an answer; otherwise its rows stay |
//! | window or children, if the network or the token fails | the reading stops |

use super::super::pager::PagerSetback;
use super::super::units::{UnitsReading, unit_path};
use super::super::{StopReason, Unit};
use super::{AfterFailure, AskRoute, Reading, ReadingWork};
use crate::retry::RequestFailure;
use crate::spec::StreamKind;
use crate::time::Timestamp;

impl Reading {
    /// Takes a failure. `last`: this request is not to be sent again as it is.
    pub fn on_failure(
        &mut self,
        id: u64,
        requested_at: Timestamp,
        failure: &RequestFailure,
        last: bool,
    ) -> AfterFailure {
        let Some(route) = self.routes.remove(&id) else {
            return AfterFailure::GoOn(Vec::new());
        };
        let what = self.plan.spec.path.to_owned();
        let stop = || AfterFailure::Stop(StopReason { what, failure: failure.clone() });
        match (route, &mut self.work) {
            (AskRoute::Page { pager, slot }, ReadingWork::Pages(pagers)) => {
                match pagers.get_mut(pager).map(|pager| pager.on_failure(slot, failure, last)) {
                    Some(PagerSetback::Final) => stop(),
                    Some(PagerSetback::Same | PagerSetback::Restart) | None => {
                        AfterFailure::GoOn(Vec::new())
                    }
                }
            }
            (AskRoute::Sweep(slot), ReadingWork::Sweep(sweep)) => {
                let StreamKind::Listing(listing) = &self.plan.spec.kind else {
                    return AfterFailure::GoOn(Vec::new());
                };
                sweep.on_failure(listing, slot, failure, last).map_or_else(stop, AfterFailure::GoOn)
            }
            (AskRoute::Unit(unit), ReadingWork::Units(units)) => {
                let path = self.plan.spec.path;
                on_unit_failure(units, path, unit, failure, last).unwrap_or_else(stop)
            }
            (AskRoute::Trigger { slot }, ReadingWork::Parents(parents)) => {
                match parents.on_trigger_failure(slot, failure, last) {
                    PagerSetback::Final => stop(),
                    PagerSetback::Same | PagerSetback::Restart => AfterFailure::GoOn(Vec::new()),
                }
            }
            (AskRoute::Unit(unit), ReadingWork::Parents(_)) => {
                self.on_child_failure(unit, requested_at, failure, last)
            }
            (AskRoute::Existence(parent), ReadingWork::Parents(parents)) => {
                let pass = self.plan.pass;
                if *failure == RequestFailure::NotFound {
                    return AfterFailure::GoOn(parents.on_gone(pass, parent, requested_at));
                }
                let StreamKind::PerParent(spec) = &self.plan.spec.kind else {
                    return AfterFailure::GoOn(Vec::new());
                };
                AfterFailure::GoOn(parents.on_existence_failure(spec, pass, parent, last))
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
            ) => AfterFailure::GoOn(Vec::new()),
        }
    }

    /// Takes the failure of a request for children.
    fn on_child_failure(
        &mut self,
        unit: Unit,
        requested_at: Timestamp,
        failure: &RequestFailure,
        last: bool,
    ) -> AfterFailure {
        let (ReadingWork::Parents(parents), StreamKind::PerParent(spec), Unit::Parent(parent)) =
            (&mut self.work, &self.plan.spec.kind, unit)
        else {
            return AfterFailure::GoOn(Vec::new());
        };
        // After a page of records it refuses the link to the next one.
        let may_have_none = spec.only_role.is_some()
            && parents.may_lack_role(parent.id)
            && !parents.units.has_records(unit);
        if may_have_none && *failure == RequestFailure::Invalid(422) {
            // Harvest's way to say that this person, whose roles are not known, has no such records.
            let effects = parents.units.on_nothing(unit, requested_at, self.held.as_ref());
            parents.on_children(&effects);
            return AfterFailure::GoOn(effects);
        }
        if let Some(effects) = parents.units.on_failure(unit, failure, last) {
            return AfterFailure::GoOn(effects);
        }
        match parents.give_up(spec, self.plan.pass, parent, failure) {
            Ok(effects) => AfterFailure::GoOn(effects),
            Err(stopped) => AfterFailure::Stop(stopped),
        }
    }

    /// Frees a request that was not sent: [`Reading::next_step`] returns it again.
    pub fn on_unsent(&mut self, id: u64, now: Timestamp) {
        // A 429 without delay stands for it: that failure counts against no limit of tries.
        let after =
            self.on_failure(id, now, &RequestFailure::RateLimited { retry_after: None }, false);
        debug_assert!(matches!(after, AfterFailure::GoOn(_)), "an unsent request stops nothing");
    }
}

/// Takes the failure of a unit's request. `None`: the reading cannot go on.
fn on_unit_failure(
    units: &mut UnitsReading,
    path: &str,
    unit: Unit,
    failure: &RequestFailure,
    last: bool,
) -> Option<AfterFailure> {
    if let Some(effects) = units.on_failure(unit, failure, last) {
        return Some(AfterFailure::GoOn(effects));
    }
    if !failure.is_of_its_request() {
        units.put_back(unit);
        return None;
    }
    let stopped = StopReason { what: unit_path(path, unit), failure: failure.clone() };
    Some(AfterFailure::GoOn(units.set_aside(unit, stopped)))
}
