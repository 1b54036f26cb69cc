//! Sums of the runs of one stream.
//!
//! A stream may run several times in one sync: an incremental pass beside a first load, or a pass
//! that yielded and went on. Numbers of work (requests, records, rows changed) add up; numbers of
//! the table (rows, files, size, version) are those after the last run.

use std::collections::BTreeMap;

use engine::drift::DriftFinding;
use engine::pass::Pass;
use engine::report::RowCounts;
use engine::spec::StreamSpec;
use engine::time::{SignedDuration, between};
use runtime::run::RunReport;
use serde::Serialize;

/// Sum of all runs of one stream in a sync.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct StreamSummary {
    pub(crate) stream: String,
    /// Passes that ran, in the order of their first runs.
    pub(crate) passes: Vec<Pass>,
    /// Outcome of the last run, as `RunOutcome::name` tells it.
    pub(crate) outcome: &'static str,
    #[serde(flatten)]
    pub(crate) sums: WorkSums,
    /// Version of the table after the last run that opened it.
    pub(crate) version: u64,
    /// Number of values that did not fit their column, by member.
    pub(crate) misfits: BTreeMap<String, u64>,
    /// Number of values that came in another JSON type or form and are in their column, by member.
    pub(crate) converted: BTreeMap<String, u64>,
    /// Number of values of members that the declaration lacks, by member.
    pub(crate) unknown: BTreeMap<String, u64>,
    /// Differences between the records and the declaration.
    pub(crate) drift: Vec<DriftFinding>,
}

/// Numbers of one stream, or of all streams together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct WorkSums {
    /// Requests sent, retries included.
    pub(crate) requests: u64,
    /// Records read. A record that was read twice counts twice.
    pub(crate) records: u64,
    /// Rows inserted, updated, deleted; records whose row stayed as it was.
    #[serde(flatten)]
    pub(crate) counts: RowCounts,
    pub(crate) commits: u64,
    /// Rows of the table after the last run that opened it; so are `files` and `bytes`.
    pub(crate) rows: u64,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// Records that the runs put into the quarantine.
    pub(crate) quarantined: u64,
    /// Parents whose children could not be read, after the last run.
    pub(crate) parked: u64,
    /// Time that the runs took, waits for permits included.
    pub(crate) milliseconds: i64,
}

/// Whole milliseconds of `duration`.
pub(super) fn millis(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Returns one line for each stream that ran, in the order of the declarations.
pub(super) fn lines(reports: &[RunReport]) -> Vec<StreamSummary> {
    let of = |spec: &&'static StreamSpec| {
        let mut line = StreamSummary { stream: spec.name.to_owned(), ..StreamSummary::default() };
        for report in reports.iter().filter(|report| report.stream == spec.name) {
            line.add(report);
        }
        (!line.passes.is_empty()).then_some(line)
    };
    streams::STREAMS.iter().filter_map(of).collect()
}

impl StreamSummary {
    /// Adds a run. Runs come in the order in which they ended.
    fn add(&mut self, report: &RunReport) {
        if !self.passes.contains(&report.pass) {
            self.passes.push(report.pass);
        }
        // The last one counts: it says whether the stream is up to date now.
        self.outcome = report.outcome.name();
        let sums = &mut self.sums;
        sums.requests = sums.requests.saturating_add(report.requests);
        sums.records = sums.records.saturating_add(report.records);
        sums.counts = sums.counts.plus(report.counts);
        sums.commits = sums.commits.saturating_add(report.commits);
        sums.quarantined = sums.quarantined.saturating_add(report.quarantined);
        sums.parked = report.parked;
        let took = millis(between(report.began, report.ended));
        sums.milliseconds = sums.milliseconds.saturating_add(took);
        // A run that never opened its table reports zeros; they must not replace earlier numbers.
        if report.version > 0 || report.files > 0 || self.version == 0 {
            sums.rows = report.rows;
            sums.files = report.files;
            sums.bytes = report.bytes;
            self.version = report.version;
        }
        for (sum, more) in [
            (&mut self.misfits, &report.misfits),
            (&mut self.converted, &report.converted),
            (&mut self.unknown, &report.unknown),
        ] {
            for (member, times) in more {
                let sum = sum.entry(member.clone()).or_default();
                *sum = sum.saturating_add(*times);
            }
        }
        self.see(&report.drift);
    }
}

impl WorkSums {
    /// Returns the sums of all streams.
    pub(super) fn total(lines: &[StreamSummary]) -> Self {
        let mut total = Self::default();
        for line in lines.iter().map(|line| &line.sums) {
            total.requests = total.requests.saturating_add(line.requests);
            total.records = total.records.saturating_add(line.records);
            total.counts = total.counts.plus(line.counts);
            total.commits = total.commits.saturating_add(line.commits);
            total.rows = total.rows.saturating_add(line.rows);
            total.files = total.files.saturating_add(line.files);
            total.bytes = total.bytes.saturating_add(line.bytes);
            total.quarantined = total.quarantined.saturating_add(line.quarantined);
            total.parked = total.parked.saturating_add(line.parked);
            total.milliseconds = total.milliseconds.saturating_add(line.milliseconds);
        }
        total
    }
}
