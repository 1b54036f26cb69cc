//! Filing of runs in the table `_runs`.
//!
//! Each run leaves a record in the item of its stream (`engine::ledger`). Whoever plans files the
//! records of all streams together: the orchestrator in a deployment, the loop of a sync on one
//! machine. The table is written under a lease of its own, with the code of all tables.
//!
//! | step | if the process dies after it |
//! | --- | --- |
//! | rows are merged by the ids of the runs | orphans, which housekeeping deletes |
//! | commit | the next filing finds the rows in the table and changes nothing |
//! | the ledger's item notes the newest record of each stream | nothing is left to do |
//!
//! Months older than [`RETENTION`] leave the table with the first filing of a month.

use std::collections::BTreeMap;
use std::sync::Arc;

use decode::Decoder;
use delta::table::{CommitError, CommitFiles, FileEntry};
use engine::ids::RunId;
use engine::item::StreamItem;
use engine::lease::BusyLease;
use engine::ledger::unfiled;
use engine::pass::{AnswerPurpose, Pass, Unit};
use engine::run_record::{FiledRuns, RunRecord};
use engine::spec::StreamSpec;
use engine::time::{Timestamp, month_before};
use lake::collect::{CollectedRows, Collector};
use serde_json::{Value, json};
use streams::RUNS;

use crate::context::Context;
use crate::error::RunError;
use crate::run::leave::abandoned;
use crate::run::{Run, RunOrder, RunOutcome};

/// Number of whole months that a run stays in the ledger.
pub const RETENTION: u32 = 13;
/// Number of times that a merge is repeated because its commit lost a race.
const MERGES: u32 = 3;

/// Whether `spec` declares the ledger, which no run reads.
pub(crate) fn is_ledger(spec: &StreamSpec) -> bool {
    core::ptr::eq(spec, &raw const RUNS)
}

/// Files the records of `items`, by name of the stream, that the ledger does not have, in one commit.
/// Returns their number.
///
/// # Errors
/// Fails if the stores fail; the records stay in the items. Returns [`BusyLease`] if another process
/// files.
pub async fn file_runs(
    context: &Context,
    items: &BTreeMap<&'static str, StreamItem>,
) -> Result<Result<u64, BusyLease>, RunError> {
    let now = context.clock.now();
    // Incremental: the table is opened at the version of the item, without a listing.
    let (spec, pass) = (&RUNS, Pass::Incremental);
    let order = RunOrder { spec, pass, deadline: None, accept_deletes: true };
    let mut run = match Box::pin(Run::open(context, order, now)).await {
        Err(error) => return Err(abandoned(context, spec.name, error).await),
        Ok(Ok(run)) => run,
        Ok(Err(busy)) => return Ok(Err(busy)),
    };
    let keeper = Arc::clone(&run.keeper);
    let filed = Box::pin(keeper.beside(run.file(items))).await;
    if filed.is_ok() {
        Box::pin(run.tidy(&RunOutcome::Complete)).await;
    }
    let given_back = run.give_back().await;
    let filed = filed?;
    given_back?;
    Ok(Ok(filed))
}

impl Run {
    /// Merges the records into the table, commits, and notes in the item what the table has.
    async fn file(&mut self, items: &BTreeMap<&'static str, StreamItem>) -> Result<u64, RunError> {
        let mut rows = Vec::new();
        let mut newest = FiledRuns::new();
        for (stream, item) in items {
            let filed = self.item.value.filed.get(*stream).copied();
            let left = unfiled(&item.runs, filed);
            rows.extend(left.iter().map(|run| row(stream, run)));
            newest.extend(left.last().map(|run| ((*stream).to_owned(), run.began)));
        }
        let count = rows.len() as u64;
        if count > 0 {
            let incoming = Arc::new(self.collected(&rows)?);
            Box::pin(self.commit_runs(incoming)).await?;
            self.item.value.filed.extend(newest);
        }
        Ok(count)
    }

    /// Returns the rows in the order of their keys.
    fn collected(&self, rows: &[Value]) -> Result<CollectedRows, RunError> {
        let (account, now) = (self.context.settings.account, self.context.clock.now());
        let body = json!({ "runs": rows }).to_string();
        let purpose = AnswerPurpose::Records(Unit::Stream);
        let page = Decoder::new(&RUNS).decode(purpose, account, now, body);
        let page = page.map_err(|error| self.defect(&error))?;
        if let Some(refused) = page.quarantined.first() {
            return Err(self.defect(&refused.reason));
        }
        let (scratch, memory) =
            (self.context.scratch.clone(), self.context.settings.collect_memory);
        Collector::new(self.table.schema(), scratch, memory)
            .and_then(|mut collector| {
                collector.push(page.rows)?;
                collector.finish()
            })
            .map_err(|error| self.defect(&error))
    }

    /// Commits the rows, and takes old months out of the table.
    async fn commit_runs(&mut self, incoming: Arc<CollectedRows>) -> Result<(), RunError> {
        let mut tries = 0_u32;
        loop {
            let (started, writer) = (self.context.clock.now(), self.writer());
            let job = self.job(&writer, started, Arc::clone(&incoming), None, 0);
            let merged = Box::pin(self.merge(job)).await?;
            let mut counts = merged.counts;
            let mut change = CommitFiles { add: merged.add, remove: merged.remove, started };
            for old in expired(self.table.files(), started) {
                // A late record may have changed a file of an old month.
                if !change.remove.contains(old) {
                    counts.deleted = counts.deleted.saturating_add(old.rows);
                    change.remove.push(old.clone());
                }
            }
            if change.add.is_empty() && change.remove.is_empty() {
                return Ok(());
            }
            let note = self.note(counts, None)?;
            match self.table.commit(self.context.clock.now(), &writer, &change, &note).await {
                Ok(committed) => {
                    self.report.commits = self.report.commits.saturating_add(1);
                    self.describes(&committed);
                    return Ok(());
                }
                Err(CommitError::Stale { .. }) if tries < MERGES => {
                    tries = tries.saturating_add(1);
                }
                Err(error) => return Err(self.commit_error(error)),
            }
        }
    }
}

/// Returns the files of months that are no longer kept.
fn expired(files: &[FileEntry], now: Timestamp) -> impl Iterator<Item = &FileEntry> {
    let first = month_before(now, RETENTION);
    files.iter().filter(move |file| file.partition.as_ref().is_some_and(|month| *month < first))
}

/// Returns the row of a run, as a record that the decoder reads.
fn row(stream: &str, run: &RunRecord) -> Value {
    let RunRecord { traffic, counts, .. } = run;
    json!({
        "run_id": RunId::of(run.began, stream),
        "stream": stream,
        "pass": run.pass.name(),
        "started_at": run.began,
        "ended_at": run.ended,
        "outcome": run.outcome,
        "error_code": run.error,
        "requests": traffic.requests,
        "throttled": traffic.throttled,
        "failed_requests": traffic.failed,
        "bytes": traffic.bytes,
        "records": traffic.records,
        "inserted": counts.inserted,
        "updated": counts.updated,
        "deleted": counts.deleted,
        "unchanged": counts.unchanged,
        "quarantined": run.quarantined,
        "table_version": run.version,
        "table_rows": run.rows,
        "lag_seconds": run.lag,
        "release": run.release,
        "dropped": run.dropped,
    })
}
