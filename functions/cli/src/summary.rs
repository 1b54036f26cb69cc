//! Summary of a sync, as text for people and as JSON.

mod left;
mod line;
mod news;
mod render;
#[cfg(test)]
mod tests;

pub(crate) use render::refusal;

use std::collections::BTreeMap;

use engine::extent::{AccountExtent, Outlier, UnreadList, outliers_sentence};
use engine::ids::AccountId;
use engine::item::AccountItem;
use engine::spec::{StreamKind, StreamSpec};
use engine::time::{Timestamp, between};
use runtime::run::RunReport;
use runtime::{Context, RunError};
use serde::Serialize;

use crate::duckdb;
use crate::exit::CliExit;
use crate::rounds::SyncOutcome;
pub(crate) use line::StreamSummary;
use line::{lines, millis, total};

/// Number of entries far from today that the text names; the JSON has all.
const NAMED: usize = 10;

/// A stream that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FailedStream {
    pub(crate) stream: String,
    pub(crate) error_type: &'static str,
    pub(crate) error: String,
}

/// Work that waits for the budget of one rate class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct WaitingWork {
    pub(crate) class: &'static str,
    pub(crate) streams: Vec<String>,
    /// Parts (report windows, parents) of the unfinished passes that are read; `parts` is their
    /// number.
    pub(crate) read: u64,
    pub(crate) parts: u64,
    /// Seconds until the budget has had permits for the rest.
    pub(crate) seconds: i64,
}

/// Summary of a sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SyncSummary {
    pub(crate) complete: bool,
    pub(crate) interrupted: bool,
    pub(crate) exit_code: u8,
    pub(crate) account_id: i64,
    pub(crate) company: String,
    pub(crate) person: String,
    pub(crate) roles: Vec<String>,
    pub(crate) lake: String,
    pub(crate) began: Timestamp,
    pub(crate) ended: Timestamp,
    pub(crate) milliseconds: i64,
    pub(crate) streams: Vec<StreamSummary>,
    pub(crate) total: StreamSummary,
    /// Streams whose module is off, with the member of `/company` that says so.
    pub(crate) skipped: BTreeMap<String, &'static str>,
    /// Streams that another process works on.
    pub(crate) busy: Vec<String>,
    pub(crate) left: Vec<WaitingWork>,
    /// Time before which Harvest may not be asked, if that kept the sync from some of its work.
    pub(crate) waits_until: Option<Timestamp>,
    /// Text about that time and its reason, for people.
    #[serde(skip)]
    pub(crate) waiting: Option<String>,
    /// Entries far from today, each of which has a report window of its own; empty if no report was
    /// read.
    pub(crate) outliers: Vec<Outlier>,
    pub(crate) warnings: Vec<String>,
    pub(crate) failures: Vec<FailedStream>,
    pub(crate) queries: Vec<String>,
    #[serde(skip)]
    pub(crate) exit: CliExit,
}

/// Adds up the runs of each stream, and reads from the state the work that is left.
///
/// # Errors
/// Fails if the state store fails.
pub(crate) async fn summarize(
    context: &Context,
    lake: &str,
    synced: &SyncOutcome,
) -> Result<SyncSummary, RunError> {
    let left = left::left(context, synced).await?;
    Ok(summary(context.settings.account, lake, synced, left))
}

fn summary(
    account: AccountId,
    lake: &str,
    synced: &SyncOutcome,
    left: Vec<WaitingWork>,
) -> SyncSummary {
    let streams = lines(&synced.reports);
    let mut failures = failures(&synced.reports);
    failures.extend(synced.defects.iter().map(|&stream| FailedStream {
        stream: stream.to_owned(),
        error_type: "Defect",
        error: format!(
            "`{stream}` ended by a defect of harvest-lake, told above; please report it. Nothing \
             is lost, the next run goes on"
        ),
    }));
    let busy: Vec<String> = synced.busy.iter().map(|&name| name.to_owned()).collect();
    let exit = if synced.credentials_refused {
        CliExit::CredentialsRefused
    } else if let Some(stop) = synced.interrupted {
        stop.exit()
    } else if failures.is_empty() && busy.is_empty() {
        CliExit::Done
    } else {
        CliExit::SomeFailed
    };
    let rows = streams.iter().map(|line| (line.stream.as_str(), line.rows)).collect();
    let queries = duckdb::queries(lake, &rows);
    let person = &synced.account;
    let extent = person.extent.as_ref().filter(|_| reads_reports(&synced.reports));
    SyncSummary {
        complete: exit == CliExit::Done && left.is_empty() && synced.waiting.is_none(),
        waits_until: synced.waiting.map(|waiting| waiting.until),
        waiting: synced.waiting.map(|waiting| waiting.to_string()),
        outliers: extent.map(|extent| extent.outliers.clone()).unwrap_or_default(),
        interrupted: synced.interrupted.is_some(),
        exit_code: exit.code(),
        account_id: account.0,
        company: person.company.clone(),
        person: person.person.clone(),
        roles: person.roles.clone(),
        lake: lake.to_owned(),
        began: synced.began,
        ended: synced.ended,
        milliseconds: millis(between(synced.began, synced.ended)),
        total: total(&streams),
        skipped: skipped(&synced.skipped),
        busy,
        left,
        warnings: of_account(person, extent)
            .into_iter()
            .chain(warnings(&streams, &synced.reports))
            .collect(),
        failures,
        queries,
        exit,
        streams,
    }
}

fn skipped(specs: &[&'static StreamSpec]) -> BTreeMap<String, &'static str> {
    let module = |spec: &&StreamSpec| spec.module.map_or("", engine::spec::Module::feature);
    specs.iter().map(|spec| (spec.name.to_owned(), module(spec))).collect()
}

/// Returns the streams whose last run failed.
fn failures(reports: &[RunReport]) -> Vec<FailedStream> {
    let mut last: BTreeMap<&str, &RunReport> = BTreeMap::new();
    for report in reports {
        last.insert(report.stream, report);
    }
    let failed = |report: &&RunReport| {
        let error = report.error()?;
        Some(FailedStream {
            stream: report.stream.to_owned(),
            error_type: error.error_type(),
            error: error.chain(),
        })
    };
    last.values().filter_map(failed).collect()
}

/// Whether any of the runs read windows of reports.
fn reads_reports(reports: &[RunReport]) -> bool {
    let is_report = |spec: &StreamSpec| matches!(spec.kind, StreamKind::ReportWindow(_));
    reports.iter().any(|report| streams::find(report.stream).is_some_and(is_report))
}

/// Warnings about the account, and about the days that its reports cover.
fn of_account(account: &AccountItem, extent: Option<&AccountExtent>) -> Vec<String> {
    let mut warnings = account.doubts.clone();
    let Some(extent) = extent else {
        return warnings;
    };
    // Lists without a replacement are left out: their streams report the failure themselves.
    let replaced = extent.unread.iter().filter(|list| list.instead.is_some());
    warnings.extend(replaced.map(UnreadList::sentence));
    warnings.extend(extent.doubts.iter().cloned());
    warnings.extend(outliers_sentence(&extent.outliers, NAMED));
    warnings
}

/// Warnings about runs and records that are no failures.
fn warnings(lines: &[StreamSummary], reports: &[RunReport]) -> Vec<String> {
    let mut warnings = Vec::new();
    for report in reports {
        if let Some(warning) = &report.warning {
            warnings.push(format!("{}: {warning}", report.stream));
        }
    }
    warnings.extend(news::urgent(lines));
    for line in lines {
        let stream = &line.stream;
        if line.quarantined > 0 {
            warnings.push(format!(
                "{stream}: {} could not become rows; they are kept as they came below \
                 quarantine/{stream}",
                crate::text::plural(line.quarantined, "record", "records")
            ));
        }
        warnings.extend(news::told(&line.drift).map(|finding| format!("{stream}: {finding}")));
        if line.parked > 0 {
            warnings.push(format!(
                "{stream}: {} could not be read; each run tries again",
                crate::text::plural(line.parked, "parent", "parents")
            ));
        }
    }
    warnings
}
