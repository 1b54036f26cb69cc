//! `harvest-lake verify`: checks that the tables are whole, and that they agree with Harvest.
//!
//! Two questions, with different needs. Whether a table agrees with its own log, its declaration
//! and its changes is answered from the lake alone (`lake::verify`), without account and token.
//! Whether it agrees with Harvest (`harvest`) needs a token and requests from the shared budget, so
//! it is asked only with `--against-harvest`. `docs/verify.md` lists all checks.
//!
//! Nothing is changed, and no lease is taken: runs may commit meanwhile. A check that found
//! something is made again if the versions have changed meanwhile, `TRIES` times at most, because
//! such a finding may mix two versions.

mod ahead;
mod harvest;
mod notes;
mod render;
mod reports;
mod stream;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use delta::table::{Table, TableError};
use deployment::config::{GivenSettings, no_changes};
use engine::ids::AccountId;
use engine::spec::StreamSpec;
use lake::verify::{ReplayedChanges, TableCheck, VerifiedTable, VerifyFinding};
use runtime::compare::ComparedPortion;
use runtime::erased::unfinished_erasures;
use runtime::settings::NoChanges;
use serde_json::json;
use streams::{find_stream, find_table};

use crate::arguments::VerifyArguments;
use crate::display::{DisplayForm, StepDisplay, StepMeasure};
use crate::error::CliError;
use crate::exit::CliExit;
use crate::lake_facts::{LakeFacts, TRIES, TableKind};
use crate::said::{CommandAnswer, TextStyle};
use ahead::{WorkAhead, has_changes, planned};
use harvest::{HarvestComparer, HarvestComparison};
use reports::ComparedReports;
use stream::{StreamFindings, is_readable};

/// Approximate number of records of each stream that are read without `--sample`.
const SAMPLE: u64 = 200;

impl VerifyArguments {
    /// Part of Harvest to read; `None` for nothing.
    fn portion(&self) -> Option<ComparedPortion> {
        let portion = if self.all {
            ComparedPortion::All
        } else {
            ComparedPortion::Sample(self.sample.unwrap_or(SAMPLE))
        };
        self.against_harvest.then_some(portion)
    }
}

/// Checks the tables, and returns the findings.
///
/// # Errors
/// Fails if a name or a setting is wrong, there is no table to check, an erasure has not ended, or the
/// lake or Harvest cannot be read. Damage is no error but a finding: the other tables are checked as well.
pub(crate) async fn verify(
    arguments: &VerifyArguments,
    mut given: GivenSettings,
    show: DisplayForm,
    paint: TextStyle,
) -> Result<CommandAnswer, CliError> {
    arguments.settings.give(&mut given);
    // The ledger is a table of ours: Harvest has nothing to compare it with.
    let find = if arguments.against_harvest { find_stream } else { find_table };
    let named = arguments.streams.iter().map(|name| find(name));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    let lake = LakeFacts::of(&given).await?;
    let account = lake.account().await?;
    let erased = unfinished_erasures(&*lake.store).await?.first().copied();
    // Checked first, so that no folder with a mistyped name is made.
    if let (true, None, Some(first)) =
        (arguments.against_harvest, account, streams::STREAMS.first())
    {
        return Err(lake.no_table(named.first().unwrap_or(first), TableKind::Rows));
    }
    // Tables of changes that are no longer kept are not checked.
    let no_changes = no_changes(&given)?;
    let mut verdicts = Vec::new();
    let wanted = if named.is_empty() { streams::STREAMS.to_vec() } else { named.clone() };
    let concerned = reports::are_concerned(&named);
    let portion = arguments.portion();
    let ahead = WorkAhead { reports: concerned, harvest: portion.is_some() };
    let planned = planned(&lake, &wanted, &no_changes, ahead).await;
    let measure = match portion {
        Some(ComparedPortion::Sample(_)) => StepMeasure::Tables,
        Some(ComparedPortion::All) | None => StepMeasure::Bytes,
    };
    let steps = StepDisplay::measured(show, "verify", planned, measure);
    let harvest = match portion {
        None => None,
        Some(portion) => Some(HarvestComparer::of(&lake, given, portion, steps.progress()).await?),
    };
    for spec in wanted {
        steps.begin();
        match settled(&lake, spec, &no_changes, &steps).await? {
            Some((mut verdict, table)) => {
                verdict.forgive_differences(erased.filter(|_| spec.personal.is_some()));
                if let Some(harvest) = &harvest {
                    verdict.harvest = Some(match table {
                        Some(mut table) => harvest.compare(spec, &mut table, &steps).await?,
                        None => HarvestComparison::skipped("the table itself is damaged"),
                    });
                }
                verdicts.push(verdict);
            }
            // A stream without a table is an error only if a person has named it: a lake may have
            // been filled with few streams.
            None if named.is_empty() => {}
            None => return Err(lake.no_table(spec, TableKind::Rows)),
        }
    }
    // No table at all is an error: "no findings" would say that a mistyped lake is whole.
    if let (true, Some(first)) = (verdicts.is_empty(), streams::STREAMS.first()) {
        return Err(lake.no_table(first, TableKind::Rows));
    }
    let readable = verdicts.iter().all(|verdict| is_readable(&verdict.table));
    let reports = if concerned && readable {
        steps.begin();
        Some(Box::pin(reports::compare(&lake, &no_changes, &steps)).await?)
    } else {
        // Rows that cannot be read say nothing about a report.
        None
    };
    drop(steps);
    let answer = said((&lake, account), &verdicts, reports.as_ref(), paint);
    with_erasure(answer, erased)
}

/// Adds to the findings that the erasure of a user has not ended; `None`: there is none.
///
/// # Errors
/// Returns that as an error if there is no other finding.
fn with_erasure(mut answer: CommandAnswer, user: Option<i64>) -> Result<CommandAnswer, CliError> {
    let Some(user) = user else { return Ok(answer) };
    let error = CliError::ErasureUnfinished { user };
    if answer.exit == CliExit::Done {
        return Err(error);
    }
    answer.text.push_str(&error.to_string());
    answer.text.push('\n');
    Ok(answer)
}

/// Checks one stream; returns the findings, and the table if its rows can be compared. Findings
/// made while a run commits may mix two versions, or concern files that are gone by then: the check
/// starts anew.
async fn settled(
    lake: &LakeFacts,
    spec: &'static StreamSpec,
    no_changes: &NoChanges,
    steps: &StepDisplay,
) -> Result<Option<(StreamFindings, Option<Table>)>, CliError> {
    let mut tries = 1;
    loop {
        let before = lake.versions(spec).await;
        let looked = look(lake, spec, no_changes, steps).await;
        // A sound result needs no second look, even if a run has committed meanwhile.
        let sound = match &looked {
            Ok(Some((verdict, _))) => verdict.findings() == 0,
            Ok(None) => true,
            Err(_) => false,
        };
        if sound || tries >= TRIES || lake.versions(spec).await == before {
            return looked;
        }
        tries += 1;
    }
}

/// Checks one stream once. Findings in the table of changes are counted with those of the table.
async fn look(
    lake: &LakeFacts,
    spec: &'static StreamSpec,
    no_changes: &NoChanges,
    steps: &StepDisplay,
) -> Result<Option<(StreamFindings, Option<Table>)>, CliError> {
    let Some((verified, table)) = table(lake, spec, steps).await? else {
        return Ok(bereft(lake, spec).await?.map(|verdict| (verdict, None)));
    };
    // Rows that cannot be read, or not be paired by key, would make every later comparison fail for
    // the same reason.
    let mut table = table.filter(|_| is_readable(&verified));
    let mut verdict =
        StreamFindings { stream: spec.name, table: verified, ..StreamFindings::default() };
    if let Some(table) = &mut table
        && has_changes(spec, no_changes)
    {
        verdict.changes = changes(spec, table, steps).await?;
    }
    let found = verdict.changes.iter_mut();
    let found = found.flat_map(|changes| core::mem::take(&mut changes.findings));
    verdict.table.findings.extend(found);
    Ok(Some((verdict, table)))
}

/// Finding of a stream whose table of changes is there without its table; `None` if there is neither. The
/// first sync makes both, so the table was deleted.
async fn bereft(
    lake: &LakeFacts,
    spec: &'static StreamSpec,
) -> Result<Option<StreamFindings>, CliError> {
    match lake.open_changes(spec).await {
        Ok(None) => return Ok(None),
        Err(error @ TableError::Store { .. }) => return Err(error.into()),
        Ok(Some(_)) | Err(_) => {}
    }
    Ok(Some(StreamFindings::without_table(spec.name)))
}

/// Checks one table; returns the findings, and the table if it can be opened. `None` if there is no
/// table.
async fn table(
    lake: &LakeFacts,
    spec: &'static StreamSpec,
    steps: &StepDisplay,
) -> Result<Option<(VerifiedTable, Option<Table>)>, CliError> {
    match lake.open(spec).await {
        Ok(None) => Ok(None),
        Ok(Some(mut table)) => {
            let verified = lake::verify::verify(&mut table, steps).await;
            let failed = |source| CliError::Verify { stream: spec.name, source };
            Ok(Some((verified.map_err(failed)?, Some(table))))
        }
        // A store that does not answer says nothing about the table, so it is no finding.
        Err(error @ TableError::Store { .. }) => Err(error.into()),
        Err(error) => {
            let finding = VerifyFinding {
                check: TableCheck::Log,
                file: None,
                what: "the table cannot be used".to_owned(),
                expected: "a log that this version reads".to_owned(),
                found: CliError::Table(error).chain(),
            };
            Ok(Some((VerifiedTable { findings: vec![finding], ..VerifiedTable::default() }, None)))
        }
    }
}

/// Replays the changes of a table and returns the result; `None` if there is no table of changes.
async fn changes(
    spec: &'static StreamSpec,
    table: &mut Table,
    steps: &StepDisplay,
) -> Result<Option<ReplayedChanges>, CliError> {
    let store = Arc::clone(table.store());
    let mut changes = match Table::open_changes(store, spec, table.account()).await {
        Ok(Some(changes)) => changes,
        Ok(None) => return Ok(None),
        Err(error @ TableError::Store { .. }) => return Err(error.into()),
        Err(error) => return Ok(Some(ReplayedChanges::unusable(CliError::Table(error).chain()))),
    };
    let replayed = lake::verify::replay(table, &mut changes, steps).await;
    replayed.map(Some).map_err(|source| CliError::Verify { stream: spec.name, source })
}

/// Returns the findings as text and as JSON. Work is left if a comparison had to leave something out
/// because Harvest may not be asked now.
fn said(
    (lake, account): (&LakeFacts, Option<AccountId>),
    verdicts: &[StreamFindings],
    reports: Option<&ComparedReports>,
    paint: TextStyle,
) -> CommandAnswer {
    let of_tables: u64 = verdicts.iter().map(StreamFindings::findings).sum();
    let findings = of_tables.saturating_add(reports.map_or(0, ComparedReports::findings));
    let exit = if findings > 0 { CliExit::SomeFailed } else { CliExit::Done };
    let documents: Vec<serde_json::Value> = verdicts.iter().map(StreamFindings::document).collect();
    let waits = |verdict: &StreamFindings| verdict.harvest.as_ref()?.waits_until;
    let left = verdicts.iter().any(|verdict| waits(verdict).is_some());
    let place = lake.place.to_string();
    let json = json!({
        "lake": place,
        "account_id": account.map(|account| account.0),
        "findings": findings,
        "streams": documents,
        "reports": reports,
    });
    CommandAnswer { text: render::text(verdicts, reports, paint), json, exit, left }
}
