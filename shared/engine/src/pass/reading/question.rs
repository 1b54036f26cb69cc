//! Next request of a reading, and the purpose of its answer.
//!
//! Requests that tell what is left to do come before those that do it: the pages of a trigger
//! before children. So a run that ends early has the longest list of what it has to go on with.

use super::super::sweep::SweepSlot;
use super::super::{AnswerPurpose, RequestTarget, Unit};
use super::{AskRoute, Reading, ReadingWork};
use crate::spec::StreamKind;

impl Reading {
    /// Returns the next request with its way back; `None`: as many as allowed are under way, or the
    /// reading needs an answer first.
    pub(super) fn question(&mut self) -> Option<(AskRoute, RequestTarget, AnswerPurpose)> {
        let width = self.plan.width.max(1);
        if self.routes.len() >= width {
            return None;
        }
        match &mut self.work {
            ReadingWork::Pages(pagers) => {
                pagers.iter_mut().enumerate().find_map(|(index, pager)| {
                    let question = pager.next()?;
                    let purpose = if question.count_only {
                        AnswerPurpose::Count
                    } else {
                        AnswerPurpose::Records(Unit::Stream)
                    };
                    Some((
                        AskRoute::Page { pager: index, slot: question.slot },
                        question.target,
                        purpose,
                    ))
                })
            }
            ReadingWork::Sweep(sweep) => {
                let StreamKind::Listing(listing) = &self.plan.spec.kind else {
                    return None;
                };
                let (slot, question) = sweep.next(listing, self.plan.spec.path)?;
                let purpose = match slot {
                    SweepSlot::Page(_) | SweepSlot::Other(_) | SweepSlot::Change(_)
                        if !question.count_only =>
                    {
                        AnswerPurpose::Records(Unit::Stream)
                    }
                    SweepSlot::Page(_)
                    | SweepSlot::Other(_)
                    | SweepSlot::Change(_)
                    | SweepSlot::Total => AnswerPurpose::Count,
                    SweepSlot::Own(_) | SweepSlot::OwnControl(_) => AnswerPurpose::Record,
                    SweepSlot::Along(_) | SweepSlot::AlongControl(_) => AnswerPurpose::Along,
                };
                Some((AskRoute::Sweep(slot), question.target, purpose))
            }
            ReadingWork::Units(units) => {
                let (unit, target) = units.next(self.plan.spec, self.plan.fixed_fees, width)?;
                Some((AskRoute::Unit(unit), target, AnswerPurpose::Records(unit)))
            }
            ReadingWork::Parents(_) => self.parents_question(),
        }
    }

    /// Next request of a reading of children: for their parents, for a parent that may be gone, or
    /// for a page of children.
    fn parents_question(&mut self) -> Option<(AskRoute, RequestTarget, AnswerPurpose)> {
        let ReadingWork::Parents(parents) = &mut self.work else { return None };
        let StreamKind::PerParent(spec) = &self.plan.spec.kind else { return None };
        if let Some(question) = parents.trigger.next() {
            let is_count = question.count_only;
            let purpose = if is_count { AnswerPurpose::Count } else { AnswerPurpose::Parents };
            return Some((AskRoute::Trigger { slot: question.slot }, question.target, purpose));
        }
        if let Some((parent, target)) = parents.next_existence(spec) {
            let purpose = AnswerPurpose::Existence(parent);
            return Some((AskRoute::Existence(parent), target, purpose));
        }
        if parents.is_refused() {
            return None;
        }
        let (unit, target) =
            parents.units.next(self.plan.spec, self.plan.fixed_fees, self.plan.width.max(1))?;
        Some((AskRoute::Unit(unit), target, AnswerPurpose::Records(unit)))
    }
}
