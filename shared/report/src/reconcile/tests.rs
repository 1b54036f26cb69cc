use std::collections::BTreeMap;

use super::rows::{CountedRecord, count};
use super::*;
use crate::account::ProjectFacts;

const JUNE: WindowDays = (DayNumber(20_605), DayNumber(20_634));
const JULY: WindowDays = (DayNumber(20_635), DayNumber(20_665));
/// Instants, in microseconds since 1970: before the report was read, then, and after.
const BEFORE: i64 = 1_000;
const READ: i64 = 2_000;
const AFTER: i64 = 3_000;

fn key(window: WindowDays, project: i64) -> SumKey {
    SumKey {
        window: Some(window),
        project: Some(project),
        currency: Some(CurrencyCode("EUR".into())),
    }
}

/// A comparison whose report on time has these hours for project 1 in June.
fn reported(hours: i128) -> Reconciliation {
    let mut sums = Reconciliation::new(AccountFacts::default());
    let report = &mut sums.time;
    for window in [JUNE, JULY] {
        report.note_reading(window, Some(1), READ);
    }
    let sides = report.sums.entry(key(JUNE, 1)).or_default();
    sides.report_rows = 1;
    sides.reported = [hours, hours, 0, 0];
    sums
}

fn entry(day: i32, changed_at: i64) -> CountedRecord {
    CountedRecord {
        day: Some(DayNumber(day)),
        project: Some(1),
        currency: Some(CurrencyCode("EUR".into())),
        client: None,
        client_name: None,
        project_name: None,
        changed_at: Some(changed_at),
        is_running: false,
        fee_at_rates: 0,
    }
}

fn judged(sums: &Reconciliation, moved: &MovedRecords) -> ReconciledReport {
    sums.judged(ReportKind::Time, "t", Some(AFTER), moved)
}

/// History of time entries with these versions and changes.
fn history(
    sums: &Reconciliation,
    versions: &[(i64, i32)],
    changes: &[(i64, &str, i64)],
) -> MovedRecords {
    let mut moved = MovedRecords::suspected(sums, &[ReportKind::Time, ReportKind::Uninvoiced]);
    for (id, day) in versions {
        moved.version(*id, DayNumber(*day), Some(1));
    }
    for (id, op, at) in changes {
        moved.change(*id, op, *at);
    }
    moved.complete(&[ReportKind::Time, ReportKind::Uninvoiced]);
    moved
}

fn only(report: &ReconciledReport) -> DifferenceReason {
    assert_eq!(report.differences.len(), 1, "{report:?}");
    report.differences[0].reason
}

#[test]
fn the_smallest_difference_is_a_finding_and_names_both_values() {
    let mut sums = reported(8_000_000);
    count(&mut sums.time, &entry(20_610, BEFORE), [8_000_001, 8_000_000, 0, 0]);
    let report = judged(&sums, &history(&sums, &[(1, 20_610)], &[(1, "I", BEFORE)]));
    assert_eq!((report.findings(), report.equal, report.sums), (1, 0, 1));
    let difference = &report.differences[0];
    assert_eq!(difference.period_start.as_deref(), Some("2026-06-01"));
    let figure = FigureDifference {
        figure: "total_hours",
        harvest: "8".to_owned(),
        here: "8.000001".to_owned(),
        difference: "0.000001".to_owned(),
    };
    assert_eq!(difference.figures, [figure]);
}

#[test]
fn sums_that_are_equal_are_counted_and_not_told() {
    let mut sums = reported(8_000_000);
    for hours in [3_000_000, 5_000_000] {
        count(&mut sums.time, &entry(20_605, AFTER), [hours, hours, 0, 0]);
    }
    let report = judged(&sums, &MovedRecords::default());
    assert_eq!((report.equal, report.differences.len(), report.windows), (1, 0, 2));
}

#[test]
fn what_changed_after_the_report_was_read_explains_a_difference() {
    let mut sums = reported(8_000_000);
    count(&mut sums.time, &entry(20_610, AFTER), [9_000_000, 8_000_000, 0, 0]);
    assert_eq!(only(&judged(&sums, &MovedRecords::default())), DifferenceReason::ChangedSince);
}

#[test]
fn a_record_that_was_deleted_or_moved_since_explains_a_smaller_sum() {
    let sums = reported(8_000_000);
    // (versions, changes, is it explained)
    for (versions, changes, explained) in [
        (vec![(7, 20_610)], vec![(7, "D", AFTER)], true),
        (vec![(7, 20_610), (7, 20_640)], vec![(7, "U", AFTER)], true),
        // Deleted before the report was read, never in June, or only inserted.
        (vec![(7, 20_610)], vec![(7, "D", BEFORE)], false),
        (vec![(7, 20_640)], vec![(7, "D", AFTER)], false),
        (vec![(7, 20_610)], vec![(7, "I", AFTER)], false),
        (vec![(7, 20_610)], vec![(8, "D", AFTER)], false),
    ] {
        let report = judged(&sums, &history(&sums, &versions, &changes));
        assert_eq!(only(&report) == DifferenceReason::ChangedSince, explained, "{changes:?}");
        assert_eq!(report.findings(), u64::from(!explained), "{changes:?}");
    }
    // Without a table of changes nobody can tell.
    assert_eq!(only(&judged(&sums, &MovedRecords::default())), DifferenceReason::NoHistory);
}

#[test]
fn a_larger_sum_is_no_finding_before_a_sweep_has_looked_for_deleted_records() {
    let mut sums = reported(8_000_000);
    count(&mut sums.time, &entry(20_610, BEFORE), [9_000_000, 9_000_000, 0, 0]);
    let moved = history(&sums, &[(1, 20_610)], &[]);
    for (swept_at, reason) in [
        (None, DifferenceReason::NotSwept),
        (Some(BEFORE), DifferenceReason::NotSwept),
        (Some(AFTER), DifferenceReason::Unexplained),
    ] {
        let report = sums.judged(ReportKind::Time, "t", swept_at, &moved);
        assert_eq!(only(&report), reason, "{swept_at:?}");
    }
    // A smaller sum is no deleted record.
    let sums = reported(8_000_000);
    let report = sums.judged(ReportKind::Time, "t", None, &history(&sums, &[], &[]));
    assert_eq!(only(&report), DifferenceReason::Unexplained);
}

/// The last record of a project in a month is deleted: the report has no row of it any more, and
/// those of other projects say nothing newer.
#[test]
fn a_report_without_a_row_is_as_new_as_the_loss_of_it() {
    let mut sums = reported(0);
    sums.time.sums.clear();
    sums.time.told.clear();
    count(&mut sums.time, &entry(20_610, BEFORE), [8_000_000, 8_000_000, 0, 0]);
    let reason = |sums: &Reconciliation, swept_at| {
        let moved = history(sums, &[(1, 20_610)], &[]);
        only(&sums.judged(ReportKind::Time, "t", Some(swept_at), &moved))
    };
    // A sweep before, and one since the newest row of another project.
    assert_eq!(reason(&sums, BEFORE), DifferenceReason::NotSwept);
    assert_eq!(reason(&sums, READ + 1), DifferenceReason::NoHistory);
    // The report never had such a row.
    sums.complete_report_changes(ReportKind::Time);
    assert_eq!(reason(&sums, READ + 1), DifferenceReason::Unexplained);
    sums.time.note_loss(JUNE, Some(1), AFTER);
    sums.time.note_loss(JUNE, Some(1), BEFORE);
    sums.complete_report_changes(ReportKind::Time);
    assert_eq!(reason(&sums, READ + 1), DifferenceReason::NotSwept);
    assert_eq!(reason(&sums, AFTER), DifferenceReason::Unexplained);
}

/// The last record of a month is deleted: the report has no row with the window any more.
#[test]
fn a_window_without_rows_is_as_new_as_the_loss_of_the_last() {
    let mut sums = Reconciliation::new(AccountFacts::default());
    sums.time.note_reading(JULY, Some(1), BEFORE);
    let add = |sums: &mut Reconciliation, project, hours| {
        let record = CountedRecord { project, ..entry(20_610, BEFORE) };
        count(&mut sums.time, &record, [hours, 0, 0, 0]);
    };
    let mut without = sums.clone();
    add(&mut without, Some(1), 5);
    assert_eq!(only(&judged(&without, &history(&without, &[], &[]))), DifferenceReason::NoWindow);
    for (project, at) in [(Some(1), READ), (None, READ + 1), (Some(2), READ - 1)] {
        sums.time.note_loss(JUNE, project, at);
    }
    sums.complete_report_changes(ReportKind::Time);
    assert_eq!(sums.time.windows, BTreeMap::from([(JUNE, READ + 1), (JULY, BEFORE)]));
    for (project, told_at) in [(Some(1), READ), (Some(2), READ - 1), (Some(3), READ + 1)] {
        let mut sums = sums.clone();
        add(&mut sums, project, 5);
        let moved = history(&sums, &[], &[]);
        let reason = |swept_at| only(&sums.judged(ReportKind::Time, "t", Some(swept_at), &moved));
        assert_eq!(reason(told_at - 1), DifferenceReason::NotSwept, "{project:?}");
        assert_eq!(reason(told_at), DifferenceReason::Unexplained, "{project:?}");
    }
}

/// A run that commits meanwhile has removed a row that was read: what the row says counts.
#[test]
fn a_loss_says_nothing_of_a_row_that_is_there() {
    let mut sums = reported(8_000_000);
    sums.time.note_loss(JUNE, Some(1), AFTER);
    sums.time.note_loss(JUNE, None, AFTER);
    sums.complete_report_changes(ReportKind::Time);
    assert_eq!(sums.time.windows, BTreeMap::from([(JUNE, READ), (JULY, READ)]));
    assert_eq!(sums.time.told_at(JUNE, Some(1)), Some(READ));
}

#[test]
fn amounts_may_be_a_cent_for_each_record_off_and_hours_never() {
    let amounts = |records: usize, off: i128, hours_off: i128| {
        let mut sums = reported(8_000_000);
        let here = [8_000_000 + hours_off, 8_000_000, off, 0];
        count(&mut sums.time, &entry(20_610, BEFORE), here);
        for _ in 1..records {
            count(&mut sums.time, &entry(20_611, BEFORE), [0; FIGURES]);
        }
        only(&judged(&sums, &history(&sums, &[], &[])))
    };
    assert_eq!(amounts(2, 200, 0), DifferenceReason::Rounding);
    assert_eq!(amounts(2, 201, 0), DifferenceReason::Unexplained);
    assert_eq!(amounts(2, 100, 1), DifferenceReason::Unexplained);
}

#[test]
fn amounts_that_are_hidden_are_not_compared() {
    let mut sums = reported(8_000_000);
    sums.time.sums.values_mut().for_each(|sides| sides.is_amount_hidden = true);
    count(&mut sums.time, &entry(20_610, BEFORE), [8_000_000, 8_000_000, 5_000_000, 0]);
    let report = judged(&sums, &MovedRecords::default());
    assert_eq!((report.equal, report.without_amounts), (1, 1));
}

#[test]
fn the_uninvoiced_amount_of_a_fixed_fee_is_not_compared() {
    let facts = AccountFacts {
        projects: BTreeMap::from([(1, ProjectFacts { is_fixed_fee: true, ..Default::default() })]),
        ..AccountFacts::default()
    };
    let mut sums = Reconciliation::new(facts);
    sums.uninvoiced.note_reading(JUNE, Some(1), READ);
    let sides = sums.uninvoiced.sums.entry(key(JUNE, 1)).or_default();
    sides.reported = [0, 0, 0, 70_000];
    let report = sums.judged(ReportKind::Uninvoiced, "u", Some(AFTER), &MovedRecords::default());
    assert_eq!((report.equal, report.without_amounts), (1, 1));
}

#[test]
fn a_report_may_value_hours_of_a_fixed_fee_at_their_rates_and_at_nothing_else() {
    for (told, reason) in [(945, DifferenceReason::FixedFee), (946, DifferenceReason::Unexplained)]
    {
        let mut sums = reported(8_000_000);
        let sides = sums.time.sums.get_mut(&key(JUNE, 1)).unwrap();
        sides.reported[2] = told * 10_000;
        let record = CountedRecord { fee_at_rates: 945 * 10_000, ..entry(20_610, BEFORE) };
        count(&mut sums.time, &record, [8_000_000, 8_000_000, 0, 0]);
        assert_eq!(only(&judged(&sums, &history(&sums, &[], &[]))), reason);
    }
}

#[test]
fn a_day_without_a_window_is_told_and_no_finding() {
    let mut sums = reported(0);
    for day in [20_604, 20_666] {
        count(&mut sums.time, &entry(day, BEFORE), [1, 1, 0, 0]);
    }
    let report = judged(&sums, &MovedRecords::default());
    assert_eq!(only(&report), DifferenceReason::NoWindow);
    assert_eq!((report.findings(), report.differences[0].records), (0, 2));
}

#[test]
fn findings_come_first() {
    let mut sums = reported(0);
    count(&mut sums.time, &entry(20_604, BEFORE), [1, 1, 0, 0]);
    count(&mut sums.time, &entry(20_610, BEFORE), [1, 1, 0, 0]);
    let report = judged(&sums, &history(&sums, &[], &[]));
    let reasons: Vec<_> = report.differences.iter().map(|one| one.reason).collect();
    assert_eq!(reasons, [DifferenceReason::Unexplained, DifferenceReason::NoWindow]);
}
