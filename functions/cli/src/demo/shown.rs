//! Text of a demo about its lake: rows, an answer, a change, and the next steps.
//!
//! It names the streams that most accounts are about.

use core::cmp::Reverse;
use core::fmt::Write as _;
use std::collections::BTreeMap;

use deployment::config::{GivenSettings, SettingName};
use lake::progress::NoFileProgress;
use lake::scan::{ScannedRows, scan};
use lake::text::{NewestRows, RowChoice};

use crate::chart::{ChartBar, chart};
use crate::error::CliError;
use crate::head::{cell, decimal, drawn, read};
use crate::lake_facts::{LakeFacts, TableKind};
use crate::said::TextStyle;
use crate::table::TextTable;
use crate::text;

/// Number of rows that are shown.
const ROWS: usize = 4;
/// Most clients in the chart.
const CLIENTS: usize = 8;
/// Number of changes among which an update is looked for.
const CHANGES: usize = 100;
/// Most columns of the terminal for a value before or after a change.
const VALUE: usize = 24;
/// Columns of entries that are shown.
const COLUMNS: [&str; 5] = ["spent_date", "user_name", "client_name", "task_name", "hours"];
/// Columns of a command's line besides command and comment: blanks and the sign of a comment.
const MARGINS: usize = 6;
/// Columns that differ with each change, or are no values of Harvest.
const ALWAYS: [&str; 4] = ["op", "changed_at", "sequence", "synced_at"];
/// Millionths of an hour in an hour: hours have six digits after the point.
const MILLION: i128 = 1_000_000;

/// Returns rows, hours by client, and one change.
///
/// # Errors
/// Fails if a table cannot be read.
pub(super) async fn shown(lake: &LakeFacts, paint: TextStyle) -> Result<String, CliError> {
    let spec = &streams::TIME_ENTRIES;
    let mut text = String::new();
    let newest = RowChoice { most: ROWS, id: None };
    let found = read(lake, spec, TableKind::Rows, newest).await?;
    let title = format!("The {ROWS} newest of {} time entries:", text::count(found.rows));
    let place = |name| found.newest.columns.iter().position(|column| column.name == name);
    let columns: Vec<usize> = COLUMNS.into_iter().filter_map(place).collect();
    section(&mut text, &title, &drawn(&found.newest, &columns, paint), paint);
    section(&mut text, "Hours by client:", &hours_by_client(lake, paint).await?, paint);
    let changes = RowChoice { most: CHANGES, id: None };
    let found = read(lake, spec, TableKind::Changes, changes).await?;
    let title = "One change, as the table `time_entries_changes` has it:";
    if let Some(change) = one_change(lake, &found.newest, paint).await? {
        section(&mut text, title, &change, paint);
    }
    Ok(text)
}

/// Adds a paragraph with a title.
fn section(text: &mut String, title: &str, lines: &str, paint: TextStyle) {
    write!(text, "\n{}\n{lines}", paint.strong(title)).unwrap_or_default();
}

/// Returns the hours of the clients with most of them, as bars.
///
/// # Errors
/// Fails if the table cannot be read.
async fn hours_by_client(lake: &LakeFacts, paint: TextStyle) -> Result<String, CliError> {
    let spec = &streams::TIME_ENTRIES;
    let Some(table) = lake.open(spec).await? else { return Ok(String::new()) };
    let add = |sums: &mut BTreeMap<String, i128>, rows: &ScannedRows| {
        let (clients, hours) = (rows.column("client_name"), rows.column("hours"));
        for row in 0..rows.len() {
            let client = clients.text(row).unwrap_or("(none)").to_owned();
            *sums.entry(client).or_default() += hours.decimal(row).unwrap_or(0);
        }
    };
    let sums = scan(&table, &["client_name", "hours"], &NoFileProgress, BTreeMap::new(), add).await;
    let sums = sums.map_err(|source| CliError::Scan { stream: spec.name, source })?;
    let mut bars: Vec<ChartBar> = sums
        .into_iter()
        .map(|(label, length)| {
            let (whole, rest) = (length / MILLION, (length % MILLION).abs());
            let value = decimal(&format!("{whole}.{rest:06}")).to_owned();
            ChartBar { label, length, value }
        })
        .collect();
    bars.sort_by_key(|bar| Reverse(bar.length));
    bars.truncate(CLIENTS);
    Ok(chart(&bars, paint))
}

/// Returns the newest update among `changes`, with the values before and after it.
///
/// # Errors
/// Fails if the table of changes cannot be read.
async fn one_change(
    lake: &LakeFacts,
    changes: &NewestRows,
    paint: TextStyle,
) -> Result<Option<String>, CliError> {
    let mut updates = (0..changes.rows.len()).filter(|row| changes.text(*row, "op") == Some("U"));
    let id = updates.find_map(|row| changes.text(row, "id")?.parse().ok());
    let Some(id) = id else { return Ok(None) };
    let choice = RowChoice { most: 2, id: Some(id) };
    let found = read(lake, &streams::TIME_ENTRIES, TableKind::Changes, choice).await?.newest;
    let [after, before] = found.rows.as_slice() else { return Ok(None) };
    let mut rows = Vec::new();
    for (at, column) in found.columns.iter().enumerate() {
        if before.get(at) != after.get(at) && !ALWAYS.contains(&column.name.as_str()) {
            let value = |row| cell(&found, row, at, Some(VALUE));
            rows.push(vec![column.name.clone(), value(before), value(after)]);
        }
    }
    let header = ["column", "before", "after"];
    let table = TextTable { header: &header, numbers: 0..0, spare: &[], rows }.text(paint);
    let told = |name| found.text(0, name).unwrap_or_default();
    let line = format!("entry {id}, op U, sequence {}, {}", told("sequence"), told("changed_at"));
    Ok(Some(format!("{line}\n{table}")))
}

/// Returns the place of the page.
pub(super) fn page(place: &str, paint: TextStyle) -> String {
    let title = "Utilisation, margins, unbilled work, budgets and cash, for a browser:";
    format!("\n{}\n  {place}\n", paint.strong(title))
}

/// Name of this program for the next commands: its path, if it was started by one.
fn program() -> String {
    let path = std::env::args().next().filter(|path| path.contains('/'));
    text::word(&path.unwrap_or_else(|| "harvest-lake".to_owned()))
}

/// Returns commands to go on with.
pub(super) fn next_steps(lake: &str, paint: TextStyle) -> String {
    let (program, lake) = (program(), text::word(lake));
    let steps = [
        ("head expenses", "rows of any table"),
        ("status", "whether all is well"),
        ("plan", "what is due next"),
        ("verify", "every file checked"),
        ("report", "the page anew"),
        ("sql --engine duckdb", "for DuckDB"),
    ];
    let step = |(command, what)| (format!("{program} {command} --lake {lake}"), what);
    let mut lines: Vec<(String, &str)> = steps.into_iter().map(step).collect();
    lines.push((format!("{program} demo --serve"), "to try any command"));
    lines.push((format!("{program} init"), "your own account"));
    // Comments stand below each other where the terminal has room for that.
    let longest = |of: fn(&(String, &str)) -> usize| lines.iter().map(of).max().unwrap_or(0);
    let column = longest(|(command, _)| command.chars().count());
    let widest = column + longest(|(_, what)| what.chars().count()) + MARGINS;
    let fits = paint.width.is_none_or(|width| widest <= usize::from(width));
    let column = if fits { column } else { 0 };
    let mut text = format!("\n{}\n", paint.strong("Next:"));
    for (command, what) in &lines {
        let comment = paint.faint(&format!("# {what}"));
        writeln!(text, "  {command:column$}  {comment}").unwrap_or_default();
    }
    text
}

/// Returns the settings with which other commands read the account that is served.
pub(super) fn served(given: &GivenSettings, paint: TextStyle) -> String {
    let title = "The made-up account is served until Ctrl-C. In another terminal:";
    let mut text = format!("\n{}\n", paint.strong(title));
    let settings = [
        SettingName::BASE_URL,
        SettingName::ACCOUNT,
        SettingName::TOKEN,
        SettingName::GENERAL,
        SettingName::REPORTS,
    ];
    for setting in settings {
        let value = text::word(given.get(setting).unwrap_or_default());
        writeln!(text, "  export {}={value}", setting.variable).unwrap_or_default();
    }
    let program = program();
    for command in ["check", "sync --wait --lake ./my-lake", "head projects --lake ./my-lake"] {
        writeln!(text, "  {program} {command}").unwrap_or_default();
    }
    let origin = given.get(SettingName::BASE_URL).unwrap_or_default().trim_end_matches("/v2");
    writeln!(text, "  curl -X POST '{origin}/_sim/mutate?steps=20&seed=1'").unwrap_or_default();
    text
}
