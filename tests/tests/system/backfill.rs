//! A first load at a tight limit: it outlives many invocations, and some of them are killed.
//! `make backfill` does the same at the size of a large account.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use e2e::deployed::{Conditions, Deployed, End, Kills, Load, in_simulated_time};
use engine::budget::RequestLimit;
use engine::pass::Pass;
use engine::spec::StreamKind;
use engine::time::SignedDuration;
use lives::oracle::After;
use lives::world::World;
use runtime::settings::Settings;
use sim::AccountScale;

const GENERAL: &str = "4/15s";
const REPORTS: &str = "40/900s";

fn scale() -> AccountScale {
    AccountScale {
        days: 3 * 365,
        users: 12,
        clients: 20,
        contacts: 30,
        projects: 60,
        tasks: 12,
        time_entries: 20_000,
        expenses: 1_000,
        invoices: 600,
        estimates: 40,
        ..AccountScale::issue()
    }
}

/// The account with its limits, which the deployment uses in full.
fn deployed(kills: Option<Kills>) -> Arc<Deployed> {
    let mut world = World::new(&scale(), 5);
    world.settings = Settings::new(world.settings.account);
    world.settings.budget_percent = 100;
    world.settings.general = GENERAL.parse().unwrap();
    world.settings.reports = REPORTS.parse().unwrap();
    {
        let mut account = world.account.lock().unwrap();
        account.set_general_limit(sim::QuotaLimit::GENERAL.read(GENERAL).unwrap());
        account.set_report_limit(sim::QuotaLimit::REPORTS.read(REPORTS).unwrap());
    }
    Deployed::new(world, Conditions { processor: false, kills, ..Conditions::default() })
}

async fn loaded(kills: Option<Kills>) -> (Arc<Deployed>, Load) {
    let deployed = deployed(kills);
    let load = deployed.load(SignedDuration::from_hours(12), |_, _| {}).await;
    let lines = load.lines(&deployed).await.join("\n");
    assert_eq!(load.loaded.len(), streams::STREAMS.len(), "{lines}");
    deployed.settle().await;
    eprintln!("{lines}");
    (deployed, load)
}

/// Checks that hold for every load, whichever invocation is killed.
async fn check(deployed: &Deployed, load: &Load) {
    for one in deployed.journal.all() {
        let (_, end) = one.ended.clone().unwrap();
        assert_ne!(end, End::TimedOut, "{one:?}");
        assert!(one.length().unwrap() < SignedDuration::from_secs(900), "{one:?}");
        assert!(one.spilled <= 400 << 20, "{one:?}");
        if let End::Returned(how) = end {
            assert!(!how.starts_with("failed"), "{how}");
        }
    }
    for (seen, limit) in [(&load.seen.general, GENERAL), (&load.seen.reports, REPORTS)] {
        let limit: RequestLimit = limit.parse().unwrap();
        assert_eq!(seen.refused, 0);
        assert!(seen.peak <= usize::try_from(limit.requests()).unwrap(), "{}", seen.peak);
    }
    let wrong = deployed.world.oracle().differences(After::FullPasses).await;
    assert_eq!(wrong, Vec::<String>::new());
}

/// Checks that the children of every invoice were asked for once. A run that stops may leave one
/// answer unused.
fn check_economy(deployed: &Deployed, load: &Load) {
    for stream in ["invoice_messages", "invoice_payments"] {
        let all = deployed.journal.all();
        let runs = all.iter().filter(|one| one.work.as_ref().is_some_and(|it| it.0 == stream));
        let (asked, runs) = (*load.seen.streams.get(stream).unwrap(), runs.count());
        assert!(runs > 5, "{stream} outlived no more than {runs} invocations");
        let most = u64::try_from(scale().invoices + runs).unwrap();
        assert!(asked <= most, "{stream}: {asked} requests in {runs} runs");
    }
}

/// Requests for records in full passes, and how many of them no saved position counts.
fn read(deployed: &Deployed) -> (u64, u64) {
    let (mut sent, mut lost) = (0, 0);
    for one in deployed.journal.all() {
        let Some((stream, Pass::Full)) = &one.work else { continue };
        // Snapshots are read whole in each hour.
        if !matches!(streams::find(stream).unwrap().kind, StreamKind::Snapshot(_)) {
            sent += one.requests - one.about_the_account;
            lost += one.unsaved;
        }
    }
    (sent, lost)
}

#[test]
fn a_load_uses_its_budget_to_the_full_and_killed_invocations_lose_what_they_had_not_saved() {
    let (undisturbed, lost) = in_simulated_time(async {
        let (deployed, load) = loaded(None).await;
        check(&deployed, &load).await;
        check_economy(&deployed, &load);
        let [general, reports] = load.paces(&deployed);
        // The guard of each window, and for reports the tick that may follow it.
        let most = 1.05 + 0.4 / 15.0;
        let (general, reports) = (general.unwrap(), reports.unwrap());
        assert!(general.ratio() <= most, "{general:?}: {}", general.ratio());
        let most = 1.05 + 60.4 / 900.0;
        assert!(reports.ratio() <= most, "{reports:?}: {}", reports.ratio());
        read(&deployed)
    });
    assert_eq!(lost, 0, "nobody was killed");
    let (sent, lost) = in_simulated_time(async {
        let (deployed, load) = loaded(Some(Kills { seed: 11, percent: 25 })).await;
        check(&deployed, &load).await;
        let all = deployed.journal.all();
        let killed = all.iter().filter(|one| one.ended.as_ref().unwrap().1 == End::Killed);
        assert!(killed.count() > 5, "too few die");
        read(&deployed)
    });
    assert!(lost > 0, "those killed had nothing to lose");
    assert!(sent <= undisturbed + lost, "{sent} sent, {undisturbed} undisturbed, {lost} lost");
}
