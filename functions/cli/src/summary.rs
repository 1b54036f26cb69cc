//! Summary of a sync, as text for people and as JSON.
//!
//! The summary is made from the result of the loop and from the state alone; it asks Harvest
//! nothing and opens no table. Most members are public: `--json` prints them under their names, and
//! `docs/json.md` defines outcomes and codes of errors.
//!
//! | end of the sync | `complete` | exit code |
//! | --- | --- | --- |
//! | every stream is up to date | true | 0 |
//! | work waits for the budget, or Harvest may not be asked yet | false | 0 |
//! | some stream failed, or another process kept it | false | 1 |
//! | Harvest refused the token | false | 3 |
//! | a signal stopped the sync | false | 128 and the number of the signal |

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
use engine::runbook::Remedy;
use engine::spec::{StreamKind, StreamSpec};
use engine::time::{Timestamp, between};
use runtime::run::RunReport;
use runtime::{Context, RunError};
use serde::Serialize;

use crate::duckdb;
use crate::exit::CliExit;
use crate::rounds::SyncOutcome;
pub(crate) use line::StreamSummary;
use line::{WorkSums, lines, millis};

/// Number of entries far from today that the text names; the JSON has all. One mistyped year in an
/// import may make thousands of them.
const NAMED: usize = 10;

/// A stream that failed: its last run in this sync ended with an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FailedStream {
    pub(crate) stream: String,
    /// Code of the error, of the list in `docs/json.md`.
    pub(crate) error_type: &'static str,
    /// The error and its causes, for people.
    pub(crate) error: String,
    /// Advice: one sentence, without a full stop.
    pub(crate) advice: &'static str,
    /// Place of the runbook about it.
    pub(crate) runbook: String,
}

impl FailedStream {
    fn new(stream: &str, error_type: &'static str, error: String) -> Self {
        let Remedy { advice, heading } = Remedy::of(error_type);
        Self { stream: stream.to_owned(), error_type, error, advice, runbook: heading.link() }
    }
}

/// Work that waits for the budget of one rate class. A rate class has one budget for all its
/// streams, so their work is told together: they share the permits, and durations of single streams
/// would not add up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct WaitingWork {
    /// Name of the rate class: `general` or `reports`.
    pub(crate) class: &'static str,
    /// Streams with work left, each once.
    pub(crate) streams: Vec<String>,
    /// Parts (report windows, parents) of the unfinished passes that are read; `parts` is the
    /// number of all parts, and 0 if the passes have none.
    pub(crate) read: u64,
    pub(crate) parts: u64,
    /// Seconds until the budget has had permits for the rest.
    pub(crate) seconds: i64,
}

/// Summary of a sync, in the form of its JSON document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SyncSummary {
    /// Whether a signal stopped the sync.
    pub(crate) interrupted: bool,
    pub(crate) account_id: i64,
    /// Name of the company; empty if Harvest was never asked.
    pub(crate) company: String,
    /// Name of the person of the token.
    pub(crate) person: String,
    pub(crate) roles: Vec<String>,
    /// Place of the lake, as it was given.
    pub(crate) lake: String,
    pub(crate) began: Timestamp,
    pub(crate) ended: Timestamp,
    /// Duration of the sync, waits included.
    pub(crate) milliseconds: i64,
    /// Streams with at least one run; streams that were up to date already have none.
    pub(crate) streams: Vec<StreamSummary>,
    pub(crate) total: WorkSums,
    /// Streams whose module is off, with the member of `/company` that says so.
    pub(crate) skipped: BTreeMap<String, &'static str>,
    /// Streams that another process works on.
    pub(crate) busy: Vec<String>,
    pub(crate) left: Vec<WaitingWork>,
    /// Time before which Harvest may not be asked, if that kept the sync from some of its work.
    pub(crate) waits_until: Option<Timestamp>,
    /// Text about `waits_until` and its reason, for people.
    #[serde(skip)]
    pub(crate) waiting: Option<String>,
    /// Entries far from today, each of which has a report window of its own; empty if no report was
    /// read.
    pub(crate) outliers: Vec<Outlier>,
    /// Sentences about runs and records that are no failures.
    pub(crate) warnings: Vec<String>,
    /// Streams that failed, by name.
    pub(crate) failures: Vec<FailedStream>,
    /// Shell commands that query the lake, for people who see their first lake.
    pub(crate) queries: Vec<String>,
    /// Whether the lake was made by this sync.
    #[serde(skip)]
    pub(crate) is_new: bool,
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

/// Makes the summary. Apart from `summarize`, so that tests need no state.
fn summary(
    account: AccountId,
    lake: &str,
    synced: &SyncOutcome,
    left: Vec<WaitingWork>,
) -> SyncSummary {
    let streams = lines(&synced.reports);
    let mut failures = failures(&synced.reports);
    // A run that panicked has no report, so it is not among the failures of the reports.
    failures.extend(synced.defects.iter().map(|&stream| {
        let error = format!(
            "a defect of harvest-lake ended the run of `{stream}`, see `panicked` on standard \
             error; please report it. Nothing is lost, the next run goes on"
        );
        FailedStream::new(stream, "Defect", error)
    }));
    let busy: Vec<String> = synced.busy.iter().map(|&name| name.to_owned()).collect();
    // A refused token comes first: other failures of this sync may only follow from it.
    let exit = if synced.credentials_refused {
        CliExit::CredentialsRefused
    } else if let Some(stop) = synced.interrupted {
        stop.exit()
    } else if failures.is_empty() && busy.is_empty() {
        CliExit::Done
    } else {
        CliExit::SomeFailed
    };
    let rows = streams.iter().map(|line| (line.stream.as_str(), line.sums.rows)).collect();
    let queries = duckdb::queries(lake, &rows);
    let person = &synced.account;
    // Days of the account matter to people only if a report was read; a lake without reports needs
    // no warning about them.
    let extent = person.extent.as_ref().filter(|_| reads_reports(&synced.reports));
    SyncSummary {
        waits_until: synced.waiting.map(|waiting| waiting.until),
        waiting: synced.waiting.map(|waiting| waiting.to_string()),
        outliers: extent.map(|extent| extent.outliers.clone()).unwrap_or_default(),
        interrupted: synced.interrupted.is_some(),
        account_id: account.0,
        company: person.company.clone(),
        person: person.person.clone(),
        roles: person.roles.clone(),
        lake: lake.to_owned(),
        began: synced.began,
        ended: synced.ended,
        milliseconds: millis(between(synced.began, synced.ended)),
        total: WorkSums::total(&streams),
        skipped: skipped(&synced.skipped),
        busy,
        left,
        warnings: of_account(person, extent)
            .into_iter()
            .chain(warnings(&streams, &synced.reports))
            .collect(),
        failures,
        queries,
        is_new: false,
        exit,
        streams,
    }
}

/// Returns the streams whose module is off, with the member of `/company` that says so.
fn skipped(specs: &[&'static StreamSpec]) -> BTreeMap<String, &'static str> {
    let module = |spec: &&StreamSpec| spec.module.map_or("", engine::spec::Module::feature);
    specs.iter().map(|spec| (spec.name.to_owned(), module(spec))).collect()
}

/// Returns the streams whose last run failed. A stream that failed and completed in a later run of
/// the same sync is up to date: its failure is over.
fn failures(reports: &[RunReport]) -> Vec<FailedStream> {
    let mut last: BTreeMap<&str, &RunReport> = BTreeMap::new();
    for report in reports {
        // In the order in which runs ended: the last one stays.
        last.insert(report.stream, report);
    }
    let failed = |report: &&RunReport| {
        let error = report.error()?;
        Some(FailedStream::new(report.stream, error.error_type(), error.chain()))
    };
    last.values().filter_map(failed).collect()
}

/// Whether any of the runs read windows of reports.
fn reads_reports(reports: &[RunReport]) -> bool {
    let is_report = |spec: &StreamSpec| matches!(spec.kind, StreamKind::ReportWindow(_));
    reports.iter().any(|report| streams::find(report.stream).is_some_and(is_report))
}

/// Warnings about the account, and about the days that its reports cover. `extent` is `None` if no
/// report was read.
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

/// Warnings about runs and records that are no failures: those of the runs, then findings that cost
/// values, then the rest, stream by stream.
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
        if line.sums.quarantined > 0 {
            warnings.push(format!(
                "{stream}: {} could not become rows; they are kept unchanged in \
                 quarantine/{stream}, and `harvest-lake quarantine` lists them",
                crate::text::plural(line.sums.quarantined, "record", "records")
            ));
        }
        warnings.extend(news::told(&line.drift).map(|finding| format!("{stream}: {finding}")));
        if line.sums.parked > 0 {
            warnings.push(format!(
                "{stream}: {} could not be read; each run tries again, and \
                 `harvest-lake status` says why",
                crate::text::plural(line.sums.parked, "parent", "parents")
            ));
        }
    }
    warnings
}
