//! Whom the orchestrator invokes: what is due, what somebody asked for, and who is at work already.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::item::StreamItem;
use crate::lease::{LEASE, Lease};
use crate::pass::Pass;
use crate::plan::{Demand, Due, due};
use crate::present::Present;
use crate::room::{Room, Weight, weight};
use crate::spec::StreamSpec;
use crate::time::{SignedDuration, Timestamp, between, minus, plus};

/// A worker that was invoked and never took its lease is forgotten after this.
const STARTING: SignedDuration = SignedDuration::from_mins(2);
/// How far the clocks of two functions may be apart.
const SKEW: SignedDuration = SignedDuration::from_secs(1);
/// Something asked for that is not done by then never will be.
const DEMAND_LASTS: SignedDuration = SignedDuration::from_hours(48);

/// The item `orchestrator`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrchestratorItem {
    /// Who plans: two ticks never do so at once.
    pub lease: Option<Lease>,
    /// What somebody asked for and is not done yet.
    pub asked: Option<Asked>,
    /// When the worker of each stream was last invoked.
    pub invoked: BTreeMap<String, Timestamp>,
}

/// What somebody wants now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// When; passes that began before do not count.
    pub at: Timestamp,
    /// The pass; `None`: what each stream needs.
    pub pass: Option<Pass>,
    /// Only these streams; none named: all.
    pub streams: BTreeSet<String>,
    /// Whether any number of deletes is accepted.
    pub accept_deletes: bool,
}

impl Asked {
    /// Whether it is about this stream.
    #[must_use]
    pub fn includes(&self, stream: &str) -> bool {
        self.streams.is_empty() || self.streams.contains(stream)
    }

    const fn demand(&self) -> Demand {
        Demand::Now { asked_at: self.at, pass: self.pass }
    }
}

/// Why a stream is not invoked, or that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    /// Its worker is invoked.
    Invoke,
    /// A worker holds its lease.
    Running,
    /// A worker was invoked a moment ago.
    Starting,
    /// As many workers as are allowed, or as many of its weight, are at work.
    NoRoom,
}

/// One stream that is due, and what becomes of it.
#[derive(Clone, Copy, Debug)]
pub struct Dispatched {
    /// The stream and its pass.
    pub due: Due,
    /// What becomes of it.
    pub doing: Doing,
    /// Whether any number of deletes is accepted.
    pub accept_deletes: bool,
}

impl OrchestratorItem {
    /// Takes in what somebody wants: with what is still open it becomes one demand for both.
    pub fn ask(&mut self, new: Asked) {
        let Some(old) = &mut self.asked else {
            self.asked = Some(new);
            return;
        };
        // Not narrower than either of them, and as of the later.
        let all = old.streams.is_empty() || new.streams.is_empty();
        old.streams = if all { BTreeSet::new() } else { &old.streams | &new.streams };
        old.at = old.at.max(new.at);
        if old.pass != new.pass {
            // A full pass does what an incremental one does, too.
            let full = [old.pass, new.pass].contains(&Some(Pass::Full));
            old.pass = full.then_some(Pass::Full);
        }
        // Deletes are accepted by whoever looked at them: only for what that was asked.
        old.accept_deletes = old.accept_deletes && new.accept_deletes;
    }

    /// The pass of a stream that is due: as somebody asked, otherwise as the schedule says.
    #[must_use]
    pub fn due(
        &self,
        spec: &'static StreamSpec,
        item: &StreamItem,
        interval: SignedDuration,
        present: Present,
    ) -> Option<Due> {
        let asked = self.asked.as_ref().filter(|asked| asked.includes(spec.name));
        let asked = asked.and_then(|asked| due(spec, item, asked.demand(), present));
        asked.or_else(|| due(spec, item, Demand::Schedule { interval }, present))
    }

    /// What becomes of each stream of `due`, which is in order of urgency, when `items` are all there
    /// are and `room` workers may be at work at once. Those to invoke count as invoked at `now`.
    pub fn dispatch(
        &mut self,
        due: &[Due],
        items: &BTreeMap<&'static str, StreamItem>,
        room: usize,
        now: Timestamp,
    ) -> Vec<Dispatched> {
        let running = running(items, now);
        self.invoked.retain(|name, at| {
            let came = items.get(name.as_str()).is_some_and(|item| has_come(item, *at));
            !came && between(*at, now) < STARTING && *at <= now
        });
        let starting: BTreeSet<String> =
            self.invoked.keys().filter(|name| !running.contains(*name)).cloned().collect();
        let mut places = Room::new(room);
        for name in running.iter().chain(&starting) {
            places.take(weight_of(name, due, items));
        }
        let mut dispatched = Vec::new();
        for due in due {
            let name = due.spec.name;
            let doing = if running.contains(name) {
                Doing::Running
            } else if starting.contains(name) {
                Doing::Starting
            } else if places.admits(due.weight) {
                places.take(due.weight);
                self.invoked.insert(name.to_owned(), now);
                Doing::Invoke
            } else {
                Doing::NoRoom
            };
            let asked = self.asked.as_ref().filter(|asked| asked.includes(name));
            let accept_deletes = asked.is_some_and(|asked| asked.accept_deletes);
            dispatched.push(Dispatched { due: *due, doing, accept_deletes });
        }
        dispatched
    }

    /// Forgets what was asked for once it is done, or too old to be waited for.
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

/// How long a worker that is at work or comes up holds its place.
fn weight_of(name: &str, due: &[Due], items: &BTreeMap<&'static str, StreamItem>) -> Weight {
    let item = items.get(name);
    let working_on = item.filter(|item| !item.lease.as_ref().is_none_or(|lease| lease.released));
    let due = due.iter().find(|due| due.spec.name == name);
    due.map_or(Weight::Light, |due| {
        let pass = working_on.and_then(|item| item.working_on).unwrap_or(due.pass);
        weight(due.spec, item, pass)
    })
}

/// The streams whose lease a worker holds.
#[must_use]
pub fn running(items: &BTreeMap<&'static str, StreamItem>, now: Timestamp) -> BTreeSet<String> {
    let held = items.iter().filter(|(_, item)| is_running(item, now));
    held.map(|(name, _)| (*name).to_owned()).collect()
}

/// Whether the worker that was invoked at `at` took its lease, even if it is done by now.
fn has_come(item: &StreamItem, at: Timestamp) -> bool {
    item.lease.as_ref().is_some_and(|lease| lease.until >= minus(plus(at, LEASE), SKEW))
}

/// Whether a worker holds the lease of this stream.
fn is_running(item: &StreamItem, now: Timestamp) -> bool {
    item.lease.as_ref().is_some_and(|lease| lease.is_held(now))
}

/// How old what is known of a stream is: since the beginning of its last complete pass. A first load
/// that is under way counts from its beginning, one that has not begun not at all.
#[must_use]
pub fn lag(item: &StreamItem, now: Timestamp) -> SignedDuration {
    let position = &item.position;
    let complete = position.full.last_begun.max(position.incremental.last_begun);
    let first = position.full.unfinished.as_ref().map(|unfinished| unfinished.begun);
    complete.or(first).map_or(SignedDuration::ZERO, |since| between(since, now))
}

#[cfg(test)]
mod tests;
