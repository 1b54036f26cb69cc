//! Requests for missing rows, in their order, and those that are sent again.

use super::super::SweepSlot;
use super::MissingConfirmation;
use crate::pass::control::UrlStanding;
use crate::spec::Listing;

impl MissingConfirmation {
    /// Returns the next path to ask for, with its slot.
    pub(in crate::pass::sweep) fn next(
        &mut self,
        listing: &Listing,
    ) -> Option<(SweepSlot, String)> {
        let filled = |path: &str, parent: Option<i64>| {
            path.replace("{parent}", &parent.unwrap_or_default().to_string())
        };
        if let Some(along) = listing.goes_with
            && !self.along.is_empty()
        {
            if self.above.standing() != UrlStanding::Open
                && let Some(id) = self.along.pop_first()
            {
                self.asked_along.insert(id);
                return Some((SweepSlot::Along(id), filled(along.path, Some(id))));
            }
            if let Some(id) = self.above.next() {
                return Some((SweepSlot::AlongControl(id), filled(along.path, Some(id))));
            }
        }
        if self.alone.is_empty() {
            return None;
        }
        let own = |id: i64, above: Option<i64>| {
            filled(&listing.own_path.replace("{id}", &id.to_string()), above)
        };
        if self.own.standing() == UrlStanding::Open {
            let sample = self.own.next()?;
            return Some((SweepSlot::OwnControl(sample), own(sample.id, sample.along)));
        }
        let (id, above) = self.alone.pop_first()?;
        self.asked.insert(id, above);
        Some((SweepSlot::Own(id), own(id, above)))
    }

    /// Puts a request back, to be sent again.
    pub(in crate::pass::sweep) fn put_back(&mut self, slot: SweepSlot) {
        match slot {
            SweepSlot::Own(id) => {
                let above = self.asked.remove(&id).flatten();
                self.alone.insert(id, above);
            }
            SweepSlot::Along(id) => {
                self.asked_along.remove(&id);
                self.along.insert(id);
            }
            SweepSlot::OwnControl(_) => self.own.suspend(),
            SweepSlot::AlongControl(_) => self.above.suspend(),
            SweepSlot::Page(_) | SweepSlot::Other(_) | SweepSlot::Total | SweepSlot::Change(_) => {}
        }
    }

    /// Puts all requests under way back, to be sent again.
    pub(in crate::pass::sweep) fn put_back_all(&mut self) {
        self.alone.append(&mut self.asked);
        self.along.append(&mut self.asked_along);
        self.own.suspend();
        self.above.suspend();
    }
}
