use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::budget::{BudgetItem, RequestLimit, Reservation};
use crate::dispatch::{OperatorRequest, running};
use crate::extent::AccountExtent;
use crate::item::ItemValue;
use crate::lease::{BusyLease, Lease};
use crate::pass::Pass;
use crate::plan::tests::specs;
use crate::plan::{Demand, due};
use crate::present::told;
use crate::time::{between, minus};
use crate::token::{AccessToken, RefusedToken};

const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);
/// Time by which a clock was ahead.
const SHIFTS: [SignedDuration; 4] = [
    SignedDuration::from_mins(4),
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(30 * 24),
];

fn unfinished(at: Timestamp) -> ResumablePass {
    ResumablePass {
        start: at,
        begun: at,
        resume: ItemValue::Here(serde_json::Value::Null),
        seen: None,
        deleted: 0,
        refused: 0,
        answers: crate::quarantine::AnswerCounts::default(),
        start_date: None,
        requests: 7,
        progress: (0, 0),
        tried_at: at,
        waits_until: Some(plus(at, SignedDuration::from_mins(10))),
    }
}

/// Everything that a run of a stream writes at `at`.
fn written(at: Timestamp) -> StreamItem {
    let mut item = StreamItem::default();
    item.position.cursor = Some(at);
    for pass in [Pass::Incremental, Pass::Full] {
        item.position.pass_mut(pass).last_begun = Some(at);
        item.position.pass_mut(pass).last_requests = 3;
        item.position.pass_mut(pass).doubted = Some(at);
        item.position.pass_mut(pass).unfinished = Some(unfinished(at));
    }
    item.health.last_success = Some(at);
    item.health.last_error = Some((at, "why".to_owned()));
    item.health.failures = 2;
    item.orphans_sought = Some(at);
    item.lease = Some(Lease::acquire(None, "a", at, false).unwrap().0);
    item
}

fn freed(mut item: StreamItem, present: &Present) -> (StreamItem, usize) {
    let ahead = item.free(present).len();
    (item, ahead)
}

#[test]
fn all_that_a_clock_ahead_wrote_counts_as_never_and_the_rest_stays() {
    for shift in SHIFTS {
        let wrong = written(plus(NOW, shift));
        let (item, ahead) = freed(wrong.clone(), &Present::ours(NOW));
        let mut expected = StreamItem::default();
        expected.position.incremental.last_requests = 3;
        expected.position.full.last_requests = 3;
        expected.health.failures = 2;
        expected.lease = wrong.lease.clone().map(|lease| Lease { until: NOW, ..lease });
        assert_eq!(item, expected, "{shift}");
        assert_eq!(ahead, 11, "{shift}");
        let sentence = told(&item.clone().free(&Present::ours(NOW)));
        assert_eq!(sentence, None, "it is said once");
    }
    let right = written(NOW);
    assert_eq!(freed(right.clone(), &Present::ours(NOW)), (right, 0));
}

#[test]
fn a_stream_is_due_at_once_whatever_instant_a_clock_ahead_left_anywhere() {
    type Set = fn(&mut StreamItem, Timestamp);
    let places: [(&str, Set); 8] = [
        ("cursor", |item, at| item.position.cursor = Some(at)),
        ("incremental", |item, at| item.position.incremental.last_begun = Some(at)),
        ("full", |item, at| item.position.full.last_begun = Some(at)),
        ("start", |item, at| item.position.incremental.unfinished = Some(unfinished(at))),
        ("full start", |item, at| item.position.full.unfinished = Some(unfinished(at))),
        ("wait", |item, at| {
            let wait = ResumablePass { waits_until: Some(at), tried_at: at, ..unfinished(NOW) };
            item.position.full.unfinished = Some(wait);
        }),
        ("error", |item, at| item.health.last_error = Some((at, "why".to_owned()))),
        ("success", |item, at| item.health.last_success = Some(at)),
    ];
    let [listing, snapshot, report] = specs();
    let hourly = Demand::Schedule { interval: SignedDuration::from_hours(1) };
    for (spec, shift) in [listing, snapshot, report]
        .into_iter()
        .flat_map(|spec| SHIFTS.into_iter().map(move |shift| (spec, shift)))
    {
        for (name, set) in places {
            let mut item = StreamItem::default();
            let yesterday = minus(NOW, SignedDuration::from_hours(48));
            item.position.cursor = Some(yesterday);
            item.position.full.last_begun = Some(yesterday);
            item.position.incremental.last_begun = Some(yesterday);
            set(&mut item, plus(NOW, shift));
            item.free(&Present::ours(NOW));
            for demand in [hourly, Demand::Now { asked_at: NOW, pass: None }] {
                let is_due = due(spec, &item, demand, Present::ours(NOW)).is_some();
                assert!(is_due, "{} {name} {shift} {demand:?}", spec.name);
            }
        }
    }
}

#[test]
fn on_demand_a_pass_that_began_a_moment_after_now_is_none_that_is_up_to_date() {
    let [listing, ..] = specs();
    for ahead in [1, 30, 59] {
        let mut item = StreamItem::default();
        let at = plus(NOW, SignedDuration::from_secs(ahead));
        item.position.full.last_begun = Some(at);
        item.position.incremental.last_begun = Some(at);
        assert_eq!(item.free(&Present::ours(NOW)), [], "clocks may be so far apart");
        let asked = Demand::Now { asked_at: NOW, pass: None };
        assert!(due(listing, &item, asked, Present::ours(NOW)).is_some(), "{ahead}");
        assert!(due(listing, &item, asked, Present::ours(at)).is_none(), "{ahead}");
    }
}

#[test]
fn to_a_clock_that_is_behind_what_others_did_lies_in_the_future_and_is_done_all_the_same() {
    let [listing, ..] = specs();
    let mut item = StreamItem::default();
    let at = plus(NOW, SignedDuration::from_hours(26));
    item.position.full.last_begun = Some(at);
    item.position.incremental.last_begun = Some(at);
    let present = Present::new(NOW, Some(plus(at, SignedDuration::from_secs(5))));
    assert_eq!(item.free(&present), []);
    let asked = Demand::Now { asked_at: NOW, pass: None };
    assert_eq!(due(listing, &item, asked, present).map(|due| due.pass), None);
    let before = Present::new(NOW, Some(plus(NOW, SignedDuration::from_hours(25))));
    assert!(due(listing, &item, asked, before).is_some());
}

#[test]
fn a_wait_that_no_budget_explains_is_over() {
    let until = |minutes| {
        let mut item = StreamItem::default();
        let waits_until = Some(plus(NOW, SignedDuration::from_mins(minutes)));
        item.position.full.unfinished = Some(ResumablePass { waits_until, ..unfinished(NOW) });
        let present = Present::ours(NOW);
        let told = item.free(&present).len();
        (item.position.full.unfinished.unwrap().waits_until == waits_until, told)
    };
    assert_eq!(until(60), (true, 0));
    assert_eq!(until(119), (true, 0));
    assert_eq!(until(121), (false, 1));
    assert_eq!(until(60 * 24), (false, 1));
}

#[test]
fn the_servers_date_tells_where_our_clock_is_behind_and_judges_cursors_in_any_case() {
    let (earlier, later) = (minus(NOW, SHIFTS[2]), plus(NOW, SHIFTS[2]));
    let right = written(NOW);
    // Ours is a day behind: all would look like the future.
    let behind = Present::new(earlier, Some(NOW));
    let lease = |item: &StreamItem| item.lease.clone();
    let (item, _) = freed(right.clone(), &behind);
    assert_eq!((&item.position, &item.health), (&right.position, &right.health));
    assert_eq!(lease(&item).unwrap().until, earlier, "leases are of our clocks");
    let (item, _) = freed(right, &Present::ours(earlier));
    assert_eq!(item.position.cursor, None);
    // Ours is a day ahead, as when the item was written: only the cursor is Harvest's.
    let (item, ahead) = freed(written(later), &Present::new(later, Some(NOW)));
    assert_eq!((item.position.cursor, item.position.full.last_begun), (None, Some(later)));
    assert!(item.position.full.unfinished.is_some(), "it goes on as it began");
    assert_eq!(ahead, 1);
}

#[test]
fn the_account_and_what_somebody_asked_for_are_freed_too() {
    for shift in SHIFTS {
        let at = plus(NOW, shift);
        let days = Some((crate::time::utc_day(NOW), crate::time::utc_day(NOW)));
        let mut account = AccountItem {
            read_at: Some(at),
            person_changed: Some((at, "b".to_owned())),
            extent: Some(AccountExtent {
                read_at: at,
                spent: days,
                issued: None,
                outliers: Vec::new(),
                unread: Vec::new(),
                doubts: Vec::new(),
            }),
            oauth: Some(OAuthItem {
                access_token: AccessToken::new("hush".to_owned()),
                expires_at: plus(at, SHIFTS[3]),
                made_at: Some(at),
            }),
            refused: Some(RefusedToken { since: at, probed_at: at, version: None }),
            ..AccountItem::default()
        };
        assert_eq!(account.free(&Present::ours(NOW)).len(), 4, "{shift}");
        assert_eq!(account.read_at, None);
        let extent = account.extent.clone().unwrap();
        assert_eq!(extent.spent, days, "what is known of the days stays");
        assert!(between(extent.read_at, NOW) > SHIFTS[2]);
        assert!(crate::account::refresh_is_due(account.oauth.as_ref(), NOW));
        let admitted = crate::account::admission(&account, None, NOW);
        assert_eq!(admitted, crate::account::Admission::Probe);
        assert_eq!(account.free(&Present::ours(NOW)), []);

        let asked =
            OperatorRequest { at, pass: None, streams: BTreeSet::new(), accept_deletes: false };
        let mut desk = OrchestratorItem {
            lease: None,
            asked: Some(asked),
            invoked: BTreeMap::from([("clients".to_owned(), at), ("roles".to_owned(), NOW)]),
            ..OrchestratorItem::default()
        };
        desk.free(&Present::ours(NOW));
        // Otherwise every pass from now to then began before it was asked for.
        assert_eq!(desk.asked.map(|asked| asked.at), Some(NOW));
        assert_eq!(desk.invoked.keys().collect::<Vec<_>>(), ["roles"]);
    }
}

#[test]
fn leases_blocks_and_permits_of_a_clock_ahead_hold_nobody_up() {
    for shift in &SHIFTS[1..] {
        let then = plus(NOW, *shift);
        let (lease, _) = Lease::acquire(None, "a", then, false).unwrap();
        assert!(!lease.is_held(NOW), "{shift}");
        let item = StreamItem { lease: Some(lease.clone()), ..StreamItem::default() };
        assert!(running(&BTreeMap::from([("clients", item)]), NOW).is_empty(), "{shift}");
        assert!(Lease::acquire(Some(&lease), "b", NOW, false).is_ok(), "{shift}");
        let hour = Some(LONGEST_BLOCK);
        let blocked = BudgetItem::default().blocked(RequestLimit::GENERAL, then, hour);
        let Reservation::Reserved { item, .. } = blocked.reserve(
            RequestLimit::GENERAL,
            plus(then, SignedDuration::from_hours(2)),
            9,
            shift.abs(),
        ) else {
            panic!("an hour later the block is over");
        };
        for left in [blocked, item] {
            assert_eq!(left.blocked_until(NOW), None, "{shift}");
            let free = left.reserve(RequestLimit::GENERAL, NOW, 1, SignedDuration::ZERO);
            assert!(matches!(free, Reservation::Reserved { .. }), "{shift}");
        }
    }
    let (near, _) =
        Lease::acquire(None, "a", plus(NOW, SignedDuration::from_mins(1)), false).unwrap();
    let busy = Lease::acquire(Some(&near), "b", NOW, false);
    assert_eq!(busy, Err(BusyLease { owner: "a".to_owned(), until: near.until }));
}

proptest! {
    #[test]
    fn nothing_is_left_that_lies_in_the_future_and_nothing_that_is_past_is_lost(
        seconds in prop::collection::vec(-4_000_000_i64..4_000_000, 9),
    ) {
        let present = Present::ours(NOW);
        let at = |place: usize| plus(NOW, SignedDuration::from_secs(seconds[place]));
        let mut item = StreamItem::default();
        item.position.cursor = Some(at(0));
        item.position.incremental.last_begun = Some(at(1));
        item.position.full.last_begun = Some(at(2));
        let pass = ResumablePass { start: at(3), begun: at(4), tried_at: at(5), ..unfinished(NOW) };
        item.position.full.unfinished = Some(pass);
        item.health.last_success = Some(at(6));
        item.health.last_error = Some((at(7), String::new()));
        item.orphans_sought = Some(at(8));
        let before = item.clone();
        item.free(&present);
        let believed = |place: usize| (seconds[place] <= 60).then(|| at(place));
        prop_assert_eq!(item.position.cursor, believed(0));
        prop_assert_eq!(item.position.incremental.last_begun, believed(1));
        prop_assert_eq!(item.position.full.last_begun, believed(2));
        let whole = (3..6).all(|place| believed(place).is_some());
        prop_assert_eq!(item.position.full.unfinished.is_some(), whole);
        prop_assert_eq!(item.health.last_success, believed(6));
        prop_assert_eq!(item.health.last_error.as_ref().map(|(at, _)| *at), believed(7));
        prop_assert_eq!(item.orphans_sought, believed(8));
        let again = item.free(&present);
        prop_assert_eq!(again, []);
        if seconds.iter().all(|seconds| *seconds <= 0) {
            prop_assert_eq!(before.position.full.last_begun, item.position.full.last_begun);
        }
    }
}
