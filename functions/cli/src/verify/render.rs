//! Findings of `verify` as text for people.

use delta::table::rebuild_advice;
use lake::verify::{RowDifference, TableCheck, VerifyFinding};
use report::{DifferenceReason, ReconciledReport, SumDifference};

use super::StreamFindings;
use super::harvest::HarvestComparison;
use super::reports::ComparedReports;
use crate::said::TextStyle;
use crate::table::TextTable;
use crate::text;

/// Most findings of one stream that the text has; the JSON has all.
const SHOWN: usize = 20;

pub(super) fn text(
    verdicts: &[StreamFindings],
    reports: Option<&ComparedReports>,
    paint: TextStyle,
) -> String {
    let rows = verdicts.iter().map(|verdict| {
        vec![
            verdict.stream.to_owned(),
            verdict.table.version.to_string(),
            text::count(verdict.table.files),
            text::count(verdict.table.rows),
            text::bytes(verdict.table.bytes),
            match verdict.table.findings.len() as u64 {
                0 => "✓".to_owned(),
                found => text::plural(found, "finding", "findings"),
            },
            verdict.changes.as_ref().map_or_else(String::new, |changes| {
                let pending = if changes.pending { ", last pending" } else { "" };
                format!("{}{pending}", text::count(changes.changes))
            }),
            verdict.harvest.as_ref().map_or_else(String::new, against),
        ]
    });
    let asked = verdicts.iter().any(|verdict| verdict.harvest.is_some());
    let header =
        ["stream", "version", "files", "rows", "size", "table", "changes", "against Harvest"];
    let columns = if asked { 8 } else { 7 };
    let rows = rows.map(|mut row: Vec<String>| {
        row.truncate(columns);
        row
    });
    let header = header.get(..columns).unwrap_or_default();
    let rows = rows.collect();
    let spare = [1, 2, 4];
    let mut text = TextTable { header, numbers: 1..5, spare: &spare, rows }.text(paint);
    for verdict in verdicts {
        for finding in verdict.table.findings.iter().take(SHOWN) {
            text.push('\n');
            text.push_str(&line(verdict.stream, finding, paint));
        }
        let more = verdict.table.findings.len().saturating_sub(SHOWN) as u64;
        if more > 0 {
            let line = format!("\n✗ {}: {} more, see `--json`\n", verdict.stream, more);
            text.push_str(&paint.bad(&line));
        }
    }
    for verdict in verdicts {
        if let Some(comparison) = &verdict.harvest {
            text.push_str(&differences(verdict.stream, comparison, paint));
        }
    }
    for report in reports.iter().flat_map(|reports| &reports.reports) {
        text.push_str(&compared_report(report, paint));
    }
    if reports.is_some_and(|reports| !reports.reports.is_empty()) {
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&end(verdicts));
    text
}

/// One line about a report that agrees, and those sums that differ without a reason.
fn compared_report(report: &ReconciledReport, paint: TextStyle) -> String {
    let sums = text::plural(report.sums, "sum", "sums");
    let windows = text::plural(report.windows, "window", "windows");
    let reasons = report.reasons.iter().filter(|(why, _)| **why != DifferenceReason::Unexplained);
    let told: Vec<String> =
        reasons.map(|(why, number)| format!("{} {}", text::count(*number), reason(*why))).collect();
    let told = if told.is_empty() { String::new() } else { format!("; {}", told.join(", ")) };
    let equal = text::count(report.equal);
    if report.findings() == 0 {
        return format!(
            "\n✓ {} and the records: {equal} of {sums} in {windows} are equal{told}",
            report.report
        );
    }
    let differ = text::plural(report.findings(), "sum differs", "sums differ");
    let mut text = paint.bad(&format!(
        "\n✗ {} and the records: {differ} without a reason, {equal} of {sums} in {windows} are \
         equal{told}\n",
        report.report
    ));
    let unexplained = report.differences.iter();
    let unexplained = unexplained.filter(|one| one.reason == DifferenceReason::Unexplained);
    for difference in unexplained.take(SHOWN) {
        text.push_str(&sum(difference));
    }
    text.push_str(
        "  Read both anew: `harvest-lake sync --pass full`, then verify again. If they still \
         differ, docs/verify.md says how to find out which is wrong\n",
    );
    text
}

/// One sum that differs: where, and the figures of both sides.
fn sum(difference: &SumDifference) -> String {
    let name = |name: &Option<String>, id: Option<i64>| match (name, id) {
        (Some(name), _) => name.clone(),
        (None, Some(id)) => id.to_string(),
        (None, None) => "none".to_owned(),
    };
    let of = |day: &Option<String>| day.clone().unwrap_or_default();
    let figures = difference.figures.iter().map(|figure| {
        let (figure, harvest, here) = (figure.figure, &figure.harvest, &figure.here);
        format!("{figure} {harvest} in the report, {here} here")
    });
    let figures: Vec<String> = figures.collect();
    let currency = difference.currency.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
    format!(
        "  {} to {}, {}, {}{currency}: {}\n",
        of(&difference.period_start),
        of(&difference.period_end),
        name(&difference.client, difference.client_id),
        name(&difference.project, difference.project_id),
        figures.join("; ")
    )
}

/// Reason of a difference, after its number.
const fn reason(reason: DifferenceReason) -> &'static str {
    match reason {
        DifferenceReason::NoWindow => "of days that were not reported",
        DifferenceReason::ChangedSince => "changed since the report",
        DifferenceReason::TimerRuns => "with a running timer",
        DifferenceReason::Rounding => "differ by rounding",
        DifferenceReason::FixedFee => "value a fixed fee's hours at their rates",
        DifferenceReason::NotSwept => "may have records that Harvest deleted: the next sweep tells",
        DifferenceReason::NoHistory => "without a table of changes to explain them",
        DifferenceReason::Unexplained => "differ",
    }
}

/// Result of the comparison, as one cell of the table.
fn against(comparison: &HarvestComparison) -> String {
    if let Some(why) = &comparison.skipped {
        return format!("not compared: {why}");
    }
    if comparison.error.is_some() {
        return "could not be read".to_owned();
    }
    let compared = &comparison.compared;
    let mut parts = Vec::new();
    for (number, what) in [
        (compared.missing_here, "missing here"),
        (compared.missing_in_harvest, "missing in Harvest"),
        (compared.differing, "different"),
    ] {
        if number > 0 {
            parts.push(format!("{} {what}", text::count(number)));
        }
    }
    if parts.is_empty() {
        // The mark would say that all of it was compared.
        let mark = if comparison.is_partial { "no difference" } else { "✓" };
        parts.push(mark.to_owned());
    }
    let newer = match compared.newer {
        0 => String::new(),
        newer => format!(", {} newer", text::count(newer)),
    };
    let records = text::plural(compared.records, "record", "records");
    format!("{} ({records}{newer}; {})", parts.join(", "), comparison.read)
}

fn differences(stream: &str, comparison: &HarvestComparison, paint: TextStyle) -> String {
    let mut text = String::new();
    if let Some(why) = &comparison.error {
        text.push_str(&paint.bad(&format!("\n✗ {stream}: {why}\n")));
    }
    let told = &comparison.compared.differences;
    // What explains differences is no news where there are none.
    let notes = if told.is_empty() { comparison.doubts } else { comparison.notes.len() };
    if !told.is_empty() {
        text.push_str(&paint.bad(&format!("\n✗ {stream} and Harvest\n")));
    } else if notes > 0 {
        text.push_str(&paint.warn(&format!("\n! {stream} and Harvest\n")));
    }
    for difference in told.iter().take(SHOWN) {
        let null = || "null".to_owned();
        let line = match difference {
            RowDifference::MissingHere { key } => format!("  {key}: missing here"),
            RowDifference::MissingInHarvest { key } => format!("  {key}: missing in Harvest"),
            RowDifference::Differs { key, column, here, harvest } => {
                let (here, harvest) = (here.clone(), harvest.clone());
                let (here, harvest) = (here.unwrap_or_else(null), harvest.unwrap_or_else(null));
                format!("  {key}.{column}: here {here}, in Harvest {harvest}")
            }
        };
        text.push_str(&line);
        text.push('\n');
    }
    let more = told.len().saturating_sub(SHOWN) as u64;
    if more > 0 {
        let line = format!("  {} more, see `--json`\n", text::count(more));
        text.push_str(&line);
    }
    for note in comparison.notes.iter().take(notes) {
        text.push_str(&paint.faint(&format!("  {note}\n")));
    }
    text
}

fn line(stream: &str, finding: &VerifyFinding, paint: TextStyle) -> String {
    let VerifyFinding { check, file, what, expected, found } = finding;
    let file = file.as_deref().map_or_else(String::new, |file| format!("/{file}"));
    let head = paint.bad(&format!("✗ {stream}{file}"));
    let name = check.name();
    format!("{head}\n  {name}: {what}\n  expected {expected}\n  found    {found}\n")
}

fn end(verdicts: &[StreamFindings]) -> String {
    let streams_with = |wanted: fn(&VerifyFinding) -> bool| -> Vec<&str> {
        let found = verdicts.iter().filter(|verdict| verdict.table.findings.iter().any(wanted));
        found.map(|verdict| verdict.stream).collect()
    };
    let unfit = streams_with(|finding| finding.check == TableCheck::Fit);
    let checkpoints = streams_with(|finding| finding.check == TableCheck::Checkpoint);
    let behind = streams_with(super::stream::is_behind);
    let bad: Vec<String> = verdicts.iter().filter_map(StreamFindings::damaged).collect();
    let untrue = verdicts
        .iter()
        .any(|verdict| verdict.harvest.as_ref().is_some_and(|one| one.compared.wrong() > 0));
    let advice = "What differs from Harvest without a word (deleted records, embedded names) follows \
                  with the next full pass: `harvest-lake sync --pass full`, then verify again\n";
    let advice = if untrue { advice } else { "" };
    if bad.is_empty() && behind.is_empty() && unfit.is_empty() && checkpoints.is_empty() {
        let rows = verdicts.iter().map(|verdict| verdict.table.rows).sum();
        let tables = text::plural(verdicts.len() as u64, "table", "tables");
        return format!(
            "{tables}, {}: files, order, statistics and keys are as they must be\n{advice}",
            text::plural(rows, "row", "rows")
        );
    }
    let mut text = String::new();
    let (ledger, of_streams): (Vec<String>, Vec<String>) =
        bad.into_iter().partition(|table| *table == streams::RUNS.name);
    if !of_streams.is_empty() {
        let tables = if of_streams.len() == 1 { "the table" } else { "the tables" };
        text = format!(
            "Restore the files from a backup, or make {tables} anew: `harvest-lake reset {}`, \
             then `harvest-lake sync`\n",
            of_streams.join(" ")
        );
    }
    if !behind.is_empty() {
        let line = format!(
            "Sync, so that the tables of changes begin anew: `harvest-lake sync --pass full {}`, then \
             verify again\n",
            behind.join(" ")
        );
        text.push_str(&line);
    }
    for table in ledger {
        let line = format!("Restore its files from a backup, or {}\n", rebuild_advice(&table));
        text.push_str(&line);
    }
    if !checkpoints.is_empty() {
        text.push_str(
            "Delete the checkpoint that is wrong, and `_last_checkpoint` beside it: the commits before \
             it say the same\n",
        );
    }
    if !unfit.is_empty() {
        text.push_str("What another program wrote is whole: undo or mend it there\n");
    }
    text + advice
}
