//! Contradictory answers, refused units, and 404 that proves nothing.

use std::collections::VecDeque;

use super::*;

/// Reads to the end with answers that `serve` makes of a request, which may be refused.
pub(super) fn drive(
    reading: &mut Reading,
    mut serve: impl FnMut(&PageRequest) -> Result<PageFacts, RequestFailure>,
) -> (Vec<AnswerEffect>, u32, Option<StopReason>) {
    let (mut effects, mut requests) = (Vec::new(), 0);
    loop {
        let request = match reading.next_step() {
            ReadingStep::Fetch(request) => request,
            ReadingStep::Held => {
                effects.extend(reading.on_held(held(reading)));
                continue;
            }
            ReadingStep::Missing(_) => {
                effects.extend(reading.on_missing(MissingRows::default(), AT));
                continue;
            }
            ReadingStep::Stop(stopped) => return (effects, requests, Some(stopped)),
            ReadingStep::Done => return (effects, requests, None),
            ReadingStep::Wait => panic!("nothing is under way"),
        };
        requests += 1;
        assert!(requests < 2_000, "the reading never ends");
        match serve(&request) {
            Ok(facts) => effects.extend(reading.on_page(request.id, AT, &facts)),
            Err(failure) => match reading.on_failure(request.id, AT, &failure, true) {
                AfterFailure::GoOn(more) => effects.extend(more),
                AfterFailure::Stop(stopped) => return (effects, requests, Some(stopped)),
            },
        }
    }
}

/// Units held: rows of the parents 1 to 3 and 9.
fn held(_: &Reading) -> TableUnits {
    TableUnits { any: true, parents: BTreeSet::from([1, 2, 3, 9]), ..TableUnits::default() }
}

pub(super) fn path(request: &PageRequest) -> String {
    match &request.target {
        RequestTarget::Path { path, .. } => path.clone(),
        RequestTarget::Link(link) => link.clone(),
    }
}

fn contradictory(reading: &Reading) -> bool {
    matches!(reading.proof(), ListProof::Contradictory(_))
}

#[test]
fn a_list_that_contradicts_itself_is_read_three_times_and_then_said_to() {
    for spec in [&CURSOR, &DATED, &UNDATED] {
        for pass in [Pass::Incremental, Pass::Full] {
            let mut reading = Reading::start(plan(spec, pass));
            let (_, requests, stopped) = drive(&mut reading, |request| {
                // The total of the bounded question of undated records is that of the plain one.
                let dates = vec![Some(day(3)), Some(day(2))];
                let facts = PageFacts { dates, ..page_of(&[1, 2], 5) };
                Ok(if request.purpose == AnswerPurpose::Count { page_of(&[], 5) } else { facts })
            });
            assert_eq!(stopped, None);
            assert!(contradictory(&reading), "{} {pass:?}: {:?}", spec.name, reading.proof());
            assert!((3..40).contains(&requests), "{} {pass:?}: {requests}", spec.name);
        }
    }
}

#[test]
fn a_list_that_heals_while_it_is_read_again_is_proven() {
    for spec in [&CURSOR, &DATED] {
        let mut reading = Reading::start(plan(spec, Pass::Full));
        let mut asked = 0;
        let (_, requests, _) = drive(&mut reading, |_| {
            asked += 1;
            let total = if asked == 1 { 7 } else { 2 };
            Ok(PageFacts { dates: vec![Some(day(3)), Some(day(2))], ..page_of(&[1, 2], total) })
        });
        assert_eq!((requests, reading.proof()), (2, ListProof::Proven), "{}", spec.name);
    }
}

#[test]
fn all_records_come_although_each_page_calls_itself_the_whole_list() {
    let server = ListServer {
        records: (1..10).map(|id| (id, Some(day(i32::try_from(id).unwrap())))).collect(),
        page: 2,
        undated_first: false,
    };
    for total in [0, 1, 2, 5] {
        let mut reading = Reading::start(plan(&DATED, Pass::Full));
        let mut seen = BTreeSet::new();
        drive(&mut reading, |request| {
            let facts = PageFacts { total_entries: Some(total), ..server.answer(&request.target) };
            seen.extend(facts.keys.iter().cloned());
            Ok(facts)
        });
        assert_eq!(seen.len(), 9, "total {total}");
        assert!(contradictory(&reading), "total {total}");
    }
}

#[test]
fn links_in_a_circle_and_empty_pages_with_new_links_end() {
    let mut page = 0_i64;
    let endless: [&mut dyn FnMut(&PageRequest) -> PageFacts; 3] = [
        &mut |request| {
            let (id, next) = match path(request).as_str() {
                "a" => (1, "b"),
                "b" => (2, "a"),
                _ => (3, "a"),
            };
            PageFacts { next: Some(next.to_owned()), ..page_of(&[id], 3) }
        },
        &mut |_| {
            page += 1;
            PageFacts { next: Some(page.to_string()), ..page_of(&[], 0) }
        },
        &mut |_| PageFacts { next: Some("the same".to_owned()), ..page_of(&[1, 2], 2) },
    ];
    for serve in endless {
        let mut reading = Reading::start(plan(&CURSOR, Pass::Full));
        let (_, requests, _) = drive(&mut reading, |request| Ok(serve(request)));
        assert!(contradictory(&reading) && requests <= 9, "{requests}: {:?}", reading.proof());
    }
}

#[test]
fn a_report_that_ignores_the_page_is_read_three_times_and_covers_nothing() {
    let windows = crate::window::WindowGrid::Month.windows(date(2024, 1, 1), date(2024, 1, 2));
    let mut reading = Reading::start(ReadingPlan { windows, ..plan(&REPORT, Pass::Full) });
    let (effects, requests, _) = drive(&mut reading, |_| {
        Ok(PageFacts { next: Some("again".to_owned()), ..page_of(&[1, 2], 5) })
    });
    assert_eq!(requests, 6);
    assert!(contradictory(&reading));
    let covered =
        |effect: &AnswerEffect| matches!(effect, AnswerEffect::Complete { covered: Some(_), .. });
    assert!(!effects.iter().any(covered), "{effects:?}");
}

#[test]
fn a_window_that_always_fails_keeps_no_other_from_being_read_again() {
    let windows = crate::window::WindowGrid::Month.windows(date(2024, 1, 1), date(2024, 3, 1));
    for (pass, again) in [(Pass::Incremental, vec![1, 2, 3]), (Pass::Full, vec![2])] {
        let plan = ReadingPlan { windows: windows.clone(), width: 1, ..plan(&REPORT, pass) };
        let mut reading = Reading::start(plan.clone());
        let mut asked = Vec::new();
        for run in 0..3 {
            asked.clear();
            let (_, _, stopped) = drive(&mut reading, |request| {
                let RequestTarget::Path { query, .. } = &request.target else { panic!() };
                let month = query[0].1[5..7].parse::<i32>().unwrap();
                asked.push(month);
                if month == 2 { Err(RequestFailure::Forbidden) } else { Ok(page_of(&[1], 1)) }
            });
            assert!(stopped.is_some(), "{pass:?}, run {run}");
            reading = Reading::resume(plan.clone(), &reading.save().unwrap()).unwrap();
        }
        asked.sort_unstable();
        assert_eq!(asked, again, "{pass:?}");
    }
}

#[test]
fn an_answer_that_is_too_large_is_asked_for_in_halves_down_to_one_record() {
    for spec in [&CURSOR, &DATED, &SNAPSHOT] {
        let mut reading = Reading::start(plan(spec, Pass::Full));
        let mut sizes = Vec::new();
        let (_, _, stopped) = drive(&mut reading, |request| {
            let RequestTarget::Path { query, .. } = &request.target else { panic!() };
            let size: u32 = query.last().unwrap().1.parse().unwrap();
            sizes.push(size);
            Err(RequestFailure::TooLarge)
        });
        assert_eq!(sizes, [2000, 1000, 500, 250, 125, 62, 31, 15, 7, 3, 1], "{}", spec.name);
        assert_eq!(stopped.map(|stopped| stopped.failure), Some(RequestFailure::TooLarge));
    }
}

#[test]
fn a_record_without_a_usable_day_is_named_and_the_others_keep_their_proof() {
    let dated = |id: i64| (id, Some(day(i32::try_from(id).unwrap())));
    for undated_first in [true, false] {
        for page in [3, 100] {
            let mut records: BTreeMap<i64, Option<Date>> = (1..30).map(dated).collect();
            records.insert(77, None);
            let server = ListServer { records, page, undated_first };
            let mut reading = Reading::start(plan(&DATED, Pass::Full));
            let mut seen = BTreeSet::new();
            let (_, requests, _) = drive(&mut reading, |request| {
                let facts = server.answer(&request.target);
                if request.purpose != AnswerPurpose::Count {
                    seen.extend(facts.keys.iter().cloned());
                }
                Ok(facts)
            });
            let case = format!("undated first: {undated_first}, pages of {page}");
            assert_eq!((seen.len(), reading.proof()), (30, ListProof::Proven), "{case}");
            // Where an answer had it, three totals show that there is no other.
            assert!(!undated_first || requests <= 18, "{case}: {requests}");
            let remarks = reading.remarks();
            assert!(remarks.iter().any(|text| text.contains("record 77")), "{case}: {remarks:?}");
        }
    }
}

#[test]
fn where_no_total_counts_undated_records_are_looked_for() {
    let dated = |id: i64| (id, Some(day(i32::try_from(id).unwrap())));
    let mut records: BTreeMap<i64, Option<Date>> = (1..30).map(dated).collect();
    records.insert(77, None);
    let server = ListServer { records, page: 3, undated_first: false };
    let mut reading = Reading::start(plan(&UNDATED, Pass::Full));
    let mut seen = BTreeSet::new();
    drive(&mut reading, |request| {
        let mut facts = server.answer(&request.target);
        if request.purpose == AnswerPurpose::Count {
            facts.total_entries = None;
        } else {
            seen.extend(facts.keys.iter().cloned());
        }
        Ok(facts)
    });
    assert_eq!((seen.len(), reading.proof()), (30, ListProof::Proven));
}

#[test]
fn a_refused_parent_is_parked_and_only_all_of_them_refuse_the_stream() {
    let parents: Vec<i64> = (1..=30).collect();
    let read = |pass, parked, refused: &dyn Fn(i64) -> bool| {
        let mut reading = Reading::start(ReadingPlan { parked, ..plan(&CHILDREN, pass) });
        let (_, requests, stopped) = drive(&mut reading, |request| match request.purpose {
            AnswerPurpose::Parents => Ok(named(&parents)),
            AnswerPurpose::Records(Unit::Parent(parent)) if refused(parent.id) => {
                Err(RequestFailure::Forbidden)
            }
            AnswerPurpose::Existence(_) => Ok(named(&[9])),
            AnswerPurpose::Records(_)
            | AnswerPurpose::Count
            | AnswerPurpose::Record
            | AnswerPurpose::Along => Ok(page_of(&[], 0)),
        });
        (reading, requests, stopped)
    };
    for pass in [Pass::Incremental, Pass::Full] {
        for refused in [1, 6, 30] {
            let (reading, _, stopped) = read(pass, BTreeMap::new(), &|id| id == refused);
            assert_eq!(stopped, None, "{refused}");
            assert_eq!(reading.parked().into_keys().collect::<Vec<_>>(), [refused]);
        }
        let (reading, requests, stopped) = read(pass, BTreeMap::new(), &|_| true);
        assert_eq!(stopped.map(|stopped| stopped.failure), Some(RequestFailure::Forbidden));
        assert!(requests < 20, "{requests}");
        assert!(reading.parked().is_empty(), "none of them is parked for what all have");
    }
}

#[test]
fn a_run_with_nothing_but_a_parked_parent_that_is_refused_again_goes_well() {
    let parked = ParkedParent { created_year: None, attempts: 1, reason: String::new() };
    let parked = BTreeMap::from([(6, parked)]);
    let mut reading = Reading::start(ReadingPlan { parked, ..plan(&CHILDREN, Pass::Incremental) });
    let (_, _, stopped) = drive(&mut reading, |request| match request.purpose {
        AnswerPurpose::Parents => Ok(named(&[])),
        AnswerPurpose::Records(_)
        | AnswerPurpose::Count
        | AnswerPurpose::Existence(_)
        | AnswerPurpose::Record
        | AnswerPurpose::Along => Err(RequestFailure::Forbidden),
    });
    assert_eq!((stopped, reading.parked().len()), (None, 1));
}

#[test]
fn the_only_parent_that_is_refused_refuses_the_first_load() {
    let mut reading = Reading::start(plan(&CHILDREN, Pass::Full));
    let (_, _, stopped) = drive(&mut reading, |request| match request.purpose {
        AnswerPurpose::Existence(parent) if parent.id != 9 => Err(RequestFailure::NotFound),
        AnswerPurpose::Parents | AnswerPurpose::Existence(_) => Ok(named(&[9])),
        AnswerPurpose::Records(_)
        | AnswerPurpose::Count
        | AnswerPurpose::Record
        | AnswerPurpose::Along => Err(RequestFailure::Forbidden),
    });
    assert_eq!(stopped.map(|stopped| stopped.failure), Some(RequestFailure::Forbidden));
}

#[test]
fn a_window_that_fails_lets_the_others_be_read_and_then_stops_the_stream() {
    let windows = crate::window::WindowGrid::Month.windows(date(2024, 1, 1), date(2024, 12, 2));
    let of = |request: &PageRequest| matches!(request.purpose, AnswerPurpose::Records(Unit::Window(w)) if w.start.month() == 6);
    let mut reading =
        Reading::start(ReadingPlan { windows: windows.clone(), ..plan(&REPORT, Pass::Full) });
    let (effects, _, stopped) = drive(&mut reading, |request| {
        if of(request) { Err(RequestFailure::Server(500)) } else { Ok(page_of(&[1], 1)) }
    });
    let complete = |effect: &&AnswerEffect| matches!(effect, AnswerEffect::Complete { .. });
    assert_eq!(effects.iter().filter(complete).count(), windows.len() - 1);
    assert_eq!(stopped.map(|stopped| stopped.failure), Some(RequestFailure::Server(500)));
    // The next run asks for that one alone.
    let saved = reading.save().unwrap();
    let mut again = Reading::resume(plan(&REPORT, Pass::Full), &saved).unwrap();
    let (_, requests, stopped) = drive(&mut again, |request| {
        assert!(of(request));
        Ok(page_of(&[1], 1))
    });
    assert_eq!((requests, stopped), (1, None));
    // If all fail, a few requests show it.
    let mut reading =
        Reading::start(ReadingPlan { windows, width: 1, ..plan(&REPORT, Pass::Full) });
    let (_, requests, stopped) = drive(&mut reading, |_| Err(RequestFailure::Forbidden));
    assert_eq!((requests, stopped.is_some()), (5, true));
}

/// End of a run with few requests.
enum ShortEnd {
    OutOfRequests,
    Stopped(StopReason),
    Done,
}

/// One run of `permits` requests, several under way at once.
fn run(
    reading: &mut Reading,
    permits: usize,
    mut serve: impl FnMut(&PageRequest) -> Result<PageFacts, RequestFailure>,
) -> ShortEnd {
    let mut waiting = VecDeque::new();
    let mut left = permits;
    loop {
        match reading.next_step() {
            ReadingStep::Fetch(request) => waiting.push_back(request),
            ReadingStep::Held => drop(reading.on_held(TableUnits::default())),
            ReadingStep::Missing(scope) => panic!("asked for what is missing of {scope:?}"),
            ReadingStep::Stop(stopped) => return ShortEnd::Stopped(stopped),
            ReadingStep::Done => return ShortEnd::Done,
            ReadingStep::Wait => {
                if left == 0 {
                    return ShortEnd::OutOfRequests;
                }
                left -= 1;
                let request = waiting.pop_front().unwrap();
                match serve(&request) {
                    Ok(facts) => drop(reading.on_page(request.id, AT, &facts)),
                    Err(failure) => drop(reading.on_failure(request.id, AT, &failure, true)),
                }
            }
        }
    }
}

/// Number of runs of twelve requests each until the pass ends.
fn short_runs(
    mut serve: impl FnMut(&PageRequest) -> Result<PageFacts, RequestFailure>,
) -> (usize, Option<StopReason>) {
    let windows = crate::window::WindowGrid::Month.windows(date(2024, 1, 1), date(2024, 8, 2));
    let mut reading = Reading::start(ReadingPlan { windows, ..plan(&REPORT, Pass::Full) });
    for runs in 1..40 {
        match run(&mut reading, 12, &mut serve) {
            ShortEnd::OutOfRequests => {}
            ShortEnd::Stopped(stopped) => return (runs, Some(stopped)),
            ShortEnd::Done => return (runs, None),
        }
        let saved = reading.save().unwrap();
        reading = Reading::resume(plan(&REPORT, Pass::Full), &saved).unwrap();
    }
    panic!("the runs never end");
}

fn page_number(request: &PageRequest) -> usize {
    let RequestTarget::Path { query, .. } = &request.target else { panic!("no links here") };
    query.iter().find(|(name, _)| name == "page").map_or(1, |(_, page)| page.parse().unwrap())
}

#[test]
fn windows_of_many_pages_are_read_one_by_one_where_runs_are_too_short_for_several() {
    let (runs, stopped) = short_runs(|request| {
        let page = page_number(request);
        let next = (page < 5).then(|| "next".to_owned());
        let id = i64::try_from(page).unwrap();
        Ok(PageFacts { next, total_pages: Some(5), ..page_of(&[id], 5) })
    });
    assert_eq!(stopped, None);
    assert!(runs <= 6, "{runs} runs for eight windows of five pages");
}

#[test]
fn windows_that_fail_at_their_fifth_page_stop_the_stream_however_short_its_runs() {
    let (runs, stopped) = short_runs(|request| match page_number(request) {
        page @ 1..5 => {
            let id = i64::try_from(page).unwrap();
            Ok(PageFacts { next: Some("next".to_owned()), ..page_of(&[id], 9) })
        }
        _ => Err(RequestFailure::Server(500)),
    });
    assert_eq!(stopped.map(|stopped| stopped.failure), Some(RequestFailure::Server(500)));
    assert!(runs <= 5, "{runs}");
}

#[test]
fn a_missing_parent_goes_only_where_the_url_of_a_listed_one_answers() {
    let gone = |effects: &[AnswerEffect]| -> Vec<i64> {
        let parent = |effect: &AnswerEffect| match effect {
            AnswerEffect::Complete { unit: Unit::Parent(parent), covered: Some(_) } => {
                Some(parent.id)
            }
            AnswerEffect::Keep
            | AnswerEffect::Hold(_)
            | AnswerEffect::Complete { .. }
            | AnswerEffect::Drop(_)
            | AnswerEffect::Gone { .. } => None,
        };
        effects.iter().filter_map(parent).filter(|id| *id == 3).collect()
    };
    let sweep = |absent: IdSet, wrong_path: bool, listed: &[i64]| {
        let mut reading = Reading::start(ReadingPlan { absent, ..plan(&CHILDREN, Pass::Full) });
        let (effects, _, _) = drive(&mut reading, |request| match request.purpose {
            AnswerPurpose::Parents => Ok(named(listed)),
            AnswerPurpose::Existence(parent) if wrong_path || parent.id == 3 => {
                Err(RequestFailure::NotFound)
            }
            AnswerPurpose::Existence(parent) => Ok(named(&[parent.id])),
            AnswerPurpose::Records(_)
            | AnswerPurpose::Count
            | AnswerPurpose::Record
            | AnswerPurpose::Along => Ok(page_of(&[], 0)),
        });
        let AbsentRows { once, twice } = reading.absent().cloned().unwrap();
        // A refused delete is to be tried again: what went because two sweeps missed it stays so.
        assert_eq!(twice.0.contains(&3), gone(&effects) == [3] && wrong_path, "{twice:?}");
        (gone(&effects), once, reading.remarks().len())
    };
    let three = || IdSet(BTreeSet::from([3]));
    assert_eq!(sweep(IdSet::default(), false, &[1, 2, 9]), (vec![3], IdSet::default(), 0));
    // A wrong path answers 404 for all: parents go when two sweeps have missed them.
    assert_eq!(sweep(IdSet::default(), true, &[1, 2, 9]), (vec![], three(), 1));
    assert_eq!(sweep(three(), true, &[1, 2, 9]), (vec![3], IdSet::default(), 1));
    // A trigger without any record names none; one that is there all the same proves the URL.
    assert_eq!(sweep(IdSet::default(), false, &[]), (vec![3], IdSet::default(), 0));
    let (gone, absent, remarks) = sweep(IdSet::default(), true, &[]);
    assert_eq!((gone, absent.0.len(), remarks), (vec![], 4, 0));
    let (gone, absent, _) = sweep(absent, true, &[]);
    assert_eq!((gone, absent), (vec![3], IdSet::default()));
}

#[test]
fn totals_of_two_runs_do_not_show_that_a_listing_has_its_archived_records() {
    static HALVED: StreamSpec = spec(
        "halved",
        "/halved",
        StreamKind::Listing(Listing {
            halves: Some("is_active"),
            ..Listing::new(Paging::Cursor, "/own/{id}")
        }),
    );
    let serve = |active: u64, archived: u64| {
        move |request: &PageRequest| {
            let RequestTarget::Path { query, .. } = &request.target else { panic!() };
            let half = query.iter().find(|(name, _)| name == "is_active");
            // The list as it is omits archived records.
            let total = match half.map(|(_, value)| value.as_str()) {
                None | Some("true") => active,
                Some(_) => archived,
            };
            Ok(page_of(&(0..i64::try_from(total).unwrap()).collect::<Vec<_>>(), total))
        }
    };
    let mut reading = Reading::start(plan(&HALVED, Pass::Full));
    // The run ends after the first of the three totals; then 15 active records are deleted.
    for _ in 0..2 {
        let ReadingStep::Fetch(request) = reading.next_step() else { panic!() };
        let facts = serve(40, 15)(&request).unwrap();
        reading.on_page(request.id, AT, &facts);
    }
    let saved = reading.save().unwrap();
    let mut reading = Reading::resume(plan(&HALVED, Pass::Full), &saved).unwrap();
    drive(&mut reading, serve(25, 15));
    assert!(reading.is_by_halves(), "15 archived records were never read: {:?}", reading.proof());
}

#[test]
fn an_empty_answer_that_promises_more_is_no_end_of_a_dated_list() {
    for spec in [&CURSOR, &DATED] {
        let mut reading = Reading::start(plan(spec, Pass::Incremental));
        let facts = PageFacts { next: Some("more".to_owned()), ..PageFacts::default() };
        let (_, _, stopped) = drive(&mut reading, |_| Ok(facts.clone()));
        assert_eq!(stopped, None);
        assert_ne!(reading.proof(), ListProof::Proven, "{}", spec.name);
    }
}
