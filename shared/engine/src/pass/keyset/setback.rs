//! Effect of a failure, or of a stop, on a date keyset reading.

use super::super::pager::{PagerSetback, gives_up};
use super::{KeysetPager, KeysetStage, WHOLE};
use crate::retry::RequestFailure;

impl KeysetPager {
    /// Frees the slot of a failed request. Pages become smaller for all ranges at once, because
    /// they are ranges of one list: another one would fail in the same way.
    pub(in crate::pass) fn on_failure(
        &mut self,
        slot: u32,
        failure: &RequestFailure,
        last: bool,
    ) -> PagerSetback {
        if slot != WHOLE && !matches!(self.rest, KeysetStage::Ranges) {
            return PagerSetback::Same;
        }
        match &mut self.rest {
            KeysetStage::Ranges => {}
            KeysetStage::Compare(compare) => {
                compare.free();
                let over = gives_up(failure, last, false);
                return if over { PagerSetback::Final } else { PagerSetback::Same };
            }
            // Records kept by an unranged reading before a restart are upserts: there are none to
            // take back.
            KeysetStage::Undated(offset) | KeysetStage::Disordered(offset) => {
                return match offset.on_failure(failure, last) {
                    PagerSetback::Restart | PagerSetback::Same => PagerSetback::Same,
                    PagerSetback::Final => PagerSetback::Final,
                };
            }
            KeysetStage::Nothing => return PagerSetback::Final,
        }
        let shrunk = self.list.shrink_after(failure);
        if shrunk {
            // Runs count in pages of their first size. The bounds say where they are.
            self.ranges.iter_mut().for_each(|range| range.run = None);
        }
        if let Some(range) = usize::try_from(slot).ok().and_then(|slot| self.ranges.get_mut(slot)) {
            range.asked = false;
            if let Some((_, offset)) = &mut range.day {
                let _: PagerSetback = offset.on_failure(failure, last);
            }
        }
        if gives_up(failure, last, shrunk) { PagerSetback::Final } else { PagerSetback::Same }
    }

    /// Goes on in another process. Bounds of ranges stay: days that are whole need not be read
    /// again. Counts and totals of unfinished lists do not stay, because what they were compared
    /// with may have changed.
    pub(in crate::pass) fn resumed(&mut self) {
        for range in &mut self.ranges {
            range.asked = false;
            if let Some((_, offset)) = &mut range.day {
                offset.resumed();
            }
        }
        match &mut self.rest {
            KeysetStage::Ranges | KeysetStage::Nothing => {}
            KeysetStage::Compare(compare) => compare.resumed(),
            KeysetStage::Undated(offset) | KeysetStage::Disordered(offset) => offset.resumed(),
        }
    }
}
