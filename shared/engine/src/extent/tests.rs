use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::time::utc_day;

const LIST: DatedList = DatedList { name: "time_entries", dated: EntryDate::Spent };
const TODAY: Date = date(2026, 3, 10);
const RECENT: (Date, Date) = (date(2026, 1, 1), date(2026, 3, 31));

fn reach() -> ReportReach {
    ReportReach::around(TODAY, 10)
}

/// Ways in which a server deviates from the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quirk {
    None,
    /// Answers everything, whatever the size of a page.
    IgnoresPageSize,
    TotalOneMore,
    TotalOneLess,
    NoTotal,
    OldestFirst,
    Shuffled,
    /// The last record of an answer has no date.
    LastUndated,
    IgnoresFrom,
    IgnoresTo,
    /// Answers another page than was asked for.
    SecondPage,
    /// Each answer is the last that has its newest entry: it is deleted then.
    Deletes,
}

const QUIRKS: [Quirk; 12] = [
    Quirk::None,
    Quirk::IgnoresPageSize,
    Quirk::TotalOneMore,
    Quirk::TotalOneLess,
    Quirk::NoTotal,
    Quirk::OldestFirst,
    Quirk::Shuffled,
    Quirk::LastUndated,
    Quirk::IgnoresFrom,
    Quirk::IgnoresTo,
    Quirk::SecondPage,
    Quirk::Deletes,
];

struct DatedServer {
    days: Vec<Date>,
    per_page: usize,
    quirk: Quirk,
}

impl DatedServer {
    fn answer(&mut self, mut stretch: CalendarStretch) -> ListedEntries {
        if self.quirk == Quirk::IgnoresFrom {
            stretch.from = None;
        }
        if self.quirk == Quirk::IgnoresTo {
            stretch.to = None;
        }
        let mut found: Vec<DatedEntry> = (1..)
            .zip(&self.days)
            .filter(|(_, day)| stretch.holds(**day))
            .map(|(id, day)| DatedEntry { id: Some(id), day: Some(*day) })
            .collect();
        found.sort_by_key(|entry| core::cmp::Reverse(entry.day));
        if self.quirk == Quirk::OldestFirst {
            found.reverse();
        }
        if self.quirk == Quirk::Shuffled {
            let by = found.len() / 3;
            found.rotate_left(by);
        }
        let total = found.len() as u64;
        let skipped = if self.quirk == Quirk::SecondPage { self.per_page } else { 0 };
        let size = if self.quirk == Quirk::IgnoresPageSize { usize::MAX } else { self.per_page };
        let mut entries: Vec<DatedEntry> = found.iter().skip(skipped).take(size).copied().collect();
        if let (Quirk::LastUndated, Some(last)) = (self.quirk, entries.last_mut()) {
            last.day = None;
        }
        if let (Quirk::Deletes, Some(DatedEntry { day: Some(gone), .. })) =
            (self.quirk, found.first())
        {
            let at = self.days.iter().position(|day| day == gone).unwrap();
            self.days.remove(at);
        }
        ListedEntries {
            goes_on: skipped + entries.len() < found.len(),
            is_other_page: skipped > 0,
            total: (self.quirk != Quirk::NoTotal).then(|| {
                let more = u64::from(self.quirk == Quirk::TotalOneMore);
                (total + more).saturating_sub(u64::from(self.quirk == Quirk::TotalOneLess))
            }),
            entries,
        }
    }
}

/// Returns the days that a survey of these days finds, and the number of its questions.
fn surveyed(
    days: &[Date],
    per_page: usize,
    quirk: Quirk,
    known: Option<(Date, Date)>,
) -> (SurveyResult, u32) {
    let mut server = DatedServer { days: days.to_vec(), per_page, quirk };
    let mut survey = ExtentSurvey::new(LIST, reach(), RECENT, known);
    let mut questions = 0;
    while let Some(stretch) = survey.next() {
        questions += 1;
        assert!(questions < 2_000, "it never ends: {survey:?}");
        survey.on_answer(&server.answer(stretch));
    }
    (survey.found(), questions)
}

/// Days of `days` that no window of `found` holds.
fn lost(days: &[Date], found: &SurveyResult) -> Vec<Date> {
    let months: Vec<Date> = found.outliers.iter().map(|one| one.day.first_of_month()).collect();
    let (first, last) = found.days;
    let is_read = |day: &Date| {
        (first..=last).contains(day)
            || (!reach().holds(*day) && months.contains(&day.first_of_month()))
    };
    days.iter().copied().filter(|day| !is_read(day)).collect()
}

/// Three entries on the 5th of each month from `first` on.
fn monthly(first: Date, months: i32) -> Vec<Date> {
    let day = |month: i32| first.saturating_add(jiff::Span::new().months(month));
    (0..months).flat_map(|month| [day(month); 3]).collect()
}

#[test]
fn the_oldest_month_is_found_whatever_totals_and_pages_say() {
    let days = monthly(date(2021, 6, 5), 57);
    for quirk in QUIRKS {
        for per_page in [1, 2, 50] {
            let (found, _) = surveyed(&days, per_page, quirk, None);
            let lost = lost(&days, &found);
            assert!(lost.is_empty(), "{quirk:?} {per_page}: {lost:?}");
            if matches!(quirk, Quirk::None | Quirk::IgnoresPageSize | Quirk::OldestFirst) {
                assert_eq!(found.days, (date(2021, 6, 1), date(2026, 3, 31)), "{quirk:?}");
                assert_eq!(found.doubts, Vec::<String>::new());
            }
        }
    }
}

#[test]
fn few_questions_find_it_and_fewer_confirm_it() {
    let days = monthly(date(2021, 6, 5), 57);
    let (found, questions) = surveyed(&days, 50, Quirk::None, None);
    assert!(questions <= 12, "{questions}");
    let (again, questions) = surveyed(&days, 50, Quirk::None, Some(found.days));
    assert_eq!((again.days, questions), (found.days, 4), "one for each side, near and far");
    let (_, questions) = surveyed(&[], 50, Quirk::None, None);
    assert_eq!(questions, 4);
}

#[test]
fn mistyped_days_are_named_and_stretch_no_range() {
    let days = [date(206, 3, 1), date(2026, 2, 2), date(2206, 1, 5), date(9999, 12, 31)];
    let (found, questions) = surveyed(&days, 50, Quirk::None, None);
    assert_eq!(found.days, RECENT);
    let named: Vec<(Date, Option<i64>)> =
        found.outliers.iter().map(|one| (one.day, one.id)).collect();
    assert_eq!(
        named,
        [(date(206, 3, 1), Some(1)), (date(2206, 1, 5), Some(3)), (date(9999, 12, 31), Some(4))]
    );
    assert!(questions <= 4, "{questions}");
    let sentence = outliers_sentence(&found.outliers, 2).unwrap();
    assert!(sentence.contains("time_entries 1 (0206-03-01)"), "{sentence}");
    assert!(sentence.contains("and 1 more"), "{sentence}");
}

#[test]
fn the_ends_of_the_calendar_do_not_go_on_for_ever() {
    for day in [date(1, 1, 1), date(9999, 12, 31), date(9999, 12, 1), date(1, 1, 31)] {
        for quirk in QUIRKS {
            let days = [day; 5];
            let (found, questions) = surveyed(&days, 2, quirk, None);
            assert!(questions < 40, "{quirk:?} {day}: {questions}");
            if quirk == Quirk::None {
                let names = found.outliers.iter().any(|one| one.day == day);
                assert!(names && found.doubts.is_empty(), "{day} {found:?}");
            }
        }
    }
}

#[test]
fn what_was_covered_before_stays_covered() {
    let known = Some((date(2019, 4, 1), date(2026, 8, 31)));
    for quirk in QUIRKS {
        let (found, _) = surveyed(&[], 50, quirk, known);
        assert!(found.days.0 <= date(2019, 4, 1), "{quirk:?}");
        assert!(found.days.1 >= date(2026, 8, 31), "{quirk:?}");
    }
    // An outlier found by an earlier release is no range.
    let (found, _) = surveyed(&[], 50, Quirk::None, Some((date(206, 1, 1), date(2026, 5, 1))));
    assert_eq!(found.days, (date(2026, 1, 1), date(2026, 5, 31)));
}

#[test]
fn answers_without_an_end_are_given_up() {
    let mut survey = ExtentSurvey::new(LIST, ReportReach::around(TODAY, 1), RECENT, None);
    let mut day = date(2020, 1, 1);
    let mut questions = 0;
    while let Some(stretch) = survey.next() {
        questions += 1;
        assert!(questions < 2_000);
        let at = stretch.to.unwrap_or(date(9999, 1, 1)).min(day);
        day = day.saturating_sub(jiff::Span::new().months(1));
        let entries = vec![DatedEntry { id: None, day: Some(at) }];
        survey.on_answer(&ListedEntries { entries, goes_on: true, ..ListedEntries::default() });
    }
    assert_eq!(survey.found().gap, Some(BeyondGap::TooMany));
}

#[test]
fn a_stretch_beyond_the_reach_whose_answers_contradict_themselves_is_a_gap() {
    // (entries that are shown, total, gap)
    for (shown, total, gap) in [
        (0, Some(0), None),
        (0, None, None),
        (0, Some(1), Some(BeyondGap::Contradicted)),
        (1, Some(1), None),
    ] {
        let mut survey = ExtentSurvey::new(LIST, ReportReach::around(TODAY, 1), RECENT, None);
        let mut questions = 0;
        while let Some(stretch) = survey.next() {
            questions += 1;
            // Within the reach every answer is whole and empty.
            let Some(day) = stretch
                .from
                .or(stretch.to)
                .filter(|_| stretch.from.is_none() || stretch.to.is_none())
            else {
                survey.on_answer(&ListedEntries { total: Some(0), ..ListedEntries::default() });
                continue;
            };
            let entries = vec![DatedEntry { id: Some(7), day: Some(day) }; shown];
            survey.on_answer(&ListedEntries { entries, total, ..ListedEntries::default() });
        }
        let found = survey.found();
        assert_eq!((found.gap, found.doubts.len()), (gap, 0), "{shown} {total:?}");
        assert_eq!(found.outliers.len(), 2 * shown, "{total:?}");
        assert_eq!(questions, if gap.is_some() { 8 } else { 4 }, "a doubtful one is asked again");
    }
}

#[test]
fn an_answer_is_judged_by_its_own_content() {
    let stretch = CalendarStretch { from: Some(date(2020, 1, 1)), to: Some(date(2020, 1, 31)) };
    let inside = DatedEntry { id: Some(1), day: Some(date(2020, 1, 9)) };
    let outside = DatedEntry { id: Some(2), day: Some(date(2020, 2, 9)) };
    let undated = DatedEntry { id: Some(3), day: None };
    let check = |entries: &[DatedEntry], total, goes_on, proves| {
        let entries = entries.to_vec();
        let listed = ListedEntries { entries, total, goes_on, is_other_page: false };
        assert_eq!(listed.proves(stretch), proves, "{listed:?}");
    };
    check(&[], Some(0), false, StretchProof::All);
    check(&[], None, false, StretchProof::All);
    check(&[], Some(1), false, StretchProof::Nothing);
    check(&[], Some(0), true, StretchProof::Nothing);
    check(&[inside], Some(1), false, StretchProof::All);
    check(&[inside], Some(0), false, StretchProof::Some);
    check(&[inside], Some(2), false, StretchProof::Some);
    check(&[inside], Some(1), true, StretchProof::Some);
    check(&[inside, undated], Some(2), false, StretchProof::Some);
    check(&[undated], Some(5), true, StretchProof::Nothing);
    check(&[outside], Some(1), false, StretchProof::Nothing);
    check(&[inside, outside], Some(2), false, StretchProof::Some);
}

#[test]
fn an_extent_is_read_again_when_it_is_old_or_made_for_another_reach() {
    let read_at: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
    let extent = AccountExtent {
        read_at,
        spent: Some((date(2020, 1, 1), date(2026, 3, 31))),
        issued: None,
        outliers: vec![],
        unread: vec![],
        doubts: vec![],
    };
    let later = |hours| crate::time::plus(read_at, SignedDuration::from_hours(hours));
    let reach = ReportReach::around(utc_day(read_at), 10);
    assert!(extent.is_fresh(reach, None, later(23)));
    assert!(!extent.is_fresh(reach, None, later(24)));
    assert!(!extent.is_fresh(reach, None, later(-1)), "of a clock that was ahead");
    assert!(extent.is_fresh(reach, Some(later(-1)), later(1)));
    assert!(!extent.is_fresh(reach, Some(later(1)), later(1)));
    assert!(!extent.is_fresh(ReportReach::around(TODAY, 1), None, later(1)));
    let outlier = |day| Outlier {
        list: "time_entries".to_owned(),
        dated: EntryDate::Spent,
        day,
        id: Some(1),
    };
    let mut widened = AccountExtent { outliers: vec![outlier(date(2012, 1, 1))], ..extent.clone() };
    assert!(widened.is_fresh(reach, None, later(1)));
    assert!(!widened.is_fresh(ReportReach::around(TODAY, 20), None, later(1)));
    widened.outliers.clear();
    let why = "GET /expenses: 504".to_owned();
    let (list, dated) = ("expenses".to_owned(), EntryDate::Spent);
    widened.unread.push(UnreadList { list, dated, why, instead: None, far_days_open: false });
    assert!(!widened.is_fresh(reach, None, later(1)));
    let minutes = |minutes| crate::time::plus(read_at, SignedDuration::from_mins(minutes));
    assert!(
        widened.is_fresh(reach, None, minutes(9)) && !widened.is_fresh(reach, None, minutes(10))
    );
    assert!(widened.is_fresh(reach, Some(later(-1)), later(1)), "once for each command");
    assert!(widened.unknown(|dated| dated == EntryDate::Spent).is_some());
    assert!(widened.unknown(|dated| dated == EntryDate::Issued).is_none());
    let spent = |dated| dated == EntryDate::Spent;
    assert!(widened.incomplete(spent).is_none());
    (widened.unread[0].far_days_open, widened.unread[0].instead) =
        (true, Some("a table".to_owned()));
    let sentence = widened.incomplete(spent).unwrap().sentence();
    assert!(
        sentence.contains("GET /expenses: 504")
            && sentence.ends_with("from a table, which may lack days far from today"),
        "{sentence}"
    );
    assert!(widened.incomplete(|dated| !spent(dated)).is_none());
}

#[test]
fn an_extent_of_an_earlier_release_still_opens() {
    let saved =
        r#"{"read_at":"2026-03-10T12:00:00Z","spent":["2020-01-01","2026-03-01"],"issued":null}"#;
    let extent: AccountExtent = serde_json::from_str(saved).unwrap();
    assert_eq!(extent.spent, Some((date(2020, 1, 1), date(2026, 3, 1))));
    assert_eq!(serde_json::to_string(&extent).unwrap(), saved);
}

proptest! {
    #[test]
    fn no_day_with_an_entry_is_left_out(
        near in proptest::collection::vec(-3_700_i32..400, 0..60),
        far in proptest::collection::vec((1_i16..9999, 1_i8..13), 0..4),
        per_page in 1_usize..12,
        quirk in 0_usize..QUIRKS.len(),
    ) {
        let quirk = QUIRKS[quirk];
        let near = near.into_iter().map(|by| TODAY.saturating_add(jiff::Span::new().days(by)));
        let far = far.into_iter().map(|(year, month)| date(year, month, 15));
        let days: Vec<Date> = near.chain(far).collect();
        let (found, questions) = surveyed(&days, per_page, quirk, None);
        prop_assert!(questions < 400, "{}", questions);
        // A server that never answers the days asked for, the first page or any day can hide
        // entries beyond the reach; the survey says so.
        let hides = matches!(
            quirk,
            Quirk::IgnoresFrom | Quirk::IgnoresTo | Quirk::SecondPage | Quirk::LastUndated
        );
        let mut lost = lost(&days, &found);
        if hides && found.gap.is_some() {
            lost.retain(|day| reach().holds(*day));
        }
        if quirk != Quirk::Deletes {
            prop_assert!(lost.is_empty(), "{:?} {:?} {:?}", quirk, lost, found);
        }
    }
}
