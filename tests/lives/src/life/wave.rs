//! One tick of the orchestrator and the runs that it starts, as Lambda would have them: each in a
//! process of its own, with events that come late, twice and in another order.

use std::sync::Arc;

use engine::time::{SignedDuration, plus};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use runtime::announce::NoAnnouncer;
use runtime::invoke::{MemoryInvoker, WorkerEvent};
use serde_json::Value;
use worker::Worker;

use super::conduct::{RandomConduct, conduct, overtaken};
use crate::mishap::Mishap;
use crate::storm::CallPhase;
use crate::world::{World, orchestrator};

/// Time of one invocation.
const INVOCATION: SignedDuration = SignedDuration::from_mins(15);

/// Order for a wave.
#[derive(Debug)]
pub(super) struct WaveOrder {
    /// Time from now to its tick.
    pub(super) after: SignedDuration,
    /// Event for the orchestrator.
    pub(super) event: Value,
    /// Events of earlier ticks that are delivered now.
    pub(super) late: Vec<WorkerEvent>,
    /// Token of all processes.
    pub(super) token: &'static str,
    /// Whether the workers stand still just before a commit.
    pub(super) is_overtaken: bool,
    /// Random numbers of the wave.
    pub(super) random: StdRng,
}

/// Result of a wave.
#[derive(Debug, Default)]
pub(super) struct WaveEnd {
    /// Events that are still to be delivered.
    pub(super) late: Vec<WorkerEvent>,
    /// Number of times that each kind happened.
    pub(super) fired: Vec<(Mishap, u64)>,
    /// Outcome of each tick and run that ended: stream and word, or code of the error.
    pub(super) outcomes: Vec<(String, String)>,
    /// Phases at which processes were killed; `None`: before the first call of a store.
    pub(super) killed_at: Vec<Option<CallPhase>>,
}

/// Runs a tick and its workers.
pub(super) async fn wave(world: &World, mut order: WaveOrder) -> WaveEnd {
    let mut end = WaveEnd::default();
    world.clock_sleep(order.after).await;
    let invoker = Arc::new(MemoryInvoker::default());
    let RandomConduct { conduct: its, moments } = conduct(&mut order.random, order.token);
    let process = world.start(its);
    let workers = Arc::<MemoryInvoker>::clone(&invoker);
    let orchestrator = orchestrator(process.context.clone(), workers);
    match process.until(moments, Box::pin(orchestrator.answer(order.event))).await {
        None => end.killed_at.push(process.phase()),
        Some(told) => {
            let outcome = told.map_or_else(
                |error| error.error_type.to_owned(),
                |tick| text(&serde_json::to_value(tick.outcome).expect("an outcome is JSON")),
            );
            end.outcomes.push(("orchestrator".to_owned(), outcome));
        }
    }
    let events = deliveries(&mut order.random, invoker.take(), order.late, &mut end);
    let mut runs = Vec::new();
    for event in events {
        let mut its = conduct(&mut order.random, order.token);
        if order.is_overtaken {
            its = overtaken(&mut order.random, its);
        }
        let wait = SignedDuration::from_secs(order.random.random_range(0..20));
        let short = Mishap::ShortRuns.strikes(&mut order.random);
        let seconds = order.random.random_range(81..100);
        let limit = if short { SignedDuration::from_secs(seconds) } else { INVOCATION };
        end.fired.push((Mishap::ShortRuns, u64::from(short)));
        runs.push(Box::pin(run(world, event, its, wait, limit)));
    }
    for (stream, how) in futures::future::join_all(runs).await {
        match how {
            Ok(said) => end.outcomes.push((stream, said)),
            Err(phase) => end.killed_at.push(phase),
        }
    }
    end.fired.push((Mishap::Killed, end.killed_at.len() as u64));
    end
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Returns the events that are delivered now, in any order; the others are late.
fn deliveries(
    random: &mut StdRng,
    new: Vec<WorkerEvent>,
    late: Vec<WorkerEvent>,
    end: &mut WaveEnd,
) -> Vec<WorkerEvent> {
    let mut events = late;
    for event in new {
        if Mishap::DuplicateEvents.strikes(random) {
            end.fired.push((Mishap::DuplicateEvents, 1));
            events.push(event.clone());
        }
        if Mishap::LateEvents.strikes(random) {
            end.fired.push((Mishap::LateEvents, 1));
            end.late.push(event);
        } else {
            events.push(event);
        }
    }
    events.shuffle(random);
    events
}

/// Runs one worker. Returns the stream, and the outcome, or the phase at which it was killed.
async fn run(
    world: &World,
    event: WorkerEvent,
    its: RandomConduct,
    wait: SignedDuration,
    limit: SignedDuration,
) -> (String, Result<String, Option<CallPhase>>) {
    world.clock_sleep(wait).await;
    let process = world.start(its.conduct);
    let worker = Worker { context: process.context.clone(), announcer: Arc::new(NoAnnouncer) };
    let stream = event.stream.clone();
    let event = serde_json::to_value(event).expect("an event is JSON");
    let deadline = plus(process.context.clock.now(), limit).as_millisecond();
    let deadline = u64::try_from(deadline).unwrap_or_default();
    let answer = process.until(its.moments, Box::pin(worker.answer(event, deadline))).await;
    let ended = match answer {
        None => Err(process.phase()),
        Some(Ok(document)) => {
            let member = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
            let error = member("error_type");
            Ok(if error.is_empty() { member("outcome") } else { error })
        }
        Some(Err(failure)) => Ok(failure.error_type.to_owned()),
    };
    (stream, ended)
}
