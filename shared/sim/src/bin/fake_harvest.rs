//! Serves a made-up Harvest account on a port of this machine, for tests in other languages, for
//! measurements of the built command, and for a first look at the product without an account.
//!
//! One line on standard output says that the port is open, with everything that a client needs:
//! `listening on http://127.0.0.1:33061/v2 token=fake-administrator account=1000001`. Scripts wait
//! for this line, so it is flushed at once, and nothing else is printed.

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Parser;
use jiff::Timestamp;
use sim::{ADMINISTRATOR_TOKEN, Account, AccountScale, HttpFace, QuotaLimit, serve};

/// Serves a made-up Harvest account on a port of this machine.
#[derive(Debug, Parser)]
#[command(name = "fake-harvest")]
struct ServerArguments {
    /// Port of 127.0.0.1; 0 for any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Seed of the account: the same seed, scale and time make the same account.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Size of the account: tiny, demo, issue or million; or edge, the one made by hand.
    #[arg(long, default_value = "demo", value_parser = scale)]
    scale: AccountScale,
    /// Limit of general requests, such as 100/15s, or off.
    #[arg(long, default_value = "100/15s", value_parser = general)]
    general: QuotaLimit,
    /// Limit of report requests, such as 100/900s, or off.
    #[arg(long, default_value = "100/900s", value_parser = reports)]
    reports: QuotaLimit,
    /// Milliseconds by which each answer is delayed.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Number of time entries whose timer runs.
    #[arg(long, default_value_t = 0)]
    running_timers: usize,
    /// Number of time entries in the place of the size's own.
    #[arg(long)]
    time_entries: Option<usize>,
    /// Length of the history in days in the place of the size's own.
    #[arg(long)]
    days: Option<u32>,
    /// Give some records a field that is in no declaration.
    #[arg(long)]
    unknown_members: bool,
    /// End of the history, such as 2026-11-23T06:00:00Z; otherwise the present. The account's clock
    /// starts from there. That of the account made by hand starts at noon of 18 March 2026.
    #[arg(long)]
    state_now: Option<Timestamp>,
}

/// Parses the name of a size.
fn scale(name: &str) -> Result<AccountScale, String> {
    AccountScale::named(name).ok_or_else(|| "one of tiny, demo, issue, million, edge".to_owned())
}

/// Parses the limit of general requests.
fn general(text: &str) -> Result<QuotaLimit, String> {
    QuotaLimit::GENERAL.read(text).ok_or_else(|| "such as 100/15s, 20/1500ms or off".to_owned())
}

/// Parses the limit of report requests.
fn reports(text: &str) -> Result<QuotaLimit, String> {
    QuotaLimit::REPORTS.read(text).ok_or_else(|| "such as 100/900s, 20/1500ms or off".to_owned())
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let arguments = ServerArguments::parse();
    let mut scale = arguments.scale;
    scale.running_timers = arguments.running_timers;
    scale.unknown_members = arguments.unknown_members;
    scale.time_entries = arguments.time_entries.unwrap_or(scale.time_entries);
    scale.days = arguments.days.unwrap_or(scale.days);
    let mut face = HttpFace::local();
    // The account's clock runs from the end of the history, at the speed of the machine's clock.
    // With `--state-now` records and `Date` headers thus belong to the same time, and records that
    // tests create later come after those of the history.
    let begun = (face.now)();
    let own = scale.by_hand.then(|| Timestamp::from_second(AccountScale::PRESENT_BY_HAND));
    let start = arguments.state_now.or(own.and_then(Result::ok)).unwrap_or(begun);
    let machine = face.now.clone();
    face.now = Arc::new(move || start + machine().duration_since(begun));
    face.port = arguments.port;
    face.latency = Duration::from_millis(arguments.latency_ms);
    let mut account = Account::generate(&scale, arguments.seed, start);
    account.set_general_limit(arguments.general);
    account.set_report_limit(arguments.reports);
    let served = serve(Arc::new(Mutex::new(account)), face).await?;
    let url = served.base_url();
    let account = scale.account_id;
    let line = format!("listening on {url} token={ADMINISTRATOR_TOKEN} account={account}\n");
    std::io::stdout().write_all(line.as_bytes())?;
    std::io::stdout().flush()?;
    served.serve_on().await;
    Ok(())
}
