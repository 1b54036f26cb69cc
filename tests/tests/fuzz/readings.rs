//! Readings: whatever answers tell of themselves, and whatever was saved, a reading comes to an end,
//! waits only for answers, and asks for no link that no answer had.

use std::collections::{BTreeMap, BTreeSet};

use bolero::{TypeGenerator, check};
use engine::key::Key;
use engine::pass::{
    AfterFailure, IdSet, MissingRows, PageFacts, PageRequest, Parent, ParentFound, Pass, Reading,
    ReadingPlan, ReadingStep, RequestTarget, TableUnits,
};
use engine::retry::RequestFailure;
use engine::time::{Date, Timestamp};
use engine::window::{FixedFeeAmounts, WindowGrid};
use jiff::civil::date;
use serde_json::Value;

use crate::edit::TreeEdits;
use crate::tree::JsonTree;

/// Steps after which a reading whose requests all fail must have ended.
const MOST_STEPS: usize = 20_000;

/// A reading, interrupted and resumed.
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
#[derive(Clone, Debug, TypeGenerator)]
struct FuzzedReading {
    stream: u8,
    full: bool,
    has_cursor: bool,
    by_halves: bool,
    compares: bool,
    has_start: bool,
    width: u8,
    #[generator(bolero::produce::<Vec<FuzzedAnswer>>().with().len(0..=4usize))]
    before: Vec<FuzzedAnswer>,
    edits: Option<TreeEdits>,
    #[generator(bolero::produce::<Vec<FuzzedAnswer>>().with().len(0..=8usize))]
    after: Vec<FuzzedAnswer>,
}

/// An answer, or its failure.
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
#[derive(Clone, Debug, TypeGenerator)]
struct FuzzedAnswer {
    failure: Option<u8>,
    last: bool,
    records: u8,
    first_id: u8,
    days: bool,
    quarantined: bool,
    total: OddCount,
    page: OddCount,
    next_page: OddCount,
    total_pages: OddCount,
    per_page: OddCount,
    next: Option<u8>,
    parents: u8,
    newest_first: bool,
}

/// A count, as an answer has it.
#[derive(Clone, Debug, TypeGenerator)]
enum OddCount {
    Missing,
    Small(u8),
    Page,
    Any(u64),
    Greatest,
}

impl OddCount {
    fn count(&self) -> Option<u64> {
        match self {
            Self::Missing => None,
            Self::Small(count) => Some(u64::from(count % 8)),
            Self::Page => Some(2000),
            Self::Any(count) => Some(*count),
            Self::Greatest => Some(u64::MAX),
        }
    }
}

impl FuzzedAnswer {
    fn facts(&self) -> PageFacts {
        let ids = (0..i64::from(self.records)).map(|at| i64::from(self.first_id) + at);
        let keys: Vec<Key> = ids.map(Key::id).collect();
        let day = |at: usize| {
            let at = i64::try_from(at).unwrap_or_default();
            let at = if self.newest_first { -at } else { at };
            let days = jiff::Span::new().days(at);
            (at % 7 != 6).then(|| date(2026, 3, 10).saturating_add(days))
        };
        let dates: Vec<Option<Date>> =
            if self.days { (0..keys.len()).map(day).collect() } else { Vec::new() };
        let parent = |id: u8| ParentFound {
            parent: Parent { id: i64::from(id), created_year: Some(2020 + i64::from(id % 5)) },
            roles: (id.is_multiple_of(3)).then(|| vec!["administrator".to_owned()]),
        };
        PageFacts {
            total_entries: self.total.count(),
            next: self.next.map(link),
            page: self.page.count(),
            next_page: self.next_page.count(),
            total_pages: self.total_pages.count(),
            per_page: self.per_page.count(),
            quarantined: u64::from(self.quarantined),
            parents: (0..self.parents % 8).map(parent).collect(),
            dates,
            keys,
            ..PageFacts::default()
        }
    }

    fn failure(&self) -> Option<RequestFailure> {
        let failures = [
            RequestFailure::TimedOut,
            RequestFailure::Server(503),
            RequestFailure::Malformed,
            RequestFailure::TooLarge,
            RequestFailure::Forbidden,
            RequestFailure::NotFound,
            RequestFailure::Invalid(422),
            RequestFailure::ForeignLink,
        ];
        self.failure.and_then(|which| failures.get(usize::from(which)).cloned())
    }
}

fn link(which: u8) -> String {
    format!("https://api.harvestapp.com/v2/x?cursor={}", which % 8)
}

/// A reading with its requests under way.
struct DrivenReading {
    reading: Reading,
    open: BTreeMap<u64, PageRequest>,
    /// Links that answers, or the saved form, had.
    links: BTreeSet<String>,
    /// Whether its saved form was changed. Such a reading may wait for an answer to nothing.
    is_edited: bool,
}

impl DrivenReading {
    /// Takes steps until answers are awaited or the reading has ended; returns whether it has.
    fn go_on(&mut self, steps: &mut usize) -> bool {
        loop {
            *steps += 1;
            assert!(*steps < MOST_STEPS, "the reading does not end");
            match self.reading.next_step() {
                ReadingStep::Fetch(request) => {
                    if let RequestTarget::Link(link) = &request.target {
                        assert!(self.links.contains(link), "no answer has {link}");
                    }
                    assert!(self.open.insert(request.id, request).is_none(), "a number twice");
                    if self.open.len() >= self.reading.width().max(1) {
                        return false;
                    }
                }
                ReadingStep::Held => drop(self.reading.on_held(TableUnits::default())),
                ReadingStep::Missing(_) => {
                    let none = MissingRows::default();
                    drop(self.reading.on_missing(none, Timestamp::UNIX_EPOCH));
                }
                ReadingStep::Wait => {
                    let waits_for_nothing = self.open.is_empty();
                    assert!(self.is_edited || !waits_for_nothing, "it waits for no answer");
                    return waits_for_nothing;
                }
                ReadingStep::Stop(_) | ReadingStep::Done => return true,
            }
        }
    }

    /// Gives these answers, as long as the reading asks.
    fn answer(&mut self, answers: &[FuzzedAnswer], steps: &mut usize) -> bool {
        for answer in answers {
            if self.go_on(steps) {
                return true;
            }
            let Some((id, _)) = self.open.pop_first() else { return true };
            let facts = answer.facts();
            self.links.extend(facts.next.clone());
            match answer.failure() {
                None => drop(self.reading.on_page(id, Timestamp::UNIX_EPOCH, &facts)),
                Some(failure) => {
                    if self.fail(id, &failure, answer.last) {
                        return true;
                    }
                }
            }
            let again = self.reading.on_page(id, Timestamp::UNIX_EPOCH, &facts);
            assert_eq!(again, [], "an answer counts once");
        }
        false
    }

    /// Lets all further requests fail for good.
    fn end(&mut self, steps: &mut usize) {
        while !self.go_on(steps) {
            let (id, _) = self.open.pop_first().expect("a request");
            if self.fail(id, &RequestFailure::Forbidden, true) {
                return;
            }
        }
    }

    /// Lets a request fail; returns whether the reading stops.
    fn fail(&mut self, id: u64, failure: &RequestFailure, last: bool) -> bool {
        let after = self.reading.on_failure(id, Timestamp::UNIX_EPOCH, failure, last);
        matches!(after, AfterFailure::Stop(_))
    }
}

impl FuzzedReading {
    fn plan(&self) -> ReadingPlan {
        let grid = WindowGrid::Month;
        ReadingPlan {
            spec: streams::STREAMS[usize::from(self.stream) % streams::STREAMS.len()],
            pass: if self.full { Pass::Full } else { Pass::Incremental },
            cursor: self.has_cursor.then_some(Timestamp::UNIX_EPOCH),
            start_date: self.has_start.then(|| date(2024, 2, 29)),
            windows: grid.windows(date(2025, 11, 1), date(2026, 3, 10)),
            fixed_fees: FixedFeeAmounts::default(),
            parked: BTreeMap::new(),
            absent: IdSet::default(),
            by_halves: self.by_halves,
            compares: self.compares,
            sample: None,
            width: usize::from(self.width % 8),
        }
    }
}

/// Adds the links in a saved reading.
fn saved_links(value: &Value, links: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(links.insert(text.clone())),
        Value::Array(items) => items.iter().for_each(|item| saved_links(item, links)),
        Value::Object(members) => members.values().for_each(|item| saved_links(item, links)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn check_reading(input: &FuzzedReading) {
    let plan = input.plan();
    let mut steps = 0;
    let reading = Reading::start(plan.clone());
    let (open, links) = (BTreeMap::new(), BTreeSet::new());
    let mut driven = DrivenReading { reading, open, links, is_edited: false };
    driven.answer(&input.before, &mut steps);
    let saved = driven.reading.save().unwrap();
    let mut links = driven.links;
    let saved = match &input.edits {
        None => saved,
        Some(edits) => {
            let mut tree = JsonTree::of(&saved.to_string());
            edits.apply(&mut tree);
            let Ok(edited) = serde_json::from_str(&tree.text(false)) else { return };
            saved_links(&edited, &mut links);
            edited
        }
    };
    let resumed = Reading::resume(plan, &saved);
    assert!(resumed.is_ok() || input.edits.is_some(), "what was saved is read: {saved}");
    let Ok(reading) = resumed else { return };
    let again = Reading::resume(input.plan(), &reading.save().unwrap()).unwrap();
    assert_eq!(again.save().unwrap(), reading.save().unwrap());
    let is_edited = input.edits.is_some();
    let mut driven = DrivenReading { reading, open: BTreeMap::new(), links, is_edited };
    let mut steps = 0;
    if !driven.answer(&input.after, &mut steps) {
        driven.end(&mut steps);
    }
}

#[test]
fn fuzzed() {
    check!(name = "readings").with_type::<FuzzedReading>().for_each(check_reading);
}
