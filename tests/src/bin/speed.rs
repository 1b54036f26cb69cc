//! Measures how close a sync of all streams comes to the rate limit: the time from the first to the
//! last general request, as the server counts them, over the optimum, at several latencies. The
//! windows of Harvest's limits are ten and a hundred times shorter here.
//!
//! `speed [LATENCY_MS...]`; `harvest-lake` must be built in the same profile.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use e2e::scene::{binary, now, two_thousand_requests};
use sim::{Account, HttpFace, QuotaLimit, RequestStatistics};
use tokio::process::Command;

const GENERAL: &str = "100/1500ms";
const REPORTS: &str = "100/9s";
const PER_WINDOW: u64 = 100;
const WINDOW: Duration = Duration::from_millis(1500);
/// Time that each permit waits in addition to its window, for a window of 1.5 s.
const GUARD: Duration = Duration::from_millis(30);

#[expect(clippy::print_stdout, reason = "a program of its own")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let asked = std::env::args().skip(1).map(|text| text.parse());
    let mut latencies: Vec<u64> = asked.collect::<Result<_, _>>()?;
    if latencies.is_empty() {
        latencies = vec![0, 50, 500];
    }
    println!("latency  requests  seconds  optimum  ratio  guard's share  most in a window  429");
    for latency in latencies {
        let seen = sync(Duration::from_millis(latency)).await?;
        println!("{latency:>4} ms  {}", row(&seen).ok_or("no general request")?);
    }
    Ok(())
}

/// Runs a first sync with the built command, and returns the server's statistics.
async fn sync(latency: Duration) -> Result<RequestStatistics, Box<dyn std::error::Error>> {
    let account = Account::generate(&two_thousand_requests(), 7, now());
    let face = HttpFace { latency, ..HttpFace::local() };
    let served = sim::serve(Arc::new(Mutex::new(account)), face).await?;
    let general = QuotaLimit::GENERAL.read(GENERAL).ok_or("a limit")?;
    let reports = QuotaLimit::REPORTS.read(REPORTS).ok_or("a limit")?;
    served.with(|account| {
        account.set_general_limit(general);
        account.set_report_limit(reports);
    });
    let lake = tempfile::tempdir()?;
    let ended = Command::new(binary("harvest-lake"))
        .args(["sync", "--wait", "--json", "--budget-percent", "100"])
        .env("HARVEST_ACCOUNT_ID", two_thousand_requests().account_id.to_string())
        .env("HARVEST_ACCESS_TOKEN", sim::ADMINISTRATOR_TOKEN)
        .env("HARVEST_BASE_URL", served.base_url())
        .env("HARVEST_LAKE", lake.path())
        .env("HARVEST_GENERAL", GENERAL)
        .env("HARVEST_REPORTS", REPORTS)
        .output()
        .await?;
    if !ended.status.success() {
        return Err(String::from_utf8_lossy(&ended.stderr).into_owned().into());
    }
    Ok(served.with(|account| account.statistics().clone()))
}

fn row(seen: &RequestStatistics) -> Option<String> {
    let general = &seen.general;
    // Not the last general request: runs of reports ask for the person of the token after their
    // reports, which have a limit of their own.
    let took = seen.last_general_stream_us?.checked_sub(general.first_us?)?;
    let took = Duration::from_micros(u64::try_from(took).ok()?);
    let rounds = u32::try_from(general.requests.checked_sub(1)? / PER_WINDOW).ok()?;
    let optimum = WINDOW * rounds;
    let refused = general.refused + seen.reports.refused;
    Some(format!(
        "{:>8}  {:>7.2}  {:>7.2}  {:>5.3}  {:>13.3}  {:>16}  {refused:>3}",
        general.requests,
        took.as_secs_f64(),
        optimum.as_secs_f64(),
        took.div_duration_f64(optimum),
        (GUARD * rounds).div_duration_f64(optimum),
        general.peak,
    ))
}
