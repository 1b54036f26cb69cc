//! Input of the forecast: from the state alone, or also from answers of Harvest.

use std::collections::BTreeSet;
use std::sync::Arc;

use deployment::config::{DeploymentSettings, GivenSettings};
use deployment::parts;
use engine::budget::BudgetItem;
use engine::forecast::{BudgetUse, PlannedRun, StreamSizes};
use engine::item::{AccountItem, StreamItem};
use engine::pass::Pass;
use engine::plan::{ReportHistory, StreamStanding, report_windows, standing};
use engine::spec::{RateClass, StreamKind, StreamSpec};
use engine::time::{Timestamp, utc_day};
use runtime::account::{self, PermitPatience};
use runtime::clock::{Clock as _, SystemClock};
use runtime::progress::NoProgress;
use runtime::settings::Settings;
use runtime::waiting::RequestWait;
use runtime::{Context, RunError};

use crate::exit::CliError;
use crate::lake_facts::LakeFacts;
use crate::probe::{ProbeAnswer, probe};
use crate::stored::{StateContents, budget};

/// Facts about a deployment from which its runs are forecast.
#[derive(Clone, Debug)]
pub(super) struct ForecastInput {
    pub(super) settings: Settings,
    items: Vec<StreamItem>,
    pub(super) amounts: StreamSizes,
    budgets: [BudgetUse; 2],
    /// Streams whose module is off.
    pub(super) skipped: Vec<&'static str>,
    /// Streams that the settings leave out.
    pub(super) excluded: Vec<&'static str>,
    /// Wait because of which Harvest could not be asked, if `--ask` was given.
    pub(super) waiting: Option<RequestWait>,
}

impl ForecastInput {
    /// Returns the facts of the state; asks Harvest nothing.
    pub(super) async fn known(
        lake: &LakeFacts,
        given: &mut GivenSettings,
    ) -> Result<Self, CliError> {
        let deployment = lake.deployment(given).await?;
        let stored = StateContents::of(&deployment).await?;
        Self::of(&deployment, stored, StreamSizes::default()).await
    }

    /// Returns the facts of the state and of Harvest.
    pub(super) async fn asked(given: &GivenSettings) -> Result<Self, CliError> {
        let deployment = DeploymentSettings::parse(given)?;
        let context = parts::looking(&deployment, Arc::new(NoProgress)).await?;
        let mut stored = StateContents::of(&deployment).await?;
        match Self::ask(&context, &mut stored.account).await {
            Ok(amounts) => Self::of(&deployment, stored, amounts).await,
            Err(RunError::Waits { waiting, .. }) => {
                let known = Self::of(&deployment, stored, StreamSizes::default()).await?;
                Ok(Self { waiting: Some(waiting), ..known })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Asks Harvest for the number of records of each stream, and for the reach of the account.
    async fn ask(context: &Context, known: &mut AccountItem) -> Result<StreamSizes, RunError> {
        let company = account::company(context, "account", PermitPatience::Brief).await?;
        let mut amounts = StreamSizes::default();
        // Reports are not asked: the calendar tells the number of their windows.
        let lists =
            streams::STREAMS.into_iter().filter(|spec| spec.rate_class == RateClass::General);
        for one in probe(context, &company, lists).await? {
            if let ProbeAnswer::Entries { entries } = one.answer {
                amounts.records.insert(one.stream, entries);
            }
        }
        known.modules_off = company.modules_off;
        known.extent = Some(account::extent(context, known).await?);
        Ok(amounts)
    }

    async fn of(
        deployment: &DeploymentSettings,
        stored: StateContents,
        amounts: StreamSizes,
    ) -> Result<Self, CliError> {
        let budgets = [
            budget(deployment, RateClass::General).await?,
            budget(deployment, RateClass::Reports).await?,
        ];
        Ok(Self::new(deployment.settings.clone(), stored, amounts, &budgets, SystemClock.now()))
    }

    pub(super) fn new(
        settings: Settings,
        stored: StateContents,
        mut amounts: StreamSizes,
        budgets: &[BudgetItem; 2],
        now: Timestamp,
    ) -> Self {
        let StateContents { account, items } = stored;
        let (mut skipped, mut excluded) = (Vec::new(), Vec::new());
        for (spec, item) in streams::STREAMS.into_iter().zip(&items) {
            if !settings.includes(spec.name) {
                excluded.push(spec.name);
            } else if standing(spec, &account) == StreamStanding::Skipped {
                skipped.push(spec.name);
            }
            if item.position.full.last_begun.is_some() {
                // Rows of the table stand for records that Harvest was not asked about.
                amounts.records.entry(spec.name).or_insert(item.health.rows);
            }
            if let StreamKind::ReportWindow(report) = &spec.kind {
                let recent = settings.grid.recent(utc_day(now)).len() as u64;
                let all = || {
                    let (start_date, years_back) =
                        (settings.start_date, settings.report_years_back);
                    let history = ReportHistory { start_date, years_back, held: &BTreeSet::new() };
                    report_windows(report, settings.grid, Pass::Full, &account, history, now).len()
                };
                let all = account.extent.is_some().then(|| all() as u64);
                amounts.windows.insert(spec.name, (recent, all));
            }
        }
        let budgets = budgets_of(&settings, budgets, now);
        Self { settings, items, amounts, budgets, skipped, excluded, waiting: None }
    }

    /// Streams that are neither skipped nor excluded, with their items.
    pub(super) fn runs(&self) -> Vec<(&'static StreamSpec, &StreamItem)> {
        let left_out = |name| self.skipped.contains(&name) || self.excluded.contains(&name);
        let all = streams::STREAMS.into_iter().zip(&self.items);
        all.filter(|(spec, _)| !left_out(spec.name)).collect()
    }

    pub(super) const fn budget(&self, class: RateClass) -> BudgetUse {
        let [general, reports] = self.budgets;
        match class {
            RateClass::General => general,
            RateClass::Reports => reports,
        }
    }

    /// Returns a remark about the stream of a planned run: it is running, refused or failed before.
    pub(super) fn remark(&self, one: &PlannedRun, now: Timestamp) -> Option<&'static str> {
        let place = streams::STREAMS.iter().position(|spec| spec.name == one.spec.name)?;
        let item = self.items.get(place)?;
        let held = item.lease.as_ref().is_some_and(|lease| lease.is_held(now));
        if held && item.working_on == Some(one.pass) {
            Some("running")
        } else if item.health.refused {
            Some("refused: tried daily")
        } else if item.health.last_error.is_some() {
            Some("failed before")
        } else {
            None
        }
    }
}

fn budgets_of(settings: &Settings, items: &[BudgetItem; 2], now: Timestamp) -> [BudgetUse; 2] {
    let [general, reports] = items;
    [(general, settings.general), (reports, settings.reports)].map(|(item, limit)| {
        let limit = limit.percent(settings.budget_percent);
        BudgetUse { limit, used: item.used(limit, now).min(limit.requests()) }
    })
}
