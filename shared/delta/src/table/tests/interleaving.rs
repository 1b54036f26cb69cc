//! Two writers whose calls to the store interleave at random and fail at times.

use core::ops::Range;
use std::collections::BTreeSet;
use std::sync::Mutex;

use async_trait::async_trait;
use proptest::prelude::*;

use super::*;
use crate::store::{ObjectMeta, ReplaceOutcome, StoreError};

/// Store that lets the other writer run before any call.
#[derive(Debug)]
struct Turns {
    inner: FaultyStore,
    dice: Arc<Dice>,
}

#[derive(Debug)]
struct Dice(Mutex<u64>);

impl Dice {
    fn below(&self, n: u64) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % n
    }
}

impl Turns {
    async fn pass(&self) {
        for _ in 0..self.dice.below(3) {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl ObjectStore for Turns {
    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<PutIfAbsent, StoreError> {
        self.pass().await;
        self.inner.put_if_absent(key, bytes).await
    }

    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.pass().await;
        self.inner.put(key, bytes).await
    }

    async fn replace(
        &self,
        key: &str,
        old: &Bytes,
        new: Bytes,
    ) -> Result<ReplaceOutcome, StoreError> {
        self.pass().await;
        self.inner.replace(key, old, new).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.pass().await;
        self.inner.get(key).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        self.pass().await;
        self.inner.get_range(key, range).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectMeta>, StoreError> {
        self.pass().await;
        self.inner.list(prefix, after).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.pass().await;
        self.inner.delete(key).await
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Merge { replacing: bool },
    Say,
    Fence,
    Reopen,
    Refresh,
    Checkpoint,
}

/// Outcome of a commit, as far as its writer knows it.
#[derive(Debug)]
enum Known {
    Landed(Committed),
    Never,
    Unknown,
}

fn known(outcome: Result<Committed, CommitError>) -> Known {
    match outcome {
        Ok(committed) => Known::Landed(committed),
        Err(CommitError::Table(TableError::Store { .. })) => Known::Unknown,
        Err(_) => Known::Never,
    }
}

async fn act(
    store: Arc<dyn ObjectStore>,
    by: WriterIdentity,
    acts: Vec<Act>,
) -> Vec<(String, Known)> {
    let mut table = loop {
        if let Ok(Some(table)) = Table::open(store.clone(), &BY_MONTH, ACCOUNT).await {
            break table;
        }
    };
    let mut said = Vec::new();
    for (number, act) in acts.into_iter().enumerate() {
        let base = table.recorded_sequence();
        let mut says = note(0, 0);
        says.run = format!("{}-{number}", by.attempt);
        says.state = json!({ "base": base });
        let outcome = match act {
            Act::Merge { replacing } => {
                says.counts.inserted = 1;
                let name = format!("{}-{}-{}-{number}", by.epoch, base.next(), by.attempt);
                let removed: Vec<_> =
                    table.files().iter().take(usize::from(replacing)).cloned().collect();
                let change = change(&[file(&name, None, 0)], &removed);
                table.commit(at(1), &by, &change, &says).await
            }
            Act::Say => table.commit(at(1), &by, &change(&[], &[]), &says).await,
            Act::Fence => table.fence(at(1), &by, &says).await,
            // Errors are ignored: only the effect on later acts matters.
            Act::Reopen => {
                if let Ok(Some(opened)) = Table::open(store.clone(), &BY_MONTH, ACCOUNT).await {
                    table = opened;
                }
                continue;
            }
            Act::Refresh => {
                drop(table.refresh().await);
                continue;
            }
            Act::Checkpoint => {
                drop(table.checkpoint_if_due(at(1), WEEK).await);
                continue;
            }
        };
        said.push((says.run, known(outcome)));
    }
    said
}

/// Replays the log independently and returns the version of each commit by its run.
async fn replayed(store: &Arc<MemoryStore>) -> BTreeMap<String, Committed> {
    let (mut epoch, mut sequence) = (0, 0);
    let mut files = BTreeMap::new();
    let mut runs = BTreeMap::new();
    let mut version = 0;
    while store.get(&commit_key(version)).await.unwrap().is_some() {
        let lines = lines(store, version).await;
        let ours = &lines[0]["commitInfo"]["harvestLake"];
        let before = sequence;
        for line in &lines {
            if let Some(txn) = line.get("txn") {
                let number = txn["version"].as_u64().unwrap();
                let of_epoch = txn["appId"] == EPOCH;
                let slot = if of_epoch { &mut epoch } else { &mut sequence };
                assert!(number >= *slot, "a number went back in version {version}");
                *slot = number;
            }
            if let Some(remove) = line.get("remove") {
                let removed = files.remove(remove["path"].as_str().unwrap());
                assert!(removed.is_some(), "version {version} removes what is not there");
            }
            if let Some(add) = line.get("add") {
                let path = add["path"].as_str().unwrap().to_owned();
                assert!(files.insert(path, version).is_none(), "a file was added twice");
            }
        }
        let changed = ours["counts"]["inserted"] == 1;
        assert_eq!(sequence, before + u64::from(changed), "the sequence is dense");
        if changed {
            assert_eq!(ours["state"]["base"], before, "merged with files that were not current");
        }
        if let Some(run) = ours["run"].as_str() {
            let committed = Committed { version, sequence: Sequence(sequence) };
            assert_eq!(ours["epoch"].as_u64(), Some(epoch), "committed after it was fenced");
            assert!(runs.insert(run.to_owned(), committed).is_none(), "{run} committed twice");
        }
        version += 1;
    }
    let opened = open(store).await;
    assert_eq!(opened.version() + 1, version);
    assert_eq!(opened.recorded_sequence(), Sequence(sequence));
    assert_eq!(opened.recorded_epoch(), Epoch(epoch));
    let paths: BTreeSet<_> = files.into_keys().collect();
    let found: BTreeSet<_> = opened.files().iter().map(|f| f.path.clone()).collect();
    assert_eq!(found, paths);
    runs
}

async fn check(acts: [Vec<Act>; 2], epochs: [u64; 2], faults: u64, seed: u64) {
    let inner = Arc::new(MemoryStore::new());
    create(&inner).await;
    let dice = Arc::new(Dice(Mutex::new(seed)));
    let rolled = Arc::clone(&dice);
    let failing = FaultyStore::new(inner.clone(), move |_| {
        match rolled.below(100).checked_sub(100 - faults) {
            None => CallFault::None,
            Some(odd) if odd % 2 == 0 => CallFault::Before,
            Some(_) => CallFault::After,
        }
    });
    let store: Arc<dyn ObjectStore> = Arc::new(Turns { inner: failing, dice });
    let [one, other] = acts;
    let (one, other) = futures::join!(
        act(store.clone(), writer("one", epochs[0]), one),
        act(store.clone(), writer("other", epochs[1]), other),
    );
    let runs = replayed(&inner).await;
    for (run, known) in one.into_iter().chain(other) {
        match known {
            Known::Landed(committed) => assert_eq!(runs.get(&run), Some(&committed), "{run}"),
            Known::Never => assert_eq!(runs.get(&run), None, "{run} landed all the same"),
            Known::Unknown => {}
        }
    }
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => any::<bool>().prop_map(|replacing| Act::Merge { replacing }),
        2 => Just(Act::Say),
        1 => Just(Act::Fence),
        1 => Just(Act::Reopen),
        2 => Just(Act::Refresh),
        2 => Just(Act::Checkpoint),
    ];
    proptest::collection::vec(act, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_commit_is_lost_doubled_or_made_on_other_files(
        one in acts(),
        other in acts(),
        epochs in prop_oneof![Just([1, 1]), Just([1, 2]), Just([2, 1])],
        faults in prop_oneof![Just(0_u64), Just(10), Just(40)],
        seed in any::<u64>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check([one, other], epochs, faults, seed));
    }
}
