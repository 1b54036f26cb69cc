//! Readings against a small list server that changes between any two requests.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::key::Key;
use crate::spec::{
    FieldSpec, Listing, Paging, PerParent, ReportWindow, StreamKind, StreamSpec, int,
};
use crate::window::FixedFeeAmounts;

const FIELDS: &[FieldSpec] = &[int("id")];
const AT: Timestamp = Timestamp::UNIX_EPOCH;

pub(super) const fn spec(name: &'static str, path: &'static str, kind: StreamKind) -> StreamSpec {
    StreamSpec {
        name,
        path,
        records_key: Some("records"),
        kind,
        fields: FIELDS,
        ..StreamSpec::USUAL
    }
}

const fn keyset(nullable: bool) -> StreamKind {
    StreamKind::Listing(Listing::new(Paging::DateKeyset { field: "day", nullable }, "/own/{id}"))
}

static DATED: StreamSpec = spec("dated", "/dated", keyset(false));
static UNDATED: StreamSpec = spec("undated", "/undated", keyset(true));
static CURSOR: StreamSpec =
    spec("cursor", "/cursor", StreamKind::Listing(Listing::new(Paging::Cursor, "/own/{id}")));
static CHILDREN: StreamSpec = spec(
    "children",
    "/parents/{parent}/children",
    StreamKind::PerParent(PerParent {
        trigger: &CURSOR,
        parent_id: "id",
        parent_path: "/parents/{parent}",
        parent_column: "parent_id",
        only_role: None,
    }),
);
static REPORT: StreamSpec = spec(
    "report",
    "/reports/report",
    StreamKind::ReportWindow(ReportWindow { includes_issue_date: false, values_fixed_fees: false }),
);
static SNAPSHOT: StreamSpec = spec("snapshot", "/snapshot", StreamKind::Snapshot(Paging::Offset));

fn plan(spec: &'static StreamSpec, pass: Pass) -> ReadingPlan {
    ReadingPlan {
        spec,
        pass,
        cursor: None,
        start_date: None,
        windows: Vec::new(),
        fixed_fees: FixedFeeAmounts::default(),
        parked: BTreeMap::new(),
        absent: IdSet::default(),
        by_halves: false,
        compares: false,
        sample: None,
        width: 4,
    }
}

/// A list sorted by day, newest first, undated records at its beginning or end.
#[derive(Clone, Debug)]
pub(super) struct ListServer {
    pub(super) records: BTreeMap<i64, Option<Date>>,
    pub(super) page: usize,
    pub(super) undated_first: bool,
}

impl ListServer {
    pub(super) fn answer(&self, target: &RequestTarget) -> PageFacts {
        let RequestTarget::Path { query, .. } = target else { panic!("no links here") };
        let value = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let day = |name: &str| value(name).map(|text| text.parse::<Date>().unwrap());
        let (from, to) = (day("from"), day("to"));
        let inside = |date: Option<Date>| match date {
            None => from.is_none() && to.is_none(),
            Some(date) => from.is_none_or(|from| date >= from) && to.is_none_or(|to| date <= to),
        };
        let mut list: Vec<(Option<Date>, i64)> =
            self.records.iter().filter(|(_, d)| inside(**d)).map(|(id, d)| (*d, *id)).collect();
        let undated = self.undated_first;
        list.sort_by_key(|(date, id)| {
            (date.is_none() != undated, core::cmp::Reverse(*date), core::cmp::Reverse(*id))
        });
        let asked: usize = value("per_page").unwrap().parse().unwrap();
        let size = if asked == 1 { 1 } else { self.page.min(asked) };
        let page: usize = value("page").map_or(1, |page| page.parse().unwrap());
        let records: Vec<_> = list.iter().skip((page - 1) * size).take(size).collect();
        PageFacts {
            total_entries: Some(list.len() as u64),
            per_page: Some(size as u64),
            next: (page * size < list.len()).then(|| "next".to_owned()),
            keys: records.iter().map(|(_, id)| Key::id(*id)).collect(),
            dates: records.iter().map(|(date, _)| *date).collect(),
            ..PageFacts::default()
        }
    }
}

/// Reads to the end; `change` happens before each answer. Returns what was seen and the requests.
fn read(
    reading: &mut Reading,
    server: &mut ListServer,
    mut change: impl FnMut(&mut ListServer),
) -> (BTreeSet<Key>, u32) {
    let mut seen = BTreeSet::new();
    let mut waiting = Vec::new();
    let mut requests = 0;
    loop {
        match reading.next_step() {
            ReadingStep::Fetch(request) => waiting.push(request),
            ReadingStep::Held => drop(reading.on_held(TableUnits::default())),
            ReadingStep::Missing(scope) => panic!("asked for what is missing of {scope:?}"),
            ReadingStep::Stop(stopped) => panic!("{stopped:?}"),
            ReadingStep::Done => return (seen, requests),
            ReadingStep::Wait => {
                let request = waiting.remove(0);
                requests += 1;
                assert!(requests < 10_000, "the reading never ends");
                change(server);
                let facts = server.answer(&request.target);
                if request.purpose != AnswerPurpose::Count {
                    seen.extend(facts.keys.iter().cloned());
                }
                reading.on_page(request.id, AT, &facts);
            }
        }
    }
}

fn day(offset: i32) -> Date {
    date(2020, 1, 1).saturating_add(jiff::Span::new().days(offset))
}

#[test]
fn a_list_whose_days_are_longer_than_a_page_is_read_by_several_ranges_too() {
    let records = (0..1200).map(|id| (id, Some(day(i32::try_from(id / 12).unwrap())))).collect();
    let server = ListServer { records, page: 5, undated_first: false };
    let mut reading = Reading::start(ReadingPlan { width: 32, ..plan(&DATED, Pass::Full) });
    let (mut seen, mut rounds) = (BTreeSet::new(), 0);
    loop {
        let mut asks = Vec::new();
        while let ReadingStep::Fetch(request) = reading.next_step() {
            asks.push(request);
        }
        if asks.is_empty() {
            break;
        }
        rounds += 1;
        for request in asks {
            let facts = server.answer(&request.target);
            seen.extend(facts.keys.iter().cloned());
            reading.on_page(request.id, AT, &facts);
        }
    }
    assert_eq!((seen.len(), reading.proof()), (1200, ListProof::Proven));
    assert!(rounds < 40, "{rounds} rounds for a hundred days");
}

prop_compose! {
    fn server(nullable: bool)(
        days in prop::collection::vec((0_i32..60, 0_u8..10), 0..120),
        page in 2_usize..12,
        // With few days, each has several pages.
        span in prop::sample::select(vec![60, 60, 10, 3]),
        undated_first: bool,
    ) -> ListServer {
        let dated = |(id, (offset, dice)): (i64, (i32, u8))| {
            (id, (!nullable || dice > 0).then(|| day(offset % span)))
        };
        let records = (0_i64..).zip(days).map(dated).collect();
        ListServer { records, page, undated_first }
    }
}

proptest! {
    #[test]
    fn a_keyset_reading_of_a_list_at_rest_sees_and_proves_everything(mut server in server(false)) {
        let mut reading = Reading::start(plan(&DATED, Pass::Full));
        let all: BTreeSet<Key> = server.records.keys().map(|id| Key::id(*id)).collect();
        let (seen, _) = read(&mut reading, &mut server, |_| ());
        prop_assert_eq!(seen, all);
        prop_assert_eq!(reading.proof(), ListProof::Proven);
    }

    #[test]
    fn undated_records_are_read_too(mut server in server(true)) {
        let mut reading = Reading::start(plan(&UNDATED, Pass::Full));
        let all: BTreeSet<Key> = server.records.keys().map(|id| Key::id(*id)).collect();
        let (seen, _) = read(&mut reading, &mut server, |_| ());
        prop_assert_eq!(seen, all);
    }

    #[test]
    fn what_stays_while_the_list_changes_is_seen_where_the_reading_says_so(
        mut server in server(false),
        changes in prop::collection::vec((0_u8..2, 0_i64..200, 0_i32..60), 0..60),
    ) {
        let mut reading = Reading::start(plan(&DATED, Pass::Full));
        let mut stays: BTreeSet<i64> = server.records.keys().copied().collect();
        let mut changes = changes.into_iter();
        let (seen, _) = read(&mut reading, &mut server, |server| {
            if let Some((what, id, offset)) = changes.next() {
                // A record that changes its day is another story: it may jump over the reading.
                if what == 0 {
                    server.records.remove(&id);
                    stays.remove(&id);
                } else {
                    server.records.entry(id + 1000).or_insert(Some(day(offset)));
                }
            }
        });
        if reading.proof() == ListProof::Proven {
            for id in stays {
                prop_assert!(seen.contains(&Key::id(id)), "{id} was never answered");
            }
        }
    }

    #[test]
    fn a_reading_that_is_saved_and_resumed_anywhere_sees_everything(
        mut server in server(false),
        stops in prop::collection::vec(0_u32..10, 0..8),
    ) {
        let mut reading = Reading::start(plan(&DATED, Pass::Full));
        let all: BTreeSet<Key> = server.records.keys().map(|id| Key::id(*id)).collect();
        let mut seen = BTreeSet::new();
        for stop in stops {
            let mut asks = Vec::new();
            for _ in 0..stop {
                if let ReadingStep::Fetch(request) = reading.next_step() {
                    asks.push(request);
                } else if let Some(request) = asks.pop() {
                    let facts = server.answer(&request.target);
                    seen.extend(facts.keys.iter().cloned());
                    reading.on_page(request.id, AT, &facts);
                }
            }
            let saved = reading.save().unwrap();
            reading = Reading::resume(plan(&DATED, Pass::Full), &saved).unwrap();
        }
        let (rest, _) = read(&mut reading, &mut server, |_| ());
        seen.extend(rest);
        prop_assert_eq!(seen, all);
    }
}

#[test]
fn a_small_list_takes_one_request_even_with_undated_records() {
    let records = BTreeMap::from([(1, Some(day(1))), (2, None)]);
    let mut server = ListServer { records, page: 10, undated_first: true };
    let mut reading = Reading::start(plan(&UNDATED, Pass::Incremental));
    assert_eq!(read(&mut reading, &mut server, |_| ()).1, 1);
}

#[test]
fn a_large_list_is_read_in_ranges_side_by_side() {
    let records = (0..1000).map(|id| (id, Some(day(i32::try_from(id).unwrap())))).collect();
    let mut server = ListServer { records, page: 10, undated_first: false };
    let mut reading = Reading::start(plan(&DATED, Pass::Full));
    let ReadingStep::Fetch(request) = reading.next_step() else { panic!() };
    reading.on_page(request.id, AT, &server.answer(&request.target));
    let side_by_side = core::iter::from_fn(|| match reading.next_step() {
        ReadingStep::Fetch(request) => Some(request),
        ReadingStep::Held
        | ReadingStep::Missing(_)
        | ReadingStep::Wait
        | ReadingStep::Stop(_)
        | ReadingStep::Done => None,
    });
    let asks: Vec<PageRequest> = side_by_side.collect();
    assert_eq!(asks.len(), 4, "as many as the width allows");
    for request in &asks {
        reading.on_page(request.id, AT, &server.answer(&request.target));
    }
    let (_, requests) = read(&mut reading, &mut server, |_| ());
    // 9 new days a page, since the cut-off day is read again, and one half page for each range.
    assert!(requests < 125, "{requests} requests");
}

#[test]
fn days_of_more_than_a_page_are_read_with_few_requests_more_than_there_are_full_pages() {
    // 137 records a day: as many as 2,740 are of a page of 2,000.
    let records = (0..13_700).map(|id| (id, Some(day(i32::try_from(id / 137).unwrap()))));
    let mut server = ListServer { records: records.collect(), page: 100, undated_first: false };
    let mut reading = Reading::start(ReadingPlan { width: 32, ..plan(&DATED, Pass::Full) });
    let (seen, requests) = read(&mut reading, &mut server, |_| ());
    assert_eq!((seen.len(), reading.proof()), (13_700, ListProof::Proven));
    assert!(requests < 137 * 14 / 10, "{requests} requests for 137 full pages");
}

#[test]
fn few_months_are_read_at_a_time() {
    // The newest days have few records, so the first answer says little of the days before.
    let days = (0..1080).flat_map(|at| core::iter::repeat_n(at, if at < 1077 { 14 } else { 2 }));
    let records: BTreeMap<i64, Option<Date>> = (0..).zip(days.map(|at| Some(day(at)))).collect();
    let months = records.values().flatten().map(|day| (day.year(), day.month()));
    let whole = months.fold(BTreeMap::new(), |mut all, month| {
        *all.entry(month).or_insert(0) += 1;
        all
    });
    let server = ListServer { records: records.clone(), page: 10, undated_first: false };
    let mut reading = Reading::start(ReadingPlan { width: 8, ..plan(&DATED, Pass::Full) });
    let (mut seen, mut waiting, mut most) = (BTreeSet::new(), Vec::new(), 0);
    while seen.len() < records.len() {
        while let ReadingStep::Fetch(request) = reading.next_step() {
            waiting.push(request);
        }
        let request = waiting.remove(0);
        let facts = server.answer(&request.target);
        seen.extend(facts.keys.iter().zip(&facts.dates).filter_map(|(key, day)| {
            let day = (*day)?;
            Some(((day.year(), day.month()), key.clone()))
        }));
        reading.on_page(request.id, AT, &facts);
        let begun = seen.iter().fold(BTreeMap::new(), |mut begun, (month, _)| {
            *begun.entry(*month).or_insert(0) += 1;
            begun
        });
        most =
            most.max(begun.iter().filter(|(month, read)| whole.get(month) != Some(read)).count());
    }
    // A flush at any moment writes files of these months that are written again later.
    assert!(most <= 8, "{most} of 36 months are incomplete at a time");
}

#[test]
fn a_disordered_list_is_read_unranged_and_proves_nothing() {
    let mut reading = Reading::start(plan(&DATED, Pass::Incremental));
    let ReadingStep::Fetch(request) = reading.next_step() else { panic!() };
    let facts = PageFacts {
        total_entries: Some(9),
        next: Some("next".to_owned()),
        keys: vec![Key::id(1), Key::id(2)],
        dates: vec![Some(day(1)), Some(day(2))],
        ..PageFacts::default()
    };
    reading.on_page(request.id, AT, &facts);
    let ReadingStep::Fetch(request) = reading.next_step() else { panic!() };
    let RequestTarget::Path { query, .. } = &request.target else { panic!() };
    assert!(query.iter().all(|(name, _)| name != "from" && name != "to"), "{query:?}");
    let facts = PageFacts { total_entries: Some(2), next: None, ..facts };
    reading.on_page(request.id, AT, &facts);
    assert_eq!(reading.next_step(), ReadingStep::Done);
    assert!(matches!(reading.proof(), ListProof::Unproven(_)));
}

#[test]
fn pages_halve_after_two_time_outs_in_a_row() {
    let mut reading = Reading::start(plan(&DATED, Pass::Full));
    let mut sizes = Vec::new();
    for _ in 0..12 {
        let ReadingStep::Fetch(request) = reading.next_step() else { panic!() };
        let RequestTarget::Path { query, .. } = &request.target else { panic!() };
        sizes.push(query.last().unwrap().1.clone());
        reading.on_failure(request.id, AT, &RequestFailure::TimedOut, false);
    }
    assert_eq!(sizes[..5], ["2000", "2000", "1000", "1000", "500"]);
    assert_eq!(sizes[11], "100");
}

#[test]
fn a_refused_link_starts_its_listing_over() {
    let mut reading = Reading::start(plan(&CURSOR, Pass::Full));
    let ReadingStep::Fetch(request) = reading.next_step() else { panic!() };
    let next = Some("https://harvest.example/v2/cursor?cursor=abc".to_owned());
    reading.on_page(request.id, AT, &PageFacts { next, ..page_of(&[1], 2) });
    let ReadingStep::Fetch(request) = reading.next_step() else { panic!() };
    assert!(matches!(request.target, RequestTarget::Link(_)));
    let after = reading.on_failure(request.id, AT, &RequestFailure::Invalid(422), true);
    assert_eq!(after, AfterFailure::GoOn(Vec::new()));
    let ReadingStep::Fetch(request) = reading.next_step() else { panic!() };
    assert!(matches!(request.target, RequestTarget::Path { .. }));
}

#[test]
fn a_link_that_is_always_refused_is_not_what_the_next_run_begins_with() {
    for failure in [RequestFailure::ForeignLink, RequestFailure::NotFound] {
        let mut reading = Reading::start(plan(&CURSOR, Pass::Full));
        let next = Some("https://stranger.example/v2/cursor?cursor=abc".to_owned());
        let page = PageFacts { next, ..page_of(&[1], 2) };
        let stopped = (0..10).any(|_| {
            answer(&mut reading, &page);
            let ReadingStep::Fetch(request) = reading.next_step() else { panic!() };
            let after = reading.on_failure(request.id, AT, &failure, true);
            matches!(after, AfterFailure::Stop(_))
        });
        assert!(stopped, "{failure:?}");
        let saved = reading.save().unwrap();
        let mut reading = Reading::resume(plan(&CURSOR, Pass::Full), &saved).unwrap();
        let ReadingStep::Fetch(request) = reading.next_step() else { panic!() };
        assert!(matches!(request.target, RequestTarget::Path { .. }), "{failure:?}");
    }
}

/// Answers the next request, whatever it is, with `facts`.
fn answer(reading: &mut Reading, facts: &PageFacts) -> (PageRequest, Vec<AnswerEffect>) {
    let ReadingStep::Fetch(request) = reading.next_step() else {
        panic!("{:?}", reading.next_step())
    };
    let effects = reading.on_page(request.id, AT, facts);
    (request, effects)
}

fn named(ids: &[i64]) -> PageFacts {
    let found = |id: &i64| ParentFound {
        parent: Parent { id: *id, created_year: Some(2024) },
        roles: None,
    };
    PageFacts {
        keys: ids.iter().map(|id| Key::id(*id)).collect(),
        parents: ids.iter().map(found).collect(),
        ..PageFacts::default()
    }
}

fn records(ids: &[i64]) -> PageFacts {
    let keys = ids.iter().map(|id| Key::id(*id)).collect();
    PageFacts { keys, total_entries: Some(ids.len() as u64), ..PageFacts::default() }
}

/// A page with these records of a list that says to have `total`.
pub(super) fn page_of(ids: &[i64], total: u64) -> PageFacts {
    PageFacts { total_entries: Some(total), ..records(ids) }
}

fn parent(id: i64) -> Unit {
    Unit::Parent(Parent { id, created_year: Some(2024) })
}

#[test]
fn an_empty_answer_counts_twice_where_rows_are_held_and_a_missing_parent_is_asked_for() {
    let mut reading = Reading::start(plan(&CHILDREN, Pass::Full));
    answer(&mut reading, &named(&[1, 2]));
    let (request, effects) = answer(&mut reading, &records(&[10]));
    assert_eq!(
        request.target,
        RequestTarget::Path {
            path: "/parents/1/children".to_owned(),
            query: vec![("per_page".to_owned(), "2000".to_owned())],
        }
    );
    let complete = |unit| AnswerEffect::Complete { unit, covered: Some(AT) };
    assert_eq!(effects, [AnswerEffect::Hold(parent(1)), complete(parent(1))]);
    let (_, effects) = answer(&mut reading, &records(&[]));
    assert_eq!(effects, [AnswerEffect::Hold(parent(2))], "emptiness needs to know what is held");
    assert_eq!(reading.next_step(), ReadingStep::Held);
    let held = TableUnits { any: true, parents: BTreeSet::from([2, 3]), ..TableUnits::default() };
    assert_eq!(reading.on_held(held), []);
    // Parent 3 was not listed: its own URL decides, once that of a listed one has answered.
    let ReadingStep::Fetch(control) = reading.next_step() else { panic!() };
    assert_eq!(control.target, RequestTarget::path("/parents/2"));
    assert_eq!(reading.on_page(control.id, AT, &named(&[2])), []);
    let ReadingStep::Fetch(existence) = reading.next_step() else { panic!() };
    assert_eq!(existence.target, RequestTarget::path("/parents/3"));
    let after = reading.on_failure(existence.id, AT, &RequestFailure::NotFound, true);
    let gone = Unit::Parent(Parent { id: 3, created_year: None });
    assert_eq!(after, AfterFailure::GoOn(vec![complete(gone)]));
    let (_, effects) = answer(&mut reading, &records(&[]));
    assert_eq!(effects, [AnswerEffect::Hold(parent(2)), complete(parent(2))], "empty twice");
    assert_eq!(reading.next_step(), ReadingStep::Done);
}

#[test]
fn a_parent_that_fails_is_parked_and_the_pass_goes_on() {
    let mut reading = Reading::start(plan(&CHILDREN, Pass::Incremental));
    answer(&mut reading, &named(&[1, 2]));
    let ReadingStep::Fetch(request) = reading.next_step() else { panic!() };
    let after = reading.on_failure(request.id, AT, &RequestFailure::Server(500), true);
    assert_eq!(after, AfterFailure::GoOn(vec![AnswerEffect::Drop(parent(1))]));
    answer(&mut reading, &records(&[20]));
    assert_eq!(reading.next_step(), ReadingStep::Done);
    let parked = reading.parked();
    assert_eq!(parked.keys().collect::<Vec<_>>(), [&1]);
    // The next run tries it again, and success forgets it.
    let mut again = Reading::start(ReadingPlan { parked, ..plan(&CHILDREN, Pass::Incremental) });
    answer(&mut again, &named(&[]));
    let (request, _) = answer(&mut again, &records(&[10]));
    assert!(matches!(request.purpose, AnswerPurpose::Records(Unit::Parent(Parent { id: 1, .. }))));
    assert_eq!((again.next_step(), again.parked().len()), (ReadingStep::Done, 0));
}

#[test]
fn fixed_fees_are_asked_for_of_reports_that_value_them_and_only_if_they_are_wanted() {
    static VALUED: StreamSpec = spec(
        "valued",
        "/reports/valued",
        StreamKind::ReportWindow(ReportWindow {
            includes_issue_date: false,
            values_fixed_fees: true,
        }),
    );
    for (spec, fixed_fees, asked) in [
        (&VALUED, FixedFeeAmounts::Rates, true),
        (&VALUED, FixedFeeAmounts::Zero, false),
        (&REPORT, FixedFeeAmounts::Rates, false),
    ] {
        let windows = crate::window::WindowGrid::Month.windows(date(2024, 1, 1), date(2024, 2, 1));
        let plan = ReadingPlan { windows, fixed_fees, width: 1, ..plan(spec, Pass::Full) };
        let mut reading = Reading::start(plan.clone());
        let ReadingStep::Fetch(first) = reading.next_step() else { panic!() };
        // A reading that goes on in another run asks for the same.
        let mut resumed = Reading::resume(plan, &reading.save().unwrap()).unwrap();
        let ReadingStep::Fetch(again) = resumed.next_step() else { panic!() };
        for request in [first, again] {
            let RequestTarget::Path { query, .. } = request.target else { panic!() };
            let value = query.iter().find(|(name, _)| name == "include_fixed_fee");
            assert_eq!(value.map(|(_, value)| value.as_str()), asked.then_some("true"));
        }
    }
}

#[test]
fn windows_are_read_newest_first_and_one_under_way_is_read_again_after_a_save() {
    let windows = crate::window::WindowGrid::Month.windows(date(2024, 1, 1), date(2024, 3, 1));
    let plan = ReadingPlan { windows, width: 1, ..plan(&REPORT, Pass::Full) };
    let mut reading = Reading::start(plan.clone());
    reading.on_held(TableUnits::default());
    let (request, _) = answer(&mut reading, &records(&[1]));
    let RequestTarget::Path { query, .. } = &request.target else { panic!() };
    assert_eq!(query[0], ("from".to_owned(), "2024-03-01".to_owned()));
    let ReadingStep::Fetch(under_way) = reading.next_step() else { panic!() };
    let saved = reading.save().unwrap();
    let mut resumed = Reading::resume(plan, &saved).unwrap();
    let ReadingStep::Fetch(again) = resumed.next_step() else { panic!() };
    assert_eq!(again.target, under_way.target);
}

#[test]
fn a_snapshot_whose_pages_never_add_up_covers_nothing() {
    let mut reading = Reading::start(plan(&SNAPSHOT, Pass::Full));
    reading.on_held(TableUnits::default());
    let mut last = Vec::new();
    for _ in 0..PROOF_TRIES {
        let first = PageFacts { next: Some("next".to_owned()), ..records(&[1, 2]) };
        answer(&mut reading, &PageFacts { total_entries: Some(3), ..first });
        last = answer(&mut reading, &PageFacts { total_pages: Some(2), ..page_of(&[3], 4) }).1;
    }
    assert_eq!(
        last,
        [
            AnswerEffect::Hold(Unit::Stream),
            AnswerEffect::Complete { unit: Unit::Stream, covered: None },
        ]
    );
    assert_eq!(reading.next_step(), ReadingStep::Done);
    assert!(matches!(reading.proof(), ListProof::Unproven(_)));
}

#[test]
fn a_sample_reads_one_page_each_and_proves_nothing() {
    let days = (0..600).map(|id| (id, Some(day(i32::try_from(id).unwrap())))).collect();
    let mut server = ListServer { records: days, page: 100, undated_first: false };
    let month = Period { start: day(40), end: day(59) };
    let sample = Some(ListingSample { records: 20, periods: vec![month] });
    let mut reading =
        Reading::start(ReadingPlan { sample: sample.clone(), ..plan(&DATED, Pass::Full) });
    let (seen, requests) = read(&mut reading, &mut server, |_| ());
    let expected: BTreeSet<Key> = (580..600).chain(40..60).map(Key::id).collect();
    assert_eq!((seen, requests), (expected, 2));
    assert!(matches!(reading.proof(), ListProof::Unproven(_)));

    // Parents of which the table holds rows are read; without proof that the listing named all, no
    // other parent is asked for.
    let parked = ParkedParent { created_year: None, attempts: 0, reason: String::new() };
    let parked = BTreeMap::from([(7, parked)]);
    let mut reading = Reading::start(ReadingPlan { parked, sample, ..plan(&CHILDREN, Pass::Full) });
    let (request, _) = answer(&mut reading, &named(&[1]));
    let RequestTarget::Path { query, .. } = &request.target else { panic!() };
    assert_eq!(*query, [("per_page".to_owned(), "20".to_owned())]);
    let mut read = BTreeSet::new();
    for _ in 0..2 {
        let (request, _) = answer(&mut reading, &records(&[1]));
        let AnswerPurpose::Records(Unit::Parent(parent)) = request.purpose else {
            panic!("{request:?}")
        };
        read.insert(parent.id);
    }
    assert_eq!(read, [1, 7].into());
    let held = TableUnits { any: true, parents: [7, 8].into(), ..TableUnits::default() };
    assert_eq!(reading.next_step(), ReadingStep::Held);
    reading.on_held(held);
    assert_eq!(reading.next_step(), ReadingStep::Done);
    assert_eq!(reading.absent(), Some(&AbsentRows::default()));
}

mod doubts;
mod hidden;
mod parked;
