//! Reasons why a report and the records may differ, and the differences without one.

use std::collections::{BTreeMap, BTreeSet};

use engine::time::Timestamp;
use serde::Serialize;

use super::{
    ComparedFigure, MovedRecords, Reconciliation, ReportKind, ReportSums, SumKey, SumSides,
};
use crate::calendar::DayNumber;

/// Most differences that an answer names.
const NAMED: usize = 1000;
/// A cent, with four digits after the point.
const CENT: i128 = 100;

/// Reason why two sums differ, in the order in which reasons are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceReason {
    /// No window of the report has, or ever had, the days of the records.
    NoWindow,
    /// Records changed, moved or went after the report was read.
    ChangedSince,
    /// A timer runs, and grows between two readings.
    TimerRuns,
    /// The amounts differ by a cent for each record at most.
    Rounding,
    /// The report values hours of a fixed fee at their rates, and the records do not.
    FixedFee,
    /// The records are worth more than the report says, and no sweep since has looked for deleted
    /// ones.
    NotSwept,
    /// There is no table of changes that tells whether a record has left the sum, or since when the
    /// report is without it.
    NoHistory,
    /// None of these: the report or the table is wrong.
    Unexplained,
}

/// Comparison of one report with the records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReconciledReport {
    /// Name of the report's table.
    pub report: String,
    /// Windows that the report has, or had before it lost all rows of them.
    pub windows: u64,
    /// Sums compared: one for each window, project and currency.
    pub sums: u64,
    /// Sums that are equal.
    pub equal: u64,
    /// Sums that differ, by reason.
    pub reasons: BTreeMap<DifferenceReason, u64>,
    /// Sums whose amounts are not compared, because the token may not see them, or because nobody
    /// can tell how Harvest comes to the amount of a fixed fee.
    pub without_amounts: u64,
    /// Sums that differ, those without a reason first.
    pub differences: Vec<SumDifference>,
}

/// Two sums that differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SumDifference {
    /// Reason.
    pub reason: DifferenceReason,
    /// First day of the window; null without a window.
    pub period_start: Option<String>,
    /// Last day of the window.
    pub period_end: Option<String>,
    /// Client.
    pub client_id: Option<i64>,
    /// Name of the client.
    pub client: Option<String>,
    /// Project.
    pub project_id: Option<i64>,
    /// Name of the project.
    pub project: Option<String>,
    /// Currency of the amounts.
    pub currency: Option<String>,
    /// Number of records in the sum.
    pub records: u64,
    /// Time at which the report had these numbers; null if it has none of the project.
    pub reported_at: Option<String>,
    /// Figures that differ.
    pub figures: Vec<FigureDifference>,
}

/// Figure of which report and records have two values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FigureDifference {
    /// Column of the report.
    pub figure: &'static str,
    /// Value of the report.
    pub harvest: String,
    /// Value of the records.
    pub here: String,
    /// Value of the records less that of the report.
    pub difference: String,
}

impl ReconciledReport {
    /// Returns the number of sums that differ without a reason.
    #[must_use]
    pub fn findings(&self) -> u64 {
        self.reasons.get(&DifferenceReason::Unexplained).copied().unwrap_or(0)
    }
}

impl Reconciliation {
    /// Returns the comparison of a report that is called `name`. `swept_at` is the time of the last
    /// sweep of the records, in microseconds since 1970; `moved` has the records that left a sum,
    /// as far as tables of changes tell.
    #[must_use]
    pub fn judged(
        &self,
        report: ReportKind,
        name: &str,
        swept_at: Option<i64>,
        moved: &MovedRecords,
    ) -> ReconciledReport {
        let sums = self.of(report);
        let mut judged = ReconciledReport {
            report: name.to_owned(),
            windows: sums.windows.len() as u64,
            sums: sums.sums.len() as u64,
            ..ReconciledReport::default()
        };
        for (key, sides) in &sums.sums {
            let compared = self.compared(report, key, sides);
            judged.without_amounts += u64::from(compared.len() < report.figures().len());
            let differing = differing(&compared, sides);
            if differing.is_empty() {
                judged.equal += 1;
                continue;
            }
            let told_at = key.window.and_then(|window| sums.told_at(window, key.project));
            let reason = reason(key, sides, &differing).unwrap_or_else(|| {
                let is_more = differing.iter().any(|(_, figure)| figure.here > figure.reported);
                let is_dated = !is_more || sides.report_rows > 0 || sums.has_losses;
                match moved.explain(report, key) {
                    Some(true) => DifferenceReason::ChangedSince,
                    _ if is_more && swept_at < told_at => DifferenceReason::NotSwept,
                    Some(false) if is_dated => DifferenceReason::Unexplained,
                    Some(false) | None => DifferenceReason::NoHistory,
                }
            });
            *judged.reasons.entry(reason).or_default() += 1;
            judged.differences.push(self.difference(sums, key, sides, reason, &differing));
        }
        judged.differences.sort_by_key(|one| core::cmp::Reverse(one.reason));
        judged.differences.truncate(NAMED);
        judged
    }

    /// Sums that differ, and for which no reason is found without their history.
    pub(super) fn suspects(&self, report: ReportKind) -> BTreeSet<SumKey> {
        let sums = self.of(report).sums.iter();
        let suspect = sums.filter(|(key, sides)| {
            let differing = differing(&self.compared(report, key, sides), sides);
            !differing.is_empty() && reason(key, sides, &differing).is_none()
        });
        suspect.map(|(key, _)| key.clone()).collect()
    }

    /// Figures of a sum that can be compared, with their places.
    fn compared(
        &self,
        report: ReportKind,
        key: &SumKey,
        sides: &SumSides,
    ) -> Vec<(usize, ComparedFigure)> {
        let is_fee = report == ReportKind::Uninvoiced && self.facts.is_fixed_fee(key.project);
        let without_amounts = sides.is_amount_hidden || is_fee;
        let figures = report.figures().iter().copied().enumerate();
        figures.filter(|(_, figure)| !without_amounts || !figure.is_of_rates(report)).collect()
    }

    fn difference(
        &self,
        sums: &ReportSums,
        key: &SumKey,
        sides: &SumSides,
        reason: DifferenceReason,
        differing: &[(ComparedFigure, TwoValues)],
    ) -> SumDifference {
        let day = |day: DayNumber| day.date().to_string();
        let project = key.project.and_then(|id| self.facts.projects.get(&id));
        let client_id = project.and_then(|project| project.client).or(sides.client);
        let client = client_id.and_then(|id| self.facts.clients.get(&id));
        let client = client.and_then(|client| client.name.clone());
        let told = key.window.zip(key.project).and_then(|key| sums.told.get(&key));
        let told = told.and_then(|at| Timestamp::from_microsecond(*at).ok());
        SumDifference {
            reason,
            period_start: key.window.map(|(first, _)| day(first)),
            period_end: key.window.map(|(_, last)| day(last)),
            client_id,
            client: client.or_else(|| sides.client_name.clone()),
            project_id: key.project,
            project: project
                .and_then(|project| project.name.clone())
                .or_else(|| sides.project_name.clone()),
            currency: key.currency.as_ref().map(|currency| currency.0.to_string()),
            records: sides.records,
            reported_at: told.map(|at| at.to_string()),
            figures: differing
                .iter()
                .map(|(figure, values)| FigureDifference {
                    figure: figure.column(),
                    harvest: text(values.reported, figure.digits()),
                    here: text(values.here, figure.digits()),
                    difference: text(values.difference(), figure.digits()),
                })
                .collect(),
        }
    }
}

/// Values of one figure on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TwoValues {
    reported: i128,
    here: i128,
}

impl TwoValues {
    const fn difference(self) -> i128 {
        self.here.saturating_sub(self.reported)
    }
}

fn differing(
    compared: &[(usize, ComparedFigure)],
    sides: &SumSides,
) -> Vec<(ComparedFigure, TwoValues)> {
    let values = compared.iter().filter_map(|(place, figure)| {
        let (reported, here) = (*sides.reported.get(*place)?, *sides.here.get(*place)?);
        Some((*figure, TwoValues { reported, here }))
    });
    values.filter(|(_, values)| values.difference() != 0).collect()
}

/// Reason that the sum itself shows.
fn reason(
    key: &SumKey,
    sides: &SumSides,
    differing: &[(ComparedFigure, TwoValues)],
) -> Option<DifferenceReason> {
    let is_rounding = |(figure, values): &(ComparedFigure, TwoValues)| {
        figure.digits() == 4
            && values.difference().abs() <= CENT.saturating_mul(sides.records.into())
    };
    let is_of_hours = differing.iter().all(|(figure, _)| {
        matches!(figure, ComparedFigure::BillableAmount | ComparedFigure::UninvoicedAmount)
    });
    if key.window.is_none() {
        Some(DifferenceReason::NoWindow)
    } else if sides.changed > 0 {
        Some(DifferenceReason::ChangedSince)
    } else if sides.has_running_timer {
        Some(DifferenceReason::TimerRuns)
    } else if is_of_hours && sides.report_rows > 0 && differing.iter().all(is_rounding) {
        Some(DifferenceReason::Rounding)
    } else if sides.fee_at_rates != 0
        && matches!(differing, [(ComparedFigure::BillableAmount, values)]
            if values.difference().saturating_add(sides.fee_at_rates) == 0)
    {
        Some(DifferenceReason::FixedFee)
    } else {
        None
    }
}

/// Decimal as text, without needless zeros.
fn text(value: i128, digits: u32) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let all = format!("{:0>width$}", value.unsigned_abs(), width = digits as usize + 1);
    let (before, after) = all.split_at(all.len() - digits as usize);
    let after = after.trim_end_matches('0');
    if after.is_empty() { format!("{sign}{before}") } else { format!("{sign}{before}.{after}") }
}
