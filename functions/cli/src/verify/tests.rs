use core::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use delta::store::{MemoryStore, ObjectMeta, ObjectStore, PutIfAbsent, ReplaceOutcome, StoreError};
use deployment::config::{DeploymentSettings, LakePlace, SettingName};
use deployment::parts;
use lake::progress::NoFileProgress;
use runtime::Context;
use runtime::clock::{Clock as _, SystemClock};
use runtime::progress::NoProgress;
use sim::{Account, AccountScale, HttpFace, QuotaLimit, serve};

use super::*;
use crate::display::{DisplayForm, display};
use crate::interrupt::InterruptFlag;
use crate::rounds::{SyncOptions, rounds};

const STREAMS: [&str; 2] = ["clients", "time_entries"];

/// Display that shows nothing.
fn silent() -> StepDisplay {
    StepDisplay::new(DisplayForm::Nothing, "verify", Vec::new())
}

/// Store that answers the first `moves_at` calls from `before`, and later ones from `after`.
#[derive(Debug)]
struct Moving {
    before: Arc<MemoryStore>,
    after: Arc<MemoryStore>,
    calls: AtomicU64,
    moves_at: u64,
}

impl Moving {
    fn now(&self) -> &MemoryStore {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if call < self.moves_at { &self.before } else { &self.after }
    }
}

#[async_trait]
impl ObjectStore for Moving {
    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<PutIfAbsent, StoreError> {
        self.now().put_if_absent(key, bytes).await
    }

    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.now().put(key, bytes).await
    }

    async fn replace(
        &self,
        key: &str,
        old: &Bytes,
        new: Bytes,
    ) -> Result<ReplaceOutcome, StoreError> {
        self.now().replace(key, old, new).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.now().get(key).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        self.now().get_range(key, range).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectMeta>, StoreError> {
        self.now().list(prefix, after).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.now().delete(key).await
    }
}

/// Returns a lake, and the same lake after runs that rewrote every file and deleted the old ones.
async fn lakes() -> (Arc<MemoryStore>, Arc<MemoryStore>) {
    let mut account = Account::generate(&AccountScale::tiny(), 1, SystemClock.now());
    account.set_general_limit(QuotaLimit::GENERAL.off());
    let served = serve(Arc::new(Mutex::new(account)), HttpFace::local()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut given = GivenSettings::default();
    let number = AccountScale::tiny().account_id.to_string();
    let base = served.base_url();
    for (setting, value) in [
        (SettingName::ACCOUNT, number.as_str()),
        (SettingName::TOKEN, sim::ADMINISTRATOR_TOKEN),
        (SettingName::BASE_URL, base.as_str()),
        (SettingName::LAKE, folder.path().to_str().unwrap()),
        (SettingName::GENERAL, "1000/1s"),
        (SettingName::STREAMS, &STREAMS.join(",")),
    ] {
        given.set(setting, value);
    }
    let mut deployment = DeploymentSettings::parse(&given).unwrap();
    deployment.settings.tidy_at_once = true;
    let store = Arc::new(MemoryStore::new());
    let context = parts::context(&deployment, Arc::new(NoProgress)).await.unwrap();
    let context = Context { store: Arc::<MemoryStore>::clone(&store), ..context };
    let interrupt = InterruptFlag::default();
    let wish = SyncOptions { pass: Some(engine::pass::Pass::Full), wait: false };
    let mut before = None;
    for seed in 0..4 {
        let watch = display(DisplayForm::Nothing, &interrupt);
        let synced = rounds(&context, wish, watch, &interrupt).await.unwrap();
        assert!(synced.reports.iter().all(|report| report.error().is_none()));
        if seed == 1 {
            before = Some(Arc::new(store.copy()));
        }
        served.with(|account| account.mutate(SystemClock.now(), seed, 60));
    }
    (before.unwrap(), store)
}

#[tokio::test]
async fn a_lake_that_goes_on_at_any_moment_is_looked_at_anew() {
    let (before, after) = Box::pin(lakes()).await;
    for name in STREAMS {
        let spec = find_stream(name).unwrap();
        let mut moves_at = 0;
        loop {
            let store = Arc::new(Moving {
                before: Arc::clone(&before),
                after: Arc::clone(&after),
                calls: AtomicU64::new(0),
                moves_at,
            });
            let place = LakePlace::parse("memory").unwrap();
            let lake = LakeFacts { place, store: Arc::<Moving>::clone(&store) };
            let looked = settled(&lake, spec, &NoChanges::default(), &silent()).await;
            let (verdict, _) = looked
                .unwrap_or_else(|error| panic!("{name} at {moves_at}: {}", error.chain()))
                .unwrap();
            assert_eq!(verdict.table.findings, [], "{name} at {moves_at}");

            let calls = store.calls.swap(0, Ordering::SeqCst);
            let exported =
                crate::export::exported(&lake, spec, None, &MemoryStore::new(), &NoFileProgress)
                    .await;
            let exported =
                exported.unwrap_or_else(|error| panic!("{name} at {moves_at}: {}", error.chain()));
            assert!(exported.rows > 0);
            if calls <= moves_at {
                break;
            }
            moves_at += 1;
        }
        assert!(moves_at > 10, "{name}: {moves_at}");
    }
}

#[test]
fn a_part_that_was_not_compared_is_said_in_place_of_a_mark() {
    let text = |is_partial, notes: &[&str], doubts| {
        let notes = notes.iter().map(|note| (*note).to_owned()).collect();
        let read = if is_partial { "not everything" } else { "everything" }.to_owned();
        let harvest =
            HarvestComparison { read, notes, doubts, is_partial, ..HarvestComparison::default() };
        let verdict =
            StreamFindings { stream: "roles", harvest: Some(harvest), ..StreamFindings::default() };
        render::text(&[verdict], None, TextStyle::PLAIN)
    };
    let told = text(true, &["one is left out", "of differences"], 1);
    assert!(told.contains("no difference (0 records; not everything)"), "{told}");
    assert!(told.contains("! roles and Harvest\n  one is left out\n"), "{told}");
    assert!(!told.contains("of differences"), "{told}");
    let told = text(false, &["of differences"], 0);
    assert!(told.contains("✓ (0 records; everything)") && !told.contains("differences"), "{told}");
}
