//! `harvest-lake quarantine`: lists the records that could not become rows, or tries them again.
//!
//! A record gets there if its id cannot be used, for example. It is kept unchanged in
//! `quarantine/STREAM/`, one file for each run that had some. It never becomes a row itself,
//! because it may be older than the row of the same record (`runtime::operate::quarantine`): a
//! retry reads the stream from Harvest once more.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::sync::Arc;

use deployment::config::{DeploymentSettings, GivenSettings};
use deployment::parts;
use runtime::RunError;
use runtime::operate::quarantine::{QuarantineFile, QuarantineRetry, list};
use runtime::progress::NoProgress;
use runtime::run::RunOutcome;
use runtime::waiting::RequestWait;
use serde_json::{Value, json};

use crate::arguments::{QuarantineArguments, QuarantineCommand, RetryArguments};
use crate::error::CliError;
use crate::exit::CliExit;
use crate::lake_facts::LakeFacts;
use crate::said::{CommandAnswer, TextStyle};
use crate::table::TextTable;
use crate::text;
use crate::upgrade::wanted;
use crate::work;

/// Lists the quarantined records, or tries them again.
pub(crate) async fn quarantine(
    arguments: &QuarantineArguments,
    mut given: GivenSettings,
    paint: TextStyle,
) -> Result<CommandAnswer, CliError> {
    match &arguments.what {
        Some(QuarantineCommand::Retry(wanted)) => retry(wanted, given).await,
        None => {
            arguments.settings.give(&mut given);
            listed(given, paint).await
        }
    }
}

/// Lists the quarantine files of all streams. Asks Harvest nothing, and needs no account: a
/// quarantine has to be looked at while nothing else works.
async fn listed(given: GivenSettings, paint: TextStyle) -> Result<CommandAnswer, CliError> {
    let lake = LakeFacts::of(&given).await?;
    let mut text = String::new();
    let mut documents = Vec::new();
    let mut rows = Vec::new();
    // Also streams that are excluded or whose module is off: their records are still there.
    for spec in streams::STREAMS {
        for file in list(&*lake.store, spec.name).await? {
            let reasons = reasons(&file);
            let records = file.records.as_ref().map(Vec::len);
            let told = reasons.iter().map(|(reason, times)| format!("{reason} ({times})"));
            rows.push(vec![
                spec.name.to_owned(),
                file.at.to_string(),
                // A file that cannot be read has an unknown number of records.
                records.map_or_else(|| "?".to_owned(), |count| count.to_string()),
                told.collect::<Vec<_>>().join(", "),
                file.key.clone(),
            ]);
            documents.push(json!({
                "stream": spec.name, "file": file.key, "at": file.at, "records": records,
                "reasons": reasons,
            }));
        }
    }
    if rows.is_empty() {
        lake.exists().await?;
        text.push_str("The quarantine is empty.\n");
    } else {
        let header = ["stream", "read", "records", "reasons", "file"];
        let table = TextTable { header: &header, numbers: 2..3, spare: &[4], rows };
        text.push_str(&table.text(paint));
        text.push_str(
            "\n`harvest-lake quarantine retry` tries them with this version of harvest-lake.\n",
        );
    }
    let json = json!({ "lake": lake.place.to_string(), "files": documents });
    Ok(CommandAnswer::new(text, json, CliExit::Done))
}

/// Returns the reasons of a file's records, with the number of records of each.
fn reasons(file: &QuarantineFile) -> BTreeMap<String, u64> {
    let mut reasons = BTreeMap::new();
    for record in file.records.iter().flatten() {
        *reasons.entry(record.reason.clone()).or_default() += 1;
    }
    if file.records.is_none() {
        reasons.insert("the file cannot be read".to_owned(), 1);
    }
    reasons
}

/// Tries the records with this version's declarations, stream by stream. Streams of which some
/// record can be read now run a full pass.
///
/// # Errors
/// Fails if a setting is wrong, the lake cannot be opened, or Harvest does not accept the token. A
/// stream that fails is part of the answer, and others go on.
async fn retry(
    arguments: &RetryArguments,
    mut given: GivenSettings,
) -> Result<CommandAnswer, CliError> {
    // The pass writes rows: its flags include privacy, so that it leaves out the same fields as
    // every sync of this lake.
    arguments.settings.give(&mut given);
    let specs = wanted(&arguments.streams)?;
    let deployment = DeploymentSettings::parse(&given)?;
    LakeFacts::of(&given).await?.exists().await?;
    let context = parts::context(&deployment, Arc::new(NoProgress)).await?;
    let mut text = String::new();
    let mut documents = Vec::new();
    let (mut exit, mut left) = (CliExit::Done, false);
    let mut refreshed = false;
    for spec in specs {
        if !refreshed && !list(&*context.store, spec.name).await?.is_empty() {
            // A full pass needs the current roles and modules, and a valid token of an OAuth
            // application. Asked once, and only if there is a quarantined record.
            match orchestrator::prepare(&context).await {
                Ok(_) => refreshed = true,
                Err(RunError::Waits { waiting, .. }) => {
                    return Ok(untried(&deployment.lake.to_string(), waiting));
                }
                Err(error) => return Err(error.into()),
            }
        }
        let retried = match runtime::operate::quarantine::retry(&context, spec).await {
            Ok(retried) => retried,
            Err(error) => {
                exit = CliExit::SomeFailed;
                writeln!(text, "{}: {}", spec.name, error.chain()).unwrap_or_default();
                let failed = RunOutcome::Failed(error);
                documents.push(work::document(spec.name, &failed, members(None)));
                continue;
            }
        };
        let line = told(spec.name, &retried);
        let ended = retried.report.as_ref().map_or(&RunOutcome::Complete, |report| &report.outcome);
        // A pass that yields is no failure: the next sync goes on with it, and the records stay in
        // the quarantine until it is complete.
        match ended {
            RunOutcome::Failed(_) | RunOutcome::Busy { .. } => exit = CliExit::SomeFailed,
            RunOutcome::Yielded(_) => left = true,
            RunOutcome::Complete => {}
        }
        // Without names there is a line only for streams with records; a named stream always has
        // one.
        if retried.records > 0 || !arguments.streams.is_empty() {
            writeln!(text, "{}: {line}", spec.name).unwrap_or_default();
        }
        documents.push(work::document(spec.name, ended, members(Some(&retried))));
    }
    if text.is_empty() {
        text.push_str("The quarantine is empty.\n");
    }
    let json = json!({
        "lake": deployment.lake.to_string(),
        "waits_until": null,
        "streams": documents,
    });
    Ok(CommandAnswer { text, json, exit, left })
}

/// Says that nothing was tried, because Harvest may not be asked before the end of `waiting`.
fn untried(lake: &str, waiting: RequestWait) -> CommandAnswer {
    let text = format!("Nothing was tried: {waiting}. All records are kept; try again then.\n");
    let json = json!({ "lake": lake, "waits_until": waiting.until, "streams": [] });
    CommandAnswer { text, json, exit: CliExit::Done, left: true }
}

/// Returns the members of the document about one stream: `records` are those before the retry,
/// `readable` those of them that can be rows now, `left` those that are still there. All of them
/// are null if the records could not be tried.
fn members(retried: Option<&QuarantineRetry>) -> Value {
    let report = retried.and_then(|retried| retried.report.as_ref());
    json!({
        "records": retried.map(|retried| retried.records),
        "readable": retried.map(|retried| retried.readable),
        "left": retried.map(|retried| retried.left),
        "counts": report.map(|report| report.counts),
    })
}

/// Returns what became of the records, for people.
fn told(stream: &str, retried: &QuarantineRetry) -> String {
    let records = text::plural(retried.records, "record", "records");
    let Some(report) = &retried.report else {
        return match retried.records {
            0 => "no records in the quarantine".to_owned(),
            _ => format!("{records}, none of which can be a row yet; they stay"),
        };
    };
    let readable = format!("{} of {records} can be rows now", retried.readable);
    match &report.outcome {
        RunOutcome::Complete => format!(
            "{readable}; a full pass read them as Harvest has them now ({} inserted, {} updated); \
             {} left",
            report.counts.inserted, report.counts.updated, retried.left
        ),
        RunOutcome::Yielded(_) => format!(
            "{readable}; a full pass has begun: `harvest-lake sync --streams {stream}` goes on"
        ),
        RunOutcome::Busy { until } => {
            format!("{readable}, but a run works on the stream until {until} at least; try again")
        }
        RunOutcome::Failed(error) => format!("{readable}, but: {}", error.chain()),
    }
}
