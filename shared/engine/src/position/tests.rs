//! Cases and whole histories of positions: when the cursor moves, and what a pass leaves and
//! claims.

use proptest::prelude::*;

use super::*;
use crate::plan::tests::specs;
use crate::time::{SignedDuration, plus};

fn at(minute: i64) -> Timestamp {
    plus(Timestamp::UNIX_EPOCH, SignedDuration::from_mins(minute))
}

/// A position with this cursor and last passes that began at minute 1.
fn stands(cursor: Option<i64>) -> StreamPosition {
    let mut position = StreamPosition { cursor: cursor.map(at), ..StreamPosition::default() };
    position.incremental.last_begun = Some(at(1));
    position.full.last_begun = Some(at(1));
    position
}

#[test]
fn only_a_full_pass_that_counts_ends_the_wait_of_the_changes() {
    let [listing, ..] = specs();
    let waits = StreamPosition { rebases_changes: true, ..stands(None) };
    let after = |flush: PassFlush| flush.position(&waits).position.rebases_changes;
    assert!(after(ends(listing, Pass::Incremental)));
    assert!(after(PassFlush { proof: contradicts(), ..ends(listing, Pass::Full) }));
    assert!(!after(ends(listing, Pass::Full)));
}

fn contradicts() -> ListProof {
    ListProof::Contradictory("totals".to_owned())
}

fn moved() -> ListProof {
    ListProof::Unproven("moved".to_owned())
}

/// A pass that is read whole and began at minute 100 by both clocks.
fn ends(spec: &'static StreamSpec, pass: Pass) -> PassFlush {
    PassFlush {
        spec,
        pass,
        start: PassStart { begun: at(100), by_server: at(100) },
        stage: PassStage::Complete { by_halves: false, absent: None, idle: false },
        proof: ListProof::Proven,
        answers: AnswerCounts { own: 5, ..AnswerCounts::default() },
        parked: BTreeMap::new(),
        requests: 7,
        progress: (3, 0),
        grid: WindowGrid::Month,
        fixed_fees: FixedFeeAmounts::default(),
        start_date: None,
        present: Present::ours(at(110)),
    }
}

fn goes_on(flush: PassFlush) -> PassFlush {
    let reading = serde_json::json!({ "page": 2 });
    PassFlush { stage: PassStage::GoesOn { reading, waits_until: None }, ..flush }
}

const UNUSABLE: AnswerCounts = AnswerCounts { own: 5, unusable: 2, unusable_triggers: 0 };

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn the_cursor_moves_only_where_everything_before_it_is_in_the_table() {
    let [listing, snapshot, report] = specs();
    let (incremental, full) = (Pass::Incremental, Pass::Full);
    let of = |pass| ends(listing, pass);
    let idle = PassStage::Complete { by_halves: false, absent: None, idle: true };
    let since = Some(crate::time::utc_day(at(0)));
    let ahead = Present::new(at(110), Some(at(40)));
    // Name of the case; the cursor before, the flush, the cursor after, each in minutes.
    let cases: [(&str, Option<i64>, PassFlush, Option<i64>); 22] = [
        ("incremental, proven", Some(50), of(incremental), Some(100)),
        ("incremental, goes on", Some(50), goes_on(of(incremental)), Some(50)),
        ("incremental, moved", Some(50), PassFlush { proof: moved(), ..of(incremental) }, Some(50)),
        (
            "incremental, contradictory",
            Some(50),
            PassFlush { proof: contradicts(), ..of(incremental) },
            Some(50),
        ),
        (
            "incremental, unusable records",
            Some(50),
            PassFlush { answers: UNUSABLE, ..of(incremental) },
            Some(50),
        ),
        (
            "incremental, idle",
            Some(50),
            PassFlush { stage: idle.clone(), ..of(incremental) },
            Some(50),
        ),
        ("incremental, from before the cursor", Some(105), of(incremental), Some(105)),
        (
            "incremental, from a cursor in Harvest's future",
            Some(50),
            PassFlush { present: ahead, ..of(incremental) },
            None,
        ),
        (
            "incremental, with a start date",
            Some(50),
            PassFlush { start_date: since, ..of(incremental) },
            Some(100),
        ),
        ("incremental of reports", None, ends(report, incremental), None),
        ("full, first, goes on", None, goes_on(of(full)), Some(100)),
        ("full, first, complete", None, of(full), Some(100)),
        (
            "full, first, unusable records",
            None,
            goes_on(PassFlush { answers: UNUSABLE, ..of(full) }),
            None,
        ),
        (
            "full, first, complete with unusable records",
            None,
            PassFlush { answers: UNUSABLE, ..of(full) },
            None,
        ),
        ("full, proven", Some(50), of(full), Some(100)),
        ("full, goes on", Some(50), goes_on(of(full)), Some(50)),
        ("full, moved", Some(50), PassFlush { proof: moved(), ..of(full) }, Some(50)),
        ("full, contradictory", Some(50), PassFlush { proof: contradicts(), ..of(full) }, Some(50)),
        ("full, idle", Some(50), PassFlush { stage: idle, ..of(full) }, Some(100)),
        (
            "full, from a start date on",
            Some(50),
            PassFlush { start_date: since, ..of(full) },
            Some(50),
        ),
        ("full of a snapshot", None, ends(snapshot, full), None),
        ("full of reports", None, ends(report, full), None),
    ];
    for (name, before, flush, after) in cases {
        let next = flush.position(&stands(before)).position;
        assert_eq!(next.cursor, after.map(at), "{name}");
    }
}

#[test]
fn a_pass_that_ends_says_when_it_began_and_what_it_cost() {
    let [listing, _, report] = specs();
    for pass in [Pass::Incremental, Pass::Full] {
        let mut before = stands(Some(50));
        before.pass_mut(pass).doubted = Some(at(2));
        let next = ends(listing, pass).position(&before).position;
        let state = next.pass(pass);
        let wanted = (Some(at(100)), None, 7, None);
        let found =
            (state.last_begun, state.doubted, state.last_requests, state.unfinished.clone());
        assert_eq!(found, wanted, "{pass:?}");
        // A pass whose records are unusable runs again.
        let next = PassFlush { answers: UNUSABLE, ..ends(listing, pass) }.position(&before);
        assert_eq!(next.position.pass(pass).last_begun, Some(at(1)), "{pass:?}");
    }
    let next = ends(report, Pass::Incremental).position(&StreamPosition::default()).position;
    assert_eq!(next.grid, Some(WindowGrid::Month), "the grid that the table begins with");
}

#[test]
fn a_full_pass_that_contradicts_itself_does_not_count() {
    let [listing, ..] = specs();
    let of = |pass| PassFlush { proof: contradicts(), ..ends(listing, pass) };
    let before = stands(Some(50));
    let full = of(Pass::Full).position(&before).position.full;
    assert_eq!((full.last_begun, full.doubted), (Some(at(1)), Some(at(100))));
    let incremental = of(Pass::Incremental).position(&before).position.incremental;
    assert_eq!((incremental.last_begun, incremental.doubted), (Some(at(100)), None));
}

#[test]
fn a_pass_that_goes_on_keeps_its_start_and_its_deletes() {
    let [listing, ..] = specs();
    let mut before = stands(Some(50));
    before.full.deleted = 4;
    let next = goes_on(ends(listing, Pass::Full)).position(&before).position;
    let unfinished = next.full.unfinished.clone().unwrap();
    assert_eq!((unfinished.begun, unfinished.start), (at(100), at(100)));
    let wanted = (4, 0, at(110));
    assert_eq!((unfinished.deleted, unfinished.refused, unfinished.tried_at), wanted);
    assert_eq!(next.full.last_begun, Some(at(1)), "it is not complete");
    assert_eq!(next.incremental, before.incremental);
}

#[test]
fn a_refused_delete_brings_the_pass_back() {
    let [listing, ..] = specs();
    let refused = PassDeletes { deleted: 2, refused: 9 };
    for pass in [Pass::Incremental, Pass::Full] {
        let before = stands(Some(50));
        let next = ends(listing, pass).position(&before).position;
        let settled = refused.settle(next.clone(), &before, pass);
        let state = settled.pass(pass);
        assert_eq!((state.last_begun, state.deleted), (Some(at(1)), 2), "{pass:?}");
        let cursor = if pass == Pass::Incremental { at(50) } else { at(100) };
        assert_eq!(settled.cursor, Some(cursor), "what changed is read, what is gone is not done");
        let settled = PassDeletes { refused: 0, ..refused }.settle(next, &before, pass);
        assert_eq!((settled.pass(pass).deleted, settled.cursor), (0, Some(at(100))), "{pass:?}");
        let next = goes_on(ends(listing, pass)).position(&before).position;
        let settled = refused.settle(next, &before, pass);
        assert_eq!(PassDeletes::before(&settled, pass), refused, "{pass:?}");
        assert_eq!(settled.cursor, Some(at(50)));
    }
}

#[test]
fn only_an_incremental_pass_that_leaves_its_cursor_claims_nothing() {
    let [listing, snapshot, report] = specs();
    let before = stands(Some(50));
    let claims = |flush: &PassFlush| {
        let next = flush.position(&before).position;
        claims(flush.spec, flush.pass, &before, &next)
    };
    let of = |pass| ends(listing, pass);
    assert!(claims(&of(Pass::Incremental)) && claims(&of(Pass::Full)));
    assert!(!claims(&PassFlush { proof: moved(), ..of(Pass::Incremental) }));
    assert!(claims(&PassFlush { proof: moved(), ..of(Pass::Full) }));
    assert!(!claims(&goes_on(of(Pass::Full))) && !claims(&goes_on(of(Pass::Incremental))));
    assert!(claims(&ends(snapshot, Pass::Full)) && claims(&ends(report, Pass::Incremental)));
}

/// One flush of a history.
#[derive(Clone, Debug)]
struct Happens {
    pass: Pass,
    minutes: i64,
    complete: bool,
    proof: ListProof,
    answers: AnswerCounts,
    refused: u64,
    start_date: bool,
    durable: bool,
}

fn happens() -> impl Strategy<Value = Happens> {
    let pass = prop_oneof![Just(Pass::Incremental), Just(Pass::Full)];
    let proof =
        prop_oneof![4 => Just(ListProof::Proven), 1 => Just(moved()), 1 => Just(contradicts())];
    let answers = prop_oneof![5 => Just(AnswerCounts { own: 1, ..UNUSABLE }), 1 => Just(UNUSABLE)];
    let answers = answers.prop_map(|it| if it == UNUSABLE { it } else { AnswerCounts::default() });
    let refused = prop_oneof![4 => Just(0), 1 => Just(3)];
    (
        pass,
        1_i64..50,
        any::<bool>(),
        proof,
        answers,
        refused,
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.8),
    )
        .prop_map(|(pass, minutes, complete, proof, answers, refused, start_date, durable)| {
            Happens { pass, minutes, complete, proof, answers, refused, start_date, durable }
        })
}

proptest! {
    /// Reads a history as the table does. `known`: instant before which every change is in the
    /// table, or is still to be read by the unfinished full pass.
    #[test]
    fn the_cursor_never_passes_the_start_of_a_reading_that_is_not_durable(
        history in prop::collection::vec(happens(), 1..30),
    ) {
        let [listing, ..] = specs();
        let (mut position, mut known) = (StreamPosition::default(), None);
        let mut now = 100;
        for happens in history {
            now += happens.minutes;
            let pass = happens.pass;
            // An unfinished pass keeps its start.
            let start = position.pass(pass).unfinished.as_ref().map_or(at(now), |it| it.start);
            let flush = PassFlush {
                start: PassStart { begun: start, by_server: start },
                proof: happens.proof.clone(),
                answers: happens.answers,
                start_date: happens.start_date.then(|| crate::time::utc_day(at(0))),
                present: Present::ours(at(now + 1)),
                ..ends(listing, pass)
            };
            let flush = if happens.complete { flush } else { goes_on(flush) };
            let next = flush.position(&position).position;
            let deletes = PassDeletes { deleted: 0, refused: happens.refused };
            let deletes = PassDeletes::before(&position, pass).plus(deletes);
            let next = deletes.settle(next, &position, pass);
            // A position that neither a commit nor an item took is lost for the next run.
            if !happens.durable {
                continue;
            }
            let first = pass == Pass::Full && position.cursor.is_none() && flush.is_usable();
            let whole = happens.complete
                && happens.proof == ListProof::Proven
                && flush.is_usable()
                && match pass {
                    Pass::Incremental => deletes.refused == 0,
                    Pass::Full => !happens.start_date,
                };
            if first || whole {
                known = known.max(Some(start));
            }
            prop_assert!(next.cursor <= known, "{:?} behind {known:?}", next.cursor);
            prop_assert!(next.cursor >= position.cursor, "a cursor never moves back");
            position = next;
        }
    }
}

#[test]
fn deletes_of_a_pass_add_up_over_its_flushes() {
    let first = PassDeletes { deleted: 3, refused: 1 };
    let both = first.plus(PassDeletes { deleted: 4, refused: 2 });
    assert_eq!(both, PassDeletes { deleted: 7, refused: 3 });
    assert_eq!(both.plus(PassDeletes::default()), both);
}

#[test]
fn a_parked_parent_whose_deletes_are_refused_stays_parked() {
    let [listing, ..] = specs();
    let parked = ParkedParent { created_year: None, attempts: 1, reason: String::new() };
    let mut before = stands(Some(50));
    before.parked = ItemValue::Here(BTreeMap::from([(6, parked)]));
    // Its list was read whole, and more of its rows are gone than may go.
    let next = ends(listing, Pass::Incremental).position(&before).position;
    let settled = PassDeletes { deleted: 0, refused: 900 }.settle(next, &before, Pass::Incremental);
    assert_eq!(settled.cursor, before.cursor, "the pass runs again");
    assert_eq!(settled.parked, before.parked, "and asks for the parent again");
}

#[test]
fn an_unfinished_pass_from_a_cursor_in_the_future_moves_no_cursor() {
    use crate::persisted::PersistedInstants;
    let [listing, ..] = specs();
    // Our clock is two hours ahead. An answer without `Date` made the cursor; an incremental pass
    // that reads from it is not finished.
    let ours = 220;
    let before = stands(Some(215));
    let flush = PassFlush {
        start: PassStart { begun: at(ours), by_server: at(100) },
        present: Present::new(at(ours + 1), Some(at(101))),
        ..ends(listing, Pass::Incremental)
    };
    let unfinished = goes_on(flush.clone()).position(&before).position;
    // The next run knows the server's time and drops the cursor, or a full pass does that.
    let mut freed = unfinished.clone();
    let ahead = freed.free(&Present::new(at(ours + 5), Some(at(105))));
    assert_eq!((ahead.len(), freed.cursor), (1, None));
    let full = PassFlush {
        start: PassStart { begun: at(ours - 10), by_server: at(90) },
        present: Present::new(at(ours + 5), Some(at(105))),
        ..ends(listing, Pass::Full)
    };
    let swept = full.position(&unfinished).position;
    assert_eq!(swept.cursor, Some(at(90)));
    let mut moved = Vec::new();
    for (name, standing) in [("freed", freed), ("swept", swept)] {
        // What changed before its start and after `standing.cursor` was asked for by nobody.
        let resumed = standing.incremental.unfinished.is_some();
        let next = flush.position(&standing).position;
        if resumed && next.cursor != standing.cursor {
            moved.push((name, standing.cursor, next.cursor));
        }
    }
    assert!(moved.is_empty(), "{moved:?}");
}

#[test]
fn a_pass_that_began_in_harvests_future_leaves_no_cursor_there() {
    let [listing, ..] = specs();
    for pass in [Pass::Incremental, Pass::Full] {
        for before in [None, Some(30)] {
            // The first answer had no `Date`, and our clock is an hour ahead.
            let flush = PassFlush {
                start: PassStart { begun: at(105), by_server: at(100) },
                present: Present::new(at(110), Some(at(50))),
                ..ends(listing, pass)
            };
            let next = flush.position(&stands(before)).position;
            assert!(next.cursor <= Some(at(50)), "{pass:?} {before:?}: {:?}", next.cursor);
        }
    }
}

#[test]
fn a_listing_found_to_omit_records_is_read_again_from_the_beginning_of_that_pass() {
    let [listing, ..] = specs();
    // Incremental passes beside the full pass read the list that omits archived records, and moved
    // the cursor; one of them is not finished.
    let mut before = stands(Some(105));
    let goes_on = goes_on(PassFlush {
        start: PassStart { begun: at(107), by_server: at(107) },
        ..ends(listing, Pass::Incremental)
    });
    before = goes_on.position(&before).position;
    let stage = PassStage::Complete { by_halves: true, absent: None, idle: false };
    let next = PassFlush { stage, ..ends(listing, Pass::Full) }.position(&before).position;
    assert!(next.by_halves && !before.by_halves);
    assert!(next.cursor <= Some(at(100)), "{:?}", next.cursor);
    assert_eq!(next.incremental.unfinished, None, "it reads the list that omits records");
}

#[test]
fn a_person_who_sees_more_than_the_last_one_reads_everything_again() {
    use crate::account::{PersonRoles, PersonSight, sight};
    use crate::item::StreamItem;
    use crate::plan::{Demand, ripe};
    let [listing, ..] = specs();
    let roles = |name: &str| vec![name.to_owned()];
    let (manager, administrator) = (roles("manager"), roles("administrator"));
    let day = 24 * 60;
    let mut before = stands(Some(7 * day - 30));
    before.full.last_begun = Some(at(7 * day - 30));
    before.full.last_requests = 5_000;
    before.written_by(Pass::Full, Some(1), manager.clone());
    let seer = |person, roles| PersonRoles { person: Some(person), roles };
    assert_eq!(sight(seer(1, &manager), seer(2, &administrator)), PersonSight::Enough);
    let now = 7 * day;
    let flush = PassFlush {
        start: PassStart { begun: at(now), by_server: at(now) },
        present: Present::ours(at(now + 1)),
        ..ends(listing, Pass::Incremental)
    };
    let mut after = flush.position(&before).position;
    after.written_by(Pass::Incremental, Some(2), administrator);
    assert_eq!(after.cursor, Some(at(now)), "everything that changed before is in the table");
    let item = StreamItem { position: after, ..StreamItem::default() };
    let demand = Demand::Schedule { interval: SignedDuration::from_hours(1) };
    let full = ripe(listing, &item, demand, Present::ours(at(now + 2))).full;
    assert!(full <= Some(at(now + 2)), "a full pass is due only at {full:?}");
}

#[test]
fn a_pass_that_does_not_count_forgives_no_refused_delete() {
    let [listing, ..] = specs();
    let mut before = stands(Some(50));
    before.full.deleted = 90;
    before.spared = ItemValue::Here(crate::pass::IdSet([7, 8].into()));
    for (name, flush) in [
        ("contradictory", PassFlush { proof: contradicts(), ..ends(listing, Pass::Full) }),
        ("unusable", PassFlush { answers: UNUSABLE, ..ends(listing, Pass::Full) }),
    ] {
        let next = flush.position(&before).position;
        let settled = PassDeletes::before(&before, Pass::Full).settle(next, &before, Pass::Full);
        assert_eq!((settled.full.deleted, &settled.spared), (90, &before.spared), "{name}");
    }
}

#[test]
fn a_pass_that_does_not_count_leaves_the_start_date_of_the_rows() {
    let [listing, ..] = specs();
    let mut before = stands(Some(50));
    before.start_date = Some(crate::time::utc_day(at(0)));
    // The operator wants all history now. A page of unusable records fails the pass.
    let flush = PassFlush { answers: UNUSABLE, ..ends(listing, Pass::Full) };
    let next = flush.position(&before).position;
    assert_eq!(next.full.last_begun, before.full.last_begun, "it does not count");
    assert_eq!(next.start_date, before.start_date, "and so is due again at once");
}
