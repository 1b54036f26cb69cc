//! `harvest-lake verify`: whether the lake is whole, and whether it is true.

mod harvest;
mod pages;
mod render;

use std::sync::Arc;

use engine::spec::StreamSpec;
use lake::table::{Table, TableError};
use lake::verify::{Check, Finding, Replayed, Verified};
use runtime::config::{Deployment, Given, NoChanges, find_stream};
use runtime::parts;
use runtime::progress::Silent;
use serde::Serialize;
use serde_json::json;

use crate::arguments::VerifyArguments;
use crate::exit::{CliError, Exit};
use crate::lake_facts::LakeFacts;
use crate::said::{Paint, Said};
use harvest::{Comparison, Extent, Harvest};

/// Records of each stream that are read where nobody says how many.
const SAMPLE: u64 = 200;

impl VerifyArguments {
    /// How much of Harvest is read; `None`: nothing.
    fn extent(&self) -> Option<Extent> {
        let extent =
            if self.all { Extent::All } else { Extent::Sample(self.sample.unwrap_or(SAMPLE)) };
        self.against_harvest.then_some(extent)
    }
}

/// What was found of one stream.
#[derive(Clone, Debug, Default, Serialize)]
struct Verdict {
    stream: &'static str,
    #[serde(flatten)]
    table: Verified,
    /// Where there are any.
    changes: Option<Replayed>,
    /// Where it was asked for.
    harvest: Option<Comparison>,
}

impl Verdict {
    fn findings(&self) -> u64 {
        let of_table = self.table.findings.len() as u64;
        of_table.saturating_add(self.harvest.as_ref().map_or(0, Comparison::findings))
    }
}

/// Reads the tables, and says what is wrong with them.
pub(crate) async fn verify(
    arguments: &VerifyArguments,
    mut given: Given,
    paint: Paint,
) -> Result<Said, CliError> {
    arguments.give(&mut given);
    let named = arguments.streams.iter().map(|name| find_stream(name));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    let lake = LakeFacts::of(&given).await?;
    let harvest = match arguments.extent() {
        None => None,
        Some(extent) => {
            // Before a folder of a mistyped name is made.
            if let (None, Some(first)) = (lake.account().await, streams::STREAMS.first()) {
                return Err(no_table(named.first().unwrap_or(first), &lake));
            }
            lake.name_account(&mut given).await;
            let deployment = Deployment::parse(&given)?;
            let context = parts::context(&deployment, Arc::new(Silent)).await?;
            Some(Harvest::new(context, extent).await?)
        }
    };
    // Those that were kept once are not held against it.
    let no_changes = NoChanges::parse(&given)?;
    let mut verdicts = Vec::new();
    let wanted = if named.is_empty() { streams::STREAMS.to_vec() } else { named.clone() };
    for spec in wanted {
        match table(&lake, spec).await? {
            Some((verified, table)) => {
                let mut verdict =
                    Verdict { stream: spec.name, table: verified, ..Verdict::default() };
                let table = table.filter(|_| is_readable(&verdict.table));
                if let Some(mut table) = table {
                    if no_changes.keeps(spec.name) {
                        verdict.changes = changes(spec, &mut table).await?;
                    }
                    if let Some(harvest) = &harvest {
                        verdict.harvest = Some(harvest.compare(spec, &mut table).await?);
                    }
                } else if harvest.is_some() {
                    verdict.harvest = Some(Comparison::skipped("the table itself is damaged"));
                }
                let found = verdict.changes.iter_mut();
                let found = found.flat_map(|changes| core::mem::take(&mut changes.findings));
                verdict.table.findings.extend(found);
                verdicts.push(verdict);
            }
            None if named.is_empty() => {}
            None => return Err(no_table(spec, &lake)),
        }
    }
    if let (true, Some(first)) = (verdicts.is_empty(), streams::STREAMS.first()) {
        return Err(no_table(first, &lake));
    }
    Ok(said(&lake, &verdicts, paint))
}

fn no_table(spec: &StreamSpec, lake: &LakeFacts) -> CliError {
    CliError::NoTable { stream: spec.name, lake: lake.place.to_string() }
}

/// Whether rows can be compared at all.
fn is_readable(verified: &Verified) -> bool {
    !verified.findings.iter().any(|finding| match finding.check {
        Check::Log | Check::Files | Check::Schema | Check::Order | Check::Unique => true,
        Check::Tags
        | Check::Ranges
        | Check::Rows
        | Check::Statistics
        | Check::Partition
        | Check::Account
        | Check::Changes => false,
    })
}

/// What is wrong with one table, and the table where it can be opened; `None` where there is none.
async fn table(
    lake: &LakeFacts,
    spec: &'static StreamSpec,
) -> Result<Option<(Verified, Option<Table>)>, CliError> {
    match lake.open(spec).await {
        Ok(None) => Ok(None),
        Ok(Some(mut table)) => {
            let verified = lake::verify::verify(&mut table).await;
            let failed = |source| CliError::Verify { stream: spec.name, source };
            Ok(Some((verified.map_err(failed)?, Some(table))))
        }
        Err(error @ TableError::Store { .. }) => Err(error.into()),
        Err(error) => {
            let finding = Finding {
                check: Check::Log,
                file: None,
                what: "the table cannot be used".to_owned(),
                expected: "a log that this version reads".to_owned(),
                found: CliError::Table(error).chain(),
            };
            Ok(Some((Verified { findings: vec![finding], ..Verified::default() }, None)))
        }
    }
}

/// What replaying its changes came to; `None` where there are none.
async fn changes(
    spec: &'static StreamSpec,
    table: &mut Table,
) -> Result<Option<Replayed>, CliError> {
    let store = Arc::clone(table.store());
    let mut changes = match Table::open_changes(store, spec, table.account()).await {
        Ok(Some(changes)) => changes,
        Ok(None) => return Ok(None),
        Err(error @ TableError::Store { .. }) => return Err(error.into()),
        Err(error) => return Ok(Some(Replayed::unusable(CliError::Table(error).chain()))),
    };
    let replayed = lake::verify::replay(table, &mut changes).await;
    replayed.map(Some).map_err(|source| CliError::Verify { stream: spec.name, source })
}

fn said(lake: &LakeFacts, verdicts: &[Verdict], paint: Paint) -> Said {
    let findings: u64 = verdicts.iter().map(Verdict::findings).sum();
    let exit = if findings > 0 { Exit::SomeFailed } else { Exit::Done };
    let documents: Vec<serde_json::Value> = verdicts.iter().map(document).collect();
    let waits = |verdict: &Verdict| verdict.harvest.as_ref()?.waits_until;
    let json = json!({
        "complete": !verdicts.iter().any(|verdict| waits(verdict).is_some()),
        "lake": lake.place.to_string(),
        "streams": documents,
        "findings": findings,
        "exit_code": exit.code(),
    });
    Said { text: render::text(verdicts, paint), json, exit }
}

/// The stream's part of the JSON document: what was found, and of each check how often.
fn document(verdict: &Verdict) -> serde_json::Value {
    let mut document = serde_json::to_value(verdict).unwrap_or_default();
    let counts = Check::ALL.iter().map(|check| {
        let found = verdict.table.findings.iter().filter(|finding| finding.check == *check);
        (check.name().to_owned(), json!(found.count()))
    });
    if let Some(document) = document.as_object_mut() {
        document.insert("checks".to_owned(), counts.collect());
    }
    document
}
