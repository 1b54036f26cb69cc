//! Places of workers: long passes and reports never take all of them.
//!
//! The rate budget bounds how fast an account is read, not the number of workers: a few long passes
//! use all of it, even while some of them begin, write or wait for a slow server. Half of the
//! places stay free for streams that are done in seconds.

use crate::item::StreamItem;
use crate::pass::Pass;
use crate::spec::{RateClass, StreamKind, StreamSpec};

/// Number of requests from which on a pass is long.
pub const LONG_PASS_REQUESTS: u64 = 100;

/// Expected time for which a run holds its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunWeight {
    /// A few requests.
    Light,
    /// Hundreds of requests, or an unknown number.
    Long,
    /// A wait for the small budget of reports.
    Report,
}

/// Returns the weight of `pass` of a stream.
#[must_use]
pub fn weight(spec: &StreamSpec, item: Option<&StreamItem>, pass: Pass) -> RunWeight {
    if spec.rate_class == RateClass::Reports {
        return RunWeight::Report;
    }
    let state = item.map(|item| item.position.pass(pass));
    let known = state.map_or(0, |state| {
        let so_far = state.unfinished.as_ref().map_or(0, |unfinished| unfinished.requests);
        state.last_requests.max(so_far)
    });
    // A full pass costs one request for each parent; other listings show their length after a page
    // or two.
    let unknown = known == 0 && pass == Pass::Full && matches!(spec.kind, StreamKind::PerParent(_));
    if known >= LONG_PASS_REQUESTS || unknown { RunWeight::Long } else { RunWeight::Light }
}

/// Workers' places of a deployment, and how many of them each weight has taken.
#[derive(Clone, Copy, Debug)]
pub struct WorkerRoom {
    all: usize,
    light: usize,
    long: usize,
    reports: usize,
}

impl WorkerRoom {
    /// Returns room for `all` workers, all of it free.
    #[must_use]
    pub const fn new(all: usize) -> Self {
        Self { all, light: 0, long: 0, reports: 0 }
    }

    /// Takes a place for a run of this weight, even beyond capacity.
    pub const fn take(&mut self, weight: RunWeight) {
        let taken = match weight {
            RunWeight::Light => &mut self.light,
            RunWeight::Long => &mut self.long,
            RunWeight::Report => &mut self.reports,
        };
        *taken = taken.saturating_add(1);
    }

    /// Whether one more run of this weight may work: long passes take at most half of the places,
    /// reports a quarter, each at least one.
    #[must_use]
    pub fn admits(&self, weight: RunWeight) -> bool {
        let taken = self.light.saturating_add(self.long).saturating_add(self.reports);
        let within = match weight {
            RunWeight::Light => true,
            RunWeight::Long => self.long < (self.all / 2).max(1),
            RunWeight::Report => self.reports < (self.all / 4).max(1),
        };
        taken < self.all && within
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::specs;

    fn filled(all: usize, wishes: &[RunWeight]) -> [usize; 3] {
        let mut room = WorkerRoom::new(all);
        for weight in wishes {
            if room.admits(*weight) {
                room.take(*weight);
            }
        }
        [room.light, room.long, room.reports]
    }

    #[test]
    fn long_passes_and_reports_leave_places_for_what_is_done_in_seconds() {
        let long_first =
            [[RunWeight::Report; 9], [RunWeight::Long; 9], [RunWeight::Light; 9]].concat();
        assert_eq!(filled(8, &long_first), [2, 4, 2]);
        assert_eq!(filled(2, &long_first), [0, 1, 1]);
        assert_eq!(filled(1, &[RunWeight::Long, RunWeight::Light]), [0, 1, 0]);
        assert_eq!(filled(8, &[RunWeight::Light; 20]), [8, 0, 0]);
    }

    #[test]
    fn a_pass_weighs_what_it_took_the_last_time() {
        let [listing, _, report] = specs();
        let mut item = StreamItem::default();
        assert_eq!(weight(listing, Some(&item), Pass::Full), RunWeight::Light, "one page or two");
        item.position.full.last_requests = LONG_PASS_REQUESTS;
        assert_eq!(weight(listing, Some(&item), Pass::Full), RunWeight::Long);
        assert_eq!(weight(listing, Some(&item), Pass::Incremental), RunWeight::Light);
        assert_eq!(weight(report, None, Pass::Incremental), RunWeight::Report);
    }
}
