//! Runs as the ledger has them, and those that it does not have yet.
//!
//! The table `_runs` has the runs that are filed; the items of the streams have the last ones. A run
//! that both have is one.

use std::collections::BTreeMap;

use delta::table::Table;
use engine::ids::RunId;
use engine::ledger::usual_interval;
use engine::run_record::RunRecord;
use engine::time::{SignedDuration, Timestamp, between, minus, month_before};
use lake::scan::{ScannedRows, scan_where};
use serde::Serialize;

use crate::error::CliError;
use crate::lake_facts::{LakeFacts, TableKind};
use crate::stored::StateContents;

/// Columns of the ledger that are read.
const COLUMNS: [&str; 19] = [
    "run_id",
    "stream",
    "pass",
    "started_at",
    "ended_at",
    "outcome",
    "error_code",
    "requests",
    "throttled",
    "failed_requests",
    "bytes",
    "records",
    "inserted",
    "updated",
    "deleted",
    "quarantined",
    "table_version",
    "lag_seconds",
    "release",
];

/// A run, in the form of its part of the JSON document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LedgerRun {
    pub(crate) run_id: String,
    pub(crate) stream: String,
    pub(crate) pass: String,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Timestamp,
    /// `complete`, `waiting`, `stopped`, `failed` or `lost`.
    pub(crate) outcome: String,
    pub(crate) error_code: Option<String>,
    pub(crate) requests: u64,
    pub(crate) throttled: u64,
    pub(crate) failed_requests: u64,
    pub(crate) bytes: u64,
    pub(crate) records: u64,
    pub(crate) inserted: u64,
    pub(crate) updated: u64,
    pub(crate) deleted: u64,
    pub(crate) quarantined: u64,
    pub(crate) table_version: Option<u64>,
    pub(crate) lag_seconds: u64,
    pub(crate) release: String,
    /// Whether the table has it.
    pub(crate) filed: bool,
}

impl LedgerRun {
    /// Number of rows that the run changed.
    pub(crate) const fn changes(&self) -> u64 {
        self.inserted.saturating_add(self.updated).saturating_add(self.deleted)
    }

    /// Whether the run failed, or never came back.
    pub(crate) fn is_bad(&self) -> bool {
        matches!(self.outcome.as_str(), "failed" | "lost")
    }

    /// Returns a run that the ledger does not have yet.
    fn left(stream: &str, run: &RunRecord) -> Self {
        let RunRecord { traffic, counts, .. } = run;
        Self {
            run_id: RunId::of(run.began, stream).0,
            stream: stream.to_owned(),
            pass: run.pass.name().to_owned(),
            started_at: run.began,
            ended_at: run.ended,
            outcome: run.outcome.to_string(),
            error_code: run.error.as_ref().map(ToString::to_string),
            requests: traffic.requests,
            throttled: traffic.throttled,
            failed_requests: traffic.failed,
            bytes: traffic.bytes,
            records: traffic.records,
            inserted: counts.inserted,
            updated: counts.updated,
            deleted: counts.deleted,
            quarantined: run.quarantined,
            table_version: run.version,
            lag_seconds: run.lag,
            release: run.release.to_string(),
            filed: false,
        }
    }

    /// Returns the run in a row of the ledger; `None` if the row lacks what every run has.
    fn filed(rows: &ScannedRows, row: usize) -> Option<Self> {
        let text = |name: &str| rows.column(name).text(row).map(str::to_owned);
        let number =
            |name: &str| rows.column(name).int(row).and_then(|int| u64::try_from(int).ok());
        let instant =
            |name: &str| Timestamp::from_microsecond(rows.column(name).instant(row)?).ok();
        let count = |name: &str| number(name).unwrap_or(0);
        let started_at = instant("started_at")?;
        Some(Self {
            run_id: text("run_id")?,
            stream: text("stream")?,
            pass: text("pass").unwrap_or_default(),
            started_at,
            ended_at: instant("ended_at").unwrap_or(started_at),
            outcome: text("outcome").unwrap_or_default(),
            error_code: text("error_code"),
            requests: count("requests"),
            throttled: count("throttled"),
            failed_requests: count("failed_requests"),
            bytes: count("bytes"),
            records: count("records"),
            inserted: count("inserted"),
            updated: count("updated"),
            deleted: count("deleted"),
            quarantined: count("quarantined"),
            table_version: number("table_version"),
            lag_seconds: count("lag_seconds"),
            release: text("release").unwrap_or_default(),
            filed: true,
        })
    }
}

/// Returns the runs that began at `since` or later, in the order of their starts.
///
/// # Errors
/// Fails if the ledger is there and cannot be read.
pub(crate) async fn runs(
    lake: &LakeFacts,
    stored: &StateContents,
    since: Timestamp,
) -> Result<Vec<LedgerRun>, CliError> {
    let mut runs = BTreeMap::new();
    for (spec, item) in streams::STREAMS.into_iter().zip(&stored.items) {
        let left = item.runs.iter().map(|run| LedgerRun::left(spec.name, run));
        runs.extend(left.map(|run| ((run.started_at, run.stream.clone()), run)));
    }
    let read = async |table: &Table| filed(table, since).await;
    let filed = lake.reading(&streams::RUNS, TableKind::Rows, read).await?.unwrap_or_default();
    // After those of the items: a run that both have is filed.
    runs.extend(filed.into_iter().map(|run| ((run.started_at, run.stream.clone()), run)));
    Ok(runs.into_values().filter(|run| run.started_at >= since).collect())
}

/// Reads the months of the ledger that may have runs since this time.
async fn filed(table: &Table, since: Timestamp) -> Result<Vec<LedgerRun>, CliError> {
    let first = month_before(since, 0);
    let scanned = scan_where(
        table,
        |file| file.partition.as_ref().is_none_or(|month| *month >= first),
        &COLUMNS,
        Vec::new(),
        |runs: &mut Vec<LedgerRun>, rows| {
            runs.extend((0..rows.len()).filter_map(|row| LedgerRun::filed(rows, row)));
        },
    );
    let stream = streams::RUNS.name;
    scanned.await.map_err(|source| CliError::Scan { stream, source })
}

/// Number of intervals into which the last day is divided.
const SLOTS: usize = 24;

/// The last day.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Requests and changed rows of the last day, by hour, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct LastDay {
    /// Number of runs.
    pub(crate) runs: u64,
    /// Number of runs that failed or never came back.
    pub(crate) failed: u64,
    /// Requests sent.
    pub(crate) requests: Vec<u64>,
    /// Rows inserted, updated and deleted.
    pub(crate) changes: Vec<u64>,
}

impl LastDay {
    /// Returns the last day of these runs.
    pub(crate) fn of<'r>(runs: impl Iterator<Item = &'r LedgerRun>, now: Timestamp) -> Self {
        let mut day = Self { requests: vec![0; SLOTS], changes: vec![0; SLOTS], ..Self::default() };
        let begin = minus(now, DAY);
        for run in runs.filter(|run| run.started_at >= begin) {
            let hours = between(begin, run.started_at).as_hours();
            let Ok(slot) = usize::try_from(hours) else { continue };
            let slots = [
                (day.requests.get_mut(slot), run.requests),
                (day.changes.get_mut(slot), run.changes()),
            ];
            for (slot, number) in slots {
                let Some(slot) = slot else { continue };
                *slot = slot.saturating_add(number);
            }
            day.runs = day.runs.saturating_add(u64::from(slot < SLOTS));
            day.failed = day.failed.saturating_add(u64::from(slot < SLOTS && run.is_bad()));
        }
        day
    }
}

/// Returns the usual interval between the syncs of a stream, see [`usual_interval`].
pub(crate) fn usual(runs: &[LedgerRun], stream: &str, set: SignedDuration) -> SignedDuration {
    let own = runs.iter().filter(|run| run.stream == stream);
    usual_interval(&own.map(|run| run.started_at).collect::<Vec<_>>(), set)
}
