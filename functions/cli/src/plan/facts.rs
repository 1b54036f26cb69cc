//! Input of the forecast: from the state alone, or also from answers of Harvest.
//!
//! | fact | from the state | with `--ask` |
//! | --- | --- | --- |
//! | records of a list | rows of its table, if it was read whole | `total_entries` of Harvest |
//! | windows of a report | the calendar, once the extent is known | the extent as it is now |
//! | modules that are off | as of the last run | as they are now |
//! | used permits | the budget's item | the same |

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

use crate::error::CliError;
use crate::lake_facts::LakeFacts;
use crate::probe::{ProbeAnswer, probe};
use crate::stored::{StateContents, budget};

/// Facts about a deployment from which its runs are forecast.
#[derive(Clone, Debug)]
pub(super) struct ForecastInput {
    pub(super) settings: Settings,
    /// Items of all streams, in the order of the declarations.
    items: Vec<StreamItem>,
    /// Number of records of each list, and of windows of each report, as far as they are known.
    pub(super) amounts: StreamSizes,
    /// Limits with the configured percentage applied, and used permits: of the general class, then
    /// of reports.
    budgets: [BudgetUse; 2],
    /// Streams whose module is off.
    pub(super) skipped: Vec<&'static str>,
    /// Streams that the settings leave out.
    pub(super) excluded: Vec<&'static str>,
    /// Wait because of which Harvest could not be asked, if `--ask` was given.
    pub(super) waiting: Option<RequestWait>,
}

/// State of a stream that matters for its next run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunRemark {
    /// A run of this pass is at work.
    Running,
    /// Harvest refuses the stream to the person of the token; it is tried daily.
    Refused,
    /// The last run failed.
    Failing,
}

impl RunRemark {
    /// Returns the word of the document, which is that of `status`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Refused => "refused",
            Self::Failing => "failing",
        }
    }

    /// Returns the remark for people.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Refused => "refused: tried daily",
            Self::Failing => "failed before",
        }
    }
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
            // People who plan often do so because the budget is full: they get the plan of what is
            // known, and the wait.
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
        // Before the extent is asked for: lists of a module that is off are left out there.
        known.modules_off = company.modules_off;
        // In memory alone. A plan does not write what it has learned: the next run asks anyway.
        known.extent = Some(account::extent(context, known).await?);
        Ok(amounts)
    }

    /// Adds the budgets and the time, the last parts that have to be read.
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

    /// Puts the facts together. Pure, so that tests need no state.
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
            // Excluded comes first: a person who excluded a stream does not care for its module.
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
                // An incremental pass of a report reads the recent windows, a full pass all windows
                // back to the first entry. Windows that hold rows outside of the extent are read by
                // a full pass, too; only the table knows them, and it is not opened here, so that
                // the number may be a little too small.
                let recent = settings.grid.recent(utc_day(now)).len() as u64;
                let all = || {
                    let (start_date, years_back) =
                        (settings.start_date, settings.report_years_back);
                    let history = ReportHistory { start_date, years_back, held: &BTreeSet::new() };
                    report_windows(report, settings.grid, Pass::Full, &account, history, now).len()
                };
                // Without the extent nothing tells how far back windows reach, and any number would
                // be a guess.
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

    /// Returns the budget of `class`.
    pub(super) const fn budget(&self, class: RateClass) -> BudgetUse {
        let [general, reports] = self.budgets;
        match class {
            RateClass::General => general,
            RateClass::Reports => reports,
        }
    }

    /// Returns the remark about the stream of a planned run, if there is one.
    pub(super) fn remark(&self, one: &PlannedRun, now: Timestamp) -> Option<RunRemark> {
        let place = streams::STREAMS.iter().position(|spec| spec.name == one.spec.name)?;
        let item = self.items.get(place)?;
        let held = item.lease.as_ref().is_some_and(|lease| lease.is_held(now));
        if held && item.working_on == Some(one.pass) {
            Some(RunRemark::Running)
        } else if item.health.refused {
            Some(RunRemark::Refused)
        } else if item.health.last_error.is_some() {
            Some(RunRemark::Failing)
        } else {
            None
        }
    }
}

/// Applies the configured percentage to both limits, and counts the used permits. Permits of later
/// windows count, too, so the number is cut at the limit.
fn budgets_of(settings: &Settings, items: &[BudgetItem; 2], now: Timestamp) -> [BudgetUse; 2] {
    let [general, reports] = items;
    [(general, settings.general), (reports, settings.reports)].map(|(item, limit)| {
        let limit = limit.percent(settings.budget_percent);
        BudgetUse { limit, used: item.used(limit, now).min(limit.requests()) }
    })
}
