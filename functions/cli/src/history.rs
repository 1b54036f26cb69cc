//! `harvest-lake history`: the last runs, from the ledger and the state.
//!
//! It answers "did it run, and what did it do?" for a lake of this machine or of a deployment. Texts
//! of errors are not in the ledger: `status` has the last one of each stream, the log has all.

use deployment::config::GivenSettings;
use engine::time::{SignedDuration, Timestamp, between, minus};
use runtime::clock::{Clock as _, SystemClock};
use serde_json::json;
use streams::find_stream;

use crate::arguments::HistoryArguments;
use crate::error::CliError;
use crate::exit::CliExit;
use crate::files::{day, midnight};
use crate::lake_facts::LakeFacts;
use crate::ledger::{LedgerRun, runs};
use crate::said::{CommandAnswer, TextStyle};
use crate::stored::StateContents;
use crate::table::TextTable;
use crate::text;

/// Days before now whose runs are read if no time is asked for: a ledger of a year is large.
const DAYS: i64 = 31;
/// Number of runs that are shown if neither a number nor a time is asked for.
const USUAL: usize = 20;

/// Lists the last runs, the newest last; asks Harvest nothing.
///
/// # Errors
/// Fails if a name or a setting is wrong, there is no lake, or the ledger cannot be read.
pub(crate) async fn history(
    arguments: &HistoryArguments,
    mut given: GivenSettings,
    paint: TextStyle,
) -> Result<CommandAnswer, CliError> {
    let named = arguments.streams.iter().map(|name| find_stream(name));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    let since = arguments.since.as_deref().map(start).transpose()?;
    arguments.settings.give(&mut given);
    let lake = LakeFacts::of(&given).await?;
    lake.exists().await?;
    let deployment = lake.deployment(&mut given).await?;
    let stored = StateContents::of(&deployment).await?;
    let mut found = runs(&lake, &stored, since.unwrap_or_else(month_ago)).await?;
    found.retain(|run| named.is_empty() || named.iter().any(|spec| spec.name == run.stream));
    let exit = if last_failed(&found) { CliExit::SomeFailed } else { CliExit::Done };
    let most = arguments.number.unwrap_or(if since.is_some() { usize::MAX } else { USUAL });
    let all = found.len();
    let shown = found.split_off(all.saturating_sub(most));
    let json = json!({ "lake": lake.place.to_string(), "all": all, "runs": shown });
    Ok(CommandAnswer::new(text(&shown, all, SystemClock.now(), paint), json, exit))
}

/// Returns the time since which runs are read if none is asked for.
fn month_ago() -> Timestamp {
    minus(SystemClock.now(), SignedDuration::from_hours(DAYS * 24))
}

/// Parses an instant, or a day, which stands for its first instant in UTC.
fn start(text: &str) -> Result<Timestamp, CliError> {
    let wrong = || CliError::Time { found: text.to_owned() };
    text.parse().or_else(|_| midnight(day(text)?).ok_or_else(wrong))
}

/// Whether the last run of a stream failed or never came back. `runs` are in order.
fn last_failed(runs: &[LedgerRun]) -> bool {
    let mut told = std::collections::BTreeSet::new();
    runs.iter().rev().any(|run| told.insert(&run.stream) && run.is_bad())
}

/// Returns the runs as a table.
fn text(shown: &[LedgerRun], all: usize, now: Timestamp, paint: TextStyle) -> String {
    if shown.is_empty() {
        return "No run is known for that.\n".to_owned();
    }
    let header = ["started", "stream", "pass", "end", "took", "requests", "rows", "remarks"];
    let rows = shown.iter().map(|run| cells(run, now)).collect();
    let table = TextTable { header: &header, numbers: 4..6, spare: &[2, 4, 5], rows }.text(paint);
    if shown.len() == all {
        return table;
    }
    let (some, all) = (text::count(shown.len() as u64), text::count(all as u64));
    format!(
        "{table}\n{}\n",
        paint.faint(&format!("The last {some} of {all} runs; `--number` shows more."))
    )
}

/// Returns the cells of one run.
fn cells(run: &LedgerRun, now: Timestamp) -> Vec<String> {
    let changed = [('+', run.inserted), ('~', run.updated), ('-', run.deleted)];
    let changed = changed.into_iter().filter(|(_, rows)| *rows > 0);
    let changed: Vec<_> =
        changed.map(|(sign, rows)| format!("{sign}{}", text::count(rows))).collect();
    let throttled = text::plural(run.throttled, "answer 429", "answers 429");
    let quarantined = format!("{} in quarantine", text::count(run.quarantined));
    let remarks = [
        run.error_code.clone(),
        (run.throttled > 0).then_some(throttled),
        (run.quarantined > 0).then_some(quarantined),
    ];
    vec![
        text::clock(run.started_at, now),
        run.stream.clone(),
        run.pass.clone(),
        run.outcome.clone(),
        text::duration(between(run.started_at, run.ended_at)),
        text::some(run.requests),
        if changed.is_empty() { "·".to_owned() } else { changed.join(" ") },
        remarks.into_iter().flatten().collect::<Vec<_>>().join("; "),
    ]
}
