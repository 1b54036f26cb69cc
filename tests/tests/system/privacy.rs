//! Members that the operator does not want to keep, through whole runs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _};
use delta::store::ObjectStore;
use delta::table::Table;
use deployment::config::{DeploymentSettings, GivenSettings, SettingName};
use engine::drift::DriftKind;
use engine::pass::Pass;
use lives::oracle::After;
use lives::world::{World, in_simulated_time, sync};
use runtime::Context;
use runtime::credentials::{MemoryVault, TokenKeeper, Vault as _};
use sim::AccountScale;

const KEY: &str = "0123456789abcdef";
const STREAMS: [&str; 3] = ["clients", "users", "time_entries"];

/// A world of these streams, with members that may not be kept.
fn private() -> World {
    let mut world = World::new(&AccountScale::tiny(), 5);
    let mut given = GivenSettings::default();
    given.set(SettingName::ACCOUNT, "7");
    given.set(SettingName::EXCLUDE_FIELDS, "users.email, users.telephone, time_entries.user.name");
    given.set(SettingName::HASH_FIELDS, "clients.name,time_entries.client.name,time_entries.notes");
    given.set(SettingName::HASH_KEY, KEY);
    world.settings.privacy = DeploymentSettings::parse(&given).unwrap().settings.privacy;
    world.settings.streams = Some(STREAMS.map(str::to_owned).into());
    world
}

async fn column(world: &World, stream: &str, name: &str) -> Vec<ArrayRef> {
    let spec = streams::find(stream).unwrap();
    let store: Arc<dyn ObjectStore> = Arc::<delta::store::MemoryStore>::clone(&world.store);
    let table = Table::open(store, spec, world.settings.account).await.unwrap().unwrap();
    let mut columns = Vec::new();
    for file in table.files() {
        let key = format!("{}/{}", table.root(), file.path);
        let bytes = world.store.get(&key).await.unwrap().unwrap();
        for rows in lake::partition::read(table.schema(), file, bytes).unwrap() {
            columns.push(Arc::clone(rows.unwrap().column_by_name(name).unwrap()));
        }
    }
    assert!(!columns.is_empty());
    columns
}

async fn texts(world: &World, stream: &str, name: &str) -> Vec<String> {
    let columns = column(world, stream, name).await;
    let texts = columns.iter().flat_map(|column| column.as_string::<i32>().iter().flatten());
    texts.map(str::to_owned).collect()
}

fn is_hash(text: impl AsRef<str>) -> bool {
    let text = text.as_ref();
    text.len() == 64 && text.chars().all(|digit| digit.is_ascii_hexdigit())
}

#[test]
fn what_is_not_to_be_kept_is_in_no_column() {
    in_simulated_time(async {
        let world = private();
        let synced = sync(&world.process(None), None).await.unwrap();
        assert_eq!(synced.failures(), Vec::<String>::new());
        for (stream, name) in
            [("users", "email"), ("users", "telephone"), ("time_entries", "user_name")]
        {
            assert_eq!(texts(&world, stream, name).await, Vec::<String>::new(), "{stream}.{name}");
        }
        assert_eq!(world.oracle().differences(After::FullPasses).await, [""; 0]);
        // Neither in `extra_json`, nor as findings of members that are gone.
        for stream in STREAMS {
            assert_eq!(texts(&world, stream, "extra_json").await, Vec::<String>::new());
            let drift = world.item(stream).await.health.drift;
            assert!(drift.findings().iter().all(|it| it.what != DriftKind::Gone), "{drift:?}");
        }
        let names = texts(&world, "clients", "name").await;
        assert!(!names.is_empty() && names.iter().all(is_hash), "{names:?}");
        let notes = texts(&world, "time_entries", "notes").await;
        assert!(!notes.is_empty() && notes.iter().all(is_hash), "{notes:?}");
        // Equal texts have equal hashes, whatever stream they are in.
        let embedded = texts(&world, "time_entries", "client_name").await;
        assert!(embedded.iter().all(|name| names.contains(name)));
        assert!(!texts(&world, "users", "first_name").await.is_empty());
    });
}

/// A process that hashes as `world` says, with the key only in a secret that holds `text`.
async fn with_secret(world: &World, text: &str) -> Context {
    let vault = Arc::new(MemoryVault::default());
    vault.write(text).await.unwrap();
    let context = world.process(None);
    let mut settings = world.settings.clone();
    settings.privacy.key = None;
    let tokens = Arc::new(TokenKeeper::kept(vault, None));
    Context { settings: Arc::new(settings), tokens, ..context }
}

#[test]
fn the_key_of_the_hashes_stands_in_the_secret_as_well_as_in_a_variable() {
    in_simulated_time(async {
        let world = private();
        let secret = format!(r#"{{"access_token": "a.b", "hash_key": "{KEY}"}}"#);
        let synced = sync(&with_secret(&world, &secret).await, None).await.unwrap();
        assert_eq!(synced.failures(), Vec::<String>::new());
        let names = texts(&world, "clients", "name").await;
        assert!(!names.is_empty() && names.iter().all(is_hash), "{names:?}");
        // The same key has the same hashes, wherever it came from: nothing changes.
        world.sleep(1).await;
        let synced = sync(&world.process(None), Some(Pass::Full)).await.unwrap();
        assert_eq!(synced.failures(), Vec::<String>::new());
        assert_eq!(texts(&world, "clients", "name").await, names);
    });
}

#[test]
fn without_a_key_nothing_of_a_stream_that_is_hashed_is_written_and_it_says_where_to_put_one() {
    for secret in [r#"{"access_token": "a.b"}"#, r#"{"access_token": "a.b", "hash_key": "short"}"#]
    {
        in_simulated_time(async {
            let world = private();
            let context = with_secret(&world, secret).await;
            let synced = sync(&context, None).await.unwrap();
            let failures = synced.failures();
            assert_eq!(failures.len(), 2, "{failures:?}");
            for said in &failures {
                assert!(said.contains("`hash_key`") && said.contains("secret"), "{said}");
                assert_eq!(said.contains("too short"), secret.contains("short"), "{said}");
            }
            // Others go on.
            assert!(!texts(&world, "users", "first_name").await.is_empty());
            for stream in ["clients", "time_entries"] {
                let item = world.item(stream).await;
                assert_eq!((item.version, item.health.failures), (0, 1));
                assert!(item.health.last_error.unwrap().1.contains("`hash_key`"));
            }
        });
    }
}

#[test]
fn a_full_pass_applies_other_settings_to_all_rows() {
    in_simulated_time(async {
        let mut world = private();
        let privacy = core::mem::take(&mut world.settings.privacy);
        sync(&world.process(None), None).await.unwrap();
        assert!(!texts(&world, "users", "email").await.is_empty());
        world.settings.privacy = privacy;
        world.sleep(1).await;
        sync(&world.process(None), Some(Pass::Full)).await.unwrap();
        assert_eq!(texts(&world, "users", "email").await, Vec::<String>::new());
        let names = texts(&world, "clients", "name").await;
        assert!(names.iter().all(is_hash), "{names:?}");
    });
}
