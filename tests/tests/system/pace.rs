//! Pace of a sync of all streams compared with Harvest's own rate limits, in simulated time.
//! `make speed` measures the same in real time, with shorter windows.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and tells its figures"
)]

use delta::offload::stay_on_this_thread;
use e2e::scene::two_thousand_requests;
use engine::budget::RequestLimit;
use engine::time::SignedDuration;
use lives::world::{World, in_simulated_time};
use sim::RequestStatistics;

/// A first sync in one process with eight workers, as the server saw it.
fn synced(latency: i64, general: &str, reports: &str) -> RequestStatistics {
    in_simulated_time(async {
        stay_on_this_thread();
        let mut world = World::new(&two_thousand_requests(), 7);
        (world.settings.general, world.settings.reports) =
            (general.parse().unwrap(), reports.parse().unwrap());
        {
            let mut account = world.account.lock().unwrap();
            account.set_general_limit(sim::QuotaLimit::GENERAL.read(general).unwrap());
            account.set_report_limit(sim::QuotaLimit::REPORTS.read(reports).unwrap());
        }
        world.latency = SignedDuration::from_millis(latency);
        let context = world.process(None);
        for report in cli::unattended(&context).await.unwrap() {
            assert!(report.error().is_none(), "{report:?}");
        }
        world.account.lock().unwrap().statistics().clone()
    })
}

/// Harvest's own limits.
fn check(latency: i64) {
    check_at(latency, "100/15s", "100/900s");
}

fn check_at(latency: i64, general: &str, reports: &str) {
    let seen = synced(latency, general, reports);
    let limit: RequestLimit = general.parse().unwrap();
    let general = &seen.general;
    assert!(general.requests > 1_900, "{}", general.requests);
    assert_eq!((general.refused, seen.reports.refused), (0, 0));
    // The last general request of report runs, for the person, waits for the reports and is left
    // out.
    let took = seen.last_general_stream_us.unwrap() - general.first_us.unwrap();
    let took = SignedDuration::from_micros(took).as_secs_f64();
    let windows = u32::try_from((general.requests - 1) / u64::from(limit.requests())).unwrap();
    let optimum = limit.window().as_secs_f64() * f64::from(windows);
    let guard = limit.guard().total().as_secs_f64() / limit.window().as_secs_f64();
    let ratio = took / optimum;
    println!(
        "{latency} ms: {} requests, {ratio:.3} of the optimum, of which the guard {guard:.3}",
        general.requests
    );
    assert!(ratio <= 1.05 + guard, "{ratio:.3} of the optimum at {latency} ms");
}

#[test]
fn answers_that_take_no_time_come_as_fast_as_the_limit_allows() {
    check(0);
}

#[test]
fn answers_of_half_a_second_come_as_fast_as_the_limit_allows() {
    check(500);
}

#[test]
fn windows_a_tenth_as_long_are_used_as_well() {
    // Answers are faster, too, so that the questions before a first sync weigh as much as there.
    check_at(50, "100/1500ms", "100/9s");
}

#[test]
fn with_two_seconds_for_each_answer_the_budget_is_the_bound_and_not_the_latency() {
    check(2_000);
}
