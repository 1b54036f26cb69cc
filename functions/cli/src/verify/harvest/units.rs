//! Reading of many small lists: the children of parents, and report windows.

use std::collections::{BTreeMap, BTreeSet};

use decode::Decoder;
use delta::table::Table;
use engine::item::{AccountItem, StreamPosition};
use engine::pass::{Parent, Pass, Unit};
use engine::plan::{ReportHistory, report_windows};
use engine::retry::RequestFailure;
use engine::spec::{PerParent, ReportWindow, StreamKind, StreamSpec};
use engine::window::{Period, WindowGrid};
use futures::StreamExt as _;
use harvest_api::ApiError;
use lake::collect::{Collector, UnitBuffer};
use lake::verify::ReadingCoverage;
use runtime::Context;

use super::{ComparisonRows, HarvestComparer, StreamPortion, between, sample};
use crate::text;
use crate::verify::pages::{self, ListError, ListPart};

/// Number of lists that are read at the same time.
const SIDE_BY_SIDE: usize = 4;

impl HarvestComparer {
    pub(super) async fn windows(
        &self,
        decoder: &Decoder,
        table: &Table,
        report: &ReportWindow,
        position: &StreamPosition,
    ) -> Result<ComparisonRows, ListError> {
        let held = sample::held(table).await.map_err(ListError::Kept)?.periods;
        let grid = position.grid.unwrap_or(self.context.settings.grid);
        let all = self.extent == StreamPortion::All;
        let wanted: BTreeSet<Period> = if all {
            let held = held.into_keys().collect();
            let read = windows_around(report, grid, &self.context, &held);
            held.into_iter().chain(read).collect()
        } else {
            sample::windows(&self.context, held.into_keys().collect())
        };
        let units = wanted.iter().map(|period| (Unit::Window(*period), between(*period)));
        let read = text::plural(wanted.len() as u64, "window", "windows");
        let path = decoder.schema().spec.path;
        let lists =
            units.map(|(unit, filters)| (unit, ListPart { filters, ..ListPart::all(path) }));
        let mut notes = vec![
            "rows of reports have no updated_at: what changed in Harvest since the last sync is \
             told as a difference"
                .to_owned(),
        ];
        let read_units = self.units(decoder, lists.collect(), &mut notes).await?;
        let whole: BTreeSet<Period> = read_units
            .whole
            .iter()
            .filter_map(|unit| match unit {
                Unit::Window(period) => Some(*period),
                Unit::Stream | Unit::Parent(_) => None,
            })
            .collect();
        let whole = if all && whole == wanted {
            ReadingCoverage::Everything
        } else {
            ReadingCoverage::Periods(whole)
        };
        Ok(ComparisonRows {
            rows: read_units.rows,
            whole,
            read,
            requests: read_units.requests,
            notes,
        })
    }

    pub(super) async fn children(
        &self,
        decoder: &Decoder,
        table: &Table,
        per_parent: &PerParent,
    ) -> Result<ComparisonRows, ListError> {
        let spec = decoder.schema().spec;
        let mut list = ListPart::all(per_parent.trigger.path);
        if let StreamPortion::Sample(_) = self.extent {
            (list.per_page, list.first_page) = (Some(100), true);
        }
        let found = pages::parents(&self.context, spec, per_parent, &list).await?;
        let (trigger, found) = found;
        let mut parents: BTreeMap<i64, Option<i64>> = BTreeMap::new();
        let mut childless = BTreeSet::new();
        for record in found {
            let asks = match (per_parent.only_role, &record.access_roles) {
                (Some(role), Some(roles)) => roles.iter().any(|own| own == role),
                (Some(_) | None, _) => true,
            };
            if asks {
                parents.insert(record.parent.id, record.parent.created_year);
            } else {
                childless.insert(record.parent.id);
            }
        }
        if let StreamPortion::Sample(size) = self.extent {
            childless.clear();
            parents = sample::parents(&self.context, table, parents, size)
                .await
                .map_err(ListError::Kept)?;
        }
        let read = text::plural(parents.len() as u64, "parent", "parents");
        let lists = parents.iter().map(|(&id, &created_year)| {
            let path = spec.path.replace("{parent}", &id.to_string());
            (Unit::Parent(Parent { id, created_year }), ListPart::all(&path))
        });
        let mut notes = Vec::new();
        let read_units = self.units(decoder, lists.collect(), &mut notes).await?;
        let complete = read_units.whole.len() == parents.len();
        let mut whole = childless;
        whole.extend(read_units.whole.iter().filter_map(|unit| match unit {
            Unit::Parent(parent) => Some(parent.id),
            Unit::Stream | Unit::Window(_) => None,
        }));
        let everything = self.extent == StreamPortion::All
            && complete
            && trigger.whole
            && trigger.quarantined == 0;
        let whole =
            if everything { ReadingCoverage::Everything } else { ReadingCoverage::Parents(whole) };
        let requests = trigger.requests + read_units.requests;
        Ok(ComparisonRows { rows: read_units.rows, whole, read, requests, notes })
    }

    /// Reads units, `SIDE_BY_SIDE` at a time.
    async fn units(
        &self,
        decoder: &Decoder,
        lists: Vec<(Unit, ListPart)>,
        notes: &mut Vec<String>,
    ) -> Result<UnitRows, ListError> {
        let context = &self.context;
        let memory = context.settings.collect_memory;
        let rows = Collector::new(decoder.schema(), context.scratch.clone(), memory)?;
        let mut units = UnitRows { rows, whole: BTreeSet::new(), requests: 0 };
        let mut reading = futures::stream::iter(lists)
            .map(|(unit, list)| async move {
                let read = pages::unit(context, decoder, &list, unit).await;
                (unit, list, read)
            })
            .buffered(SIDE_BY_SIDE);
        while let Some((unit, list, read)) = reading.next().await {
            let (seen, buffer) = match read {
                Ok(read) => read,
                Err(ListError::Api(error)) if has_none(decoder.schema().spec, &error) => {
                    units.requests += 1;
                    units.whole.insert(unit);
                    continue;
                }
                Err(error) => return Err(error),
            };
            units.requests += seen.requests;
            if seen.whole && seen.quarantined == 0 {
                units.whole.insert(unit);
            } else {
                notes.push(format!("{} was not read whole", list.path));
            }
            for rows in UnitBuffer::into_rows(buffer) {
                units.rows.push(rows)?;
            }
        }
        drop(reading);
        Ok(units)
    }
}

/// Returns the windows from the oldest to the newest that a table holds; windows far from today
/// stand alone, without those between.
fn windows_around(
    report: &ReportWindow,
    grid: WindowGrid,
    context: &Context,
    held: &BTreeSet<Period>,
) -> Vec<Period> {
    let years_back = context.settings.report_years_back;
    let history = ReportHistory { start_date: None, years_back, held };
    let (account, now) = (AccountItem::default(), context.clock.now());
    report_windows(report, grid, Pass::Full, &account, history, now)
}

/// Rows of the units that were read.
struct UnitRows {
    rows: Collector,
    /// Units that were read whole.
    whole: BTreeSet<Unit>,
    requests: u64,
}

/// Whether the refusal means that there are no children: the parent is gone, or lacks the role that
/// has children.
fn has_none(spec: &StreamSpec, error: &ApiError) -> bool {
    let StreamKind::PerParent(per_parent) = &spec.kind else { return false };
    let failure = error.failure();
    (*failure == RequestFailure::NotFound && error.is_from_harvest())
        || (*failure == RequestFailure::Invalid(422) && per_parent.only_role.is_some())
}
