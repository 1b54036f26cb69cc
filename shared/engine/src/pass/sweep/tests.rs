//! Sweeps against a small server whose records go, come and move between any two requests.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use proptest::prelude::*;

use super::super::tests::{ListServer, spec};
use super::super::{
    AfterFailure, AnswerEffect, AnswerPurpose, IdSet, MissingRows, PageFacts, PageRequest, Pass,
    Reading, ReadingPlan, ReadingStep, RecordIds, RequestTarget,
};
use crate::key::{Key, KeyPart};
use crate::retry::RequestFailure;
use crate::spec::{Listing, Paging, StreamKind, StreamSpec};
use crate::time::{Date, SignedDuration, Timestamp, plus};

const DAY_FIELD: Paging = Paging::DateKeyset { field: "day", nullable: true };

static BY_DAY: StreamSpec = spec(
    "things",
    "/things",
    StreamKind::Listing(
        Listing::new(DAY_FIELD, "/things/{id}").goes_with("project_id", "/projects/{parent}"),
    ),
);
static BELOW: StreamSpec = spec(
    "things",
    "/things",
    StreamKind::Listing(
        Listing::new(Paging::Offset, "/projects/{parent}/things/{id}")
            .goes_with("project_id", "/projects/{parent}"),
    ),
);
static ALONE: StreamSpec =
    spec("things", "/things", StreamKind::Listing(Listing::new(Paging::Offset, "/things/{id}")));

#[derive(Clone, Copy, Debug, PartialEq)]
struct Thing {
    day: Option<Date>,
    project: Option<i64>,
    updated: Timestamp,
}

/// Events between two requests.
#[derive(Clone, Copy, Debug)]
enum Event {
    Nothing,
    /// The next answer is a failure.
    Fails,
    /// The reading is saved and goes on elsewhere.
    Resumes,
    Delete(usize),
    DeleteProject(i64),
    Move(usize, i32),
    Create(i32, i64),
    /// An incremental pass reads all present changes.
    Syncs,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => Just(Event::Nothing),
        1 => Just(Event::Fails),
        1 => Just(Event::Resumes),
        2 => any::<usize>().prop_map(Event::Delete),
        1 => (0..4_i64).prop_map(Event::DeleteProject),
        3 => (any::<usize>(), 0..20).prop_map(|(which, day)| Event::Move(which, day)),
        1 => (0..20, 0..4_i64).prop_map(|(day, project)| Event::Create(day, project)),
        1 => Just(Event::Syncs),
    ]
}

#[derive(Debug)]
struct World {
    spec: &'static StreamSpec,
    now: Timestamp,
    things: BTreeMap<i64, Thing>,
    projects: BTreeSet<i64>,
    /// The table: when each row was read, and the record as it was then.
    table: BTreeMap<i64, (Timestamp, Thing)>,
    next_id: i64,
    page: usize,
    start: Option<Date>,
    /// Whether URLs of single records answer 404, even for existing records.
    wrong_paths: bool,
    /// Records that cannot become rows, in no answer: their ids are not known.
    unreadable: BTreeSet<i64>,
}

fn day(number: i32) -> Option<Date> {
    // Some have none.
    (number % 7 != 0).then(|| date(2026, 1, 1).checked_add(jiff::Span::new().days(number)).unwrap())
}

impl World {
    fn new(spec: &'static StreamSpec, page: usize) -> Self {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let (things, table) = (BTreeMap::new(), BTreeMap::new());
        let projects = (0..4).collect();
        let (next_id, start, wrong_paths) = (1, None, false);
        let unreadable = BTreeSet::new();
        Self { spec, now, things, projects, table, next_id, page, start, wrong_paths, unreadable }
    }

    fn tick(&mut self) {
        self.now = plus(self.now, SignedDuration::from_secs(1));
    }

    fn create(&mut self, number: i32, project: i64) {
        let project = self.projects.contains(&project).then_some(project);
        let thing = Thing { day: day(number), project, updated: self.now };
        self.things.insert(self.next_id, thing);
        self.next_id += 1;
    }

    fn sync(&mut self) {
        self.table.extend(self.things.iter().map(|(id, thing)| (*id, (self.now, *thing))));
    }

    fn happen(&mut self, event: Event) {
        let pick = |things: &BTreeMap<i64, Thing>, which: usize| {
            things.keys().copied().nth(which.checked_rem(things.len())?)
        };
        match event {
            Event::Nothing | Event::Fails | Event::Resumes => {}
            Event::Delete(which) => {
                let id = pick(&self.things, which);
                id.and_then(|id| self.things.remove(&id));
            }
            Event::DeleteProject(project) => {
                self.projects.remove(&project);
                self.things.retain(|_, thing| thing.project != Some(project));
            }
            Event::Move(which, number) => {
                let id = pick(&self.things, which);
                if let Some(thing) = id.and_then(|id| self.things.get_mut(&id)) {
                    thing.day = day(number);
                    thing.updated = self.now;
                }
            }
            Event::Create(number, project) => self.create(number, project),
            Event::Syncs => self.sync(),
        }
    }

    /// The answer to a request; `None`: 404.
    fn answer(&self, request: &PageRequest) -> Option<PageFacts> {
        let RequestTarget::Path { path, query } = &request.target else { panic!("no links here") };
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let number = |text: &str| text.parse::<i64>().unwrap();
        let record = |id: i64| {
            let keys = vec![Key::id(id)];
            self.things.contains_key(&id).then(|| PageFacts { keys, ..PageFacts::default() })
        };
        if self.wrong_paths && request.purpose != AnswerPurpose::Count && parts.len() > 1 {
            return None;
        }
        match parts.as_slice() {
            ["things"] => {
                let since = query.iter().find(|(name, _)| name == "updated_since");
                let since = since.map(|(_, at)| at.parse::<Timestamp>().unwrap());
                let records = self.things.iter();
                let records =
                    records.filter(|(_, thing)| since.is_none_or(|since| thing.updated >= since));
                let records = records.map(|(id, thing)| (*id, thing.day)).collect();
                let server = ListServer { records, page: self.page, undated_first: true };
                let mut facts = server.answer(&request.target);
                let sample = |id: i64| {
                    let along = self.things.get(&id).and_then(|thing| thing.project);
                    RecordIds { id, along }
                };
                let first = facts.keys.first().map(|key| match key.0.as_slice() {
                    [KeyPart::Int(id)] => sample(*id),
                    _ => panic!(),
                });
                facts.samples.extend(first);
                Some(facts)
            }
            ["things", id] => record(number(id)),
            ["projects", id] => self.projects.contains(&number(id)).then(PageFacts::default),
            ["projects", project, "things", id] => {
                let its = self.things.get(&number(id))?.project == Some(number(project));
                its.then(|| record(number(id))).flatten()
            }
            _ => panic!("{path}"),
        }
    }

    /// The answer as it is decoded.
    fn decoded(&self, mut facts: PageFacts) -> PageFacts {
        let is_unreadable = |key: &Key| self.unreadable.iter().any(|id| *key == Key::id(*id));
        for at in (0..facts.keys.len()).rev().filter(|_| !self.unreadable.is_empty()) {
            if is_unreadable(&facts.keys[at]) {
                facts.keys.remove(at);
                if at < facts.dates.len() {
                    facts.dates.remove(at);
                }
                facts.quarantined += 1;
            }
        }
        let is_sampled = !facts.samples.is_empty();
        facts.samples.clear();
        if let Some(Key(parts)) = facts.keys.first().filter(|_| is_sampled)
            && let [KeyPart::Int(id)] = parts.as_slice()
        {
            let along = self.things.get(id).and_then(|thing| thing.project);
            facts.samples.push(RecordIds { id: *id, along });
        }
        facts
    }

    fn plan(&self, before: IdSet) -> ReadingPlan {
        ReadingPlan {
            spec: self.spec,
            pass: Pass::Full,
            cursor: None,
            start_date: self.start,
            windows: Vec::new(),
            fixed_fees: crate::window::FixedFeeAmounts::default(),
            parked: BTreeMap::new(),
            absent: before,
            by_halves: false,
            compares: true,
            sample: None,
            width: 3,
        }
    }

    /// Runs one sweep: deletes the rows that it proves gone, and returns the others and its
    /// requests.
    #[expect(clippy::too_many_lines, reason = "one loop that plays Harvest, table and run")]
    fn sweep(&mut self, before: &IdSet, mut events: Vec<Event>) -> (IdSet, u32) {
        let mut reading = Reading::start(self.plan(before.clone()));
        let (started, mut seen) = (self.now, BTreeSet::new());
        let (mut waiting, mut requests) = (Vec::<(PageRequest, Timestamp)>::new(), 0);
        loop {
            let effects = match reading.next_step() {
                ReadingStep::Held => panic!("a listing holds nothing back"),
                ReadingStep::Stop(stopped) => panic!("{stopped:?}"),
                ReadingStep::Done => break,
                ReadingStep::Missing(scope) => {
                    let mut missing = MissingRows::default();
                    for (id, (synced, thing)) in &self.table {
                        let inside =
                            scope.days.as_ref().is_some_and(|days| days.contain(thing.day));
                        if inside && *synced < scope.begun && !seen.contains(id) {
                            let StreamKind::Listing(listing) = &self.spec.kind else { panic!() };
                            missing.add(listing.goes_with.and(thing.project), *id);
                        }
                    }
                    reading.on_missing(missing, started)
                }
                ReadingStep::Fetch(request) => {
                    waiting.push((request, self.now));
                    continue;
                }
                ReadingStep::Wait => {
                    let event = events.pop().unwrap_or(Event::Nothing);
                    self.tick();
                    self.happen(event);
                    self.tick();
                    requests += 1;
                    assert!(requests < 10_000, "the sweep never ends");
                    if matches!(event, Event::Resumes) {
                        waiting.clear();
                        let saved = reading.save().unwrap().to_string();
                        let saved = serde_json::from_str(&saved).unwrap();
                        reading = Reading::resume(self.plan(before.clone()), &saved).unwrap();
                        continue;
                    }
                    let (request, at) = waiting.remove(requests as usize % waiting.len());
                    let failure = match (event, self.answer(&request)) {
                        (Event::Fails, _) => RequestFailure::Server(500),
                        (_, None) => RequestFailure::NotFound,
                        (_, Some(facts)) => {
                            let facts = self.decoded(facts);
                            if matches!(request.purpose, AnswerPurpose::Records(_)) {
                                seen.extend(facts.keys.iter().map(|key| {
                                    let KeyPart::Int(id) = key.0[0] else { panic!() };
                                    id
                                }));
                            }
                            let effects = reading.on_page(request.id, at, &facts);
                            self.apply(effects);
                            continue;
                        }
                    };
                    let last = failure == RequestFailure::NotFound;
                    match reading.on_failure(request.id, at, &failure, last) {
                        AfterFailure::GoOn(effects) => effects,
                        AfterFailure::Stop(stopped) => panic!("{stopped:?}"),
                    }
                }
            };
            self.apply(effects);
        }
        (reading.absent().unwrap().once.clone(), requests)
    }

    fn apply(&mut self, effects: Vec<AnswerEffect>) {
        for effect in effects {
            if let AnswerEffect::Gone { ids, begun } = effect {
                for id in ids {
                    assert!(!self.things.contains_key(&id), "{id} is still there");
                    if self.table.get(&id).is_some_and(|(synced, _)| *synced < begun) {
                        self.table.remove(&id);
                    }
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn a_record_that_cannot_become_a_row_stays_and_keeps_no_other_that_is_gone(
        stream in 0..3_usize,
        page in 4..12_usize,
        count in 12..40_i32,
        unreadable in proptest::collection::vec(any::<usize>(), 1..3),
        gone in proptest::collection::vec(any::<usize>(), 0..4),
        events in proptest::collection::vec(event(), 0..20),
        quiet: bool,
    ) {
        let spec = [&ALONE, &BELOW, &BY_DAY][stream];
        let mut world = filled(spec, count);
        world.page = page;
        for which in unreadable {
            let id = world.things.keys().copied().nth(which % world.things.len());
            world.unreadable.extend(id);
        }
        for which in gone {
            world.happen(Event::Delete(which));
        }
        world.tick();
        // Deletions of rows that are there are caught as they happen.
        let events = if quiet { Vec::new() } else { events };
        drop(world.sweep(&IdSet::default(), events));
        // Pages of days without a single day prove nothing.
        if quiet && stream < 2 && !world.things.keys().all(|id| world.unreadable.contains(id)) {
            let left: BTreeSet<i64> = world.table.keys().copied().collect();
            let there: BTreeSet<i64> = world.things.keys().copied().collect();
            prop_assert_eq!(left, there);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn what_is_there_stays_and_what_is_gone_goes_at_the_latest_with_the_second_sweep(
        stream in 0..3_usize,
        page in 4..12_usize,
        things in proptest::collection::vec((0..20_i32, 0..6_i64), 0..60),
        gone in proptest::collection::vec(event(), 0..40),
        events in proptest::collection::vec(event(), 0..60),
        start in proptest::option::of(1..15_i32),
    ) {
        let spec = [&BY_DAY, &BELOW, &ALONE][stream];
        let mut world = World::new(spec, page);
        world.start = start.and_then(day).filter(|_| core::ptr::eq(spec, &raw const BY_DAY));
        for (number, project) in things {
            world.create(number, project);
        }
        world.sync();
        world.tick();
        for event in gone {
            world.happen(event);
        }
        world.tick();
        // Deletions of rows that are there are caught as they happen.
        let (absent, _) = world.sweep(&IdSet::default(), events);
        world.tick();
        let (absent, _) = world.sweep(&absent, Vec::new());
        world.tick();
        let (absent, _) = world.sweep(&absent, Vec::new());
        let below = core::ptr::eq(spec, &raw const BELOW);
        // An answer without a single date says nothing of the order, hence proves nothing.
        let undated = world.things.values().filter(|thing| thing.day.is_none()).count();
        prop_assume!(!core::ptr::eq(spec, &raw const BY_DAY) || undated < page);
        for (id, (_, thing)) in &world.table {
            let covered = world.start.is_none_or(|start| thing.day.is_none_or(|day| day >= start));
            // Without a project its path is not known.
            let findable = !below || thing.project.is_some();
            prop_assert!(
                world.things.contains_key(id) || !covered || !findable,
                "{id} is gone, and stays: {thing:?}, {absent:?}",
            );
        }
    }
}

fn filled(spec: &'static StreamSpec, count: i32) -> World {
    let mut world = World::new(spec, 50);
    (0..count).for_each(|number| world.create(1 + number % 5, i64::from(number % 4)));
    world.sync();
    world.tick();
    world
}

#[test]
fn a_deleted_project_takes_its_things_with_one_request() {
    let mut world = filled(&BY_DAY, 40);
    world.happen(Event::DeleteProject(2));
    let (absent, requests) = world.sweep(&IdSet::default(), Vec::new());
    assert_eq!((world.table.len(), absent), (30, IdSet::default()));
    // Requests for the list, the changes meanwhile, the project.
    assert!(requests <= 6, "{requests}");
}

#[test]
fn many_that_stand_for_themselves_go_with_the_second_sweep_after_a_few_questions() {
    let mut world = filled(&ALONE, 40);
    (0..20).for_each(|_| world.happen(Event::Delete(0)));
    let (absent, _) = world.sweep(&IdSet::default(), Vec::new());
    assert_eq!((world.table.len(), absent.0.len()), (40, 20));
    let (absent, requests) = world.sweep(&absent, Vec::new());
    assert_eq!((world.table.len(), absent), (20, IdSet::default()));
    assert!(requests <= 6, "{requests}");
}

#[test]
fn none_of_many_goes_unasked_while_a_record_cannot_become_a_row() {
    let mut world = filled(&ALONE, 40);
    let deleted: BTreeSet<i64> = world.things.keys().copied().take(20).collect();
    (0..20).for_each(|_| world.happen(Event::Delete(0)));
    let unreadable = *world.things.keys().next().unwrap();
    world.unreadable.insert(unreadable);
    let (absent, _) = world.sweep(&IdSet::default(), Vec::new());
    assert_eq!(absent.0.len(), 21);
    let (absent, _) = world.sweep(&absent, Vec::new());
    assert_eq!(world.table.len(), 40, "any of them may be the one without an id");
    world.unreadable.clear();
    drop(world.sweep(&absent, Vec::new()));
    assert_eq!(world.table.len(), 20);
    assert!(deleted.iter().all(|id| !world.table.contains_key(id)));
}

#[test]
fn another_record_under_a_rows_own_url_is_not_kept() {
    let mut world = filled(&ALONE, 10);
    world.happen(Event::Delete(0));
    let mut reading = Reading::start(world.plan(IdSet::default()));
    let mut others = 0;
    loop {
        let effects = match reading.next_step() {
            ReadingStep::Fetch(request) => {
                let own = world.answer(&request);
                let other = || PageFacts { keys: vec![Key::id(999)], ..PageFacts::default() };
                let facts = own.clone().unwrap_or_else(other);
                let effects = reading.on_page(request.id, world.now, &facts);
                let keeps = effects.iter().any(|effect| matches!(effect, AnswerEffect::Keep));
                assert_eq!(keeps, own.is_some(), "{request:?}");
                others += u32::from(own.is_none());
                effects
            }
            ReadingStep::Missing(_) => {
                let mut missing = MissingRows::default();
                missing.add(None, 1);
                reading.on_missing(missing, world.now)
            }
            ReadingStep::Done => break,
            ReadingStep::Held | ReadingStep::Wait | ReadingStep::Stop(_) => panic!(),
        };
        assert!(!effects.iter().any(|effect| matches!(effect, AnswerEffect::Gone { .. })));
    }
    assert_eq!(others, 1);
}

#[test]
fn one_that_is_there_speaks_for_all_that_were_missing_twice() {
    let mut world = filled(&ALONE, 40);
    let things = world.things.clone();
    // The list hides them: their own URLs would tell.
    let hidden: Vec<i64> = things.keys().copied().take(20).collect();
    let absent_before = IdSet(hidden.iter().copied().collect());
    let mut reading = Reading::start(world.plan(absent_before));
    let mut asked = 0;
    let mut gone = BTreeSet::new();
    loop {
        let effects = match reading.next_step() {
            ReadingStep::Fetch(request) => {
                let own = request.purpose == AnswerPurpose::Record;
                asked += u32::from(own);
                let mut facts = world.answer(&request).unwrap();
                if !own {
                    facts.keys.retain(|key| !hidden.iter().any(|id| *key == Key::id(*id)));
                    facts.total_entries = Some(facts.keys.len() as u64);
                    facts.next = None;
                }
                reading.on_page(request.id, world.now, &facts)
            }
            ReadingStep::Missing(_) => {
                let mut missing = MissingRows::default();
                for id in &hidden {
                    missing.add(None, *id);
                }
                reading.on_missing(missing, world.now)
            }
            ReadingStep::Done => break,
            ReadingStep::Held | ReadingStep::Wait | ReadingStep::Stop(_) => panic!(),
        };
        for effect in effects {
            if let AnswerEffect::Gone { ids, .. } = effect {
                gone.extend(ids);
            }
        }
    }
    // One that is there answers for its URL first.
    assert!((3..=4).contains(&asked), "{asked}");
    assert_eq!(gone, BTreeSet::new());
    assert!(reading.absent().is_some_and(|absent| absent.once.0.len() >= 17));
    world.tick();
}

#[test]
fn an_empty_list_is_read_twice_and_has_no_record_for_a_control_question() {
    let mut world = filled(&ALONE, 3);
    world.things.clear();
    let (absent, requests) = world.sweep(&IdSet::default(), Vec::new());
    assert_eq!((world.table.len(), absent.0.len()), (3, 3));
    // Requests: twice the list, the changes meanwhile, three own URLs.
    assert_eq!(requests, 6);
    let (absent, _) = world.sweep(&absent, Vec::new());
    assert_eq!((world.table.len(), absent), (0, IdSet::default()));
}

#[test]
fn where_the_own_url_is_wrong_rows_go_only_when_two_sweeps_miss_them() {
    for spec in [&ALONE, &BY_DAY, &BELOW] {
        let mut world = filled(spec, 12);
        world.wrong_paths = true;
        (0..2).for_each(|_| world.happen(Event::Delete(3)));
        let (absent, _) = world.sweep(&IdSet::default(), Vec::new());
        assert_eq!((world.table.len(), absent.0.len()), (12, 2), "{}", spec.path);
        let (absent, _) = world.sweep(&absent, Vec::new());
        assert_eq!((world.table.len(), absent), (10, IdSet::default()), "{}", spec.path);
    }
}

#[test]
fn a_listing_that_leaves_archived_records_out_is_read_by_its_halves() {
    static HALVES: StreamSpec = spec(
        "things",
        "/things",
        StreamKind::Listing(Listing::new(Paging::Cursor, "/things/{id}").halves("is_active")),
    );
    // Records answered without the filter, with `true`, with `false`; whether both halves are read.
    let check = |totals: [usize; 3], by_halves, seen| {
        let mut world = World::new(&HALVES, 50);
        world.tick();
        let mut reading = Reading::start(world.plan(IdSet::default()));
        let mut ids = BTreeSet::new();
        loop {
            match reading.next_step() {
                ReadingStep::Fetch(request) => {
                    let RequestTarget::Path { query, .. } = &request.target else { panic!() };
                    let half = query.iter().find(|(name, _)| name == "is_active");
                    let (first, count) = match half.map(|(_, value)| value.as_str()) {
                        None => (0, totals[0]),
                        Some("true") => (0, totals[1]),
                        Some(_) => (if totals[2] == totals[0] { 0 } else { 100 }, totals[2]),
                    };
                    let keys: Vec<Key> = (first..first + count)
                        .map(|id| Key::id(i64::try_from(id).unwrap()))
                        .collect();
                    let facts = PageFacts {
                        total_entries: Some(count as u64),
                        keys,
                        ..PageFacts::default()
                    };
                    if request.purpose != AnswerPurpose::Count {
                        ids.extend(facts.keys.iter().cloned());
                    }
                    reading.on_page(request.id, world.now, &facts);
                }
                ReadingStep::Missing(_) => {
                    drop(reading.on_missing(MissingRows::default(), world.now));
                }
                ReadingStep::Done => break,
                ReadingStep::Held | ReadingStep::Wait | ReadingStep::Stop(_) => panic!(),
            }
        }
        assert_eq!((reading.is_by_halves(), ids.len()), (by_halves, seen), "{totals:?}");
        // The incremental passes after it read both halves, too.
        let plan =
            ReadingPlan { by_halves, pass: Pass::Incremental, ..world.plan(IdSet::default()) };
        let mut reading = Reading::start(plan);
        let asks = core::iter::from_fn(|| match reading.next_step() {
            ReadingStep::Fetch(request) => Some(request),
            ReadingStep::Missing(_)
            | ReadingStep::Done
            | ReadingStep::Held
            | ReadingStep::Wait
            | ReadingStep::Stop(_) => None,
        });
        assert_eq!(asks.count(), if by_halves { 2 } else { 1 });
    };
    check([5, 3, 2], false, 5);
    check([5, 5, 0], false, 5);
    check([0, 0, 0], false, 0);
    // The filter is not known to the server.
    check([5, 5, 5], false, 5);
    // Records without the flag.
    check([6, 3, 2], false, 6);
    check([5, 5, 4], true, 9);
}
