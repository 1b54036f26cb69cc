//! Comparison of tables with Harvest: the part that is read, and the conclusions that it allows.

mod sample;
mod units;

use decode::Decoder;
use delta::table::Table;
use engine::item::StreamPosition;
use engine::pass::Unit;
use engine::persisted::PersistedInstants;
use engine::spec::{Paging, StreamKind, StreamSpec};
use engine::testimony::Testimony;
use engine::time::Timestamp;
use engine::window::Period;
use lake::collect::Collector;
use lake::verify::{ComparisonRules, ReadingCoverage, TableComparison};
use runtime::account::{self, AccountCompany, PermitPatience};
use runtime::waiting::RequestWait;
use runtime::{Context, RunError, records};
use serde::Serialize;

use super::pages::{self, ListError, ListOutcome, ListPart};
use crate::exit::CliError;

/// Part of a stream to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamPortion {
    /// Everything.
    All,
    /// Approximate number of records of each stream.
    Sample(u64),
}

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
    /// Reason why the stream could not be read.
    pub(super) failed: Option<String>,
    /// Remarks on the comparison.
    pub(super) notes: Vec<String>,
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

    /// Number of wrong records, plus one if the stream could not be read.
    pub(super) fn findings(&self) -> u64 {
        self.compared.wrong() + u64::from(self.failed.is_some())
    }
}

/// Rows that were read of a stream, and the units that were read whole.
struct ComparisonRows {
    rows: Collector,
    whole: ReadingCoverage,
    read: String,
    requests: u64,
    notes: Vec<String>,
}

/// Reader that compares tables with Harvest.
#[derive(Debug)]
pub(super) struct HarvestComparer {
    context: Context,
    company: AccountCompany,
    /// Roles of the person of the token.
    roles: Vec<String>,
    extent: StreamPortion,
    /// Wait because of which nothing can be compared.
    waiting: Option<RequestWait>,
}

impl HarvestComparer {
    /// Asks Harvest for the person of the token and for the modules. If Harvest may not be asked
    /// soon, nothing will be compared.
    ///
    /// # Errors
    /// Fails if an answer of Harvest is not usable.
    pub(super) async fn new(context: Context, extent: StreamPortion) -> Result<Self, RunError> {
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
        Ok(Self { context, company, roles, extent, waiting })
    }

    /// Compares one table; starts anew if a run deletes files that are being read.
    ///
    /// # Errors
    /// Fails if no stream can be compared, or the table cannot be read.
    pub(super) async fn compare(
        &self,
        spec: &'static StreamSpec,
        table: &mut Table,
    ) -> Result<HarvestComparison, CliError> {
        if let Some(waiting) = self.waiting {
            return Ok(HarvestComparison::waits(waiting));
        }
        let mut tries = 1;
        loop {
            match self.compare_once(spec, table).await {
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
    ) -> Result<HarvestComparison, CliError> {
        let position = self.position(spec, table).await?;
        if let Some(why) = self.unasked(spec, &position) {
            return Ok(HarvestComparison::skipped(why));
        }
        let began = self.context.clock.now();
        let failed = |source| CliError::Verify { stream: spec.name, source };
        let reading = match self.read(spec, table, &position).await {
            Ok(reading) => reading,
            Err(ListError::Api(error)) => {
                let failed = Some(error.to_string());
                return Ok(HarvestComparison { failed, ..HarvestComparison::default() });
            }
            Err(ListError::Run(error)) => {
                if let RunError::Waits { waiting, .. } = *error {
                    return Ok(HarvestComparison::waits(waiting));
                }
                return Err((*error).into());
            }
            Err(ListError::Kept(source)) => return Err(failed(source)),
        };
        let ComparisonRows { rows, whole, read, requests, notes } = reading;
        let present = self.context.present();
        let against = ComparisonRules { whole, cursor: position.cursor, began, present };
        let rows = rows.finish().map_err(|error| failed(error.into()))?;
        // Rows that runs wrote meanwhile must be there, too; their `synced_at` tells that they are
        // newer.
        table.refresh().await?;
        let compared = lake::verify::compare(table, &rows, &against).await.map_err(failed)?;
        Ok(HarvestComparison { read, requests, notes, compared, ..HarvestComparison::default() })
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

    async fn read(
        &self,
        spec: &'static StreamSpec,
        table: &Table,
        position: &StreamPosition,
    ) -> Result<ComparisonRows, ListError> {
        // The decoder drops erased and excluded fields, so that they are neither compared nor
        // shown.
        let decoder = runtime::erased::decoder(&self.context, spec).await?;
        match &spec.kind {
            StreamKind::Listing(listing) => {
                self.listing(&decoder, table, listing.paging, position).await
            }
            StreamKind::Snapshot(paging) => self.everything(&decoder, *paging).await,
            StreamKind::PerParent(per_parent) => self.children(&decoder, table, per_parent).await,
            StreamKind::ReportWindow(report) => {
                self.windows(&decoder, table, report, position).await
            }
        }
    }

    /// Reads the whole list.
    async fn everything(
        &self,
        decoder: &Decoder,
        paging: Paging,
    ) -> Result<ComparisonRows, ListError> {
        let mut list = ListPart::all(decoder.schema().spec.path);
        if paging == Paging::Single {
            list.per_page = None;
        }
        let (seen, rows) = pages::collected(&self.context, decoder, &list).await?;
        let mut notes = quarantined(&seen);
        let whole = if seen.whole && seen.quarantined == 0 {
            ReadingCoverage::Everything
        } else {
            notes.push(
                "it moved while it was read: rows that Harvest lacks are not told".to_owned(),
            );
            ReadingCoverage::Nothing
        };
        Ok(ComparisonRows {
            rows,
            whole,
            read: "everything".to_owned(),
            requests: seen.requests,
            notes,
        })
    }

    async fn listing(
        &self,
        decoder: &Decoder,
        table: &Table,
        paging: Paging,
        position: &StreamPosition,
    ) -> Result<ComparisonRows, ListError> {
        let size = match self.extent {
            StreamPortion::Sample(size) => size,
            StreamPortion::All => {
                let mut reading = self.everything(decoder, paging).await?;
                if let (Paging::DateKeyset { .. }, Some(day)) = (paging, position.start_date) {
                    let note = format!("the table begins at {day}: older records may be missing");
                    reading.notes.push(note);
                }
                return Ok(reading);
            }
        };
        let first = |size: u64| ListPart {
            per_page: Some(size.clamp(1, u64::from(engine::pass::PER_PAGE))),
            first_page: true,
            ..ListPart::all(decoder.schema().spec.path)
        };
        let month = match paging {
            Paging::DateKeyset { field, .. } => sample::month(&self.context, table, field),
            Paging::Single | Paging::Cursor | Paging::Offset => None,
        };
        let Some(month) = month else {
            let list = first(size);
            let (seen, rows) = pages::collected(&self.context, decoder, &list).await?;
            let (read, notes) = ("the first records".to_owned(), quarantined(&seen));
            let requests = seen.requests;
            return Ok(ComparisonRows {
                rows,
                whole: ReadingCoverage::Nothing,
                read,
                requests,
                notes,
            });
        };
        let list = first(size.div_ceil(2));
        let (mut seen, mut rows) = pages::collected(&self.context, decoder, &list).await?;
        let list = ListPart { filters: between(month), ..list };
        let mut take = |page: decode::DecodedPage| rows.push(page.rows);
        let more = pages::records(&self.context, decoder, &list, Unit::Stream, &mut take).await?;
        seen.requests += more.requests;
        seen.quarantined += more.quarantined;
        let read = format!("the newest records, and some of {}", month.start.strftime("%Y-%m"));
        let (notes, requests) = (quarantined(&seen), seen.requests);
        Ok(ComparisonRows { rows, whole: ReadingCoverage::Nothing, read, requests, notes })
    }
}

fn quarantined(seen: &ListOutcome) -> Vec<String> {
    let records = crate::text::plural(seen.quarantined, "record", "records");
    (seen.quarantined > 0).then(|| format!("{records} without a usable id")).into_iter().collect()
}

fn between(period: Period) -> Vec<(String, String)> {
    let day = |name: &str, day: engine::time::Date| (name.to_owned(), day.to_string());
    vec![day("from", period.start), day("to", period.end)]
}
