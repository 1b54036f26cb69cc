//! `harvest-lake status`: state of each stream, from state store and tables alone.
//!
//! It works while Harvest is down, without a token, and beside runs, because this is what is called
//! first when something is wrong. It takes no lease and writes nothing, so what it shows may be a
//! moment old.
//!
//! The table is right where it and the state differ (ADR 25): the state is a cache of the tables,
//! and may be lost, old, or that of another lake.
//!
//! The text begins with a verdict of one line, and then has only the streams that need a person;
//! with `--all`, or if streams are named, all of these.

mod condition;
mod day;
mod render;
#[cfg(test)]
mod tests;
mod watch;

use delta::table::{ForeignChange, Table, TableError};
use deployment::config::{GivenSettings, SettingName};
use deployment::parts;
use engine::drift::DriftFinding;
use engine::ids::AccountId;
use engine::item::{AccountItem, ItemValue, PassState, StreamHealth, StreamItem, StreamPosition};
use engine::pass::Pass;
use engine::persisted::PersistedInstants as _;
use engine::plan::{Demand, ripe};
use engine::present::Present;
use engine::runbook::Remedy;
use engine::spec::{StreamKind, StreamSpec};
use engine::testimony::Testimony;
use engine::time::{SignedDuration, Timestamp, minus};
use runtime::clock::{Clock as _, SystemClock};
use serde::Serialize;

use crate::arguments::StatusArguments;
use crate::error::CliError;
use crate::lake_facts::LakeFacts;
use crate::ledger::{LastDay, LedgerRun, runs, usual};
use crate::said::{CommandAnswer, TextStyle};
use crate::stored::StateContents;
use condition::{ConditionFacts, StreamCondition, condition};
pub(crate) use watch::watched;

/// The state of one stream, in the form of its part of the JSON document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct StreamStatus {
    stream: &'static str,
    state: StreamCondition,
    /// Rows of the table; null without a table that can be read.
    rows: Option<u64>,
    /// Version of the table in its Delta log.
    version: Option<u64>,
    /// Time up to which the table has all changes.
    cursor: Option<Timestamp>,
    /// Beginning of the last complete pass, from which the age of the data counts.
    as_of: Option<Timestamp>,
    /// Time at which a pass was last completed.
    last_success: Option<Timestamp>,
    /// Beginning of the last complete full pass: records deleted in Harvest since then may still
    /// have rows.
    last_full: Option<Timestamp>,
    /// Time at which the schedule has the next sweep; null without one to come.
    next_sweep: Option<Timestamp>,
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
    /// Interval between its syncs, in seconds: the set one, or what the last runs tell. Data older
    /// than twice that is late.
    usual_interval: i64,
    /// Requests and changed rows of the last day.
    day: LastDay,
    /// Whether the table is there, or may be, and cannot be read.
    #[serde(skip)]
    unreadable: bool,
}

impl StreamStatus {
    /// Notes that the table cannot be read, whatever the item says: the next run will fail on it,
    /// too.
    fn cannot_be_read(&mut self, now: Timestamp, error: TableError) {
        if self.state.is_read() {
            self.state = StreamCondition::Failing;
        }
        let error = CliError::Table(error);
        let remedy = Remedy::of(error.error_type());
        self.last_error = Some(LastError::new(now, error.chain(), remedy));
        self.unreadable = true;
    }

    /// Whether the stream needs a person, by its state or by what its runs have found.
    fn needs_a_person(&self) -> bool {
        self.state.needs_a_person() || self.has_findings()
    }

    /// Whether its runs, or the look at its table, have found something that needs a person.
    fn has_findings(&self) -> bool {
        let found = self.quarantined > 0
            || self.parked != Some(0)
            || self.warning.is_some()
            || self.drift.iter().any(|finding| finding.what.costs_values());
        (found && self.state.is_read()) || self.unreadable
    }
}

/// Time and text of an error, and its remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct LastError {
    at: Timestamp,
    error: String,
    /// Advice: one sentence, without a full stop.
    advice: &'static str,
    /// Place of the runbook about it.
    runbook: String,
}

impl LastError {
    fn new(at: Timestamp, error: String, Remedy { advice, heading }: Remedy) -> Self {
        Self { at, error, advice, runbook: heading.link() }
    }
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

/// Content of the answer.
#[derive(Clone, Debug)]
struct LakeStatus {
    account: AccountItem,
    account_id: AccountId,
    /// Place of the lake, as it was given.
    lake: String,
    streams: Vec<StreamStatus>,
    /// Requests and changed rows of the last day, of these streams.
    day: LastDay,
    now: Timestamp,
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
    arguments.streams.give(&mut given);
    let lake = LakeFacts::of(&given).await?;
    let deployment = lake.deployment(&mut given).await?;
    let settings = &deployment.settings;
    let now = SystemClock.now();
    let set = given.get(SettingName::SYNC_INTERVAL).is_some();
    let stored = StateContents::of(&deployment).await?;
    let runs = recent(&lake, &stored, now).await;
    let StateContents { account, items } = stored;
    let mut rows = Vec::new();
    for (spec, mut item) in streams::STREAMS.into_iter().zip(items) {
        // Streams that were not named are left out, those that `--exclude` names are shown as such.
        if settings.streams.as_ref().is_some_and(|named| !named.contains(spec.name)) {
            continue;
        }
        let opened = lake.open(spec).await;
        // Before the row is made: all its facts about the position have to come from the corrected
        // item.
        if let Ok(Some(table)) = &opened {
            as_the_table_says(&mut item, table, now);
        }
        // Somebody who has set an interval wants to know that it is not kept.
        let interval = settings.sync_interval;
        let usual = if set { interval } else { usual(&runs, spec.name, interval) };
        let facts = ConditionFacts {
            excluded: !settings.includes(spec.name),
            // On this machine the lock of a process tells whether it lives: a run that was killed a
            // second ago is not shown as running until its lease ends.
            alive: |owner: &str| parts::may_be_alive(&deployment, owner),
            interval,
            usual,
            now,
        };
        let mut row = row(spec, &item, &account, &facts);
        row.day = LastDay::of(runs.iter().filter(|run| run.stream == spec.name), now);
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
    let shown = |run: &&LedgerRun| rows.iter().any(|row| row.stream == run.stream);
    let day = LastDay::of(runs.iter().filter(shown), now);
    let (account_id, lake) = (settings.account, lake.place.to_string());
    let status = LakeStatus { account, account_id, lake, streams: rows, day, now };
    // Streams that are named on the command line are those that a person wants to see.
    let named = !arguments.streams.names.is_empty()
        || arguments.settings.get(SettingName::STREAMS).is_some();
    Ok(status.said(arguments.all || named, paint))
}

/// Time whose runs tell how often somebody syncs: 31 days.
const TOLD: SignedDuration = SignedDuration::from_hours(31 * 24);

/// Returns the runs of the last weeks. A ledger that cannot be read is told, and is no reason not to
/// show the streams.
async fn recent(lake: &LakeFacts, stored: &StateContents, now: Timestamp) -> Vec<LedgerRun> {
    match runs(lake, stored, minus(now, TOLD)).await {
        Ok(runs) => runs,
        Err(error) => {
            tracing::warn!(error = error.chain(), "the ledger of runs cannot be read");
            Vec::new()
        }
    }
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

/// Returns the status of one stream, without the facts of its table.
fn row<A: Fn(&str) -> bool>(
    spec: &'static StreamSpec,
    item: &StreamItem,
    account: &AccountItem,
    facts: &ConditionFacts<A>,
) -> StreamStatus {
    let StreamItem { position, health, .. } = item;
    // The full pass is the long one, about which people ask.
    let unfinished = unfinished(Pass::Full, &position.full)
        .or_else(|| unfinished(Pass::Incremental, &position.incremental));
    let state = condition(spec, item, account, facts);
    StreamStatus {
        stream: spec.name,
        state,
        rows: None,
        version: None,
        // Not the bare cursor, see `up_to`.
        cursor: up_to(position, health),
        as_of: position.full.last_begun.max(position.incremental.last_begun),
        last_success: health.last_success,
        last_full: position.full.last_begun,
        next_sweep: next_sweep(spec, item, facts.interval, facts.now).filter(|_| state.is_read()),
        unfinished,
        parked: match &position.parked {
            ItemValue::Here(parked) => Some(parked.len() as u64),
            // Too many for the item, they are in a file of the lake; it is not read for their
            // number.
            ItemValue::At(_) => None,
        },
        quarantined: health.quarantine.records,
        misfits: health.misfits,
        converted: health.drift.converted.values().map(|seen| seen.times).sum(),
        drift: health.drift.findings(),
        warning: health.warning.clone(),
        failures: health.failures,
        last_error: health
            .last_error
            .clone()
            .zip(health.remedy())
            .map(|((at, error), remedy)| LastError::new(at, error, remedy)),
        usual_interval: facts.usual.as_secs(),
        day: LastDay::default(),
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

/// Time at which the schedule has the next sweep. `None` for a stream that was never read whole, and
/// for one that every run reads whole.
fn next_sweep(
    spec: &StreamSpec,
    item: &StreamItem,
    interval: SignedDuration,
    now: Timestamp,
) -> Option<Timestamp> {
    item.position.full.last_begun?;
    if matches!(spec.kind, StreamKind::Snapshot(_)) {
        return None;
    }
    let at = ripe(spec, item, Demand::Schedule { interval }, Present::ours(now)).full?;
    Some(at.max(now))
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
