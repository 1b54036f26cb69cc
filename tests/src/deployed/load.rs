//! The first load, until every stream has completed a full pass, with incremental passes meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::spec::RateClass;
use engine::time::{SignedDuration, Timestamp, between, plus};
use runtime::clock::Clock;
use sim::{ClassStatistics, RequestStatistics};

use super::functions::Deployed;

/// Time between two ticks of the schedule.
const TICK: SignedDuration = SignedDuration::from_mins(1);

/// Result of the first load.
#[derive(Debug)]
pub struct Load {
    /// Beginning.
    pub began: Timestamp,
    /// Time of the first complete full pass of each stream.
    pub loaded: BTreeMap<String, Timestamp>,
    /// The server's statistics on general requests when the last stream of that class was loaded.
    pub general: ClassStatistics,
    /// The same statistics on reports.
    pub reports: ClassStatistics,
    /// The server's statistics at the end.
    pub seen: RequestStatistics,
}

impl Deployed {
    /// Ticks until every stream is loaded, or `patience` is over; calls `each_hour` once an hour.
    pub async fn load(
        self: &Arc<Self>,
        patience: SignedDuration,
        mut each_hour: impl FnMut(&Self, &BTreeMap<String, Timestamp>),
    ) -> Load {
        let began = self.now();
        let mut loaded = BTreeMap::new();
        let (mut general, mut reports) = (None, None);
        let mut next_hour = plus(began, SignedDuration::from_hours(1));
        while loaded.len() < streams::STREAMS.len() && between(began, self.now()) < patience {
            self.minute().await;
            loaded = self.journal.loaded();
            let statistics = || self.world.account.lock().expect("no panic").statistics().clone();
            if general.is_none() && all_loaded(&loaded, RateClass::General) {
                general = Some(statistics().general);
            }
            if reports.is_none() && all_loaded(&loaded, RateClass::Reports) {
                reports = Some(statistics().reports);
            }
            if self.now() >= next_hour {
                each_hour(self, &loaded);
                next_hour = plus(next_hour, SignedDuration::from_hours(1));
            }
        }
        let seen = self.world.account.lock().expect("no panic").statistics().clone();
        let general = general.unwrap_or_else(|| seen.general.clone());
        let reports = reports.unwrap_or_else(|| seen.reports.clone());
        Load { began, loaded, general, reports, seen }
    }

    /// Ticks, and waits a minute until the next tick.
    pub async fn minute(self: &Arc<Self>) {
        let begun = self.now();
        self.tick();
        self.world.clock.sleep_until(plus(begun, TICK)).await;
    }

    /// Waits until all invocations have ended, without another tick.
    pub async fn settle(self: &Arc<Self>) {
        while self.journal.is_busy() {
            self.world.clock.sleep_until(plus(self.now(), TICK)).await;
        }
    }
}

fn all_loaded(loaded: &BTreeMap<String, Timestamp>, class: RateClass) -> bool {
    let mut specs = streams::STREAMS.iter().filter(|spec| spec.rate_class == class);
    specs.all(|spec| loaded.contains_key(spec.name))
}
