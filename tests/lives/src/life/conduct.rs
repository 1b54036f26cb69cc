//! Random conduct of processes, settings of operators, and answers of Harvest.

use engine::pass::Pass;
use engine::time::SignedDuration;
use rand::RngExt;
use rand::rngs::StdRng;
use sim::{FaultChoice, FaultEffect, FaultRule};

use crate::mishap::Mishap;
use crate::storm::{CallPhase, Death, Freeze};
use crate::world::{Conduct, Wish, World};

/// Largest number of moments at which a process that is killed dies.
const MOMENTS: u64 = 3_000;
/// Largest number of calls of the stores before a process that dies at a call does so.
const CALLS: u64 = 400;

/// Returns a number below `bound`, small ones more often: a run has its beginning more often than
/// its end.
fn early(random: &mut StdRng, bound: u64) -> u64 {
    let bits = 64 - bound.leading_zeros();
    let most = 1_u64 << random.random_range(1..=bits);
    random.random_range(0..most.min(bound))
}

/// Conduct of a process, and the number of moments after which it is killed.
#[derive(Clone, Copy, Debug)]
pub(super) struct RandomConduct {
    pub(super) conduct: Conduct,
    pub(super) moments: u64,
}

/// Returns a random conduct with a right clock.
pub(super) fn conduct(random: &mut StdRng, token: &'static str) -> RandomConduct {
    let mut conduct = Conduct { token, ..Conduct::default() };
    let mut moments = u64::MAX;
    if Mishap::Killed.strikes(random) {
        moments = 1 + early(random, MOMENTS);
    }
    if Mishap::DiedAtCall.strikes(random) {
        let after_calls = early(random, CALLS);
        conduct.death = Some(Death { after_calls, effect: random.random_bool(0.5) });
    }
    if Mishap::Frozen.strikes(random) {
        let lasts = SignedDuration::from_secs(random.random_range(1..900));
        conduct.freeze = Some(Freeze { at: None, after_calls: 1 + early(random, CALLS), lasts });
    }
    if Mishap::StoreFailures.strikes(random) {
        conduct.trouble.refused = random.random_range(1..50);
        conduct.trouble.lost = random.random_range(1..50);
    }
    if Mishap::RepeatedWrites.strikes(random) {
        conduct.trouble.repeated = random.random_range(1..200);
    }
    if Mishap::SlowStores.strikes(random) {
        conduct.trouble.slow = random.random_range(1..50);
    }
    if Mishap::StaleListings.strikes(random) {
        conduct.trouble.stale = random.random_range(100..500);
    }
    // Clocks of machines with NTP.
    conduct.ahead = SignedDuration::from_millis(random.random_range(-50..=50));
    RandomConduct { conduct, moments }
}

/// Returns the conduct of a process that stands still just before one of its commits.
pub(super) fn overtaken(random: &mut StdRng, its: RandomConduct) -> RandomConduct {
    let lasts = SignedDuration::from_secs(random.random_range(200..900));
    let after_calls = random.random_range(1..4);
    let freeze = Some(Freeze { at: Some(CallPhase::Commit), after_calls, lasts });
    RandomConduct { conduct: Conduct { freeze, death: None, ..its.conduct }, moments: u64::MAX }
}

/// Returns a random wish of a person at the command line.
pub(super) fn wish(random: &mut StdRng) -> Wish {
    let stop = random.random_bool(0.3);
    let after = SignedDuration::from_millis(random.random_range(100..20_000));
    Wish {
        pass: random.random_bool(0.3).then_some(Pass::Full),
        stop_after: stop.then_some(after),
        impatient: random.random_bool(0.5),
    }
}

/// Changes settings that the operator may change at any time.
pub(super) fn settings(random: &mut StdRng, world: &mut World) {
    let settings = &mut world.settings;
    settings.flush_bytes = if random.random_bool(0.5) { 400 << 20 } else { 20_000 };
    settings.collect_memory =
        if random.random_bool(0.5) { engine::memory::COLLECTED } else { 10_000 };
    settings.requests_in_flight = random.random_range(1..8);
    settings.accept_deletes = random.random_bool(0.5);
}

/// Returns a random fault of Harvest of a kind.
pub(super) fn fault(random: &mut StdRng, mishap: Mishap) -> FaultRule {
    let status = |status, retry_after: Option<&str>, html| FaultEffect::Status {
        status,
        retry_after: retry_after.map(str::to_owned),
        html,
    };
    let effects: Vec<FaultEffect> = if mishap == Mishap::Throttled {
        let long = [Some("40"), Some("300")].map(|wait| status(429, wait, true));
        long.into_iter().chain([status(429, Some("3"), true), status(429, None, true)]).collect()
    } else if mishap == Mishap::OddPages {
        vec![FaultEffect::DuplicateRow, FaultEffect::Reversed, FaultEffect::EmptyList]
    } else if mishap == Mishap::WrongDates {
        vec![FaultEffect::WithoutDate]
    } else {
        vec![
            status(500, None, false),
            status(502, None, true),
            status(404, None, true),
            FaultEffect::CutBody,
            FaultEffect::TruncatedJson,
            FaultEffect::HtmlPage,
            FaultEffect::NotJson,
            FaultEffect::WrongContentType,
        ]
    };
    let effect = effects[random.random_range(0..effects.len())].clone();
    // Rare: a list that is empty twice in a row, with a matching total, counts as true.
    let empty = effect == FaultEffect::EmptyList;
    let select = FaultChoice::Percent(random.random_range(1..if empty { 4 } else { 15 }));
    let path = if empty { "/invoices/*/messages" } else { "" };
    FaultRule { path: path.to_owned(), select, effect }
}
