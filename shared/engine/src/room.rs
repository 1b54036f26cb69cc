//! Places of workers: long passes and reports never take all of them.
//!
//! The rate budget bounds how fast an account is read, not the number of workers: a few long passes
//! use all of it, even while some of them begin, write or wait for a slow server. Half of the
//! places stay free for streams that are done in seconds.

use crate::item::StreamItem;
use crate::pass::Pass;
use crate::spec::{Kind, RateClass, StreamSpec};

/// Number of requests from which on a pass is long.
pub const LONG_PASS_REQUESTS: u64 = 100;

/// Expected time for which a run holds its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// A few requests.
    Light,
    /// Hundreds of requests, or an unknown number.
    Long,
    /// A wait for the small budget of reports.
    Report,
}

/// Returns the weight of `pass` of a stream.
#[must_use]
pub fn weight(spec: &StreamSpec, item: Option<&StreamItem>, pass: Pass) -> Weight {
    if spec.rate_class == RateClass::Reports {
        return Weight::Report;
    }
    let state = item.map(|item| item.position.pass(pass));
    let known = state.map_or(0, |state| {
        let so_far = state.unfinished.as_ref().map_or(0, |unfinished| unfinished.requests);
        state.last_requests.max(so_far)
    });
    // A full pass costs one request for each parent; other listings show their length after a page
    // or two.
    let unknown = known == 0 && pass == Pass::Full && matches!(spec.kind, Kind::PerParent(_));
    if known >= LONG_PASS_REQUESTS || unknown { Weight::Long } else { Weight::Light }
}

/// Workers' places of a deployment, and how many of them each weight has taken.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    all: usize,
    light: usize,
    long: usize,
    reports: usize,
}

impl Room {
    /// Returns room for `all` workers, all of it free.
    #[must_use]
    pub const fn new(all: usize) -> Self {
        Self { all, light: 0, long: 0, reports: 0 }
    }

    /// Takes a place for a run of this weight, even beyond capacity.
    pub const fn take(&mut self, weight: Weight) {
        let taken = match weight {
            Weight::Light => &mut self.light,
            Weight::Long => &mut self.long,
            Weight::Report => &mut self.reports,
        };
        *taken = taken.saturating_add(1);
    }

    /// Whether one more run of this weight may work: long passes take at most half of the places,
    /// reports a quarter, each at least one.
    #[must_use]
    pub fn admits(&self, weight: Weight) -> bool {
        let taken = self.light.saturating_add(self.long).saturating_add(self.reports);
        let within = match weight {
            Weight::Light => true,
            Weight::Long => self.long < (self.all / 2).max(1),
            Weight::Report => self.reports < (self.all / 4).max(1),
        };
        taken < self.all && within
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::specs;

    fn filled(all: usize, wishes: &[Weight]) -> [usize; 3] {
        let mut room = Room::new(all);
        for weight in wishes {
            if room.admits(*weight) {
                room.take(*weight);
            }
        }
        [room.light, room.long, room.reports]
    }

    #[test]
    fn long_passes_and_reports_leave_places_for_what_is_done_in_seconds() {
        let long_first = [[Weight::Report; 9], [Weight::Long; 9], [Weight::Light; 9]].concat();
        assert_eq!(filled(8, &long_first), [2, 4, 2]);
        assert_eq!(filled(2, &long_first), [0, 1, 1]);
        assert_eq!(filled(1, &[Weight::Long, Weight::Light]), [0, 1, 0]);
        assert_eq!(filled(8, &[Weight::Light; 20]), [8, 0, 0]);
    }

    #[test]
    fn a_pass_weighs_what_it_took_the_last_time() {
        let [listing, _, report] = specs();
        let mut item = StreamItem::default();
        assert_eq!(weight(listing, Some(&item), Pass::Full), Weight::Light, "one page or two");
        item.position.full.last_requests = LONG_PASS_REQUESTS;
        assert_eq!(weight(listing, Some(&item), Pass::Full), Weight::Long);
        assert_eq!(weight(listing, Some(&item), Pass::Incremental), Weight::Light);
        assert_eq!(weight(report, None, Pass::Incremental), Weight::Report);
    }
}
