//! Places of workers: long passes and reports never take all of them.
//!
//! The rate budget bounds how fast an account is read, not the number of workers: a few long passes
//! use all of it, even while some of them begin, write or wait for a slow server. Half of the
//! places stay free for streams that are done in seconds.

use crate::item::StreamItem;
use crate::pass::Pass;
use crate::spec::{RateClass, StreamKind, StreamSpec};
use crate::time::Timestamp;

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

/// Largest number of requests of the last incremental pass for which a small worker is enough. Their
/// records fill 20 pages of 2,000 at most.
const SMALL_PASS_REQUESTS: u64 = 20;
/// Largest number of requests of the last full pass for which a small worker is enough. All records
/// of the table came in three pages of 2,000 at most. Snapshots have only full passes.
const SMALL_SWEEP_REQUESTS: u64 = 3;

/// Size of the worker function that works on a run. Both run the same program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerSize {
    /// Little memory and a share of a processor, for runs that mostly wait for Harvest's answer.
    Small,
    /// Memory for full passes, and a whole processor.
    Large,
}

/// Returns the size of the worker for `pass` of a stream.
///
/// A small worker does what takes a few requests and changes a few files, over tables that have
/// their first load: incremental passes, and full passes of small tables. A stream that failed, or
/// whose worker died, gets a large worker until a pass is complete: the small one may have been too
/// small.
#[must_use]
pub fn worker_size(item: Option<&StreamItem>, pass: Pass, now: Timestamp) -> WorkerSize {
    let Some(item) = item else { return WorkerSize::Large };
    let state = item.position.pass(pass);
    let so_far = state.unfinished.as_ref().map_or(0, |unfinished| unfinished.requests);
    let died = item.lease.as_ref().is_some_and(|lease| !lease.released && !lease.is_held(now));
    let most = match pass {
        Pass::Incremental => SMALL_PASS_REQUESTS,
        Pass::Full => SMALL_SWEEP_REQUESTS,
    };
    let is_small = item.position.full.last_begun.is_some()
        && state.last_requests.max(so_far) <= most
        && item.health.failures == 0
        && item.resetting.is_none()
        && !died;
    if is_small { WorkerSize::Small } else { WorkerSize::Large }
}

/// Places of workers of a deployment, and how many of them each weight has taken.
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
    use crate::lease::{LEASE, Lease};
    use crate::plan::tests::specs;
    use crate::time::minus;

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
    fn a_small_worker_does_short_passes_of_streams_in_good_order() {
        let now = Timestamp::UNIX_EPOCH;
        let size = |item: &StreamItem| worker_size(Some(item), Pass::Incremental, now);
        let mut loaded = StreamItem::default();
        assert_eq!(size(&loaded), WorkerSize::Large, "a first load");
        loaded.position.full.last_begun = Some(now);
        assert_eq!(size(&loaded), WorkerSize::Small);
        let sweep = |item: &StreamItem| worker_size(Some(item), Pass::Full, now);
        loaded.position.full.last_requests = SMALL_SWEEP_REQUESTS;
        assert_eq!(sweep(&loaded), WorkerSize::Small, "a table of a few pages");
        loaded.position.full.last_requests = SMALL_SWEEP_REQUESTS + 1;
        assert_eq!(sweep(&loaded), WorkerSize::Large);
        assert_eq!(sweep(&StreamItem::default()), WorkerSize::Large, "a first load");
        assert_eq!(worker_size(None, Pass::Incremental, now), WorkerSize::Large);
        let mut busy = loaded.clone();
        busy.position.incremental.last_requests = SMALL_PASS_REQUESTS + 1;
        assert_eq!(size(&busy), WorkerSize::Large);
        let mut failed = loaded.clone();
        failed.health.failures = 1;
        assert_eq!(size(&failed), WorkerSize::Large);
        let (lease, _) = Lease::acquire(None, "w", minus(now, LEASE), false).unwrap();
        loaded.lease = Some(lease.released());
        assert_eq!(size(&loaded), WorkerSize::Small);
        loaded.lease = Some(lease);
        assert_eq!(size(&loaded), WorkerSize::Large, "its worker died");
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
