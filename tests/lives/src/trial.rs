//! Random faults in a world, and syncs during which one fault lasts.

mod lists;
mod refused;
mod standing;
mod visits;

use engine::pass::Pass;
use engine::spec::{Paging, StreamKind};
use rand::RngExt;
use runtime::run::RunOutcome;
use sim::{FaultChoice, FaultEffect, Mutation, Spelling};

use crate::mishap::{Chronicle, Mishap};
use crate::oracle::After;
use crate::story::{fault, report, status};
use crate::world::{Live, Synced, World, now, sync};
use lists::{OF_LISTS, all_spots, effect, spots};
use refused::{RefusedUnit, refused_unit};
use standing::Standing;
pub use visits::visit;

/// Number of requests of one round or trial beyond which its runs count as endless.
const PATIENCE: u64 = 10_000;

/// Kinds that can last for a whole sync.
const LASTING: [Mishap; 5] = [
    Mishap::RefusedParent,
    Mishap::RefusedWindow,
    Mishap::Spelling,
    Mishap::AccountSpelling,
    Mishap::OddCounts,
];

/// Fault rules of kinds, each with its place among the rules of the account.
#[derive(Clone, Debug, Default)]
pub struct Befallen {
    rules: Vec<(Mishap, usize)>,
    /// Kinds of wrong answers, and the streams whose lists they are about.
    pub lists: Vec<(Mishap, &'static str)>,
    /// Stream whose list is read in small pages while it changes.
    pub moving: Option<&'static str>,
}

impl Befallen {
    /// Adds a rule for `mishap`.
    pub fn add(
        &mut self,
        world: &World,
        mishap: Mishap,
        path: &str,
        select: FaultChoice,
        effect: FaultEffect,
    ) {
        self.rules.push((mishap, world.account.lock().unwrap().spoilt().len()));
        fault(world, path, select, effect);
    }

    /// Counts the effects of the rules, and removes the rules.
    ///
    /// # Errors
    /// Fails if the runs had no end.
    pub fn over(&self, world: &World, chronicle: &mut Chronicle) -> Result<(), String> {
        let mut account = world.account.lock().unwrap();
        let spoilt = account.spoilt();
        for (mishap, place) in &self.rules {
            chronicle.fired(*mishap, spoilt.get(*place).copied().unwrap_or_default());
        }
        account.clear_faults();
        account.lift_page_cap();
        let endless = world.is_out_of_patience();
        world.expect_at_most(PATIENCE);
        if endless { Err("requests without end".to_owned()) } else { Ok(()) }
    }
}

/// Adds random fault rules for a round. Their effects are counted at its end, by `Befallen::over`.
pub fn befall(world: &World, chronicle: &mut Chronicle) -> Befallen {
    let mut befallen = Befallen::default();
    world.expect_at_most(PATIENCE);
    befallen.moving = change_small_pages(world, chronicle);
    for mishap in OF_LISTS.into_iter().chain([Mishap::OddCounts]) {
        if !chronicle.befalls(mishap) {
            continue;
        }
        let spots = spots(world, mishap);
        if spots.is_empty() {
            continue;
        }
        let spot = chronicle.one(&spots);
        let reading = chronicle.random.random_range(1..6);
        let share = chronicle.random.random_range(5..40);
        let select = chronicle.one(&[
            FaultChoice::Nth(reading),
            FaultChoice::Percent(share),
            FaultChoice::Always,
        ]);
        let effect = effect(chronicle, mishap);
        let path = if mishap == Mishap::OddCounts { "/v2/*per_page=1$" } else { spot.path };
        chronicle.tell(format!("{}: {effect:?} of {path}, {select:?}", mishap.declared().name));
        world.account.lock().unwrap().set_page_cap(spot.path, spot.cap);
        befallen.add(world, mishap, path, select, effect);
        befallen.lists.push((mishap, spot.stream));
    }
    for mishap in [Mishap::RefusedParent, Mishap::RefusedWindow] {
        if !chronicle.befalls(mishap) {
            continue;
        }
        let Some(unit) = refused_unit(world, chronicle, mishap) else { continue };
        let code = chronicle.one(&[403, 404, 422, 500]);
        chronicle.tell(format!("{}: {code} for {}", mishap.declared().name, unit.path));
        befallen.add(world, mishap, &unit.path, FaultChoice::Always, status(code, false));
    }
    for mishap in [Mishap::Spelling, Mishap::AccountSpelling] {
        if chronicle.befalls(mishap) {
            respell(world, chronicle, mishap);
        }
    }
    for mishap in [Mishap::MistypedDays, Mishap::UnusableDays] {
        if chronicle.befalls(mishap) {
            redate(world, chronicle, mishap);
        }
    }
    befallen
}

/// Lets a list be read in small pages while the account changes. Returns its stream.
fn change_small_pages(world: &World, chronicle: &mut Chronicle) -> Option<&'static str> {
    let spots = all_spots(world);
    if !chronicle.befalls(Mishap::SmallPages) || spots.is_empty() {
        return None;
    }
    let spot = chronicle.one(&spots);
    chronicle.tell(format!("small pages of {}", spot.path));
    world.account.lock().unwrap().set_page_cap(spot.path, spot.cap);
    let (seed, every) = (chronicle.random.random(), chronicle.random.random_range(1..4));
    *world.live.lock().unwrap() = Some(Live { seed, every, requests: 0 });
    chronicle.fired(Mishap::SmallPages, 1);
    Some(spot.stream)
}

/// Lets fields be written as another type from now on; this is never undone.
fn respell(world: &World, chronicle: &mut Chronicle, mishap: Mishap) {
    let records = if mishap == Mishap::Spelling { chronicle.one(&[10, 40, 100]) } else { 0 };
    let spelling = Spelling { records, account: mishap == Mishap::AccountSpelling };
    world.account.lock().unwrap().set_spelling(spelling);
    chronicle.tell(format!("{}: {spelling:?}", mishap.declared().name));
    chronicle.fired(mishap, 1);
}

fn redate(world: &World, chronicle: &mut Chronicle, mishap: Mishap) {
    let (streams, day): (&[&str], Option<&str>) = if mishap == Mishap::MistypedDays {
        let days = ["0206-03-10", "2206-03-10", "9999-12-31", "9999-01-01", "0001-01-01"];
        (&["time_entries", "expenses", "invoices", "estimates"], Some(chronicle.one(&days)))
    } else {
        (&["time_entries", "expenses"], None)
    };
    let mutation = Mutation::Redate {
        stream: chronicle.one(streams).to_owned(),
        id: None,
        day: day.map(str::to_owned),
    };
    let applied = world.account.lock().unwrap().apply(now(world), &mutation);
    chronicle.tell(format!("{}: {mutation:?}", mishap.declared().name));
    chronicle.fired(mishap, u64::from(applied.is_ok()));
}

/// Runs a sync while one fault lasts. Checks that no stream loses rows, that none reports success
/// while rows are missing, that the next sync reads the parent whose children were refused, that a list
/// that contradicts itself is a failure of its stream, and that the cursor then stays.
///
/// # Errors
/// Returns a description of the first error.
pub async fn trial(world: &World, chronicle: &mut Chronicle) -> Result<(), String> {
    let kinds: Vec<Mishap> =
        OF_LISTS.into_iter().chain(LASTING).filter(|mishap| mishap.is_on()).collect();
    if kinds.is_empty() {
        return Ok(());
    }
    let mishap = chronicle.one(&kinds);
    let before = Standing::of(world).await;
    for stream in ["clients", "time_entries", "invoices", "projects"] {
        let create = Mutation::Create { stream: stream.to_owned() };
        drop(world.account.lock().unwrap().apply(now(world), &create));
    }
    world.stop_timers();
    world.sleep(1).await;
    world.expect_at_most(PATIENCE);
    let mut befallen = Befallen::default();
    let mut refused = None;
    let mut struck = None;
    if OF_LISTS.contains(&mishap) {
        let spots = spots(world, mishap);
        if spots.is_empty() {
            return Ok(());
        }
        let spot = chronicle.one(&spots);
        let effect = effect(chronicle, mishap);
        world.account.lock().unwrap().set_page_cap(spot.path, spot.cap);
        chronicle.tell(format!("trial of {}: {effect:?} of {}", mishap.declared().name, spot.path));
        befallen.add(world, mishap, spot.path, FaultChoice::Always, effect);
        struck = Some(spot.stream);
    } else if mishap == Mishap::OddCounts {
        let effect = effect(chronicle, mishap);
        chronicle.tell(format!("trial of {}: {effect:?}", mishap.declared().name));
        befallen.add(world, mishap, "/v2/*per_page=1$", FaultChoice::Always, effect);
    } else if matches!(mishap, Mishap::RefusedParent | Mishap::RefusedWindow) {
        let Some(mut unit) = refused_unit(world, chronicle, mishap) else { return Ok(()) };
        let code = chronicle.one(&[403, 404, 422, 500]);
        chronicle.tell(format!("trial of {}: {code} {}", mishap.declared().name, unit.path));
        befallen.add(world, mishap, &unit.path, FaultChoice::Always, status(code, false));
        unit.change_child(world);
        refused = Some(unit);
    } else {
        respell(world, chronicle, mishap);
    }
    let context = world.process(None);
    let synced = sync(&context, Some(Pass::Full)).await.map_err(|error| error.chain())?;
    let spoilt = world.account.lock().unwrap().spoilt().iter().sum::<u64>();
    befallen.over(world, chronicle)?;
    let mut wrong = before.lost(world).await;
    // A parent that is missing in the trigger listing is never asked for its children.
    let refused = refused.filter(|_| spoilt > 0);
    wrong.extend(silent(world, &synced, refused.as_ref()).await);
    if let Some(unit) = &refused {
        wrong.extend(unit.left_out(world, &context).await?);
    }
    if let (Some(stream), true) = (struck, spoilt > 0) {
        let said = report(&synced, stream);
        let children = matches!(streams::find(stream).unwrap().kind, StreamKind::PerParent(_));
        let parked = children && (said.parked > 0 || said.warning.is_some());
        if said.error().is_none() && goes_without_links(mishap, stream) {
            // `silent` has checked above that the table is exact.
        } else if said.error().is_none() && !parked {
            wrong.push(format!("{stream} contradicts itself and ends with {:?}", said.outcome));
        }
        let cursor = world.item(stream).await.position.cursor;
        let stays = said.error().is_some() || !goes_without_links(mishap, stream);
        if stays && before.cursors.get(stream).is_some_and(|before| *before != cursor) {
            wrong.push(format!("{stream} contradicts itself and its cursor moves to {cursor:?}"));
        }
    }
    match wrong.first() {
        None => Ok(()),
        Some(first) => {
            Err(format!("{} things wrong in the trial of {mishap:?}: {first}", wrong.len()))
        }
    }
}

/// Whether only links are wrong, in a list that is read by page numbers or days and needs no links.
#[must_use]
pub fn goes_without_links(mishap: Mishap, stream: &str) -> bool {
    let links = matches!(mishap, Mishap::BrokenLinks | Mishap::Circles | Mishap::EmptyPages);
    links && streams::find(stream).unwrap().paging() != Paging::Cursor
}

/// Returns the streams that report success although their tables are wrong, and the missing rows of
/// units that were not refused.
async fn silent(world: &World, synced: &Synced, refused: Option<&RefusedUnit>) -> Vec<String> {
    let mut wrong = Vec::new();
    for spec in streams::STREAMS {
        let Some(last) = synced.reports.iter().rfind(|report| report.stream == spec.name) else {
            continue;
        };
        let well = matches!(last.outcome, RunOutcome::Complete) && last.warning.is_none();
        let unit = refused.filter(|unit| unit.stream == spec.name);
        if !well && unit.is_none() {
            continue;
        }
        let mut differences = world.oracle().differences_of(spec.name, After::FullPasses).await;
        if let Some(unit) = unit {
            if well && last.parked == 0 {
                wrong.push(format!("{}: {} is refused, and all is well", spec.name, unit.path));
            }
            differences.retain(|line| {
                let key = line.split(' ').nth(1).unwrap_or_default();
                let of_window = unit.window.as_ref().is_some_and(|start| key.starts_with(start));
                !of_window && !unit.children.contains(key)
            });
        }
        wrong.extend(differences.into_iter().map(|line| format!("ends well: {line}")));
    }
    wrong
}
