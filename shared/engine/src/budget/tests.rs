use proptest::prelude::*;

use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
}

fn ms(count: i64) -> SignedDuration {
    SignedDuration::from_millis(count)
}

fn limit(text: &str) -> RequestLimit {
    text.parse().unwrap()
}

/// Millisecond offsets of what was granted, and the item to write; panics on `ComeBack`.
fn grant(
    item: &BudgetItem,
    limit: RequestLimit,
    now: i64,
    n: u32,
    horizon: i64,
) -> (BudgetItem, Vec<i64>) {
    match item.reserve(limit, at(now), n, ms(horizon)) {
        Reservation::Reserved { item, dues } => {
            (item, dues.iter().map(|due| due.as_millisecond() - 1_800_000_000_000).collect())
        }
        Reservation::ComeBack { at } => panic!("nothing before {at}"),
    }
}

fn come_back(item: &BudgetItem, limit: RequestLimit, now: i64, horizon: i64) -> Timestamp {
    match item.reserve(limit, at(now), 1, ms(horizon)) {
        Reservation::ComeBack { at } => at,
        Reservation::Reserved { dues, .. } => panic!("granted {dues:?}"),
    }
}

#[test]
fn limits_are_read_and_written_alike() {
    for text in ["100/15s", "100/900s", "100/1500ms", "1/1ms", "1000000/86400s"] {
        assert_eq!(limit(text).to_string(), text);
    }
    assert_eq!(limit(" 100/15m "), RequestLimit::REPORTS);
    assert_eq!(limit("100/15000ms"), RequestLimit::GENERAL);
    assert_eq!(limit("60/1h").to_string(), "60/3600s");
}

#[test]
fn other_texts_are_refused_with_an_example() {
    for text in [
        "",
        "100",
        "100/",
        "100/15",
        "/15s",
        "100/s",
        "+1/15s",
        "100/1.5s",
        "100/15 s",
        "x/1s",
        "100/15days",
    ] {
        let error = text.parse::<RequestLimit>().unwrap_err();
        assert!(error.to_string().contains("100/15s"), "{text}: {error}");
    }
    assert_eq!("0/15s".parse::<RequestLimit>(), Err(LimitError::Requests(0)));
    assert_eq!("100/0s".parse::<RequestLimit>(), Err(LimitError::Window));
    assert_eq!("100/25h".parse::<RequestLimit>(), Err(LimitError::Window));
    assert_eq!("100/9223372036854775807h".parse::<RequestLimit>(), Err(LimitError::Window));
}

#[test]
fn a_percentage_rounds_down_but_leaves_one() {
    let check = |text: &str, percent, requests| {
        assert_eq!(limit(text).percent(percent).requests(), requests, "{percent} % of {text}");
    };
    check("100/15s", 95, 95);
    check("100/15s", 100, 100);
    check("100/15s", 250, 100);
    check("100/15s", 0, 1);
    check("10/15s", 95, 9);
    check("1/15s", 95, 1);
}

#[test]
fn the_guard_shrinks_with_short_windows() {
    let parts = |text: &str| {
        let guard = limit(text).guard();
        [guard.lateness, guard.skew, guard.jitter, guard.total()].map(|part| part.as_millis())
    };
    assert_eq!(parts("100/900s"), [100, 100, 200, 400]);
    assert_eq!(parts("100/15s"), [100, 100, 200, 400]);
    assert_eq!(parts("100/10s"), [50, 50, 100, 200]);
    assert_eq!(parts("100/1500ms"), [7, 7, 16, 30]);
    assert_eq!(parts("100/100ms"), [5, 5, 10, 20]);
}

#[test]
fn one_worker_gets_the_optimum_plus_the_guard() {
    let limit = limit("95/15s");
    let mut item = BudgetItem::default();
    let mut now = 0;
    let mut all = Vec::new();
    while all.len() < 1000 {
        match item.reserve(limit, at(now), 7, HORIZON_FULL) {
            Reservation::Reserved { item: next, dues } => {
                item = next;
                all.extend(dues);
            }
            Reservation::ComeBack { at } => now = at.as_millisecond() - 1_800_000_000_000,
        }
    }
    for (n, due) in (0_i64..).zip(&all) {
        assert_eq!(*due, at(n / 95 * 15_400 + n % 95), "permit {n}");
    }
}

#[test]
fn a_reservation_takes_what_fits_the_horizon() {
    let limit = limit("3/1s");
    let (item, dues) = grant(&BudgetItem::default(), limit, 0, 100, 2_500);
    assert_eq!(dues, [0, 1, 2, 1020, 1021, 1022, 2040, 2041, 2042]);
    assert_eq!(come_back(&item, limit, 10, 2_500), at(3_060 - 2_500));
    assert_eq!(grant(&item, limit, 562, 100, 2_500).1, [3060, 3061, 3062]);
}

#[test]
fn a_permit_is_never_due_before_now() {
    let now = Timestamp::from_nanosecond(1_800_000_000_000_000_001).unwrap();
    let Reservation::Reserved { dues, .. } =
        BudgetItem::default().reserve(RequestLimit::GENERAL, now, 1, HORIZON_FULL)
    else {
        panic!("an unused budget refused")
    };
    assert!(dues[0] >= now);
    assert_eq!(dues[0], at(1));
}

#[test]
fn permits_of_one_burst_are_a_moment_apart_where_the_limit_has_the_time() {
    let dues = |text: &str| grant(&BudgetItem::default(), limit(text), 0, 3, 500).1;
    assert_eq!(dues("100/15s"), [0, 1, 2]);
    assert_eq!(dues("100/1s"), [0, 1, 2]);
    assert_eq!(dues("100000/1s"), [0, 0, 0], "a millisecond each would be the limit itself");
}

#[test]
fn as_many_requests_are_under_way_as_slow_answers_need() {
    let under_way = |text: &str, latency| limit(text).under_way(ms(latency), 8);
    assert_eq!(under_way("100/15s", 0), 8);
    assert_eq!(under_way("100/15s", 500), 8, "3.3 would use the limit");
    assert_eq!(under_way("100/15s", 2_000), 27);
    assert_eq!(under_way("100/1500ms", 500), 67);
    assert_eq!(under_way("100/900s", 30_000), 8);
}

#[test]
fn gathering_costs_little_of_the_limit_and_nothing_where_there_is_hardly_one() {
    assert_eq!(limit("100/15s").moment(), SignedDuration::from_micros(18_750));
    assert_eq!(RequestLimit::REPORTS.moment(), ms(20));
    assert_eq!(limit("100000/1s").moment(), SignedDuration::from_micros(1));
}

#[test]
fn a_permit_dies_of_lateness() {
    let limit = RequestLimit::GENERAL;
    assert!(!limit.is_dead(at(0), at(-5)));
    assert!(!limit.is_dead(at(0), at(100)));
    assert!(limit.is_dead(at(0), at(101)));
}

#[test]
fn a_block_holds_back_everybody_and_frees_unsent_permits() {
    let limit = limit("10/15s");
    let (item, dues) = grant(&BudgetItem::default(), limit, 0, 20, 20_000);
    assert_eq!((dues[9], dues[10]), (9, 15_400));
    let item = item.blocked(limit, at(1_000), Some(SignedDuration::from_secs(16)));
    assert_eq!(item.blocked_until(at(1_000)), Some(at(17_000)));
    assert!(item.is_blocked(at(15_400), at(1_000)));
    assert!(item.is_blocked(at(16_999), at(17_050)), "a freed permit stays dead after the block");
    assert!(!item.is_blocked(at(17_000), at(1_000)));
    assert_eq!(come_back(&item, limit, 1_000, 5_000), at(17_100 - 5_000));
    // The ten permits that were due at 15.4 s are free again.
    let dues: Vec<i64> = (17_100..17_110).collect();
    assert_eq!(grant(&item, limit, 1_000, 10, 20_000).1, dues);
}

#[test]
fn a_block_only_moves_forward() {
    let limit = RequestLimit::GENERAL;
    let item = BudgetItem::default().blocked(limit, at(0), Some(SignedDuration::from_secs(60)));
    let item = item.blocked(limit, at(1), Some(SignedDuration::from_secs(10)));
    assert_eq!(item.blocked_until(at(1)), Some(at(60_000)));
    let item = item.blocked(limit, at(50_000), None);
    assert_eq!(item.blocked_until(at(50_000)), Some(at(65_000)), "missing: one window");
    assert_eq!(item.blocked_until(at(65_000)), None);
}

#[test]
fn a_block_is_bounded_both_ways() {
    let until = |retry_after| {
        BudgetItem::default()
            .blocked(RequestLimit::GENERAL, at(0), Some(retry_after))
            .blocked_until(at(0))
    };
    assert_eq!(until(SignedDuration::from_secs(-5)), Some(at(400)));
    assert_eq!(until(SignedDuration::ZERO), Some(at(400)));
    assert_eq!(until(SignedDuration::MAX), Some(at(3_600_000)));
}

#[test]
fn the_log_of_sent_permits_survives_a_block() {
    let limit = limit("5/15s");
    let (item, _) = grant(&BudgetItem::default(), limit, 0, 5, 10);
    let item = item.blocked(limit, at(2_000), Some(SignedDuration::from_secs(1)));
    let dues: Vec<i64> = (15_400..15_405).collect();
    assert_eq!(grant(&item, limit, 2_000, 10, 20_000).1, dues);
}

#[test]
fn a_permit_that_a_fast_clock_may_have_used_is_not_freed() {
    let limit = limit("5/15s");
    // The other worker's clock is 100 ms ahead: for it these five are due now.
    let (item, _) = grant(&BudgetItem::default(), limit, 100, 5, 10);
    let item = item.blocked(limit, at(0), Some(SignedDuration::ZERO));
    assert_eq!(grant(&item, limit, 0, 1, 20_000).1, [15_500]);
}

#[test]
fn a_permit_whose_holder_may_not_have_seen_the_block_is_not_freed() {
    let limit = limit("1/15s");
    let next = |due: i64| {
        let (item, _) = grant(&BudgetItem::default(), limit, due, 1, 0);
        let item = item.blocked(limit, at(0), None);
        grant(&item, limit, 0, 1, 20_000).1
    };
    // Lateness, skew, and a read and a write of a second each.
    assert_eq!(next(2_200), [17_600]);
    // The end of the block, by the clock that is ahead.
    assert_eq!(next(2_201), [15_100]);
}

#[test]
fn what_only_a_wrong_clock_can_have_written_is_ignored() {
    let limit = RequestLimit::GENERAL;
    let day = 86_400_000;
    let (fast, _) = grant(&BudgetItem::default(), limit, day, 100, 200);
    let fast = fast.blocked(limit, at(day), None);
    let (item, dues) = grant(&fast, limit, 0, 1, 0);
    assert_eq!(dues, [0]);
    assert_eq!(item, grant(&BudgetItem::default(), limit, 0, 1, 0).0);
    // Just within what a right clock can have written: it counts.
    let (near, _) = grant(&BudgetItem::default(), limit, 50_000, 1, 0);
    assert_eq!(come_back(&near, limit, 0, 5_000), at(45_001));
}

#[test]
fn used_counts_the_present_window_and_what_is_ahead() {
    let limit = limit("10/15s");
    let (item, _) = grant(&BudgetItem::default(), limit, 0, 12, 20_000);
    assert_eq!(item.used(limit, at(1_000)), 12);
    assert_eq!(item.used(limit, at(15_009)), 2);
    assert_eq!(BudgetItem::default().used(limit, at(0)), 0);
}

#[test]
fn the_estimate_is_what_reserving_gives() {
    let limit = limit("7/15s");
    let (item, _) = grant(&BudgetItem::default(), limit, 0, 5, 0);
    for n in 1..40 {
        let (_, dues) = grant(&item, limit, 3_000, n, 1_000_000);
        assert_eq!(item.estimate(limit, at(3_000), n), at(*dues.last().unwrap()), "{n}");
    }
    assert_eq!(item.estimate(limit, at(3_000), 0), at(3_000));
}

#[test]
fn permits_are_asked_for_together_while_there_is_time() {
    let limit = limit("4/15s");
    // Two permits at 0 s, two at 3 s: their successors come into the horizon one after the other.
    let (item, _) = grant(&BudgetItem::default(), limit, 0, 2, 10);
    let (item, _) = grant(&item, limit, 3_000, 2, 10);
    let horizon = ms(5_000);
    let when = |n| item.together(limit, at(4_000), n, horizon);
    assert_eq!(when(1), at(15_400 - 5_000));
    assert_eq!(when(2), at(15_401 - 5_000));
    assert_eq!(when(3), at(15_400 - 2_500), "no later than half a horizon before the first");
    let soon = |n| item.together(limit, at(4_000), n, ms(20_000));
    assert!(soon(1) < at(4_000), "at once");
}

#[test]
fn the_stored_form_is_short_and_stable() {
    let limit = limit("95/15s");
    let (item, _) = grant(&BudgetItem::default(), limit, 0, 190, 20_000);
    let item = item.blocked(limit, at(100), Some(ms(15_300)));
    let text = serde_json::to_string(&item).unwrap();
    assert_eq!(text, r#"{"dues":[1800000000000,1,94,15306,1,1,94],"blocked_until":1800000015400}"#);
    assert_eq!(serde_json::from_str::<BudgetItem>(&text).unwrap(), item);
    assert_eq!(serde_json::to_string(&BudgetItem::default()).unwrap(), "{}");
}

#[test]
fn a_damaged_item_is_an_error_and_takes_no_memory() {
    for text in [
        r#"{"dues":[0,1]}"#,
        r#"{"dues":[0,-1,1]}"#,
        r#"{"dues":[0,1,-1]}"#,
        r#"{"dues":[0,0,9223372036854775807]}"#,
        r#"{"dues":[0,9223372036854775807,2]}"#,
    ] {
        assert!(serde_json::from_str::<BudgetItem>(text).is_err(), "{text}");
    }
}

/// Events between two moments.
#[derive(Clone, Debug)]
enum Event {
    /// A worker reserves.
    Reserve { worker: usize, n: u32, horizon: i64 },
    /// Time goes by.
    Pass(i64),
    /// A worker gets a 429.
    Block { worker: usize, retry_after: Option<i64> },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (0_usize..3, 1_u32..12, prop_oneof![Just(20_000_i64), Just(5_000)])
            .prop_map(|(worker, n, horizon)| Event::Reserve { worker, n, horizon }),
        4 => prop_oneof![3 => 0_i64..400, 1 => 0_i64..20_000].prop_map(Event::Pass),
        1 => (0_usize..3, proptest::option::of(prop_oneof![-10_i64..1_000, 0_i64..20_000]))
            .prop_map(|(worker, retry_after)| Event::Block { worker, retry_after }),
    ];
    proptest::collection::vec(event, 1..80)
}

/// A permit that a worker holds. `chance` decides its fate.
struct Permit {
    worker: usize,
    due: i64,
    chance: u32,
}

/// Plays the events over one item and returns the arrival times of the requests, in order.
fn play(limit: RequestLimit, offsets: [i64; 3], events: &[Event], chances: &[u32]) -> Vec<i64> {
    let guard = limit.guard();
    let (lateness, jitter) = (millis(guard.lateness), millis(guard.jitter));
    let mut item = BudgetItem::default();
    let mut held: Vec<Permit> = Vec::new();
    let mut arrivals = Vec::new();
    let mut now = 0;
    let mut chance = chances.iter().copied().cycle();
    let closing = [Event::Pass(100_000)];
    for event in events.iter().chain(&closing) {
        match *event {
            Event::Reserve { worker, n, horizon } => {
                let clock = at(now + offsets[worker]);
                if let Reservation::Reserved { item: next, dues } =
                    item.reserve(limit, clock, n, ms(horizon))
                {
                    assert!(!dues.is_empty() && dues.len() <= n as usize);
                    assert!(dues.iter().all(|due| *due >= clock && *due <= clock + ms(horizon)));
                    // Stored and read back between any two reservations.
                    item = serde_json::from_str(&serde_json::to_string(&next).unwrap()).unwrap();
                    held.extend(dues.into_iter().map(|due| Permit {
                        worker,
                        due: due.as_millisecond() - 1_800_000_000_000,
                        chance: chance.next().unwrap(),
                    }));
                }
            }
            Event::Pass(span) => {
                let end = now + span;
                held.retain(|permit| {
                    let late = i64::from(permit.chance % 7) * lateness / 6;
                    // The moment of sending, by the clock of a bystander.
                    let sent = permit.due + late - offsets[permit.worker];
                    if sent >= end && span != 100_000 {
                        return true;
                    }
                    let clock = at(sent + offsets[permit.worker]);
                    let due = at(permit.due);
                    let unused = permit.chance % 5 == 0;
                    if !unused && !item.is_blocked(due, clock) && !limit.is_dead(due, clock) {
                        arrivals.push(sent + 30 + i64::from(permit.chance / 7 % 7) * jitter / 6);
                    }
                    false
                });
                now = end;
            }
            Event::Block { worker, retry_after } => {
                let clock = at(now + offsets[worker]);
                item = item.blocked(limit, clock, retry_after.map(ms));
            }
        }
    }
    arrivals.sort_unstable();
    arrivals
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_window_of_the_servers_clock_holds_more_than_the_limit(
        requests in 1_u32..12,
        window in prop_oneof![Just(15_000_i64), Just(1_500), Just(200), Just(60_000)],
        skewed in 0_i64..=2,
        events in events(),
        chances in proptest::collection::vec(any::<u32>(), 1..50),
    ) {
        let limit = RequestLimit::new(requests, ms(window)).unwrap();
        let skew = millis(limit.guard().skew);
        let offsets = [0, skew * skewed / 2, skew];
        let arrivals = play(limit, offsets, &events, &chances);
        for pair in arrivals.windows(requests as usize + 1) {
            let span = pair[requests as usize] - pair[0];
            prop_assert!(span >= window, "{} requests within {span} of {window} ms", requests + 1);
        }
    }

    #[test]
    fn no_permit_is_later_than_necessary(
        requests in 1_u32..8,
        steps in proptest::collection::vec((0_i64..9_000, 1_u32..10), 1..60),
    ) {
        let limit = RequestLimit::new(requests, ms(15_000)).unwrap();
        let mut item = BudgetItem::default();
        let mut all: Vec<i64> = Vec::new();
        let mut now = 0;
        for (pass, n) in steps {
            now += pass;
            if let Reservation::Reserved { item: next, dues } = item.reserve(limit, at(now), n, HORIZON_INCREMENTAL) {
                item = next;
                for due in dues {
                    // A model of its own: all permits ever given, none trimmed.
                    let before = all.len().checked_sub(requests as usize).map(|n| all[n] + 15_400);
                    let last = all.last().map(|last| last + 1);
                    let bound = now.max(before.unwrap_or(now)).max(last.unwrap_or(now));
                    prop_assert_eq!(due, at(bound));
                    all.push(bound);
                }
            }
        }
    }

    #[test]
    fn the_item_stays_small(
        steps in proptest::collection::vec((0_i64..200, 1_u32..4), 1..400),
    ) {
        let limit = RequestLimit::GENERAL.percent(95);
        let mut item = BudgetItem::default();
        let mut now = 0;
        for (pass, n) in steps {
            now += pass;
            if let Reservation::Reserved { item: next, .. } = item.reserve(limit, at(now), n, HORIZON_INCREMENTAL) {
                item = next;
            }
        }
        prop_assert!(serde_json::to_string(&item).unwrap().len() < 2_000);
    }

    #[test]
    fn any_log_comes_back_from_its_stored_form(
        first in any::<i32>(),
        distances in proptest::collection::vec(prop_oneof![Just(0_i64), 0_i64..20_000], 0..200),
        block in proptest::option::of(any::<i64>()),
    ) {
        let mut due = i64::from(first);
        let mut dues = vec![due];
        for distance in distances {
            due += distance;
            dues.push(due);
        }
        let item = BudgetItem { dues, blocked_until: block };
        let text = serde_json::to_string(&item).unwrap();
        prop_assert_eq!(serde_json::from_str::<BudgetItem>(&text).unwrap(), item);
    }
}
