//! Reading for a comparison of a table with Harvest.
//!
//! It is the reading of a full pass, by the same engine and the same driver: the same permits,
//! retries, rules for refused parents and proof of completeness. Only the end differs: rows go to
//! the caller instead of into the table, and nothing is written anywhere. A sample reads fewer
//! units or the first page of a listing, and therefore proves nothing about the others.

mod sample;

use std::collections::{BTreeMap, BTreeSet};

use delta::table::Table;
use engine::coverage::Coverage;
use engine::item::{AccountItem, StreamPosition};
use engine::pass::{IdSet, ListProof, Pass, Reading, ReadingPlan};
use engine::plan::{ReportHistory, report_windows};
use engine::spec::{ReportWindow, StreamKind};
use engine::time::Timestamp;
use engine::window::Period;
use lake::collect::{CollectedRows, Collector};

use crate::account::{PermitPatience, wait};
use crate::context::Context;
use crate::drive::{Driver, DriverStep};
use crate::error::RunError;
use crate::held::table_units;
use crate::hold::RunBuffer;

/// Part of a stream to read for a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComparedPortion {
    /// Everything: as many requests as a full pass takes.
    All,
    /// Approximate number of records.
    Sample(u64),
}

/// Records of Harvest to compare a table with.
#[derive(Debug)]
pub struct ComparisonReading {
    /// Rows of the records.
    pub rows: CollectedRows,
    /// Part of the table that was read completely: a row in it that is not in `rows` is gone from
    /// Harvest.
    pub coverage: Coverage,
    /// Start of the reading.
    pub began: Timestamp,
    /// Number of requests that it took.
    pub requests: u64,
    /// Number of parents or report windows that were read.
    pub units: u64,
    /// Month of which a sample read records, beside the newest records.
    pub month: Option<Period>,
    /// Number of records that cannot become rows.
    pub quarantined: u64,
    /// Sentences for people about odd answers, and about parts that were not read completely.
    pub remarks: Vec<String>,
}

/// Reads from Harvest what `portion` asks for, to be compared with `table`.
///
/// # Errors
/// Where Harvest refuses the stream or does not answer usably; where Harvest asked to wait; where
/// the table or the state cannot be read.
pub async fn read(
    context: &Context,
    table: &Table,
    position: &StreamPosition,
    portion: ComparedPortion,
) -> Result<ComparisonReading, RunError> {
    let spec = table.schema().spec;
    let began = context.clock.now();
    let plan = plan(context, table, position, portion).await?;
    let month = plan.sample.as_ref().and_then(|sample| sample.periods.first().copied());
    // The decoder drops what the settings exclude and what was erased, so that neither is compared
    // nor shown.
    let decoder = crate::erased::decoder(context, spec).await?;
    let reading = Reading::start(plan);
    let mut driver = Driver::new(context, spec, decoder, Pass::Full, reading);
    let mut hold = RunBuffer::new(context, table.schema().clone());
    drive(context, table, &mut driver, &mut hold).await?;
    let (rows, mut coverage) = hold.take()?;
    let failed = |source| RunError::Store { stream: spec.name, source: Box::new(source) };
    let rows = if let Some(rows) = rows {
        rows
    } else {
        let memory = context.settings.collect_memory;
        let none = Collector::new(table.schema(), context.scratch.clone(), memory);
        none.and_then(Collector::finish).map_err(failed)?
    };
    let quarantined = hold.quarantined.len() as u64;
    let proof = driver.reading.proof();
    let is_listing = matches!(spec.kind, StreamKind::Listing(_));
    // A run proves single rows of a listing gone by their own URLs. Here the whole list is the
    // proof, unless a record of it may be one of the rows that it seems to lack.
    if is_listing && proof == ListProof::Proven && quarantined == 0 {
        coverage = Coverage::Whole { begun: began };
    }
    let mut remarks = driver.reading.remarks();
    if portion == ComparedPortion::All {
        remarks.extend(proof.doubt().map(str::to_owned));
    }
    if let Some(parked) = driver.reading.parked().values().next() {
        let number = driver.reading.parked().len();
        remarks.push(format!("the children of {number} parents were not read: {}", parked.reason));
    }
    let (units, _) = driver.reading.progress();
    let requests = driver.tally.traffic.requests;
    Ok(ComparisonReading { rows, coverage, began, requests, units, month, quarantined, remarks })
}

/// Drives the reading to its end.
async fn drive(
    context: &Context,
    table: &Table,
    driver: &mut Driver,
    hold: &mut RunBuffer,
) -> Result<(), RunError> {
    let spec = table.schema().spec;
    loop {
        match driver.advance(hold).await? {
            DriverStep::Progress => {}
            DriverStep::NeedsHeld => {
                let effects = driver.reading.on_held(table_units(table).await?);
                hold.apply(effects, None)?;
            }
            DriverStep::Waits(at) => {
                let patience = PermitPatience::Budget;
                wait(context, spec.name, spec.rate_class, at, patience).await?;
            }
            DriverStep::Done => return Ok(()),
            DriverStep::NeedsMissing(_) | DriverStep::Stopped => {
                let what = "a comparison looks for no missing rows and is never stopped".to_owned();
                return Err(RunError::Defect { stream: spec.name, what });
            }
        }
    }
}

/// Plan of a full pass that reads `portion` of the stream.
async fn plan(
    context: &Context,
    table: &Table,
    position: &StreamPosition,
    portion: ComparedPortion,
) -> Result<ReadingPlan, RunError> {
    let spec = table.schema().spec;
    let mut plan = ReadingPlan {
        spec,
        pass: Pass::Full,
        cursor: None,
        // Rows from before the setting are compared, too: the table may hold some.
        start_date: None,
        windows: Vec::new(),
        fixed_fees: position.fixed_fees,
        parked: BTreeMap::new(),
        absent: IdSet::default(),
        by_halves: position.by_halves,
        compares: false,
        sample: None,
        width: context.settings.requests_in_flight,
    };
    match (&spec.kind, portion) {
        (StreamKind::Listing(listing), ComparedPortion::Sample(records)) => {
            plan.sample = Some(sample::listing(context, table, listing, records));
        }
        (StreamKind::PerParent(_), ComparedPortion::Sample(records)) => {
            plan.parked = sample::parents(context, table, records).await?;
            plan.sample = Some(sample::newest_parents());
        }
        (StreamKind::ReportWindow(report), portion) => {
            let held = table_units(table).await?.windows;
            plan.windows = match portion {
                ComparedPortion::Sample(_) => sample::windows(context, held),
                ComparedPortion::All => windows(context, report, position, &held),
            };
        }
        (StreamKind::Snapshot(_), _)
        | (StreamKind::Listing(_) | StreamKind::PerParent(_), ComparedPortion::All) => {}
    }
    Ok(plan)
}

/// Returns the windows that a full pass reads, and all others that the table holds.
fn windows(
    context: &Context,
    report: &ReportWindow,
    position: &StreamPosition,
    held: &BTreeSet<Period>,
) -> Vec<Period> {
    let grid = position.grid.unwrap_or(context.settings.grid);
    let years_back = context.settings.report_years_back;
    let history = ReportHistory { start_date: None, years_back, held };
    let (account, now) = (AccountItem::default(), context.clock.now());
    let mut windows = report_windows(report, grid, Pass::Full, &account, history, now);
    let known: BTreeSet<Period> = windows.iter().copied().collect();
    windows.extend(held.difference(&known));
    windows
}
