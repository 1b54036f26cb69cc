//! `harvest-lake status`: state of each stream, from state store and tables alone.
//!
//! It works while Harvest is down, without a token, and beside runs, because this is what is called
//! first when something is wrong. It takes no lease and writes nothing, so what it shows may be a
//! moment old.
//!
//! The table is right where it and the state differ (ADR 25): the state is a cache of the tables,
//! and may be lost, old, or that of another lake.
//!
//! | `state` | meaning | exit code |
//! | --- | --- | --- |
//! | `excluded` | the settings leave the stream out | 0 |
//! | `skipped` | its module is off in Harvest; its rows stay | 0 |
//! | `running` | a run works on it | 0 |
//! | `refused` | Harvest refuses it to this person (403) | 1 |
//! | `failing` | the last run failed, or the table cannot be used | 1 |
//! | `new` | no run has read anything yet | 0 |
//! | `ok` | none of these | 0 |
//!
//! The first state that applies is shown. A table that cannot be read makes a stream `failing` that
//! is neither excluded nor skipped: no run will open the table of those.

#[cfg(test)]
mod tests;

use delta::table::{ForeignChange, Table, TableError};
use deployment::config::{GivenSettings, LakePlace};
use deployment::parts;
use engine::drift::DriftFinding;
use engine::item::{AccountItem, PassState, StreamHealth, StreamItem, StreamPosition};
use engine::pass::Pass;
use engine::persisted::PersistedInstants as _;
use engine::plan::{StreamStanding, standing};
use engine::present::Present;
use engine::spec::StreamSpec;
use engine::testimony::Testimony;
use engine::time::{Timestamp, between};
use runtime::clock::{Clock, SystemClock};
use serde::Serialize;
use serde_json::json;

use crate::arguments::StatusArguments;
use crate::error::CliError;
use crate::exit::CliExit;
use crate::lake_facts::LakeFacts;
use crate::said::{CommandAnswer, TextStyle};
use crate::stored::StateContents;
use crate::text;

/// The state of one stream, in the form of its part of the JSON document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct StreamStatus {
    stream: &'static str,
    /// `ok`, `running`, `failing`, `refused`, `skipped`, `excluded` or `new`.
    state: &'static str,
    /// Rows of the table; null without a table that can be read.
    rows: Option<u64>,
    /// Version of the table in its Delta log.
    version: Option<u64>,
    /// Time up to which the table has all changes.
    cursor: Option<Timestamp>,
    /// Time at which a pass was last completed.
    last_success: Option<Timestamp>,
    /// Beginning of the last complete full pass: records deleted in Harvest since then may still
    /// have rows.
    last_full: Option<Timestamp>,
    /// Pass that has begun and is not complete; the full one if both are.
    unfinished: Option<UnfinishedPass>,
    /// Number of parents whose children could not be read; null if the item does not hold their
    /// list.
    parked: Option<u64>,
    /// Number of records in the quarantine.
    quarantined: u64,
    /// Number of values that did not fit their column, in the last run that read any.
    misfits: u64,
    /// Number of values that came in another JSON type or form and were converted for their column.
    converted: u64,
    /// Differences between the records and the declaration.
    drift: Vec<DriftFinding>,
    /// Doubts about the last pass, and changes by other engines.
    warning: Option<String>,
    /// Number of runs in a row that failed or never came back.
    failures: u32,
    /// The last error; null after a success.
    last_error: Option<LastError>,
    /// Whether the table is there, or may be, and cannot be read.
    #[serde(skip)]
    unreadable: bool,
}

impl StreamStatus {
    /// Notes that the table cannot be read, whatever the item says: the next run will fail on it,
    /// too.
    fn cannot_be_read(&mut self, now: Timestamp, error: TableError) {
        if !matches!(self.state, "excluded" | "skipped") {
            self.state = "failing";
        }
        self.last_error = Some(LastError { at: now, error: CliError::Table(error).chain() });
        self.unreadable = true;
    }
}

/// Time and text of an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct LastError {
    at: Timestamp,
    error: String,
}

/// A pass that goes on in another run: its parts (windows, parents) read and left, `0` and `0` if
/// it has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct UnfinishedPass {
    pass: &'static str,
    began: Timestamp,
    read: u64,
    left: u64,
    waits_until: Option<Timestamp>,
}

/// Shows the state of each stream; asks Harvest nothing.
///
/// # Errors
/// Fails if a setting is wrong, the lake belongs to another account, or the state cannot be read. A
/// table that cannot be read makes its stream `failing`, if runs are to use it.
pub(crate) async fn status(
    arguments: &StatusArguments,
    mut given: GivenSettings,
    paint: TextStyle,
) -> Result<CommandAnswer, CliError> {
    arguments.settings.give(&mut given);
    let lake = LakeFacts::of(&given).await?;
    let deployment = lake.deployment(&mut given).await?;
    let now = SystemClock.now();
    let StateContents { account, items } = StateContents::of(&deployment).await?;
    let mut rows = Vec::new();
    for (spec, mut item) in streams::STREAMS.into_iter().zip(items) {
        let excluded = !deployment.settings.includes(spec.name);
        // On this machine the lock of a process tells whether it lives: a run that was killed a
        // second ago is not shown as running until its lease ends.
        let alive = |owner: &str| parts::may_be_alive(&deployment, owner);
        let opened = lake.open(spec).await;
        // Before the row is made: all its facts about the position have to come from the corrected
        // item.
        if let Ok(Some(table)) = &opened {
            as_the_table_says(&mut item, table, now);
        }
        let mut row = row(spec, &item, &account, excluded, now, alive);
        match opened {
            Ok(Some(table)) => {
                row.rows = Some(table.rows());
                row.version = Some(table.version());
            }
            Ok(None) => {}
            Err(error) => row.cannot_be_read(now, error),
        }
        rows.push(row);
    }
    Ok(said(&account, &lake.place, &rows, now, paint))
}

/// Corrects the item by its table, as the next run will before it reads: the state may describe
/// another lake, and another engine may have changed rows.
fn as_the_table_says(item: &mut StreamItem, table: &Table, now: Timestamp) {
    let testimony = item.testimony(table.version(), &table.mark());
    // The position comes from the newest note in the log. A table without a note was never read:
    // its position is empty.
    if testimony == Testimony::OfAnother {
        let noted = table.note().and_then(|note| serde_json::from_value(note.state.clone()).ok());
        item.position = noted.unwrap_or_default();
        item.position.free(&Present::ours(now));
    }
    match table.foreign() {
        // The run that wrote the item saw the log before that part of it was cleaned away.
        Some(ForeignChange::Untold { .. }) if testimony == Testimony::True => {}
        Some(foreign) => {
            let told = format!(
                "another engine changed rows ({foreign}): the next run reads what is missing"
            );
            // Added to the warning of the last pass, which is still true.
            let before = item.health.warning.take();
            item.health.warning =
                Some(before.map_or_else(|| told.clone(), |before| format!("{before}; {told}")));
        }
        None => {}
    }
}

/// Returns the status of one stream, without the facts of its table. `alive` tells whether the
/// owner of a lease may still be at work.
fn row(
    spec: &'static StreamSpec,
    item: &StreamItem,
    account: &AccountItem,
    excluded: bool,
    now: Timestamp,
    alive: impl Fn(&str) -> bool,
) -> StreamStatus {
    let StreamItem { position, health, .. } = item;
    let begun = position.full.last_begun.max(position.incremental.last_begun);
    let running =
        item.lease.as_ref().is_some_and(|lease| lease.is_held(now) && alive(&lease.owner));
    // The full pass is the long one, about which people ask.
    let unfinished = unfinished(Pass::Full, &position.full)
        .or_else(|| unfinished(Pass::Incremental, &position.incremental));
    // From what a person has decided to what has happened: the module's table has the same order.
    let state = if excluded {
        "excluded"
    } else if standing(spec, account) == StreamStanding::Skipped {
        "skipped"
    } else if running {
        "running"
    } else if health.refused {
        "refused"
    } else if health.last_error.is_some() {
        "failing"
    } else if begun.is_none() && unfinished.is_none() {
        "new"
    } else {
        "ok"
    };
    StreamStatus {
        stream: spec.name,
        state,
        rows: None,
        version: None,
        // Not the bare cursor, see `up_to`.
        cursor: up_to(position, health),
        last_success: health.last_success,
        last_full: position.full.last_begun,
        unfinished,
        parked: match &position.parked {
            engine::item::ItemValue::Here(parked) => Some(parked.len() as u64),
            // Too many for the item, they are in a file of the lake; it is not read for their
            // number.
            engine::item::ItemValue::At(_) => None,
        },
        quarantined: health.quarantine.records,
        misfits: health.misfits,
        converted: health.drift.converted.values().map(|seen| seen.times).sum(),
        drift: health.drift.findings(),
        warning: health.warning.clone(),
        failures: health.failures,
        last_error: health.last_error.clone().map(|(at, error)| LastError { at, error }),
        unreadable: false,
    }
}

/// Time up to which the table has all changes. A pass without changes does not move the cursor, but
/// proves the same as one that does: its beginning counts, unless the last pass left a doubt or an
/// error, in which case it proves nothing.
fn up_to(position: &StreamPosition, health: &StreamHealth) -> Option<Timestamp> {
    let cursor = position.cursor?;
    let found_nothing = position
        .incremental
        .last_begun
        .filter(|_| health.warning.is_none() && health.last_error.is_none());
    Some(found_nothing.map_or(cursor, |begun| begun.max(cursor)))
}

/// Returns what is left of a pass; `None` if it is complete or has not begun.
fn unfinished(pass: Pass, state: &PassState) -> Option<UnfinishedPass> {
    let unfinished = state.unfinished.as_ref()?;
    let (read, left) = unfinished.progress;
    Some(UnfinishedPass {
        pass: pass.name(),
        began: unfinished.begun,
        read,
        left,
        waits_until: unfinished.waits_until,
    })
}

/// Returns the status as text and as JSON. The text names problems below the table, the worst last,
/// where they are seen first on a terminal.
fn said(
    account: &AccountItem,
    lake: &LakePlace,
    rows: &[StreamStatus],
    now: Timestamp,
    paint: TextStyle,
) -> CommandAnswer {
    let failing = rows.iter().any(|row| matches!(row.state, "failing" | "refused"));
    let exit = if failing { CliExit::SomeFailed } else { CliExit::Done };
    let changed = account.person_changed.as_ref();
    let json = json!({
        "lake": lake.to_string(),
        "company": account.company,
        "person": account.person,
        "person_changed": changed.map(|(at, before)| json!({ "at": at, "before": before })),
        "roles": account.roles,
        "read_at": account.read_at,
        "streams": rows,
    });
    let header = ["stream", "state", "rows", "up to", "last success", "last full pass", "remarks"];
    let mut text = String::new();
    if rows.iter().all(|row| row.rows.is_none()) {
        text = if rows.iter().any(|row| row.unreadable) {
            format!("The lake in `{lake}` cannot be read; the reasons are below.\n\n")
        } else {
            format!("There is no lake in `{lake}` yet: run `harvest-lake sync`.\n\n")
        };
    }
    let table = rows.iter().map(|row| cells(row, now)).collect();
    text.push_str(&text::table(&header, 2..3, table));
    let oldest = rows.iter().filter_map(|row| row.last_full).min();
    if let Some(oldest) = oldest {
        text.push_str(&paint.faint(&format!(
            "\nRecords that were deleted in Harvest keep their rows until the next full pass of \
             their stream; the oldest of the last full passes began {}.\n",
            text::ago(between(oldest, now))
        )));
    }
    if let Some((at, before)) = changed {
        let ago = text::ago(between(*at, now));
        let person = &account.person;
        text.push_str(&paint.warn(&format!(
            "\n! The token belongs to another person than before (noticed {ago}): it was \
             {before}'s, it is now {person}'s.\n"
        )));
    }
    // All findings, of all streams; those with lost values first, because the others have no hurry.
    let mut findings: Vec<_> =
        rows.iter().flat_map(|row| row.drift.iter().map(move |it| (row, it))).collect();
    findings.sort_by_key(|(_, finding)| !finding.what.costs_values());
    for (row, finding) in findings {
        let ago = text::ago(between(finding.at, now));
        text.push_str(&paint.warn(&format!("\n! {}: {}; {ago}\n", row.stream, finding.sentence())));
    }
    for row in rows {
        if let Some(LastError { at, error }) = &row.last_error {
            let ago = text::ago(between(*at, now));
            text.push_str(&paint.bad(&format!("\n✗ {}, {ago}: {error}\n", row.stream)));
        }
    }
    CommandAnswer::new(text, json, exit)
}

/// Returns the cells of one stream. Times are shown as ages, which need no time zone.
fn cells(row: &StreamStatus, now: Timestamp) -> Vec<String> {
    let ago =
        |at: Option<Timestamp>| at.map_or_else(|| "·".to_owned(), |at| text::ago(between(at, now)));
    vec![
        row.stream.to_owned(),
        row.state.to_owned(),
        row.rows.map_or_else(|| "·".to_owned(), text::count),
        ago(row.cursor),
        ago(row.last_success),
        ago(row.last_full),
        remarks(row, now),
    ]
}

/// Returns the remarks about one stream, the unfinished pass first.
fn remarks(row: &StreamStatus, now: Timestamp) -> String {
    let mut remarks = Vec::new();
    if let Some(unfinished) = &row.unfinished {
        let mut remark = format!("{} pass unfinished", unfinished.pass);
        let all = unfinished.read.saturating_add(unfinished.left);
        if all > 0 {
            remark = format!("{remark}, {} of {all} parts read", unfinished.read);
        }
        // A wait that is over says nothing any more: the next run goes on.
        if let Some(until) = unfinished.waits_until.filter(|until| *until > now) {
            let wait = text::duration(between(now, until));
            remark = format!("{remark}, waits {wait} for the budget");
        }
        remarks.push(remark);
    }
    if row.parked.is_none() {
        remarks.push("many parked".to_owned());
    }
    for (number, what) in [
        (row.parked.unwrap_or_default(), "parked"),
        (row.quarantined, "quarantined"),
        (u64::from(row.failures), "failed runs"),
    ] {
        if number > 0 {
            remarks.push(format!("{number} {what}"));
        }
    }
    remarks.extend(row.warning.clone());
    remarks.join("; ")
}
