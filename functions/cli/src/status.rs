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
mod content;
mod day;
mod remarks;
mod render;
#[cfg(test)]
mod tests;
mod watch;

use delta::table::{ForeignChange, Table};
use deployment::config::{GivenSettings, SettingName};
use deployment::parts;
use engine::item::{AccountItem, ItemValue, PassState, StreamHealth, StreamItem, StreamPosition};
use engine::pass::Pass;
use engine::persisted::PersistedInstants as _;
use engine::plan::{Demand, ripe};
use engine::present::Present;
use engine::spec::{StreamKind, StreamSpec};
use engine::testimony::Testimony;
use engine::time::{SignedDuration, Timestamp, minus};
use runtime::clock::{Clock as _, SystemClock};

use crate::arguments::StatusArguments;
use crate::error::CliError;
use crate::lake_facts::LakeFacts;
use crate::ledger::{LastDay, LedgerRun, runs, usual};
use crate::said::{CommandAnswer, TextStyle};
use crate::stored::StateContents;
use condition::{ConditionFacts, condition};
use content::{LakeStatus, LastError, ParkedList, StreamStatus, UnfinishedPass};
pub(crate) use watch::watched;

/// Shows the state of each stream; asks Harvest nothing.
///
/// # Errors
/// Fails if a setting is wrong, there is no lake in the folder, the lake belongs to another account, or
/// the state cannot be read. A table that cannot be read makes its stream `failing`, if runs are to
/// use it.
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
    let (account_id, place) = (settings.account, lake.place.to_string());
    let status = LakeStatus { account, account_id, lake: place, streams: rows, day, now };
    // The bucket of a stack is there before its first run; a folder may have been deleted, or its
    // disk not been mounted.
    if status.tells_nothing() && lake.place.folder().is_some() {
        lake.exists().await?;
    }
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
        parked_parents: match &position.parked {
            ItemValue::Here(parked) => ParkedList::first(spec, parked),
            ItemValue::At(_) => Vec::new(),
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
