//! Effect of a failure, or of a stop, on a date keyset reading.

use super::super::pager::{Setback, gives_up};
use super::{Keyset, Rest, WHOLE};
use crate::retry::Failure;

impl Keyset {
    pub(in crate::pass) fn on_failure(
        &mut self,
        slot: u32,
        failure: &Failure,
        last: bool,
    ) -> Setback {
        if slot != WHOLE && !matches!(self.rest, Rest::Ranges) {
            return Setback::Same;
        }
        match &mut self.rest {
            Rest::Ranges => {}
            Rest::Compare(compare) => {
                compare.free();
                let over = gives_up(failure, last, false);
                return if over { Setback::Final } else { Setback::Same };
            }
            // Records kept by an unranged reading before a restart are upserts: there are none to
            // take back.
            Rest::Undated(offset) | Rest::Disordered(offset) => {
                return match offset.on_failure(failure, last) {
                    Setback::Restart | Setback::Same => Setback::Same,
                    Setback::Final => Setback::Final,
                };
            }
            Rest::Nothing => return Setback::Final,
        }
        let shrunk = self.list.shrink_after(failure);
        if let Some(range) = usize::try_from(slot).ok().and_then(|slot| self.ranges.get_mut(slot)) {
            range.asked = false;
            if let Some((_, offset)) = &mut range.day {
                let _: Setback = offset.on_failure(failure, last);
            }
        }
        if gives_up(failure, last, shrunk) { Setback::Final } else { Setback::Same }
    }

    pub(in crate::pass) fn resumed(&mut self) {
        for range in &mut self.ranges {
            range.asked = false;
            if let Some((_, offset)) = &mut range.day {
                offset.resumed();
            }
        }
        match &mut self.rest {
            Rest::Ranges | Rest::Nothing => {}
            Rest::Compare(compare) => compare.resumed(),
            Rest::Undated(offset) | Rest::Disordered(offset) => offset.resumed(),
        }
    }
}
