//! The reading of a run: the saved one to go on with, or a new one.
//!
//! A saved reading is used only as long as it means the same as when it was saved: same start date,
//! its object still there, its form known to this release, and no more windows left than the plan
//! has. In any other case the pass begins anew. That costs requests and loses nothing: the rows
//! that were read are in the table, and a pass that is not complete has proven nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::account::PersonRoles;
use engine::cursor;
use engine::extent::UnreadList;
use engine::item::{AccountItem, ResumablePass};
use engine::pass::{MissingRows, MissingScope, Pass, Reading, ReadingPlan};
use engine::plan::{ReportHistory, is_about, report_windows};
use engine::position::PassStart;
use engine::spec::{RateClass, ReportWindow, StreamKind};
use lake::collect::SeenIds;

use super::Run;
use crate::drive::Driver;
use crate::error::RunError;
use crate::held::table_units;
use crate::records;
use crate::waiting::{RequestWait, WaitFor};

impl Run {
    /// Fails before the first request if the account item shows that the person of the token sees
    /// less than the person who wrote the rows.
    ///
    /// The item may be some minutes old. The check before each commit, which asks Harvest, is the
    /// one that protects rows; this one spares the requests.
    pub(super) async fn check_roles(&mut self) -> Result<(), RunError> {
        let stream = self.stream();
        let account = records::account(
            &*self.context.state,
            self.context.settings.account,
            &self.context.present(),
        )
        .await
        .map_err(|source| RunError::State { stream, source })?;
        if account.value.read_at.is_none() {
            return Ok(());
        }
        let (person, roles) = (account.value.person_id, &account.value.roles);
        self.suffices(person, roles)?;
        let last = self.item.value.position.sight_of_last(PersonRoles { person, roles });
        self.person_sights = [self.sight(person, roles), last];
        Ok(())
    }

    /// Fails if Harvest has asked to wait with general requests and this stream reads with others: each
    /// commit asks for the person of the token, so what is read now could not be written.
    pub(super) async fn check_general_class(&self) -> Result<(), RunError> {
        let (stream, class) = (self.stream(), RateClass::General);
        if self.order.spec.rate_class == class {
            return Ok(());
        }
        let blocked = self.context.gate.blocked_until(class).await;
        let blocked = blocked.map_err(|source| RunError::State { stream, source })?;
        blocked.map_or(Ok(()), |until| {
            let waiting = RequestWait { class, until, reason: WaitFor::Harvest };
            Err(RunError::Waits { stream, waiting })
        })
    }

    /// Returns the saved reading to go on with, or a new one; the ids that the pass has seen; and
    /// the unfinished pass, `None` if the pass begins with this run.
    pub(super) async fn reading(
        &mut self,
        unfinished: Option<ResumablePass>,
    ) -> Result<(Reading, Option<SeenIds>, Option<ResumablePass>), RunError> {
        let mut plan = self.plan().await?;
        let start_date = self.context.settings.start_date;
        if let Some(unfinished) = unfinished
            && unfinished.start_date == start_date
            && let Some(saved) = self.load(&unfinished.resume).await?
        {
            let seen = self.seen(&unfinished).await?;
            // Without the ids of earlier runs every row of theirs would look missing, and a sweep that
            // compares nothing is none: it begins anew.
            if let Ok(reading) = Reading::resume(plan.clone(), &saved)
                && !is_beyond(&plan, &reading)
                && (seen.is_some() || !reading.watches())
            {
                return Ok((reading, seen, Some(unfinished)));
            }
        }
        // Rows can only be missing from a table that has some.
        let listing = matches!(self.order.spec.kind, StreamKind::Listing(_));
        plan.compares = listing && self.order.pass == Pass::Full && self.table.rows() > 0;
        let seen = plan.compares.then(SeenIds::default);
        Ok((Reading::start(plan), seen, None))
    }

    /// Returns the ids that the pass saw in earlier runs; `None` if the pass keeps none, or its
    /// object is gone or damaged.
    async fn seen(&self, unfinished: &ResumablePass) -> Result<Option<SeenIds>, RunError> {
        let Some(key) = &unfinished.seen else {
            return Ok(None);
        };
        let stream = self.stream();
        let bytes = self.context.store.get(key).await;
        let bytes = bytes.map_err(|source| RunError::Store { stream, source: Box::new(source) })?;
        Ok(bytes.and_then(|bytes| SeenIds::from_bytes(&bytes).ok()))
    }

    /// Returns the rows of the table within `scope` that no page of the sweep had. Of each file of
    /// the table only the columns of keys, days and reading times are decoded.
    pub(super) async fn missing(
        &self,
        scope: &MissingScope,
        seen: Arc<SeenIds>,
    ) -> Result<MissingRows, RunError> {
        let stream = self.stream();
        let (root, schema, files) = (self.table.root(), self.table.schema(), self.table.files());
        let (store, judge) = (&*self.context.store, self.judge());
        lake::merge::missing(store, root, schema, files, scope, seen, judge)
            .await
            .map_err(|source| RunError::Store { stream, source: Box::new(source) })
    }

    /// Returns what the reading needs to know of state, settings and, for reports, of the account.
    ///
    /// A full pass over a report reads the windows that hold rows as well as those of the account's
    /// days. A window whose entries were all deleted would otherwise never be read again, and its
    /// rows would stay.
    async fn plan(&mut self) -> Result<ReadingPlan, RunError> {
        let settings = &self.context.settings;
        let position = &self.item.value.position;
        let mut windows = Vec::new();
        if let StreamKind::ReportWindow(report) = &self.order.spec.kind {
            let grid = position.grid.unwrap_or(settings.grid);
            if grid != settings.grid {
                let (stream, wanted) = (self.stream(), settings.grid);
                return Err(RunError::OtherGrid { stream, has: grid, wanted });
            }
            let (has, wanted) = (position.fixed_fees, settings.fixed_fees);
            // Rows with both kinds of amounts in one table could not be told apart.
            if report.values_fixed_fees && position.grid.is_some() && has != wanted {
                return Err(RunError::OtherFixedFees { stream: self.stream(), has, wanted });
            }
            let present = self.context.present();
            let account = records::account(&*self.context.state, settings.account, &present)
                .await
                .map_err(|source| RunError::State { stream: self.stream(), source })?
                .value;
            let pass = self.order.pass;
            let held = match pass {
                Pass::Incremental => BTreeSet::new(),
                Pass::Full => {
                    self.check_history(report, &account)?;
                    let far = account.extent.as_ref();
                    let far = far.and_then(|extent| extent.incomplete(|it| is_about(report, it)));
                    self.notices.extend(far.map(UnreadList::sentence));
                    table_units(&self.table).await?.windows
                }
            };
            let (start_date, years_back) = (settings.start_date, settings.report_years_back);
            let history = ReportHistory { start_date, years_back, held: &held };
            let now = self.context.clock.now();
            windows = report_windows(report, grid, pass, &account, history, now);
        }
        let mut absent = self.load(&position.absent).await?.unwrap_or_default();
        absent.0.extend(self.load(&position.spared).await?.unwrap_or_default().0);
        Ok(ReadingPlan {
            spec: self.order.spec,
            pass: self.order.pass,
            cursor: position.cursor,
            start_date: settings.start_date,
            windows,
            fixed_fees: settings.fixed_fees,
            parked: self.load(&position.parked).await?.unwrap_or_default(),
            absent,
            by_halves: position.by_halves,
            compares: false,
            sample: None,
            width: (settings.requests_in_flight >> self.pace().halvings()).max(1),
        })
    }

    /// Fails for a full pass over a report if nothing tells how far back the account goes. The pass
    /// would count as complete although it read the recent windows alone.
    fn check_history(&self, report: &ReportWindow, account: &AccountItem) -> Result<(), RunError> {
        let unread = |dated| is_about(report, dated);
        match account.extent.as_ref().and_then(|extent| extent.unknown(unread)) {
            None => Ok(()),
            Some(list) => {
                Err(RunError::NoHistory { stream: self.stream(), unread: list.sentence() })
            }
        }
    }

    /// Returns the start of the pass, by our clock and by the server's. It stays the same over all
    /// runs of a pass. A pass that has no answer yet gets a start five minutes before our time: an
    /// early start only reads a little again.
    pub(super) fn start(&self, driver: &Driver, unfinished: Option<&ResumablePass>) -> PassStart {
        let (begun, by_server) = match (unfinished, &driver.first_answer) {
            (Some(unfinished), _) => (unfinished.begun, unfinished.start),
            (None, Some((date, at))) => (self.begun, cursor::pass_start(*date, *at)),
            (None, None) => (self.begun, cursor::pass_start(None, self.begun)),
        };
        PassStart { begun, by_server }
    }
}

/// Whether a saved reading of reports has more windows left than the plan: it was saved by a
/// version that gave days far from today no windows of their own.
fn is_beyond(plan: &ReadingPlan, reading: &Reading) -> bool {
    let (_, left) = reading.progress();
    matches!(plan.spec.kind, StreamKind::ReportWindow(_)) && left > plan.windows.len() as u64
}
