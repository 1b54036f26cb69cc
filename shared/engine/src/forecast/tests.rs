//! Cases of forecasts.

use super::*;
use crate::plan::tests::specs;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn budget(class: RateClass) -> BudgetUse {
    let limit = match class {
        RateClass::General => RequestLimit::GENERAL,
        RateClass::Reports => RequestLimit::REPORTS,
    };
    BudgetUse { limit, used: 0 }
}

fn later(seconds: f64) -> Timestamp {
    plus(NOW, SignedDuration::from_secs_f64(seconds))
}

fn told(items: &[(&'static StreamSpec, &StreamItem)], amounts: &StreamSizes) -> Vec<PlannedRun> {
    forecast(items, amounts, budget, HOUR, NOW)
}

fn find(planned: &[PlannedRun], stream: &str, pass: Pass) -> PlannedRun {
    *planned.iter().find(|one| one.spec.name == stream && one.pass == pass).unwrap()
}

#[test]
fn a_first_load_lasts_as_long_as_the_budget_makes_it() {
    let [listing, snapshot, report] = specs();
    let fresh = StreamItem::default();
    let mut amounts = StreamSizes::default();
    amounts.records.insert("listing", 2_000_000);
    amounts.windows.insert("report", (3, Some(150)));
    let all = told(&[(listing, &fresh), (snapshot, &fresh), (report, &fresh)], &amounts);
    let load = find(&all, "listing", Pass::Full);
    assert_eq!((load.why, load.begins, load.requests), (PassReason::FirstLoad, NOW, Some(1_000)));
    // 1,000 requests and the snapshot's one, 100 in 15.4 s.
    assert_eq!(load.ends, Some(later(154.0)));
    assert_eq!(find(&all, "snapshot", Pass::Full).ends, Some(NOW), "the short one goes first");
    assert_eq!(find(&all, "report", Pass::Incremental).ends, Some(NOW));
    assert_eq!(find(&all, "report", Pass::Full).ends, Some(later(900.4)));
    let changes = find(&all, "listing", Pass::Incremental);
    assert_eq!((changes.why, changes.begins), (PassReason::Changes, plus(NOW, HOUR)));
}

#[test]
fn what_comes_within_a_window_need_not_wait_for_the_next() {
    let [listing, snapshot, report] = specs();
    let at = |seconds: i64| {
        let mut item = StreamItem::default();
        item.position.incremental.last_begun = Some(plus(NOW, SignedDuration::from_secs(seconds)));
        item.position.full.last_begun = item.position.incremental.last_begun;
        item.position.incremental.last_requests = 3;
        item.position.full.last_requests = 3;
        item
    };
    let (first, second, third) = (at(-30), at(-20), at(-10));
    let all =
        told(&[(report, &first), (listing, &second), (snapshot, &third)], &StreamSizes::default());
    for (stream, seconds) in [("report", -30), ("listing", -20)] {
        let changes = find(&all, stream, Pass::Incremental);
        assert_eq!(changes.begins, plus(NOW, SignedDuration::from_secs(3_600 + seconds)));
        assert_eq!(changes.ends, Some(changes.begins), "{stream}");
    }
    let whole = find(&all, "snapshot", Pass::Full);
    assert_eq!((whole.why, whole.ends), (PassReason::Snapshot, Some(whole.begins)));
}

#[test]
fn what_nobody_knows_is_not_made_up() {
    let [listing, _, report] = specs();
    let fresh = StreamItem::default();
    let all = told(&[(listing, &fresh), (report, &fresh)], &StreamSizes::default());
    for (stream, pass) in [("listing", Pass::Full), ("report", Pass::Full)] {
        let one = find(&all, stream, pass);
        assert_eq!((one.requests, one.ends), (None, None), "{stream}");
    }
}

#[test]
fn a_pass_takes_what_it_took_the_last_time_and_an_unfinished_one_what_is_left() {
    let [listing, ..] = specs();
    let mut item = StreamItem::default();
    item.position.cursor = Some(NOW);
    item.position.full.last_begun = Some(NOW);
    item.position.full.last_requests = 640;
    let mut amounts = StreamSizes::default();
    amounts.records.insert("listing", 10_000_000);
    let all = told(&[(listing, &item)], &amounts);
    let sweep = find(&all, "listing", Pass::Full);
    assert_eq!((sweep.why, sweep.requests), (PassReason::Sweep, Some(640)));
    assert!(sweep.begins > NOW);
    assert_eq!(sweep.ends, Some(plus(sweep.begins, SignedDuration::from_millis(6 * 15_400))));
    let unfinished = crate::plan::tests::unfinished(0, 0, None);
    item.position.full.unfinished = Some(unfinished.clone());
    item.position.full.unfinished.as_mut().unwrap().requests = 600;
    let rest = find(&told(&[(listing, &item)], &amounts), "listing", Pass::Full);
    assert_eq!((rest.why, rest.requests, rest.begins), (PassReason::GoesOn, Some(40), NOW));
    item.position.full.unfinished =
        Some(crate::item::ResumablePass { progress: (3, 250), ..unfinished });
    assert_eq!(
        find(&told(&[(listing, &item)], &amounts), "listing", Pass::Full).requests,
        Some(250)
    );
}

/// A state item may hold any number.
#[test]
fn a_pass_that_would_last_for_ages_has_no_end() {
    let [listing, ..] = specs();
    let mut item = StreamItem::default();
    item.position.cursor = Some(NOW);
    item.position.full.last_begun = Some(NOW);
    item.position.full.last_requests = u64::MAX;
    let sweep = find(&told(&[(listing, &item)], &StreamSizes::default()), "listing", Pass::Full);
    assert_eq!((sweep.requests, sweep.ends), (Some(u64::MAX), None));
}

#[test]
fn long_passes_share_what_short_ones_leave_and_used_permits_count() {
    let [listing, snapshot, _] = specs();
    let long = |requests| {
        let mut item = StreamItem::default();
        item.position.full.last_requests = requests;
        item
    };
    let (short, first, second) = (long(1), long(200), long(200));
    let mut planned = forecast(
        &[(listing, &first), (listing, &second), (snapshot, &short)],
        &StreamSizes::default(),
        |class| BudgetUse { used: 51, ..budget(class) },
        HOUR,
        NOW,
    );
    planned.retain(|one| one.pass == Pass::Full);
    let ends: Vec<Timestamp> = planned.iter().filter_map(|one| one.ends).collect();
    // 49 at once, of which the snapshot takes one, then 100 in each step: 48 + 300 < 400 = 48 + 352.
    assert_eq!(ends, [later(61.6), later(61.6), NOW]);
}
