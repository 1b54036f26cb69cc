use super::*;
use crate::plan::order;
use crate::time::{minus, plus};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn now() -> Timestamp {
    plus(Timestamp::UNIX_EPOCH, SignedDuration::from_hours(10_000))
}

fn all_due(item: &OrchestratorItem, at: Timestamp) -> Vec<DueRun> {
    let fresh = StreamItem::default();
    let mut found: Vec<DueRun> = crate::plan::tests::specs()
        .iter()
        .filter_map(|spec| item.due(spec, &fresh, HOUR, Present::ours(at)))
        .collect();
    order(&mut found);
    found
}

fn names(dispatched: &[DispatchedStream], doing: DispatchDecision) -> BTreeSet<String> {
    let of = dispatched.iter().filter(|one| one.doing == doing);
    of.map(|one| one.due.spec.name.to_owned()).collect()
}

/// A stream whose worker took its lease at this time.
fn leased(at: Timestamp, released: bool) -> StreamItem {
    let (lease, _) = Lease::acquire(None, "w", at, false).unwrap();
    let lease = if released { lease.released() } else { lease };
    StreamItem { lease: Some(lease), ..StreamItem::default() }
}

#[test]
fn no_more_are_at_work_than_there_is_room_for_and_none_twice() {
    let mut item = OrchestratorItem::default();
    let due = all_due(&item, now());
    assert!(due.len() >= 3);
    let mut items = BTreeMap::from([(due[0].spec.name, leased(now(), false))]);
    let first = item.dispatch(&due, &items, 2, now());
    assert_eq!(
        names(&first, DispatchDecision::Running),
        BTreeSet::from([due[0].spec.name.to_owned()])
    );
    let invoked = names(&first, DispatchDecision::Invoke);
    assert_eq!(invoked.len(), 1);
    // A minute later its worker has not come up yet: it still takes its place.
    let later = plus(now(), SignedDuration::from_mins(1));
    let second = item.dispatch(&due, &items, 2, later);
    assert_eq!(names(&second, DispatchDecision::Starting), invoked);
    assert_eq!(names(&second, DispatchDecision::Invoke), BTreeSet::new());
    // The worker came and has finished: there is room again.
    let done = leased(plus(now(), SignedDuration::from_secs(2)), true);
    items.insert(due[1].spec.name, done);
    let third = item.clone().dispatch(&due, &items, 2, later);
    assert_eq!(names(&third, DispatchDecision::Invoke).len(), 1);
    // The worker never came: after two minutes it is taken for lost.
    items.clear();
    let much_later = plus(now(), SignedDuration::from_mins(2));
    let fourth = item.dispatch(&due, &items, 1, much_later);
    assert_eq!(names(&fourth, DispatchDecision::Invoke).len(), 1);
}

#[test]
fn two_demands_become_one_that_is_not_narrower_than_either() {
    let asked = |streams: &[&str], pass, minutes, accept_deletes| OperatorRequest {
        at: plus(now(), SignedDuration::from_mins(minutes)),
        pass,
        streams: streams.iter().map(|&name| name.to_owned()).collect(),
        accept_deletes,
    };
    let mut item = OrchestratorItem::default();
    item.ask(asked(&["clients"], Some(Pass::Full), 0, true));
    assert!(item.asked.as_ref().unwrap().accept_deletes);
    item.ask(asked(&["tasks"], None, 5, false));
    let both = item.asked.clone().unwrap();
    assert!(both.includes("clients") && both.includes("tasks") && !both.includes("users"));
    assert_eq!((both.pass, both.accept_deletes), (Some(Pass::Full), false));
    assert_eq!(both.at, plus(now(), SignedDuration::from_mins(5)));
    item.ask(asked(&[], Some(Pass::Incremental), 1, false));
    assert!(item.asked.as_ref().unwrap().includes("users"));
    let (full, newer) = (Some(Pass::Full), Some(Pass::Incremental));
    // (first, second, both)
    for (first, second, both) in [
        (newer, full, full),
        (full, newer, full),
        (None, full, full),
        (newer, None, None),
        (newer, newer, newer),
    ] {
        let mut item = OrchestratorItem::default();
        item.ask(asked(&["clients"], first, 0, false));
        item.ask(asked(&["clients", "tasks"], second, 1, false));
        let asked = item.asked.unwrap();
        assert_eq!(asked.pass, both, "{first:?} {second:?}");
        assert_eq!(asked.streams.len(), 2, "those of both, each once");
    }
}

#[test]
fn a_demand_lasts_until_every_stream_has_a_pass_that_began_after_it() {
    let spec = crate::plan::tests::specs()[0];
    let mut item = OrchestratorItem::default();
    let at = now();
    item.ask(OperatorRequest { at, pass: None, streams: BTreeSet::new(), accept_deletes: false });
    let mut stream = StreamItem::default();
    let before = plus(at, SignedDuration::from_mins(-1));
    stream.position.full.last_begun = Some(before);
    stream.position.incremental.last_begun = Some(before);
    assert!(
        item.due(spec, &stream, HOUR, Present::ours(at)).is_some(),
        "the schedule alone would wait"
    );
    item.settle([(spec, &stream)], Present::ours(at));
    assert!(item.asked.is_some());
    let after = plus(at, SignedDuration::from_mins(1));
    stream.position.incremental.last_begun = Some(after);
    stream.position.full.last_begun = Some(after);
    stream.lease = leased(at, false).lease;
    item.settle([(spec, &stream)], Present::ours(after));
    assert!(item.asked.is_some(), "its worker is still at work");
    stream.lease = leased(at, true).lease;
    item.settle([(spec, &stream)], Present::ours(after));
    assert_eq!(item.asked, None);
}

#[test]
fn a_demand_that_is_never_met_is_forgotten() {
    let spec = crate::plan::tests::specs()[0];
    let mut item = OrchestratorItem::default();
    item.ask(OperatorRequest {
        at: now(),
        pass: None,
        streams: BTreeSet::new(),
        accept_deletes: false,
    });
    let stream = StreamItem::default();
    item.settle([(spec, &stream)], Present::ours(plus(now(), SignedDuration::from_hours(47))));
    assert!(item.asked.is_some());
    item.settle([(spec, &stream)], Present::ours(plus(now(), SignedDuration::from_hours(48))));
    assert_eq!(item.asked, None);
}

/// A stream in good order, with its first load.
fn loaded() -> StreamItem {
    let mut item = leased(minus(now(), HOUR), true);
    item.position.full.last_begun = Some(minus(now(), HOUR));
    item
}

#[test]
fn small_workers_take_no_place_of_large_ones() {
    let mut item = OrchestratorItem::default();
    let specs = crate::plan::tests::specs();
    let items: BTreeMap<&'static str, StreamItem> =
        specs.iter().map(|spec| (spec.name, loaded())).collect();
    let demand = Demand::Now { asked_at: now(), pass: Some(Pass::Incremental) };
    let due: Vec<DueRun> = specs
        .iter()
        .filter_map(|spec| due(spec, &items[spec.name], demand, Present::ours(now())))
        .collect();
    let dispatched = item.dispatch(&due, &items, 1, now());
    assert_eq!(names(&dispatched, DispatchDecision::Invoke).len(), due.len());
    assert!(due.len() > 1 && dispatched.iter().all(|one| one.size == WorkerSize::Small));
    // While they come up, a large worker has its place.
    let full = all_due(&OrchestratorItem::default(), now());
    let new = StreamItem::default();
    let more: BTreeMap<&'static str, StreamItem> =
        items.into_iter().chain([(full[0].spec.name, new)]).collect();
    item.invoked.remove(full[0].spec.name);
    let second = item.dispatch(&full[..1], &more, 1, now());
    assert_eq!(second[0].doing, DispatchDecision::Invoke);
    assert_eq!(second[0].size, WorkerSize::Large);
}
