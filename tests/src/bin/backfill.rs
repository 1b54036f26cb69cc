//! Measures the first load of a large account and the cost of a month: the real orchestrator and
//! worker over a fake account at Harvest's own limits, in simulated time.
//!
//! `backfill [--scale large|issue|small] [--hours N]` prints the time, writes and resources of the
//! first load, lets `N` hours of ordinary work pass, and computes a month from them. Processor time
//! is measured on this machine's processor and stands for Lambda's: see `e2e::deployed`.

use std::time::Instant;

use clap::{Parser, ValueEnum};
use deployment::cost::month::MonthlyUse;
use e2e::deployed::{Conditions, Deployed, Usage, in_simulated_time};
use engine::time::SignedDuration;
use lives::world::World;
use runtime::settings::Settings;
use sim::AccountScale;

/// Loads an account in simulated time, and prints the cost of a month.
#[derive(Debug, Parser)]
struct Arguments {
    /// Size of the account.
    #[arg(long, value_enum, default_value = "issue")]
    scale: Size,
    /// Hours of ordinary work after the load [default: a week; of the large account, a day].
    #[arg(long)]
    hours: Option<u64>,
    /// Milliseconds until Harvest answers.
    #[arg(long, default_value = "500")]
    latency: u32,
    /// Seed of the account.
    #[arg(long, default_value = "7")]
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Size {
    /// Ten million time entries of 400 people in twelve years.
    Large,
    /// A hundred thousand time entries of a hundred people in three years.
    Issue,
    /// Five thousand time entries.
    Small,
}

impl Size {
    fn scale(self) -> AccountScale {
        match self {
            Self::Large => AccountScale {
                days: 12 * 365,
                users: 400,
                clients: 300,
                contacts: 600,
                projects: 2_000,
                tasks: 60,
                time_entries: 10_000_000,
                expenses: 100_000,
                invoices: 200_000,
                estimates: 5_000,
                ..AccountScale::issue()
            },
            Self::Issue => AccountScale::issue(),
            Self::Small => AccountScale::demo(),
        }
    }

    fn hours(self) -> u64 {
        match self {
            Self::Large => 24,
            Self::Issue | Self::Small => 7 * 24,
        }
    }
}

fn main() {
    let arguments = Arguments::parse();
    in_simulated_time(run(&arguments));
}

#[expect(clippy::print_stdout, reason = "a program of its own")]
async fn run(arguments: &Arguments) {
    let wall = now();
    let scale = arguments.scale.scale();
    let mut world = World::new(&scale, arguments.seed);
    world.settings = Settings::new(world.settings.account);
    eprintln!("account made in {:.0} s", wall.elapsed().as_secs_f64());
    let harvest = SignedDuration::from_millis(i64::from(arguments.latency));
    let deployed = Deployed::new(world, Conditions { harvest, ..Conditions::default() });
    let people = scale.users;
    let load = deployed
        .load(SignedDuration::from_hours(24 * 7), |deployed, loaded| {
            deployed.an_hour_of_work(people);
            eprintln!(
                "{} loaded {} after {:.0} s",
                deployed.now(),
                loaded.len(),
                wall.elapsed().as_secs_f64()
            );
        })
        .await;
    let loading = deployed.usage().await;
    for line in load.lines(&deployed).await {
        println!("{line}");
    }
    println!("\ncost of the load");
    print(&loading.times(1.0));
    let hours = arguments.hours.unwrap_or(arguments.scale.hours());
    for hour in 0..hours {
        deployed.an_hour_of_work(people);
        for _ in 0..60 {
            deployed.minute().await;
        }
        if hour % 24 == 23 {
            eprintln!("day {} after {:.0} s", hour / 24 + 1, wall.elapsed().as_secs_f64());
        }
    }
    let after = deployed.usage().await - loading;
    print_month(&loading, &after, hours);
    println!("\nwall clock {:.0} s", wall.elapsed().as_secs_f64());
}

#[expect(clippy::print_stdout, reason = "a program of its own")]
fn print(month: &MonthlyUse) {
    for line in month.lines() {
        let (name, quantity, unit) = (line.name, line.quantity, line.unit);
        println!("{name:<18}  {quantity:>12.1} {unit:<5}  ${:>8.4}", line.dollars());
    }
    println!("{:<18}  {:>18}  ${:>8.4}", "all", "", month.dollars());
}

#[expect(clippy::print_stdout, reason = "a program of its own")]
fn print_month(load: &Usage, after: &Usage, hours: u64) {
    println!("\nused in {hours} hours of ordinary work");
    for (name, used) in [
        ("orchestrator", after.orchestrator),
        ("worker", after.worker),
        ("small worker", after.small_worker),
    ] {
        let count = used.invocations.max(1);
        println!(
            "{name:<14}{} invocations, {} ms and {} ms of processor time each",
            used.invocations,
            used.milliseconds / count,
            used.processor / count
        );
    }
    println!("requests to Harvest: {} general, {} for reports", after.general, after.reports);
    println!("S3: {} puts, {} listings; {} commits", after.puts, after.lists, after.commits);
    println!("\na month of it, list prices of us-east-1");
    print(&after.month(hours));
    if hours < 7 * 24 {
        let weeks = 30.4 / 7.0;
        let most = load.times(weeks);
        println!(
            "weekly sweeps are not in it; they cost less than the load each week: ${:.2}",
            most.dollars()
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "how long the program itself takes")]
fn now() -> Instant {
    Instant::now()
}
