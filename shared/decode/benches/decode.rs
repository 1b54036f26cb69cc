//! Time to decode pages of time entries, compared with tokenising the same text.
//!
//! `cargo bench -p decode --bench decode`
//!
//! Tokenising is the lower bound of any decoder, and the quotient to it depends less on the machine
//! than the time does. `page` is read by `fast`. The first record of `odd page` has a member twice,
//! so `fast` gives up at once and `careful` reads the page; an odd last record would cost both
//! readings.

#![expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures with the clock")]

use std::time::{Duration, Instant};

use decode::{Decoder, ReadAt};
use engine::ids::AccountId;
use engine::pass::Unit;
use engine::time::Timestamp;
use serde::de::IgnoredAny;

/// Records of a page: as many as Harvest sends at most.
const RECORDS: u32 = 2_000;
/// Number of measurements, of which the shortest counts.
const ROUNDS: u32 = 50;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let at = ReadAt { account: AccountId(1), synced_at: Timestamp::UNIX_EPOCH, unit: Unit::Stream };
    let body = body("");
    // One repeated member sends the whole page to `careful`.
    let odd = self::body(r#""id":1,"#);
    let decoder = Decoder::new(&streams::TIME_ENTRIES);
    println!("{} bytes a record", body.len() / RECORDS as usize);
    let floor = best(|| Ok(serde_json::from_str::<IgnoredAny>(&body).map(drop)?))?;
    let fast = best(|| Ok(decoder.page(&body, &at).map(drop)?))?;
    let careful = best(|| Ok(decoder.page(&odd, &at).map(drop)?))?;
    for (name, time) in [("tokenise", floor), ("page", fast), ("odd page", careful)] {
        let each = time.as_nanos() / u128::from(RECORDS);
        println!("{name:10} {each:6} ns a record, {:.2} x tokenise", time.div_duration_f64(floor));
    }
    Ok(())
}

/// Shortest time of many rounds.
fn best(mut round: impl FnMut() -> Result<(), Failure>) -> Result<Duration, Failure> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        round()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}

fn body(first: &str) -> String {
    let records: Vec<String> =
        (0..RECORDS).map(|at| record(at, if at == 0 { first } else { "" })).collect();
    format!(
        "{{\"time_entries\":[{}],\"total_entries\":{RECORDS},\"links\":{{\"next\":null}}}}",
        records.join(",")
    )
}

fn record(at: u32, first: &str) -> String {
    let (day, cents) = (at % 28 + 1, at % 100);
    format!(
        r#"{{{first}"id":{id},"spent_date":"2024-03-{day:02}","hours":{hours}.{cents:02},"hours_without_timer":{hours}.{cents:02},"rounded_hours":{hours}.25,"notes":"Weekly meeting \u0026 planning, part {at}","is_locked":false,"locked_reason":null,"approval_status":"unsubmitted","is_closed":false,"is_billed":false,"timer_started_at":null,"started_time":"9:00am","ended_time":"11:15am","is_running":false,"billable":true,"budgeted":true,"billable_rate":120.0,"cost_rate":60.5,"created_at":"2024-03-{day:02}T09:00:{sec:02}Z","updated_at":"2024-03-{day:02}T11:15:{sec:02}Z","user":{{"id":{user},"name":"Robin Example {user}"}},"client":{{"id":{client},"name":"Client {client}","currency":"EUR"}},"project":{{"id":{project},"name":"Project {project}","code":"P{project}"}},"task":{{"id":{task},"name":"Task {task}"}},"user_assignment":{{"id":{user}77,"is_project_manager":true,"is_active":true,"use_default_rates":true,"budget":null,"created_at":"2023-01-01T00:00:00Z","updated_at":"2023-06-01T00:00:00Z","hourly_rate":100.0}},"task_assignment":{{"id":{task}88,"billable":true,"is_active":true,"created_at":"2023-01-01T00:00:00Z","updated_at":"2023-06-01T00:00:00Z","hourly_rate":100.0,"budget":null}},"invoice":null,"external_reference":null}}"#,
        id = 2_000_000_000 + at,
        hours = at % 9,
        sec = at % 60,
        user = 1_000 + at % 100,
        client = 3_000 + at % 40,
        project = 5_000 + at % 400,
        task = 7_000 + at % 20,
    )
}
