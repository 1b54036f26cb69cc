//! Next request of a reading, and the purpose of its answer.

use super::super::sweep::SweepSlot;
use super::super::{Reads, Target, Unit};
use super::{AskRoute, Reading, Work};
use crate::spec::Kind;

impl Reading {
    pub(super) fn question(&mut self) -> Option<(AskRoute, Target, Reads)> {
        let width = self.plan.width.max(1);
        if self.routes.len() >= width {
            return None;
        }
        match &mut self.work {
            Work::Pages(pagers) => pagers.iter_mut().enumerate().find_map(|(index, pager)| {
                let question = pager.next()?;
                let reads =
                    if question.count_only { Reads::Count } else { Reads::Records(Unit::Stream) };
                Some((AskRoute::Page { pager: index, slot: question.slot }, question.target, reads))
            }),
            Work::Sweep(sweep) => {
                let Kind::Listing(listing) = &self.plan.spec.kind else {
                    return None;
                };
                let (slot, question) = sweep.next(listing, self.plan.spec.path)?;
                let reads = match slot {
                    SweepSlot::Page(_) | SweepSlot::Other(_) | SweepSlot::Change(_)
                        if !question.count_only =>
                    {
                        Reads::Records(Unit::Stream)
                    }
                    SweepSlot::Page(_)
                    | SweepSlot::Other(_)
                    | SweepSlot::Change(_)
                    | SweepSlot::Total => Reads::Count,
                    SweepSlot::Own(_) | SweepSlot::OwnControl(_) => Reads::Record,
                    SweepSlot::Along(_) | SweepSlot::AlongControl(_) => Reads::Along,
                };
                Some((AskRoute::Sweep(slot), question.target, reads))
            }
            Work::Units(units) => {
                let (unit, target) = units.next(self.plan.spec, width)?;
                Some((AskRoute::Unit(unit), target, Reads::Records(unit)))
            }
            Work::Parents(parents) => {
                let Kind::PerParent(spec) = &self.plan.spec.kind else {
                    return None;
                };
                if let Some(question) = parents.trigger.next() {
                    let reads = if question.count_only { Reads::Count } else { Reads::Parents };
                    return Some((
                        AskRoute::Trigger { slot: question.slot },
                        question.target,
                        reads,
                    ));
                }
                if let Some((parent, target)) = parents.next_existence(spec) {
                    return Some((AskRoute::Existence(parent), target, Reads::Existence(parent)));
                }
                if parents.is_refused() {
                    return None;
                }
                let (unit, target) = parents.units.next(self.plan.spec, width)?;
                Some((AskRoute::Unit(unit), target, Reads::Records(unit)))
            }
        }
    }
}
