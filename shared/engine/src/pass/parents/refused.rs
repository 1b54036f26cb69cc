//! Children that cannot be read: those of one parent are parked, those of all refuse the stream.
//!
//! A single parent that is refused must not keep the others from being read. If all are refused, a
//! permission is missing: to park each of them would cost a request for each in every run, and the
//! stream would seem to be healthy.

use super::{ParentReading, ParkedBefore, ParkedParent, REFUSED_AT_FIRST};
use crate::pass::units::unit_path;
use crate::pass::{AnswerEffect, Parent, Pass, StopReason, Unit};
use crate::retry::RequestFailure;
use crate::spec::PerParent;

impl ParentReading {
    /// Whether too many parents were refused before any children were read, so that the others
    /// would be refused, too.
    pub(in crate::pass) fn is_refused(&self) -> bool {
        let fresh = self.refused.iter().filter(|(_, known)| *known == ParkedBefore::Fresh).count();
        !self.any_read && fresh >= REFUSED_AT_FIRST
    }

    /// Returns the reason for which the reading stops although no request is under way: Harvest
    /// refuses the children of all parents.
    pub(in crate::pass) fn stopped(&mut self, spec: &PerParent, pass: Pass) -> Option<StopReason> {
        if self.any_read || self.refused.is_empty() {
            return None;
        }
        let all = pass == Pass::Full && self.is_done();
        if !all && !self.is_refused() {
            return None;
        }
        let refused = core::mem::take(&mut self.refused);
        let (first, _) = *refused.first()?;
        for (parent, known) in refused {
            if known == ParkedBefore::Fresh {
                self.parked.remove(&parent.id);
            }
            self.units.push(Unit::Parent(parent));
        }
        let what = unit_path(spec.parent_path, Unit::Parent(first));
        Some(StopReason { what, failure: RequestFailure::Forbidden })
    }

    /// Takes the final failure of a request for children: the parent is parked, or the stream
    /// stops.
    pub(in crate::pass) fn give_up(
        &mut self,
        spec: &PerParent,
        pass: Pass,
        parent: Parent,
        failure: &RequestFailure,
    ) -> Result<Vec<AnswerEffect>, StopReason> {
        let unit = Unit::Parent(parent);
        let what = unit_path(spec.parent_path, unit);
        let stops = !failure.is_of_its_request();
        if stops {
            let effects = self.units.put_back(unit);
            debug_assert!(!effects.is_empty(), "a unit put back is dropped first");
            return Err(StopReason { what, failure: failure.clone() });
        }
        let mut effects = self.units.give_up(unit);
        if *failure == RequestFailure::Forbidden {
            let parked = self.parked.contains_key(&parent.id);
            self.refused
                .push((parent, if parked { ParkedBefore::Parked } else { ParkedBefore::Fresh }));
        }
        let parked = self.parked.entry(parent.id).or_insert_with(|| ParkedParent {
            created_year: parent.created_year,
            attempts: 0,
            reason: String::new(),
        });
        parked.attempts = parked.attempts.saturating_add(1);
        parked.reason = failure.to_string();
        if *failure == RequestFailure::NotFound {
            // 404 on the path of the children alone proves nothing.
            self.doubtful.push(parent);
            effects.extend(self.settle(pass));
        }
        Ok(effects)
    }
}
