//! Random faults in a world, and syncs during which one fault lasts.

use std::collections::{BTreeMap, BTreeSet};

use engine::pass::Pass;
use engine::spec::{Paging, StreamKind, StreamSpec};
use engine::time::{SignedDuration, Timestamp};
use rand::RngExt;
use runtime::run::RunOutcome;
use sim::{Contradiction, FaultChoice, FaultEffect, Mutation, Spelling};

use crate::foreign::Visitor;
use crate::mishap::{Chronicle, Mishap};
use crate::oracle::After;
use crate::story::{fault, report, status};
use crate::watch::Watch;
use crate::world::{Live, Synced, World, now, sync};

/// Number of requests of one round or trial beyond which its runs count as endless.
const PATIENCE: u64 = 10_000;

/// List that can contradict itself.
#[derive(Clone, Copy, Debug)]
struct ListSpot {
    /// Pattern of its requests.
    path: &'static str,
    /// Stream of the list.
    stream: &'static str,
    /// Number of records per page with which the list has several pages.
    cap: usize,
}

const fn spot(path: &'static str, stream: &'static str, cap: usize) -> ListSpot {
    ListSpot { path, stream, cap }
}

const SPOTS: [ListSpot; 16] = [
    spot("/v2/clients?", "clients", 2),
    spot("/v2/contacts?", "contacts", 3),
    spot("/v2/projects?", "projects", 3),
    spot("/v2/users?", "users", 2),
    spot("/v2/roles?", "roles", 1),
    spot("/v2/user_assignments?", "user_assignments", 5),
    spot("/v2/time_entries?", "time_entries", 40),
    spot("/v2/expenses?", "expenses", 10),
    spot("/v2/invoices?", "invoices", 4),
    spot("/v2/estimates?", "estimates", 3),
    spot("/payments?", "invoice_payments", 1),
    spot("/billable_rates?", "user_billable_rates", 1),
    spot("/v2/reports/time/projects?", "time_report_projects", 2),
    spot("/v2/reports/expenses/team?", "expense_report_team", 1),
    spot("/v2/reports/uninvoiced?", "uninvoiced_report", 2),
    spot("/v2/reports/project_budget?", "project_budget_report", 2),
];

/// Kinds that are wrong answers to requests for lists.
const OF_LISTS: [Mishap; 9] = [
    Mishap::SmallTotals,
    Mishap::LargeTotals,
    Mishap::TotalsOfPage,
    Mishap::EarlyEnds,
    Mishap::BrokenLinks,
    Mishap::Circles,
    Mishap::EmptyPages,
    Mishap::IgnoredPages,
    Mishap::DeepPages,
];

/// Kinds that can last for a whole sync.
const LASTING: [Mishap; 5] = [
    Mishap::RefusedParent,
    Mishap::RefusedWindow,
    Mishap::Spelling,
    Mishap::AccountSpelling,
    Mishap::OddCounts,
];

/// Kinds that are work of other engines.
const FOREIGN: [Mishap; 5] = [
    Mishap::Compaction,
    Mishap::ForeignDelete,
    Mishap::ForeignRestore,
    Mishap::ForeignAppend,
    Mishap::ForeignVacuum,
];

/// Part of a stream that is refused.
#[derive(Clone, Debug)]
struct RefusedUnit {
    stream: &'static str,
    path: String,
    /// Beginning of the keys of a window's rows.
    window: Option<String>,
    parent: Option<i64>,
}

/// Fault rules of kinds, each with its place among the rules of the account.
#[derive(Clone, Debug, Default)]
pub struct Befallen {
    rules: Vec<(Mishap, usize)>,
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

/// Returns the lists of the world's streams.
fn all_spots(world: &World) -> Vec<ListSpot> {
    SPOTS.into_iter().filter(|spot| world.settings.includes(spot.stream)).collect()
}

/// Returns the lists that `mishap` can befall.
fn spots(world: &World, mishap: Mishap) -> Vec<ListSpot> {
    let reports = |spot: &ListSpot| spot.path.contains("/reports/");
    all_spots(world)
        .into_iter()
        .filter(|spot| !matches!(mishap, Mishap::IgnoredPages | Mishap::DeepPages) || reports(spot))
        .collect()
}

/// Returns a random effect of a kind that is wrong answers.
fn effect(chronicle: &mut Chronicle, mishap: Mishap) -> FaultEffect {
    use Contradiction::{
        Circle, CountsIgnored, CountsOff, EmptyLinks, EmptyNext, EmptyPages, EndsEarly, NoLinks,
        NullLinks, OwnPage, PageIgnored, TooDeep, TotalOfPage,
    };
    let total = FaultEffect::WrongTotal;
    let list = FaultEffect::Contradiction;
    let deep = |status| list(TooDeep { beyond: 1, status });
    let effects = [
        (Mishap::SmallTotals, [-1, -2, -10_000].map(total).to_vec()),
        (Mishap::LargeTotals, [1, 2, 500].map(total).to_vec()),
        (Mishap::TotalsOfPage, vec![list(TotalOfPage)]),
        (Mishap::EarlyEnds, [1, 2, 3].map(EndsEarly).map(list).to_vec()),
        (Mishap::BrokenLinks, [NoLinks, NullLinks, EmptyLinks, EmptyNext].map(list).to_vec()),
        (Mishap::Circles, [Circle, OwnPage].map(list).to_vec()),
        (Mishap::EmptyPages, vec![list(EmptyPages)]),
        (Mishap::IgnoredPages, vec![list(PageIgnored)]),
        (
            Mishap::OddCounts,
            [CountsOff(1), CountsOff(-1), CountsOff(-150), CountsIgnored].map(list).to_vec(),
        ),
        (Mishap::DeepPages, [404, 422, 500, 504].map(deep).to_vec()),
    ];
    let (_, effects) =
        effects.into_iter().find(|(kind, _)| *kind == mishap).expect("a kind of wrong answers");
    let which = if effects.len() > 1 { chronicle.random.random_range(0..effects.len()) } else { 0 };
    effects[which].clone()
}

fn refused_unit(world: &World, chronicle: &mut Chronicle, mishap: Mishap) -> Option<RefusedUnit> {
    if mishap == Mishap::RefusedWindow {
        let months: Vec<_> = world.oracle().months().into_iter().collect();
        let month = chronicle.one(&months).start;
        let mut reports = vec![
            ("time_report_clients", "time/clients"),
            ("time_report_projects", "time/projects"),
            ("time_report_tasks", "time/tasks"),
            ("time_report_team", "time/team"),
            ("expense_report_team", "expenses/team"),
            ("uninvoiced_report", "uninvoiced"),
        ];
        reports.retain(|(stream, _)| world.settings.includes(stream));
        if reports.is_empty() {
            return None;
        }
        let (stream, path) = chronicle.one(&reports);
        let path = format!("/v2/reports/{path}?from={month}");
        return Some(RefusedUnit { stream, path, window: Some(format!("{month}|")), parent: None });
    }
    let mut lists = vec![
        ("invoice_payments", "invoices", "payments"),
        ("invoice_messages", "invoices", "messages"),
        ("estimate_messages", "estimates", "messages"),
        ("user_billable_rates", "users", "billable_rates"),
        ("user_cost_rates", "users", "cost_rates"),
        ("user_project_assignments", "users", "project_assignments"),
    ];
    lists.retain(|(stream, ..)| world.settings.includes(stream));
    if lists.is_empty() {
        return None;
    }
    let (stream, parents, last) = chronicle.one(&lists);
    let ids = world.oracle().true_versions(streams::find(parents).unwrap());
    let ids: Vec<i64> = ids.into_keys().collect();
    let parent = *ids.get(chronicle.random.random_range(0..1000) % ids.len().max(1))?;
    let path = format!("/v2/{parents}/{parent}/{last}");
    Some(RefusedUnit { stream, path, window: None, parent: Some(parent) })
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

/// Makes random commits of other engines.
pub async fn visit(world: &World, chronicle: &mut Chronicle, watch: &mut Watch) {
    for mishap in FOREIGN {
        if !chronicle.befalls(mishap) {
            continue;
        }
        let spots = all_spots(world);
        if spots.is_empty() {
            continue;
        }
        let name = chronicle.one(&spots).stream;
        let (step, back) = (chronicle.random.random_range(1..4), chronicle.one(&[1, 1, 2, 3]));
        let spec = streams::find(name).unwrap();
        let Some(visitor) = Visitor::of(world, spec).await else { continue };
        let done = if mishap == Mishap::Compaction {
            visitor.compact().await
        } else if mishap == Mishap::ForeignDelete {
            visitor.delete_every(step).await
        } else if mishap == Mishap::ForeignAppend {
            visitor.append().await
        } else if mishap == Mishap::ForeignVacuum {
            visitor.vacuum(SignedDuration::from_hours(25)).await
        } else {
            visitor.restore(back).await
        };
        chronicle.tell(format!("{}: {name}, done: {done}", mishap.declared().name));
        chronicle.fired(mishap, u64::from(done));
        if done && mishap == Mishap::ForeignVacuum {
            watch.forget_removed();
        }
        if done && !matches!(mishap, Mishap::Compaction | Mishap::ForeignVacuum) {
            watch.excuse(world, name).await;
        }
    }
}

/// Runs a sync while one fault lasts. Checks that no stream loses rows, that none reports success
/// while rows are missing, that a list that contradicts itself is a failure of its stream, and that
/// the cursor then stays.
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
        let Some(unit) = refused_unit(world, chronicle, mishap) else { return Ok(()) };
        let code = chronicle.one(&[403, 404, 422, 500]);
        chronicle.tell(format!("trial of {}: {code} {}", mishap.declared().name, unit.path));
        befallen.add(world, mishap, &unit.path, FaultChoice::Always, status(code, false));
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
            let children = unit.parent.map(|id| world.oracle().true_children(spec, id));
            differences.retain(|line| {
                let key = line.split(' ').nth(1).unwrap_or_default();
                let of_window = unit.window.as_ref().is_some_and(|start| key.starts_with(start));
                !of_window && !children.as_ref().is_some_and(|keys| keys.contains(key))
            });
        }
        wrong.extend(differences.into_iter().map(|line| format!("ends well: {line}")));
    }
    wrong
}

/// Keys and cursors of all tables before a fault.
#[derive(Debug)]
struct Standing {
    keys: BTreeMap<&'static str, BTreeSet<String>>,
    cursors: BTreeMap<&'static str, Option<Timestamp>>,
}

impl Standing {
    async fn of(world: &World) -> Self {
        let mut standing = Self { keys: BTreeMap::new(), cursors: BTreeMap::new() };
        let included = |spec: &&StreamSpec| world.settings.includes(spec.name);
        for spec in streams::STREAMS.into_iter().filter(included) {
            if Visitor::of(world, spec).await.is_none() {
                continue;
            }
            let keys = world.oracle().table_rows(spec).await.into_keys().collect();
            standing.keys.insert(spec.name, keys);
            let cursor = world.item(spec.name).await.position.cursor;
            standing.cursors.insert(spec.name, cursor);
        }
        standing
    }

    /// Returns the rows that were deleted although Harvest has their records.
    async fn lost(&self, world: &World) -> Vec<String> {
        let mut lost = Vec::new();
        let months = world.oracle().months();
        for (name, before) in &self.keys {
            let spec = streams::find(name).unwrap();
            let now = world.oracle().table_rows(spec).await;
            let gone: Vec<&String> = before.iter().filter(|key| !now.contains_key(*key)).collect();
            if gone.is_empty() {
                continue;
            }
            let truth = world.oracle().true_rows(spec, &months);
            let gone = gone.into_iter().filter(|key| truth.contains_key(*key));
            lost.extend(gone.map(|key| format!("{name}: {key} was deleted and is still there")));
        }
        lost
    }
}
