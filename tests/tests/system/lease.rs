//! Work that lasts longer than a lease: the lease is renewed meanwhile, and its loss ends the work.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use core::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use async_trait::async_trait;
use bytes::Bytes;
use delta::offload::stay_on_this_thread;
use delta::store::{ObjectMeta, ObjectStore, PutIfAbsent, ReplaceOutcome, StoreError};
use delta::table::Table;
use engine::lease::Lease;
use engine::pass::Pass;
use engine::present::Present;
use engine::time::{SignedDuration, Timestamp, between, plus};
use lives::oracle::After;
use lives::world::{World, in_simulated_time, now, sync};
use runtime::clock::Clock;
use runtime::operate::erase::erase;
use runtime::operate::reset::{reset, reset_changes};
use runtime::operate::upgrade::upgrade;
use runtime::run::RunOutcome;
use runtime::{Context, RunError, records};
use sim::AccountScale;
use state::StateStore as _;

const STREAM: &str = "time_entries";
const LONG: SignedDuration = SignedDuration::from_mins(5);

/// A call of the object store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Get,
    Put,
    List,
    Delete,
}

/// Work under the lease.
#[derive(Clone, Copy, Debug)]
enum Work {
    Run(Pass),
    Upgrade,
    Erase,
    Reset,
    ResetChanges,
}

/// Content of the lake before the work, and changes in Harvest since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    Everything,
    MostOfIt,
    /// All but the table of changes.
    NoChanges,
}

/// Work with one slow step: the first call of its kind takes five minutes.
#[derive(Clone, Copy, Debug)]
struct Case {
    name: &'static str,
    before: Before,
    work: Work,
    slow: Call,
    /// Text that the key of the slow call contains.
    parts: &'static [&'static str],
}

const DATA: &[&str] = &["tables/time_entries/", ".parquet"];
const CHANGES: &[&str] = &["tables/time_entries_changes/", ".parquet"];
const LOG: &[&str] = &["tables/time_entries/_delta_log/"];
const LOG_OF_CHANGES: &[&str] = &["tables/time_entries_changes/_delta_log/"];
const WORK: &[&str] = &["work/time_entries/"];

const fn case(
    name: &'static str,
    before: Before,
    work: Work,
    slow: Call,
    parts: &'static [&'static str],
) -> Case {
    Case { name, before, work, slow, parts }
}

const CASES: &[Case] = &[
    case("opening the table", Before::Everything, Work::Run(Pass::Full), Call::Get, LOG),
    case("a first merge writes", Before::Nothing, Work::Run(Pass::Full), Call::Put, DATA),
    case("a merge reads", Before::MostOfIt, Work::Run(Pass::Incremental), Call::Get, DATA),
    case("a merge writes", Before::MostOfIt, Work::Run(Pass::Incremental), Call::Put, DATA),
    case("changes are written", Before::MostOfIt, Work::Run(Pass::Incremental), Call::Put, CHANGES),
    case("the table commits", Before::MostOfIt, Work::Run(Pass::Incremental), Call::Put, LOG),
    case(
        "changes are appended",
        Before::MostOfIt,
        Work::Run(Pass::Incremental),
        Call::Put,
        LOG_OF_CHANGES,
    ),
    case(
        "a sweep looks for missing rows",
        Before::Everything,
        Work::Run(Pass::Full),
        Call::Get,
        DATA,
    ),
    case("all changes anew", Before::NoChanges, Work::Run(Pass::Incremental), Call::Get, DATA),
    case("removed files go", Before::MostOfIt, Work::Run(Pass::Incremental), Call::Delete, DATA),
    case("orphans are sought", Before::MostOfIt, Work::Run(Pass::Incremental), Call::List, WORK),
    case("an upgrade reads", Before::Everything, Work::Upgrade, Call::Get, DATA),
    case("an erasure reads", Before::Everything, Work::Erase, Call::Get, DATA),
    case("an erasure writes", Before::Everything, Work::Erase, Call::Put, DATA),
    case("a table is thrown away", Before::Everything, Work::Reset, Call::Delete, DATA),
    case("changes are thrown away", Before::Everything, Work::ResetChanges, Call::Delete, CHANGES),
];

/// The lake's store, with one call that takes long.
#[derive(Debug)]
struct Sluggish {
    inner: Arc<dyn ObjectStore>,
    clock: Arc<dyn Clock>,
    case: Case,
    happened: Arc<AtomicBool>,
}

impl Sluggish {
    async fn call(&self, call: Call, key: &str) {
        let meant = call == self.case.slow && self.case.parts.iter().all(|part| key.contains(part));
        if meant && !self.happened.swap(true, Ordering::SeqCst) {
            self.clock.sleep_until(plus(self.clock.now(), LONG)).await;
        }
    }
}

#[async_trait]
impl ObjectStore for Sluggish {
    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<PutIfAbsent, StoreError> {
        self.call(Call::Put, key).await;
        self.inner.put_if_absent(key, bytes).await
    }

    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.call(Call::Put, key).await;
        self.inner.put(key, bytes).await
    }

    async fn replace(
        &self,
        key: &str,
        old: &Bytes,
        new: Bytes,
    ) -> Result<ReplaceOutcome, StoreError> {
        self.call(Call::Put, key).await;
        self.inner.replace(key, old, new).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.call(Call::Get, key).await;
        self.inner.get(key).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        self.call(Call::Get, key).await;
        self.inner.get_range(key, range).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectMeta>, StoreError> {
        self.call(Call::List, prefix).await;
        self.inner.list(prefix, after).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.call(Call::Delete, key).await;
        self.inner.delete(key).await
    }
}

/// The world before the work, and a process with the slow step.
async fn prepared(case: Case) -> (World, Context, Arc<AtomicBool>) {
    stay_on_this_thread();
    let mut world = World::new(&AccountScale::tiny(), 5);
    world.settings.streams = Some([STREAM.to_owned()].into());
    world.stop_timers();
    let calm = world.process(None);
    if case.before == Before::Nothing {
        orchestrator::prepare(&calm).await.unwrap();
    } else {
        assert_eq!(sync(&calm, None).await.unwrap().failures(), Vec::<String>::new());
    }
    world.sleep(1).await;
    if case.before == Before::MostOfIt {
        world.mutate(3, 300);
        world.stop_timers();
        world.sleep(1).await;
    }
    if case.before == Before::NoChanges {
        reset_changes(&calm, streams::find(STREAM).unwrap()).await.unwrap().unwrap();
    }
    let happened = Arc::new(AtomicBool::new(false));
    let context = world.process(None);
    let store = Arc::new(Sluggish {
        inner: Arc::clone(&context.store),
        clock: Arc::clone(&context.clock),
        case,
        happened: Arc::clone(&happened),
    });
    (world, Context { store, ..context }, happened)
}

/// Does the work; returns `Ok` where it was completed.
async fn done(world: &World, context: &Context, work: Work) -> Result<(), RunError> {
    let spec = streams::find(STREAM).unwrap();
    match work {
        Work::Run(pass) => match Box::pin(run(context, pass)).await {
            RunOutcome::Complete => Ok(()),
            RunOutcome::Failed(error) => Err(error),
            other @ (RunOutcome::Yielded(_) | RunOutcome::Busy { .. }) => panic!("{other:?}"),
        },
        Work::Upgrade => upgrade(context, spec).await.map(|done| assert!(done.is_ok())),
        Work::Erase => erase(context, spec, spec.personal.as_ref().unwrap(), somebody(world).await)
            .await
            .map(drop),
        Work::Reset => reset(context, spec).await.map(|done| done.unwrap()),
        Work::ResetChanges => reset_changes(context, spec).await.map(|done| done.unwrap()),
    }
}

/// A user with time entries.
async fn somebody(world: &World) -> i64 {
    let store: Arc<dyn ObjectStore> = Arc::<delta::store::MemoryStore>::clone(&world.store);
    let spec = streams::find(STREAM).unwrap();
    let table = Table::open(store, spec, world.settings.account).await.unwrap().unwrap();
    let file = table.files().first().unwrap();
    let bytes = world.store.get(&format!("{}/{}", table.root(), file.path)).await.unwrap();
    let mut rows = lake::partition::read(table.schema(), file, bytes.unwrap()).unwrap();
    let users = rows.next().unwrap().unwrap().column_by_name("user_id").unwrap().clone();
    users.as_primitive::<Int64Type>().value(0)
}

async fn run(context: &Context, pass: Pass) -> RunOutcome {
    let event = runtime::invoke::WorkerEvent {
        stream: STREAM.to_owned(),
        pass,
        tick: None,
        accept_deletes: true,
    };
    worker::work(context, &event, None).await.unwrap().outcome
}

/// Waits for this duration.
async fn pass(world: &World, time: SignedDuration) -> Timestamp {
    let clock = world.clock.seen(SignedDuration::ZERO);
    clock.sleep_until(plus(clock.now(), time)).await;
    clock.now()
}

async fn objects(world: &World) -> Vec<String> {
    let listed = world.store.list("", None).await.unwrap();
    listed.into_iter().map(|object| object.key).collect()
}

#[test]
fn whatever_takes_long_keeps_its_lease_and_comes_to_its_end() {
    for case in CASES {
        in_simulated_time(async {
            let (world, context, happened) = prepared(*case).await;
            let ended = AtomicBool::new(false);
            let work = async {
                let done = Box::pin(done(&world, &context, case.work)).await;
                ended.store(true, Ordering::SeqCst);
                done
            };
            // Other runs on the stream meanwhile are busy.
            let others = async {
                let mut refused = 0;
                loop {
                    pass(&world, SignedDuration::from_secs(20)).await;
                    if ended.load(Ordering::SeqCst) {
                        return refused;
                    }
                    let found = Box::pin(run(&world.process(None), Pass::Incremental)).await;
                    assert!(matches!(found, RunOutcome::Busy { .. }), "{}: {found:?}", case.name);
                    refused += 1;
                }
            };
            let (work, refused) = futures::join!(work, others);
            work.unwrap_or_else(|error| panic!("{}: {}", case.name, error.chain()));
            assert!(happened.load(Ordering::SeqCst), "{}: it never came to that", case.name);
            assert!(refused >= 14, "{}: refused {refused} times", case.name);
            let item = world.item(STREAM).await;
            assert!(item.lease.unwrap().released, "{}", case.name);
            assert_eq!(item.health.failures, 0, "{}", case.name);
            if !matches!(case.work, Work::Erase | Work::Reset) {
                let after = After::IncrementalPasses;
                let wrong = world.oracle().differences_of(STREAM, after).await;
                assert_eq!(wrong, Vec::<String>::new(), "{}", case.name);
            }
        });
    }
}

#[test]
fn whoever_lost_the_lease_over_what_takes_long_changes_nothing_any_more() {
    for case in CASES {
        in_simulated_time(async {
            let (world, context, happened) = prepared(*case).await;
            let thief = async {
                while !happened.load(Ordering::SeqCst) {
                    pass(&world, SignedDuration::from_secs(1)).await;
                }
                pass(&world, LONG / 2).await;
                let account = world.settings.account;
                let key = records::stream_key(account, STREAM);
                let present = Present::ours(now(&world));
                let item = records::stream(&*world.state, account, STREAM, &present);
                let mut item = item.await.unwrap();
                let held = item.value.lease.clone().unwrap();
                assert!(!held.released && held.until > now(&world), "{}: {held:?}", case.name);
                let (owner, epoch) = ("another".to_owned(), held.epoch.next());
                item.value.lease = Some(Lease { owner, epoch, ..held.renewed(now(&world)) });
                assert!(records::write(&*world.state, &key, &mut item).await.unwrap());
                let state = world.state.get(&key).await.unwrap();
                (now(&world), objects(&world).await, key, state)
            };
            let work = async {
                let done = Box::pin(done(&world, &context, case.work)).await;
                (done, now(&world))
            };
            let ((done, ended), (stolen, objects_then, key, state)) = futures::join!(work, thief);
            // Commits before the housekeeping stay.
            if !matches!(done, Err(RunError::LostLease { .. })) {
                assert!(matches!(case.slow, Call::Delete | Call::List), "{}: {done:?}", case.name);
                assert!(matches!(case.work, Work::Run(_)), "{}: {done:?}", case.name);
            }
            let late = between(stolen, ended);
            assert!(late <= SignedDuration::from_mins(1), "{}: {late:?} later", case.name);
            assert_eq!(objects(&world).await, objects_then, "{}", case.name);
            assert_eq!(world.state.get(&key).await.unwrap(), state, "{}", case.name);
        });
    }
}
