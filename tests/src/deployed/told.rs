//! The first load as text for people.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use delta::store::ObjectStore;
use delta::table::Table;
use engine::budget::RequestLimit;
use engine::ids::AccountId;
use engine::time::{SignedDuration, between};
use sim::ClassStatistics;

use super::float;
use super::functions::{Deployed, WORKER_TIMEOUT};
use super::journal::{End, Invocation};
use super::ledger::Payer;
use super::load::Load;

const MEGABYTE: f64 = 1e6;

/// Comparison of the requests of one rate class with its limit.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Number of requests that the server received.
    pub requests: u64,
    /// Time from the first to the last request.
    pub took: Duration,
    /// Least time that the requests take.
    pub optimum: Duration,
    /// Number of whole windows in the optimum.
    pub windows: u32,
}

impl Pace {
    /// Compares the server's statistics with the used part of the limit; `None` without a request.
    #[must_use]
    pub fn of(seen: &ClassStatistics, limit: RequestLimit) -> Option<Self> {
        let took = u64::try_from(seen.last_us?.checked_sub(seen.first_us?)?).ok()?;
        let windows = seen.requests.checked_sub(1)? / u64::from(limit.requests());
        let windows = u32::try_from(windows).ok()?;
        let window = Duration::try_from(limit.window()).ok()?;
        let (requests, took) = (seen.requests, Duration::from_micros(took));
        Some(Self { requests, took, optimum: window * windows, windows })
    }

    /// Ratio of time and optimum.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.took.div_duration_f64(self.optimum)
    }
}

impl Load {
    /// Comparisons of general requests and reports with their limits.
    #[must_use]
    pub fn paces(&self, deployed: &Deployed) -> [Option<Pace>; 2] {
        let settings = &deployed.world.settings;
        let used = |limit: RequestLimit| limit.percent(settings.budget_percent);
        [
            Pace::of(&self.general, used(settings.general)),
            Pace::of(&self.reports, used(settings.reports)),
        ]
    }

    /// Returns the report on the load, line by line.
    pub async fn lines(&self, deployed: &Arc<Deployed>) -> Vec<String> {
        let all = deployed.journal.all();
        let mut lines = vec![format!(
            "{} of {} streams loaded in {:.2} h",
            self.loaded.len(),
            streams::STREAMS.len(),
            between(self.began, deployed.now()).as_secs_f64() / 3600.0
        )];
        lines.extend(self.of_streams(&all));
        lines.extend(self.of_classes(deployed));
        lines.extend(of_invocations(deployed, &all));
        lines.extend(of_tables(deployed).await);
        lines.extend(of_state(deployed));
        lines
    }

    fn of_streams(&self, all: &[Invocation]) -> Vec<String> {
        let head = "stream                      loaded h  requests  invocations  longest s  CPU s";
        let mut lines = vec![String::new(), head.to_owned()];
        for spec in streams::STREAMS {
            let own = || {
                all.iter()
                    .filter(|one| one.work.as_ref().is_some_and(|(stream, _)| stream == spec.name))
            };
            let loaded = self.loaded.get(spec.name).map_or("never".to_owned(), |at| {
                format!("{:.2}", between(self.began, *at).as_secs_f64() / 3600.0)
            });
            let longest = own().filter_map(Invocation::length).max().unwrap_or_default();
            let processor: Duration = own().map(|one| one.processor).sum();
            lines.push(format!(
                "{:<26}  {loaded:>8}  {:>8}  {:>11}  {:>9.1}  {:>5.1}",
                spec.name,
                self.seen.streams.get(spec.name).copied().unwrap_or_default(),
                own().count(),
                longest.as_secs_f64(),
                processor.as_secs_f64(),
            ));
        }
        lines
    }

    fn of_classes(&self, deployed: &Deployed) -> Vec<String> {
        let head = "class    requests  first to last s  optimum s  ratio  guard's share  a tick a \
                    window  peak  429";
        let mut lines = vec![String::new(), head.to_owned()];
        let settings = &deployed.world.settings;
        let [general, reports] = self.paces(deployed);
        for (name, pace, seen, limit) in [
            ("general", general, &self.general, settings.general),
            ("reports", reports, &self.reports, settings.reports),
        ] {
            let Some(pace) = pace else { continue };
            let guard = Duration::try_from(limit.guard().total()).unwrap_or_default();
            lines.push(format!(
                "{name}  {:>8}  {:>15.1}  {:>9.1}  {:>5.3}  {:>13.3}  {:>15.3}  {:>4}  {:>3}",
                pace.requests,
                pace.took.as_secs_f64(),
                pace.optimum.as_secs_f64(),
                pace.ratio(),
                (guard * pace.windows).div_duration_f64(pace.optimum),
                (Duration::from_mins(1) * pace.windows).div_duration_f64(pace.optimum),
                seen.peak,
                seen.refused,
            ));
        }
        lines
    }
}

fn of_invocations(deployed: &Deployed, all: &[Invocation]) -> Vec<String> {
    let workers = || all.iter().filter(|one| one.work.is_some());
    let mut ends: BTreeMap<String, u64> = BTreeMap::new();
    for one in workers() {
        let end = match &one.ended {
            None => "under way".to_owned(),
            Some((_, End::Returned(how))) => how.clone(),
            Some((_, End::Killed)) => "killed".to_owned(),
            Some((_, End::TimedOut)) => "timed out".to_owned(),
        };
        *ends.entry(end).or_default() += 1;
    }
    let longest = workers().filter_map(Invocation::length).max().unwrap_or_default();
    let over = workers().filter_map(Invocation::length).filter(|it| *it >= WORKER_TIMEOUT).count();
    let busiest = workers().map(|one| one.processor).max().unwrap_or_default();
    let ticks = all.iter().filter(|one| one.work.is_none());
    let slowest = ticks.clone().filter_map(Invocation::length).max().unwrap_or_default();
    let flush = workers().map(|one| one.flush).max().unwrap_or_default();
    let wrap_ups: Vec<SignedDuration> = workers().filter_map(Invocation::wrap_up).collect();
    let spilled = workers().map(|one| one.spilled).max().unwrap_or_default();
    let ended: Vec<String> = ends.iter().map(|(end, count)| format!("{count} {end}")).collect();
    let spent = |payer| deployed.ledger.spent(payer).as_secs_f64();
    let (harvest, nobody) = (spent(Payer::Harvest), spent(Payer::Nobody));
    vec![
        String::new(),
        format!("{} invocations of the worker: {}", workers().count(), ended.join(", ")),
        format!(
            "longest {:.1} s of {} s, most processor time in one {:.1} s; {over} at their deadline",
            longest.as_secs_f64(),
            WORKER_TIMEOUT.as_secs(),
            busiest.as_secs_f64()
        ),
        format!("{} ticks, longest {:.1} s", ticks.count(), slowest.as_secs_f64()),
        format!(
            "those that stopped in time: {:.1} s from last page to end on average, {:.1} s at most",
            wrap_ups.iter().sum::<SignedDuration>().as_secs_f64()
                / float(u64::try_from(wrap_ups.len().max(1)).unwrap_or(u64::MAX)),
            wrap_ups.iter().max().copied().unwrap_or_default().as_secs_f64()
        ),
        format!(
            "longest flush {:.1} s, most on disk in one {:.1} MB",
            flush.as_secs_f64(),
            float(spilled) / MEGABYTE
        ),
        format!("processor time of the fake account {harvest:.0} s, of nobody {nobody:.0} s"),
    ]
}

async fn of_tables(deployed: &Arc<Deployed>) -> Vec<String> {
    let head = "table                       written MB  current MB  times  files written  current  \
                commits  log MB";
    let mut lines = vec![String::new(), head.to_owned()];
    let tally = deployed.objects.lock().expect("no panic").clone();
    let (mut all_written, mut all_current) = (0, 0);
    for spec in streams::STREAMS {
        let written = tally.tables.get(spec.name).copied().unwrap_or_default();
        let store: Arc<dyn ObjectStore> =
            Arc::<delta::store::MemoryStore>::clone(&deployed.world.store);
        let account = AccountId(deployed.world.settings.account.0);
        let table = Table::open(store, spec, account).await.expect("a readable table");
        let files = table.as_ref().map_or(&[][..], Table::files);
        let current: u64 = files.iter().map(|file| file.size).sum();
        (all_written, all_current) = (all_written + written.parquet, all_current + current);
        lines.push(format!(
            "{:<26}  {:>10.1}  {:>10.1}  {:>5.1}  {:>13}  {:>7}  {:>7}  {:>6.1}",
            spec.name,
            float(written.parquet) / MEGABYTE,
            float(current) / MEGABYTE,
            float(written.parquet) / float(current.max(1)),
            written.files,
            files.len(),
            written.commits,
            float(written.log) / MEGABYTE,
        ));
    }
    lines.push(format!(
        "all                         {:>10.1}  {:>10.1}  {:>5.1}",
        float(all_written) / MEGABYTE,
        float(all_current) / MEGABYTE,
        float(all_written) / float(all_current.max(1)),
    ));
    lines.push(format!(
        "saved readings and parked parents: {:.1} MB written, the largest {:.2} MB",
        float(tally.work_bytes) / MEGABYTE,
        float(tally.largest_work) / MEGABYTE
    ));
    lines
}

fn of_state(deployed: &Deployed) -> Vec<String> {
    let head = "state              gets  lists    puts   lost  read units  write units  largest";
    let mut lines = vec![String::new(), head.to_owned()];
    for (kind, tally) in deployed.state.lock().expect("no panic").iter() {
        lines.push(format!(
            "{kind:<14}  {:>7}  {:>5}  {:>6}  {:>5}  {:>10}  {:>11}  {:>7}",
            tally.gets,
            tally.lists,
            tally.puts,
            tally.lost,
            tally.read_units,
            tally.write_units,
            tally.largest
        ));
    }
    lines
}
