//! Dispatch of workers: which due or requested streams the orchestrator invokes, besides those at
//! work.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::item::StreamItem;
use crate::lease::Lease;
use crate::pass::Pass;
use crate::plan::{Demand, DueRun, due};
use crate::present::Present;
use crate::quiet::QuietTime;
use crate::room::{RunWeight, WorkerRoom, WorkerSize, weight, worker_size};
use crate::spec::StreamSpec;
use crate::time::{SignedDuration, Timestamp, between};
use crate::workers::{is_running, is_starting};

/// Time after which an unfinished request of an operator is given up.
const DEMAND_LASTS: SignedDuration = SignedDuration::from_hours(48);

/// The item `orchestrator`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrchestratorItem {
    /// The right to plan: two ticks never plan at once.
    pub lease: Option<Lease>,
    /// The request of an operator that is not done yet.
    pub asked: Option<OperatorRequest>,
    /// Time at which the worker of each stream was last invoked, by name of the stream.
    pub invoked: BTreeMap<String, Timestamp>,
    /// Streams in trouble of which people were told ([`crate::trouble`]).
    pub told: BTreeSet<String>,
    /// Time until which no tick has anything to do; `None`: unknown.
    pub quiet: Option<QuietTime>,
}

/// A request of an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorRequest {
    /// Time of the request; passes that began before do not count.
    pub at: Timestamp,
    /// The pass to run; `None`: the pass that each stream needs.
    pub pass: Option<Pass>,
    /// Streams to run; empty: all.
    pub streams: BTreeSet<String>,
    /// Whether any number of deletes is accepted.
    pub accept_deletes: bool,
}

impl OperatorRequest {
    /// Whether the request includes this stream.
    #[must_use]
    pub fn includes(&self, stream: &str) -> bool {
        self.streams.is_empty() || self.streams.contains(stream)
    }

    const fn demand(&self) -> Demand {
        Demand::Now { asked_at: self.at, pass: self.pass }
    }
}

/// Decision about one stream that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DispatchDecision {
    /// Its worker is invoked.
    Invoke,
    /// A worker holds its lease.
    Running,
    /// A worker was invoked a moment ago and has not taken its lease yet.
    Starting,
    /// All places are taken, or all that its weight may take.
    NoRoom,
}

/// One stream that is due, with the decision about it.
#[derive(Clone, Copy, Debug)]
pub struct DispatchedStream {
    /// The stream and its pass.
    pub due: DueRun,
    /// The decision.
    pub doing: DispatchDecision,
    /// Size of its worker.
    pub size: WorkerSize,
    /// Whether any number of deletes is accepted.
    pub accept_deletes: bool,
}

impl OrchestratorItem {
    /// Adds a request: together with one that is still open it becomes one request for both.
    pub fn ask(&mut self, new: OperatorRequest) {
        let Some(old) = &mut self.asked else {
            self.asked = Some(new);
            return;
        };
        // Not narrower than either of them, and as of the later one.
        let all = old.streams.is_empty() || new.streams.is_empty();
        old.streams = if all { BTreeSet::new() } else { &old.streams | &new.streams };
        old.at = old.at.max(new.at);
        if old.pass != new.pass {
            // A full pass also does the work of an incremental one.
            let full = [old.pass, new.pass].contains(&Some(Pass::Full));
            old.pass = full.then_some(Pass::Full);
        }
        // Deletes are accepted by an operator who has looked at them: the consent must not extend
        // to streams of another request.
        old.accept_deletes = old.accept_deletes && new.accept_deletes;
    }

    /// Returns the pass of a stream that is due: as requested, otherwise as scheduled.
    #[must_use]
    pub fn due(
        &self,
        spec: &'static StreamSpec,
        item: &StreamItem,
        interval: SignedDuration,
        present: Present,
    ) -> Option<DueRun> {
        let asked = self.asked.as_ref().filter(|asked| asked.includes(spec.name));
        let asked = asked.and_then(|asked| due(spec, item, asked.demand(), present));
        asked.or_else(|| due(spec, item, Demand::Schedule { interval }, present))
    }

    /// Decides about each stream of `due`, which is in order of urgency; `items` are those of all
    /// streams, and `room` large workers may be at work at once. Small ones are done in seconds, and
    /// Lambda itself makes their events wait if the account's concurrency has no room for them.
    /// Streams to invoke count as invoked at `now`.
    pub fn dispatch(
        &mut self,
        due: &[DueRun],
        items: &BTreeMap<&'static str, StreamItem>,
        room: usize,
        now: Timestamp,
    ) -> Vec<DispatchedStream> {
        let running = running(items, now);
        self.invoked.retain(|name, at| is_starting(items.get(name.as_str()), *at, now));
        let starting: BTreeSet<String> =
            self.invoked.keys().filter(|name| !running.contains(*name)).cloned().collect();
        let mut places = WorkerRoom::new(room);
        for name in running.iter().chain(&starting) {
            if let Some(weight) = weight_of(name, due, items, now) {
                places.take(weight);
            }
        }
        let mut dispatched = Vec::new();
        for due in due {
            let name = due.spec.name;
            let size = worker_size(items.get(name), due.pass, now);
            let doing = if running.contains(name) {
                DispatchDecision::Running
            } else if starting.contains(name) {
                DispatchDecision::Starting
            } else if size == WorkerSize::Small || places.admits(due.weight) {
                if size == WorkerSize::Large {
                    places.take(due.weight);
                }
                self.invoked.insert(name.to_owned(), now);
                DispatchDecision::Invoke
            } else {
                DispatchDecision::NoRoom
            };
            let asked = self.asked.as_ref().filter(|asked| asked.includes(name));
            let accept_deletes = asked.is_some_and(|asked| asked.accept_deletes);
            dispatched.push(DispatchedStream { due: *due, doing, size, accept_deletes });
        }
        dispatched
    }

    /// Clears the request once it is done or too old.
    pub fn settle<'i>(
        &mut self,
        streams: impl IntoIterator<Item = (&'static StreamSpec, &'i StreamItem)>,
        present: Present,
    ) {
        let Some(asked) = &self.asked else {
            return;
        };
        let now = present.now();
        let open = |spec: &'static StreamSpec, item: &StreamItem| {
            let position = &item.position;
            let unfinished =
                position.full.unfinished.is_some() || position.incremental.unfinished.is_some();
            let failed = item.health.last_error.as_ref().is_some_and(|(at, _)| *at >= asked.at);
            due(spec, item, asked.demand(), present).is_some()
                || is_running(item, now)
                || self.invoked.contains_key(spec.name)
                || (unfinished && !failed)
        };
        let waits = streams
            .into_iter()
            .filter(|(spec, _)| asked.includes(spec.name))
            .any(|(spec, item)| open(spec, item));
        if !waits || between(asked.at, now) >= DEMAND_LASTS {
            self.asked = None;
        }
    }
}

/// Weight of a large worker that is at work or coming up; `None` if it is a small one.
fn weight_of(
    name: &str,
    due: &[DueRun],
    items: &BTreeMap<&'static str, StreamItem>,
    now: Timestamp,
) -> Option<RunWeight> {
    let item = items.get(name);
    let working_on = item.filter(|item| !item.lease.as_ref().is_none_or(|lease| lease.released));
    let working_on = working_on.and_then(|item| item.working_on);
    let due = due.iter().find(|due| due.spec.name == name);
    let pass = working_on.or(due.map(|due| due.pass))?;
    let large = worker_size(item, pass, now) == WorkerSize::Large;
    large.then(|| due.map_or(RunWeight::Light, |due| weight(due.spec, item, pass)))
}

/// The streams whose lease a worker holds.
#[must_use]
pub fn running(items: &BTreeMap<&'static str, StreamItem>, now: Timestamp) -> BTreeSet<String> {
    let held = items.iter().filter(|(_, item)| is_running(item, now));
    held.map(|(name, _)| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests;
