//! Windows that a pass over a report reads.

use std::collections::BTreeSet;

use crate::extent::{Outlier, ReportReach};
use crate::item::AccountItem;
use crate::pass::Pass;
use crate::spec::EntryDate;
use crate::spec::ReportWindow;
use crate::time::{Date, Timestamp, next_day, utc_day};
use crate::window::{Period, WindowGrid};

/// Reach of a full pass into the past.
#[derive(Clone, Copy, Debug)]
pub struct ReportHistory<'h> {
    /// First day to read; `None`: everything.
    pub start_date: Option<Date>,
    /// Number of years before today that windows cover without a gap, at most.
    pub years_back: u16,
    /// Windows of which the table holds rows.
    pub held: &'h BTreeSet<Period>,
}

/// Returns the windows that a pass over a report reads, newest first; those of outliers last.
#[must_use]
pub fn report_windows(
    report: &ReportWindow,
    grid: WindowGrid,
    pass: Pass,
    account: &AccountItem,
    history: ReportHistory<'_>,
    now: Timestamp,
) -> Vec<Period> {
    let today = utc_day(now);
    if pass == Pass::Incremental {
        return grid.recent(today);
    }
    let reach = ReportReach::around(today, history.years_back);
    let extent = account.extent.as_ref();
    let spent = extent.and_then(|extent| extent.spent);
    let issued =
        extent.and_then(|extent| extent.issued).filter(|_| is_about(report, EntryDate::Issued));
    // An extent that was read with another reach may exceed this one: only its days within this
    // reach count.
    let of_entries = [spent, issued].into_iter().flatten();
    let of_entries = of_entries.map(|(first, last)| {
        (first.clamp(reach.first, reach.last), last.clamp(reach.first, reach.last))
    });
    let (near, far): (Vec<Period>, Vec<Period>) = history
        .held
        .iter()
        .partition(|window| reach.holds(window.start) && reach.holds(window.end));
    let days = of_entries.chain(near.iter().map(|window| (window.start, window.end)));
    let recent = grid.recent(today).last().map_or(today, |window| window.start);
    let (oldest, newest) = days.fold((recent, next_day(today)), |(oldest, newest), (from, to)| {
        (oldest.min(from), newest.max(to))
    });
    let oldest = history.start_date.map_or(oldest, |start| start.max(oldest).min(recent));
    let mut windows = grid.windows(oldest, newest);
    let outliers = extent.map(|extent| extent.outliers.as_slice()).unwrap_or_default();
    let of_report = |one: &&Outlier| is_about(report, one.dated);
    let mut apart: BTreeSet<Period> =
        outliers.iter().filter(of_report).map(|one| grid.window(one.day)).chain(far).collect();
    let wanted = |window: &Period| history.start_date.is_none_or(|start| window.end >= start);
    apart.retain(|window| wanted(window) && !windows.contains(window));
    windows.extend(apart.into_iter().rev());
    windows
}

/// Whether the report covers the days of entries with this kind of date.
#[must_use]
pub const fn is_about(report: &ReportWindow, dated: EntryDate) -> bool {
    match dated {
        EntryDate::Spent => true,
        EntryDate::Issued => report.includes_issue_date,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::extent::AccountExtent;

    const ABOUT_SPENT: ReportWindow =
        ReportWindow { includes_issue_date: false, values_fixed_fees: false };
    const ABOUT_BOTH: ReportWindow =
        ReportWindow { includes_issue_date: true, values_fixed_fees: false };

    fn extent(spent: Option<(Date, Date)>, outliers: Vec<Outlier>) -> AccountItem {
        let extent = AccountExtent { spent, outliers, ..AccountExtent::new(Timestamp::UNIX_EPOCH) };
        AccountItem { extent: Some(extent), ..AccountItem::default() }
    }

    fn outlier(dated: EntryDate, day: Date) -> Outlier {
        Outlier { list: "some".to_owned(), dated, day, id: Some(7) }
    }

    /// The first days of the windows of a sweep on 15 March 2024.
    fn starts(
        report: &ReportWindow,
        account: &AccountItem,
        held: &[(Date, Date)],
        start_date: Option<Date>,
    ) -> Vec<Date> {
        let held = held.iter().map(|&(start, end)| Period { start, end }).collect();
        let history = ReportHistory { start_date, years_back: 10, held: &held };
        let now = "2024-03-15T12:00:00Z".parse().unwrap();
        let windows = report_windows(report, WindowGrid::Month, Pass::Full, account, history, now);
        windows.into_iter().map(|window| window.start).collect()
    }

    fn ends(windows: &[Date]) -> (Date, Date, usize) {
        (*windows.first().unwrap(), *windows.last().unwrap(), windows.len())
    }

    #[test]
    fn a_sweep_of_reports_reaches_from_the_oldest_day_to_tomorrow() {
        let starts = |account: &AccountItem, held: &[(Date, Date)], start| {
            ends(&starts(&ABOUT_SPENT, account, held, start))
        };
        let recent = (date(2024, 3, 1), date(2024, 1, 1), 3);
        assert_eq!(
            starts(&AccountItem::default(), &[], None),
            recent,
            "an account without entries"
        );
        let account = extent(Some((date(2023, 11, 20), date(2024, 5, 2))), Vec::new());
        assert_eq!(starts(&account, &[], None), (date(2024, 5, 1), date(2023, 11, 1), 7));
        let held = [(date(2023, 9, 1), date(2023, 9, 30))];
        let swept = starts(&account, &held, None);
        let wanted = (date(2024, 5, 1), date(2023, 9, 1), 9);
        assert_eq!(swept, wanted, "rows of ours are swept, too, with all windows since");
        let bounded = starts(&account, &held, Some(date(2023, 12, 24)));
        assert_eq!(bounded.1, date(2023, 12, 1));
    }

    #[test]
    fn outliers_and_rows_of_theirs_are_read_by_windows_of_their_own() {
        let spent = Some((date(2024, 2, 1), date(2024, 3, 31)));
        let outliers = vec![
            outlier(EntryDate::Spent, date(206, 3, 1)),
            outlier(EntryDate::Issued, date(2206, 1, 5)),
            outlier(EntryDate::Spent, date(9999, 12, 31)),
        ];
        let account = extent(spent, outliers);
        let held = [(date(1824, 2, 1), date(1824, 2, 29)), (date(206, 3, 1), date(206, 3, 31))];
        let recent = [date(2024, 3, 1), date(2024, 2, 1), date(2024, 1, 1)];
        let far = [date(9999, 12, 1), date(1824, 2, 1), date(206, 3, 1)];
        let wanted: Vec<Date> = recent.into_iter().chain(far).collect();
        assert_eq!(starts(&ABOUT_SPENT, &account, &held, None), wanted);
        assert!(starts(&ABOUT_BOTH, &account, &held, None).contains(&date(2206, 1, 1)));
        let bounded = starts(&ABOUT_SPENT, &account, &held, Some(date(2024, 1, 1)));
        assert_eq!(bounded[3..], far[..1], "a start date leaves older ones out");
    }

    #[test]
    fn an_extent_of_another_reach_makes_no_more_windows_than_this_one_has() {
        let account = extent(Some((date(206, 1, 1), date(9999, 1, 1))), Vec::new());
        let windows = starts(&ABOUT_SPENT, &account, &[], None);
        assert_eq!(ends(&windows), (date(2025, 3, 1), date(2014, 3, 1), 133));
    }
}
