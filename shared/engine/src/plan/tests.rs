//! Cases of due passes.

use super::*;
use crate::item::ItemValue;
use crate::spec::{FieldSpec, Listing, Paging, RateClass, ReportWindow, int};

const FIELDS: &[FieldSpec] = &[int("id")];

const fn spec(name: &'static str, kind: StreamKind, sweep: SweepCadence) -> StreamSpec {
    StreamSpec {
        name,
        path: "/list",
        records_key: Some("records"),
        kind,
        sweep,
        fields: FIELDS,
        ..StreamSpec::USUAL
    }
}

static LISTING: StreamSpec = spec(
    "listing",
    StreamKind::Listing(Listing::new(Paging::Cursor, "/own/{id}")),
    SweepCadence::ByCost,
);
static SNAPSHOT: StreamSpec =
    spec("snapshot", StreamKind::Snapshot(Paging::Cursor), SweepCadence::Always);
static REPORT: StreamSpec = StreamSpec {
    rate_class: RateClass::Reports,
    ..spec(
        "report",
        StreamKind::ReportWindow(ReportWindow {
            includes_issue_date: false,
            values_fixed_fees: false,
        }),
        SweepCadence::ByCost,
    )
};

/// One stream of each of three kinds.
pub(crate) const fn specs() -> [&'static StreamSpec; 3] {
    [&LISTING, &SNAPSHOT, &REPORT]
}

fn at(hours: i64) -> Timestamp {
    plus(Timestamp::UNIX_EPOCH, SignedDuration::from_hours(hours))
}

/// A stream whose passes last began at these hours.
fn item(incremental: Option<i64>, full: Option<i64>) -> StreamItem {
    let mut item = StreamItem::default();
    item.position.incremental.last_begun = incremental.map(at);
    item.position.full.last_begun = full.map(at);
    item.position.cursor = incremental.max(full).map(at);
    item
}

pub(crate) fn unfinished(
    begun: i64,
    tried: i64,
    waits_until: Option<i64>,
) -> crate::item::ResumablePass {
    crate::item::ResumablePass {
        start: at(begun),
        begun: at(begun),
        resume: ItemValue::default(),
        seen: None,
        deleted: 0,
        refused: 0,
        answers: crate::quarantine::AnswerCounts::default(),
        requests: 0,
        progress: (0, 0),
        tried_at: at(tried),
        waits_until: waits_until.map(at),
        start_date: None,
    }
}

const HOURLY: Demand = Demand::Schedule { interval: SignedDuration::from_hours(1) };

fn now(asked: i64, pass: Option<Pass>) -> Demand {
    Demand::Now { asked_at: at(asked), pass }
}

fn check(
    spec: &'static StreamSpec,
    item: &StreamItem,
    demand: Demand,
    hour: i64,
    pass: Option<Pass>,
) {
    let due = due(spec, item, demand, Present::ours(at(hour))).map(|due| due.pass);
    assert_eq!(due, pass, "{} at {hour} for {demand:?}", spec.name);
}

#[test]
fn the_first_pass_is_a_full_one_but_for_reports() {
    let fresh = StreamItem::default();
    for demand in [HOURLY, now(100, None), now(100, Some(Pass::Incremental))] {
        check(&LISTING, &fresh, demand, 100, Some(Pass::Full));
        check(&SNAPSHOT, &fresh, demand, 100, Some(Pass::Full));
        check(&REPORT, &fresh, demand, 100, Some(Pass::Incremental));
    }
    check(&REPORT, &fresh, now(100, Some(Pass::Full)), 100, Some(Pass::Full));
    check(&REPORT, &item(Some(100), None), HOURLY, 100, Some(Pass::Full));
}

#[test]
fn incremental_passes_come_hourly_and_full_ones_daily_or_weekly() {
    let mut listing = item(Some(100), Some(90));
    check(&LISTING, &listing, HOURLY, 100, None);
    check(&LISTING, &listing, HOURLY, 102, Some(Pass::Incremental));
    listing.position.incremental.last_begun = Some(at(120));
    check(&LISTING, &listing, HOURLY, 120, Some(Pass::Full));
    listing.position.full.last_requests = 100;
    check(&LISTING, &listing, HOURLY, 120, None);
    listing.position.incremental.last_begun = Some(at(90 + 210));
    check(&LISTING, &listing, HOURLY, 90 + 210, Some(Pass::Full));
}

/// Returns the time of the sweep after a full pass that began at `begun`.
fn swept(name: &'static str, requests: u64, begun: Timestamp, demand: Demand) -> Timestamp {
    let spec = spec(
        name,
        StreamKind::Listing(Listing::new(Paging::Cursor, "/own/{id}")),
        SweepCadence::ByCost,
    );
    let mut item = item(None, None);
    item.position.full.last_begun = Some(begun);
    item.position.full.last_requests = requests;
    ripe(&spec, &item, demand, Present::ours(begun)).full.unwrap()
}

#[test]
fn each_stream_is_swept_at_a_moment_of_its_own_and_no_later_than_after_five_quarters() {
    for name in ["clients", "projects", "tasks", "users", "time_entries", "expenses"] {
        for (requests, period) in [(99, DAY), (100, WEEK)] {
            let mut moments = Vec::new();
            for hour in [0, 5, 11, 23, 90, 1_000] {
                let begun = plus(at(hour), SignedDuration::from_secs(17));
                let first = swept(name, requests, begun, HOURLY);
                let after = between(begun, first);
                assert!(after >= period / 4 && after <= period * 5 / 4, "{name}: {after:#}");
                let into = first.as_second() % period.as_secs();
                moments.push(into);
                // A sweep that begins some minutes late moves the next one by nothing.
                let late = plus(first, SignedDuration::from_mins(7));
                assert_eq!(swept(name, requests, late, HOURLY), plus(first, period));
            }
            moments.dedup();
            assert_eq!(moments.len(), 1, "{name} is swept at {moments:?}");
        }
    }
}

#[test]
fn somebody_who_syncs_once_a_day_by_hand_sweeps_each_time() {
    for name in ["clients", "projects", "tasks", "users", "time_entries", "expenses"] {
        let due = swept(name, 1, at(2), now(26, None));
        assert!(due <= at(26), "{name} at {due}");
    }
}

#[test]
fn on_demand_what_began_before_does_not_count() {
    let listing = item(Some(99), Some(50));
    check(&LISTING, &listing, now(100, None), 100, Some(Pass::Incremental));
    check(&LISTING, &item(Some(100), Some(90)), now(100, None), 100, None);
    check(&LISTING, &listing, now(100, Some(Pass::Full)), 100, Some(Pass::Full));
    check(&LISTING, &item(None, Some(100)), now(100, Some(Pass::Full)), 101, None);
    check(&SNAPSHOT, &item(None, Some(99)), now(100, None), 100, Some(Pass::Full));
    check(&SNAPSHOT, &item(None, Some(100)), now(100, None), 100, None);
}

#[test]
fn changes_keep_coming_in_beside_an_unfinished_backfill() {
    let mut listing = item(None, None);
    listing.position.cursor = Some(at(90));
    listing.position.full.unfinished = Some(unfinished(90, 98, None));
    check(&LISTING, &listing, HOURLY, 100, Some(Pass::Incremental));
    listing.position.incremental.last_begun = Some(at(100));
    check(&LISTING, &listing, HOURLY, 100, Some(Pass::Full));
}

#[test]
fn a_pass_that_waits_for_the_budget_is_tried_once_on_demand() {
    let mut report = item(Some(100), None);
    report.position.full.unfinished = Some(unfinished(90, 98, Some(103)));
    check(&REPORT, &report, HOURLY, 100, None);
    check(&REPORT, &report, now(99, None), 100, Some(Pass::Full));
    report.position.full.unfinished = Some(unfinished(90, 100, Some(103)));
    check(&REPORT, &report, now(99, None), 101, None);
    check(&REPORT, &report, now(99, None), 103, Some(Pass::Full));
}

#[test]
fn a_failing_stream_backs_off_and_a_refused_one_waits_a_day() {
    let mut listing = item(Some(90), Some(90));
    listing.health.last_error = Some((at(100), "it failed".to_owned()));
    listing.health.failures = 6;
    check(&LISTING, &listing, HOURLY, 101, None);
    check(&LISTING, &listing, HOURLY, 102, Some(Pass::Incremental));
    check(&LISTING, &listing, now(100, None), 100, None);
    check(&LISTING, &listing, now(101, None), 101, Some(Pass::Incremental));
    listing.health.refused = true;
    check(&LISTING, &listing, HOURLY, 123, None);
    check(&LISTING, &listing, HOURLY, 124, Some(Pass::Incremental));
}

#[test]
fn what_is_small_comes_first_then_unfinished_then_the_most_overdue() {
    let mut begun = item(Some(99), None);
    begun.position.full.unfinished = Some(unfinished(99, 99, None));
    begun.position.incremental.last_begun = Some(at(100));
    let of = |spec, item: &StreamItem| due(spec, item, HOURLY, Present::ours(at(100))).unwrap();
    let mut all = [
        of(&LISTING, &StreamItem::default()),
        of(&REPORT, &begun),
        of(&LISTING, &item(Some(98), Some(98))),
        of(&SNAPSHOT, &item(None, Some(60))),
    ];
    order(&mut all);
    let order = all.map(|due| (due.spec.name, due.pass));
    assert_eq!(
        order,
        [
            ("snapshot", Pass::Full),
            ("listing", Pass::Incremental),
            ("report", Pass::Full),
            ("listing", Pass::Full),
        ]
    );
}

#[test]
fn a_full_pass_that_contradicted_itself_pauses_but_not_on_demand() {
    let full =
        |item: &StreamItem, demand| ripe(&LISTING, item, demand, Present::ours(at(100))).full;
    let mut first = item(None, None);
    first.position.full.doubted = Some(at(99));
    assert_eq!(full(&first, HOURLY), Some(at(100)), "an hour for a first load");
    assert_eq!(full(&first, now(100, Some(Pass::Full))), Some(AT_ONCE));
    let mut later = item(Some(1), Some(1));
    later.position.full.doubted = Some(at(2000));
    assert_eq!(full(&later, HOURLY), Some(at(2024)), "a day for a sweep");
    assert!(full(&later, now(100, Some(Pass::Full))) < Some(at(2000)));
}

#[test]
fn sweeps_of_different_streams_have_different_moments() {
    // FNV-1a, 64 bits, of "a" is af63dc4c8601ec8c.
    assert_eq!(moment("a"), 0xaf63_dc4c_8601_ec8c >> 33);
    let names =
        ["clients", "contacts", "expenses", "invoices", "projects", "tasks", "time_entries"];
    let day = 24 * 3600;
    let mut moments: Vec<u64> = names.iter().map(|name| moment(name) % day).collect();
    assert!(names.iter().all(|name| moment(name) < 1 << 31));
    moments.sort_unstable();
    moments.dedup();
    assert_eq!(moments.len(), names.len());
}
