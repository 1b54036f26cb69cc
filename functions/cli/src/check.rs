//! `harvest-lake check`: tells whether a sync would succeed, without running one.
//!
//! It asks Harvest for the person of the token, the company and one small page of each stream, and
//! looks at the lake. It writes nothing but the permits of its requests: a lake or state that does
//! not exist is not made (`parts::looking`).
//!
//! It never waits long. If the budget has no room, or Harvest asked to wait, the check says until
//! when, with exit code 0 and `complete: false`: nothing is wrong. Exit code 1 means that a sync
//! would fail for some stream now, because Harvest refuses it, its answer cannot be used, or its
//! table cannot be used; or, with `--notify`, that news would not arrive.

mod render;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use delta::table::Table;
use deployment::config::{DeploymentSettings, GivenSettings};
use deployment::parts;
use engine::spec::RateClass;
use runtime::account::{self, AccountCompany, PermitPatience};
use runtime::heard::TokenPerson;
use runtime::progress::NoProgress;
use runtime::waiting::RequestWait;
use runtime::{Context, RunError};
use serde::Serialize;
use serde_json::{Value, json};

use crate::arguments::CheckArguments;
use crate::error::CliError;
use crate::exit::CliExit;
use crate::notice::{self, TriedReceiver};
use crate::probe::{ProbeAnswer, StreamProbe, probe};
use crate::said::{CommandAnswer, TextStyle};

/// Result of the check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckReport {
    /// Wait because of which Harvest could not be asked; its text is for people, so the document
    /// has the time alone.
    waiting: Option<RequestWait>,
    /// Receivers of news that were tried; none without `--notify`.
    tried: Vec<TriedReceiver>,
    /// Answers of Harvest that could not be used.
    doubts: Vec<String>,
    account_id: i64,
    person: String,
    roles: Vec<String>,
    /// Whether the person of the token is an administrator, who sees everything.
    administrator: bool,
    company: String,
    /// Members of `/company` whose modules are off, such as `invoice_feature`.
    modules_off: Vec<String>,
    budgets: Vec<BudgetReport>,
    lake: String,
    lake_state: LakeState,
    streams: Vec<StreamProbe>,
    /// Whether streams were named: then the text has these alone.
    named: bool,
}

/// Use of one rate budget: permits given for the window that ends now and for later, at most the
/// limit, and the limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct BudgetReport {
    class: &'static str,
    used: u32,
    limit: u32,
    window_milliseconds: i64,
}

/// The lake as it is found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct LakeState {
    /// Whether the folder of the lake exists; always `true` for a bucket, which is not asked.
    exists: bool,
    /// Number of tables that can be used, and the number of their rows.
    tables: u64,
    rows: u64,
    /// Tables that cannot be used, with the reason.
    unusable: Vec<UnusableTable>,
}

/// A table that cannot be used, and the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct UnusableTable {
    stream: &'static str,
    error: String,
}

/// Asks Harvest for the person of the token, the modules that are on, and the size of each stream.
///
/// # Errors
/// Fails if a setting is wrong, the lake belongs to another account or cannot be written, Harvest
/// does not accept the token or does not answer, or the state cannot be read. All else is part of
/// the answer.
pub(crate) async fn check(
    arguments: &CheckArguments,
    given: GivenSettings,
    paint: TextStyle,
) -> Result<CommandAnswer, CliError> {
    Ok(report(arguments, given).await?.said(paint))
}

/// Does the same, and returns the report.
///
/// # Errors
/// Fails as [`check`] does.
pub(crate) async fn report(
    arguments: &CheckArguments,
    mut given: GivenSettings,
) -> Result<CheckReport, CliError> {
    arguments.settings.give(&mut given);
    arguments.streams.give(&mut given);
    let deployment = DeploymentSettings::parse(&given)?;
    let tried = if arguments.notify { notice::trial(&deployment).await? } else { Vec::new() };
    let context = parts::looking(&deployment, Arc::new(NoProgress)).await?;
    let (asked, waiting) = match asked(&context).await {
        Ok(asked) => (asked, None),
        Err(RunError::Waits { waiting, .. }) => (HarvestAnswers::default(), Some(waiting)),
        Err(error) => return Err(error.into()),
    };
    // After the questions, and also if they could not be asked: the lake is half of the check.
    let lake = lake_state(&context, &deployment).await;
    let budgets = budgets(&context).await?;
    let findings = findings(&deployment, asked, lake, budgets);
    Ok(CheckReport { waiting, tried, ..findings })
}

/// Answers of Harvest.
#[derive(Default)]
struct HarvestAnswers {
    person: TokenPerson,
    company: AccountCompany,
    streams: Vec<StreamProbe>,
}

/// Asks Harvest. The person comes first: `/users/me` is open to every role, so that its refusal
/// means that the token itself is wrong.
async fn asked(context: &Context) -> Result<HarvestAnswers, RunError> {
    let person = account::person(context, "account", PermitPatience::Brief).await?;
    let company = account::company(context, "account", PermitPatience::Brief).await?;
    let streams = probe(context, &company, streams::STREAMS).await?;
    Ok(HarvestAnswers { person, company, streams })
}

/// Puts the findings together, without a wait for Harvest and without receivers.
fn findings(
    deployment: &DeploymentSettings,
    asked: HarvestAnswers,
    lake: LakeState,
    budgets: Vec<BudgetReport>,
) -> CheckReport {
    let HarvestAnswers { person, company, streams } = asked;
    CheckReport {
        waiting: None,
        tried: Vec::new(),
        doubts: person.doubts.into_iter().chain(company.doubts).collect(),
        account_id: deployment.settings.account.0,
        administrator: person.roles.iter().any(|role| role == "administrator"),
        person: person.name,
        roles: person.roles,
        company: company.name,
        modules_off: company.modules_off,
        budgets,
        lake: deployment.lake.to_string(),
        lake_state: lake,
        named: deployment.settings.streams.is_some(),
        streams,
    }
}

/// Returns what is found in the lake. A table that cannot be used is a finding: the other tables
/// are still looked at.
async fn lake_state(context: &Context, deployment: &DeploymentSettings) -> LakeState {
    let exists = deployment.lake.folder().is_none_or(std::path::Path::exists);
    let mut found = LakeState { exists, ..LakeState::default() };
    for spec in streams::STREAMS {
        let store = Arc::clone(&context.store);
        match Table::open(store, spec, context.settings.account).await {
            Ok(None) => {}
            Ok(Some(table)) => {
                found.tables = found.tables.saturating_add(1);
                found.rows = found.rows.saturating_add(table.rows());
            }
            Err(error) => {
                let error = CliError::Table(error).chain();
                found.unusable.push(UnusableTable { stream: spec.name, error });
            }
        }
    }
    found
}

/// Returns the use of both budgets.
async fn budgets(context: &Context) -> Result<Vec<BudgetReport>, RunError> {
    let mut budgets = Vec::new();
    for class in [RateClass::General, RateClass::Reports] {
        let state = |source| RunError::State { stream: class.name(), source };
        let (used, limit) = context.gate.used(class).await.map_err(state)?;
        let window = i64::try_from(limit.window().as_millis()).unwrap_or(i64::MAX);
        budgets.push(BudgetReport {
            class: class.name(),
            used,
            limit: limit.requests(),
            window_milliseconds: window,
        });
    }
    Ok(budgets)
}

impl CheckReport {
    /// Returns the report as text and as JSON. Work is left if the budget had no room for some of
    /// the questions.
    pub(crate) fn said(&self, paint: TextStyle) -> CommandAnswer {
        let unasked = |probe: &StreamProbe| matches!(probe.answer, ProbeAnswer::NoBudget { .. });
        let left = self.waiting.is_some() || self.streams.iter().any(unasked);
        let failed = self.streams.iter().any(|probe| probe.answer.fails())
            || self.tried.iter().any(TriedReceiver::has_failed)
            || !self.lake_state.unusable.is_empty();
        let exit = if failed { CliExit::SomeFailed } else { CliExit::Done };
        CommandAnswer { text: self.text(paint), json: self.document(), exit, left }
    }

    fn document(&self) -> Value {
        json!({
            "account_id": self.account_id,
            "company": self.company,
            "person": self.person,
            "roles": self.roles,
            "administrator": self.administrator,
            "modules_off": self.modules_off,
            "doubts": self.doubts,
            "waits_until": self.waiting.map(|waiting| waiting.until),
            "budgets": self.budgets,
            "lake": self.lake,
            "lake_state": self.lake_state,
            "notified": self.tried,
            "streams": self.streams.iter().map(StreamProbe::document).collect::<Vec<_>>(),
        })
    }
}
