//! Comparison of tables with Harvest: which can be compared, and the conclusions.

use std::sync::Arc;

use delta::table::Table;
use deployment::config::{DeploymentSettings, GivenSettings};
use deployment::parts;
use engine::item::StreamPosition;
use engine::persisted::PersistedInstants;
use engine::spec::{Listing, Paging, StreamKind, StreamSpec};
use engine::testimony::Testimony;
use engine::time::Timestamp;
use lake::progress::FileProgress;
use lake::verify::{ComparisonRules, TableComparison};
use runtime::account::{self, AccountCompany, PermitPatience};
use runtime::compare::{self, ComparedPortion, ComparisonReading};
use runtime::progress::Progress;
use runtime::waiting::RequestWait;
use runtime::{Context, RunError, records};
use serde::Serialize;

use super::notes::{is_partial, notes_of};
use crate::error::CliError;
use crate::lake_facts::LakeFacts;
use crate::text;

/// Result of the comparison of one stream.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct HarvestComparison {
    /// Part that was read, as text for people.
    pub(super) read: String,
    /// Requests that it took.
    pub(super) requests: u64,
    /// Reason why the stream was not compared, which is no fault of the table.
    pub(super) skipped: Option<String>,
    /// Time before which Harvest may not be asked, if the stream was not compared because of that.
    pub(super) waits_until: Option<Timestamp>,
    /// Code of the error because of which the stream could not be read.
    pub(super) error_type: Option<&'static str>,
    /// That error, for people.
    pub(super) error: Option<String>,
    /// Remarks on the comparison.
    pub(super) notes: Vec<String>,
    /// Number of the first notes that are about the reading: the text has them also where nothing
    /// differs.
    #[serde(skip)]
    pub(super) doubts: usize,
    /// Whether a part that was to be compared was not.
    #[serde(skip)]
    pub(super) is_partial: bool,
    #[serde(flatten)]
    pub(super) compared: TableComparison,
}

impl HarvestComparison {
    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self { skipped: Some(why.into()), ..Self::default() }
    }

    /// Returns the result for a stream that waits for Harvest.
    fn waits(waiting: RequestWait) -> Self {
        let why = format!("nothing may be asked before {}", waiting.until.strftime("%F %T UTC"));
        Self { waits_until: Some(waiting.until), ..Self::skipped(why) }
    }

    /// Returns the result for a stream that could not be read.
    fn failed(error_type: &'static str, error: String) -> Self {
        Self { error_type: Some(error_type), error: Some(error), ..Self::default() }
    }

    /// Number of wrong records, plus one if the stream could not be read.
    pub(super) fn findings(&self) -> u64 {
        self.compared.wrong() + u64::from(self.error.is_some())
    }
}

/// Returns the text of an error of one stream, after which the others can still be compared; `None`
/// for an error that ends the command.
fn of_stream(error: &RunError) -> Option<String> {
    // The cause alone: the error's own advice is for a run, which goes on another time.
    if let RunError::Refused { source, .. } | RunError::Api { source, .. } = error {
        return Some(source.to_string());
    }
    matches!(error, RunError::Page { .. } | RunError::Stopped { .. }).then(|| error.chain())
}

/// Reader that compares tables with Harvest.
#[derive(Debug)]
pub(super) struct HarvestComparer {
    context: Context,
    company: AccountCompany,
    /// Roles of the person of the token.
    roles: Vec<String>,
    portion: ComparedPortion,
    /// Wait because of which nothing can be compared.
    waiting: Option<RequestWait>,
}

impl HarvestComparer {
    /// Returns the reader for the account of the lake: only the token has to be given.
    ///
    /// # Errors
    /// Fails if a setting is wrong, or an answer of Harvest is not usable.
    pub(super) async fn of(
        lake: &LakeFacts,
        mut given: GivenSettings,
        portion: ComparedPortion,
        progress: Arc<dyn Progress>,
    ) -> Result<Self, CliError> {
        lake.name_account(&mut given).await?;
        let deployment = DeploymentSettings::parse(&given)?;
        let context = parts::looking(&deployment, progress).await?;
        Ok(Self::new(context, portion).await?)
    }

    /// Asks Harvest for the person of the token and for the modules. If Harvest may not be asked
    /// soon, nothing will be compared.
    ///
    /// # Errors
    /// Fails if an answer of Harvest is not usable.
    async fn new(context: Context, portion: ComparedPortion) -> Result<Self, RunError> {
        let person = account::person(&context, "account", PermitPatience::Brief).await;
        let company = match &person {
            Ok(_) => account::company(&context, "account", PermitPatience::Brief).await,
            Err(_) => Ok(AccountCompany::default()),
        };
        let (roles, company, waiting) = match (person, company) {
            (Err(RunError::Waits { waiting, .. }), _)
            | (_, Err(RunError::Waits { waiting, .. })) => {
                (Vec::new(), AccountCompany::default(), Some(waiting))
            }
            (person, company) => (person?.roles, company?, None),
        };
        Ok(Self { context, company, roles, portion, waiting })
    }

    /// Compares one table; starts anew if a run deletes files that are being read.
    ///
    /// # Errors
    /// Fails if no stream can be compared, or the table cannot be read.
    pub(super) async fn compare(
        &self,
        spec: &'static StreamSpec,
        table: &mut Table,
        progress: &dyn FileProgress,
    ) -> Result<HarvestComparison, CliError> {
        if let Some(waiting) = self.waiting {
            return Ok(HarvestComparison::waits(waiting));
        }
        let mut tries = 1;
        loop {
            match self.compare_once(spec, table, progress).await {
                Err(error) if error.is_vanished() && tries < crate::lake_facts::TRIES => {
                    tries += 1;
                    table.refresh().await?;
                }
                other => return other,
            }
        }
    }

    async fn compare_once(
        &self,
        spec: &'static StreamSpec,
        table: &mut Table,
        progress: &dyn FileProgress,
    ) -> Result<HarvestComparison, CliError> {
        let position = self.position(spec, table).await?;
        if let Some(why) = self.unasked(spec, &position) {
            return Ok(HarvestComparison::skipped(why));
        }
        let reading = match compare::read(&self.context, table, &position, self.portion).await {
            Ok(reading) => reading,
            Err(RunError::Waits { waiting, .. }) => return Ok(HarvestComparison::waits(waiting)),
            Err(error) => {
                let told = of_stream(&error);
                let failed = told.map(|told| HarvestComparison::failed(error.error_type(), told));
                return failed.ok_or_else(|| error.into());
            }
        };
        let mut comparison = self.described(spec, &position, &reading);
        let ComparisonReading { rows, coverage, began, .. } = reading;
        let present = self.context.present();
        let (cursor, start_date) = (position.cursor, position.start_date);
        let rules = ComparisonRules { coverage, cursor, began, present, start_date };
        // Rows that runs wrote meanwhile must be there, too; their `synced_at` tells that they are
        // newer.
        table.refresh().await?;
        let compared = lake::verify::compare(table, &rows, &rules, progress).await;
        comparison.compared =
            compared.map_err(|source| CliError::Verify { stream: spec.name, source })?;
        Ok(comparison)
    }

    /// Describes a reading for people, without the result of the comparison.
    fn described(
        &self,
        spec: &StreamSpec,
        position: &StreamPosition,
        reading: &ComparisonReading,
    ) -> HarvestComparison {
        let all = self.portion == ComparedPortion::All;
        let mut notes = notes_of(spec, reading, all);
        let doubts = notes.len();
        let is_partial = is_partial(spec, reading, all);
        let read = match (&spec.kind, reading.month) {
            (StreamKind::PerParent(_), _) => text::plural(reading.units, "parent", "parents"),
            (StreamKind::ReportWindow(_), _) => text::plural(reading.units, "window", "windows"),
            (StreamKind::Listing(_), Some(month)) => {
                format!("the newest records, and some of {}", month.start.strftime("%Y-%m"))
            }
            (StreamKind::Listing(_), None) if !all => "the first records".to_owned(),
            (StreamKind::Listing(_) | StreamKind::Snapshot(_), _) if is_partial => {
                "not everything".to_owned()
            }
            (StreamKind::Listing(_) | StreamKind::Snapshot(_), _) => "everything".to_owned(),
        };
        let is_dated = |listing: &Listing| matches!(listing.paging, Paging::DateKeyset { .. });
        if let StreamKind::Listing(listing) = &spec.kind
            && is_dated(listing)
            && let Some(day) = position.start_date
        {
            notes.push(format!(
                "the table begins at {day}: of older records, and of those without a day, only what both have is compared"
            ));
        }
        if let StreamKind::ReportWindow(_) = spec.kind {
            let note = "rows of reports have no updated_at: what changed in Harvest since the last \
                        sync is told as a difference";
            notes.push(note.to_owned());
        }
        HarvestComparison {
            read,
            requests: reading.requests,
            notes,
            doubts,
            is_partial,
            ..HarvestComparison::default()
        }
    }

    /// Returns the position of the stream: that of its item, or that noted in the last commit if it
    /// is newer or the item describes another table.
    async fn position(
        &self,
        spec: &'static StreamSpec,
        table: &Table,
    ) -> Result<StreamPosition, RunError> {
        let account = self.context.settings.account;
        let failed = |source| RunError::State { stream: spec.name, source };
        let present = self.context.present();
        let item = records::stream(&*self.context.state, account, spec.name, &present).await;
        let item = item.map_err(failed)?.value;
        let noted = table.note().and_then(|note| serde_json::from_value(note.state.clone()).ok());
        let mut noted: StreamPosition = noted.unwrap_or_default();
        noted.free(&present);
        let described = item.testimony(table.version(), &table.mark()) != Testimony::OfAnother;
        let newer = noted.cursor > item.position.cursor;
        Ok(if described && !newer { item.position } else { noted })
    }

    fn unasked(&self, spec: &StreamSpec, position: &StreamPosition) -> Option<String> {
        if !self.context.settings.includes(spec.name) {
            return Some("excluded by the settings".to_owned());
        }
        let module = spec.module.map(engine::spec::Module::feature);
        if let Some(module) = module
            && self.company.modules_off.iter().any(|name| name == module)
        {
            return Some(format!("{module} is off"));
        }
        if position.full.last_begun.is_none() {
            return Some("its first full pass is not complete".to_owned());
        }
        let sees_all = self.roles.iter().any(|role| role == "administrator")
            || position.roles.iter().all(|role| self.roles.contains(role));
        (!sees_all).then(|| "this token sees less than the one that wrote the rows".to_owned())
    }
}
