//! What a run reads: the reading to go on with, or a new one.

use engine::item::Unfinished;
use engine::pass::{HeldUnits, Pass, Plan, Reading};
use engine::plan::report_windows;
use engine::spec::Kind;

use super::{Run, load};
use crate::error::RunError;
use crate::records;

impl Run {
    /// Stops before the first request where the orchestrator found that the token sees less.
    pub(super) async fn check_roles(&self) -> Result<(), RunError> {
        let stream = self.stream();
        let account = records::account(&*self.context.state, self.context.settings.account)
            .await
            .map_err(|source| RunError::State { stream, source })?;
        if account.value.read_at.is_none() {
            return Ok(());
        }
        self.suffices(account.value.person_id, &account.value.roles)
    }

    /// The reading to go on with, or a new one.
    pub(super) async fn reading(
        &mut self,
        unfinished: Option<Unfinished>,
    ) -> Result<(Reading, Option<Unfinished>), RunError> {
        let plan = self.plan().await?;
        let start_date = self.context.settings.start_date;
        if let Some(unfinished) = unfinished
            && unfinished.start_date == start_date
            && let Some(saved) = load(&self.context, &unfinished.resume).await
            && let Ok(reading) = Reading::resume(plan.clone(), &saved)
        {
            return Ok((reading, Some(unfinished)));
        }
        Ok((Reading::start(plan), None))
    }

    async fn plan(&mut self) -> Result<Plan, RunError> {
        let settings = &self.context.settings;
        let position = &self.item.value.position;
        let mut windows = Vec::new();
        if let Kind::ReportWindow(report) = &self.order.spec.kind {
            let grid = position.grid.unwrap_or(settings.grid);
            if grid != settings.grid {
                let (stream, wanted) = (self.stream(), settings.grid);
                return Err(RunError::OtherGrid { stream, has: grid, wanted });
            }
            let account = records::account(&*self.context.state, settings.account)
                .await
                .map_err(|source| RunError::State { stream: self.stream(), source })?
                .value;
            let held = match self.order.pass {
                Pass::Incremental => None,
                Pass::Full => {
                    let held = self.held().await?.windows;
                    held.first().zip(held.last()).map(|(first, last)| (first.start, last.end))
                }
            };
            let now = self.context.clock.now();
            let (pass, start) = (self.order.pass, settings.start_date);
            windows = report_windows(report, grid, pass, &account, held, start, now);
        }
        Ok(Plan {
            spec: self.order.spec,
            pass: self.order.pass,
            cursor: position.cursor,
            start_date: settings.start_date,
            windows,
            parked: load(&self.context, &position.parked).await.unwrap_or_default(),
            width: (settings.requests_in_flight >> self.caution()).max(1),
        })
    }

    /// Which units the table holds rows of.
    pub(super) async fn held(&self) -> Result<HeldUnits, RunError> {
        let any = self.table.rows() > 0;
        if !any || matches!(self.order.spec.kind, Kind::Listing(_) | Kind::Snapshot(_)) {
            return Ok(HeldUnits { any, ..HeldUnits::default() });
        }
        let stream = self.stream();
        let held = lake::partition::held_units(
            &*self.context.store,
            self.table.root(),
            self.table.schema(),
            self.table.files(),
        )
        .await
        .map_err(|source| RunError::Store { stream, source: Box::new(source) })?;
        let windows = held.periods.keys().copied().collect();
        Ok(HeldUnits { any, parents: held.parents.into_keys().collect(), windows })
    }
}
