use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::open::FORMAT;
use super::*;

fn key(sort: &str) -> ItemKey {
    ItemKey { account: AccountId(1), sort: sort.to_owned() }
}

/// Runs a test of this file as a process of its own, with a path that `argument` reads there. The
/// test runner knows only its own flags, so the path is passed as a filter that matches nothing.
fn child(test: &str, name: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("sqlite::tests::{test}")]);
    command.arg(format!("--skip={name}:{}", path.display()));
    command
}

fn argument(name: &str) -> Option<PathBuf> {
    let prefix = format!("--skip={name}:");
    std::env::args().find_map(|argument| argument.strip_prefix(&prefix).map(PathBuf::from))
}

async fn refused(path: &Path) -> StateError {
    SqliteStore::open(path).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sqlite_store_conforms() {
    let folders = Mutex::new(Vec::new());
    crate::conformance::check(|| async {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(folder.path().join("state.sqlite")).await.unwrap();
        folders.lock().unwrap().push(folder);
        Arc::new(store)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_outlive_the_store() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.sqlite");
    let store = SqliteStore::open(&path).await.unwrap();
    store.put(&key("account"), WriteCondition::Absent, "{}", None).await.unwrap();
    drop(store);
    let item = SqliteStore::open(&path).await.unwrap().get(&key("account")).await.unwrap();
    assert_eq!(item, Some(StateItem { rev: 1, body: "{}".to_owned() }));
}

/// Several connections stand for several processes: they share only the file.
#[tokio::test(flavor = "multi_thread")]
async fn many_connections_count_right_from_the_first_moment() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.sqlite");
    let mut calls = Vec::new();
    for _ in 0..12 {
        let path = path.clone();
        calls.push(tokio::spawn(async move {
            let store = SqliteStore::open(path).await.unwrap();
            let mut done = 0;
            while done < 5 {
                let (expect, count) = match store.get(&key("n")).await.unwrap() {
                    None => (WriteCondition::Absent, 0),
                    Some(item) => {
                        (WriteCondition::Rev(item.rev), item.body.parse::<u64>().unwrap())
                    }
                };
                let put =
                    store.put(&key("n"), expect, &(count + 1).to_string(), None).await.unwrap();
                done += u64::from(matches!(put, PutOutcome::Stored(_)));
            }
        }));
    }
    for call in calls {
        call.await.unwrap();
    }
    let item = SqliteStore::open(&path).await.unwrap().get(&key("n")).await.unwrap().unwrap();
    assert_eq!(item, StateItem { rev: 60, body: "60".to_owned() });
}

/// Helper that a test below starts in several processes. Does nothing when run alone.
#[tokio::test]
async fn child_that_counts() {
    let Some(path) = argument("count") else {
        return;
    };
    let store = SqliteStore::open(path).await.unwrap();
    let mut done = 0;
    while done < 10 {
        let (expect, count) = match store.get(&key("n")).await.unwrap() {
            None => (WriteCondition::Absent, 0),
            Some(item) => (WriteCondition::Rev(item.rev), item.body.parse::<u64>().unwrap()),
        };
        let put = store.put(&key("n"), expect, &(count + 1).to_string(), None).await.unwrap();
        done += u64::from(matches!(put, PutOutcome::Stored(_)));
    }
}

#[tokio::test]
async fn many_processes_count_right() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.sqlite");
    let start = || child("child_that_counts", "count", &path).output().unwrap();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        for run in runs {
            let output = run.join().unwrap();
            assert!(output.status.success(), "{output:?}");
            assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
        }
    });
    let item = SqliteStore::open(&path).await.unwrap().get(&key("n")).await.unwrap().unwrap();
    assert_eq!(item, StateItem { rev: 40, body: "40".to_owned() });
}

/// Helper that a test below starts in its own process. Does nothing when run alone.
#[tokio::test]
async fn child_that_writes_until_killed() {
    let Some(path) = argument("write") else {
        return;
    };
    let store = SqliteStore::open(path).await.unwrap();
    store.put(&key("n"), WriteCondition::Absent, "1", None).await.unwrap();
    for rev in 1..100_000 {
        store.put(&key("n"), WriteCondition::Rev(rev), &(rev + 1).to_string(), None).await.unwrap();
        println!("\nwritten {}", rev + 1);
    }
}

#[tokio::test]
async fn what_was_written_survives_a_kill() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.sqlite");
    let mut child = child("child_that_writes_until_killed", "write", &path)
        .arg("--nocapture")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut written = lines.filter_map(|line| line.strip_prefix("written ")?.parse::<u64>().ok());
    assert_eq!(written.nth(20), Some(22));
    child.kill().unwrap();
    let last = written.last().unwrap_or(22);
    child.wait().unwrap();
    let item = SqliteStore::open(&path).await.unwrap().get(&key("n")).await.unwrap().unwrap();
    assert_eq!(item.rev.to_string(), item.body);
    assert!(item.rev == last || item.rev == last + 1, "{} after {last} was written", item.rev);
}

#[tokio::test]
async fn a_log_without_its_file_is_not_taken_for_ours() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path().join("old.sqlite")).await.unwrap();
    store.put(&key("a"), WriteCondition::Absent, "old", None).await.unwrap();
    let path = folder.path().join("new.sqlite");
    std::fs::copy(folder.path().join("old.sqlite-wal"), folder.path().join("new.sqlite-wal"))
        .unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.get(&key("a")).await.unwrap(), None);
    assert_eq!(
        store.put(&key("a"), WriteCondition::Absent, "new", None).await.unwrap(),
        PutOutcome::Stored(1)
    );
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path().join("state.sqlite")).await.unwrap();
    store.put(&key("account"), WriteCondition::Absent, "{}", None).await.unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        files += 1;
    }
    assert_eq!(files, 3, "the file, its log and its index");
}

#[tokio::test]
async fn writes_wait_for_the_disk() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path().join("state.sqlite")).await.unwrap();
    let setting = |name: &'static str| {
        store.run(move |c| {
            c.connection
                .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
        })
    };
    assert_eq!(setting("synchronous").await.unwrap(), rusqlite::types::Value::Integer(2));
    assert_eq!(setting("journal_mode").await.unwrap(), rusqlite::types::Value::Text("wal".into()));
}

#[tokio::test]
async fn a_store_that_others_hold_says_so() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.sqlite");
    let store = SqliteStore::open_with(path.clone(), BusyTimeout::Short).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.put(&key("a"), WriteCondition::Absent, "{}", None).await.unwrap_err();
    assert_eq!(error.kind, StateErrorKind::Busy);
    assert!(error.may_pass());
    assert!(error.to_string().contains("another process"), "{error}");
    assert!(error.to_string().contains("state.sqlite"), "{error}");
    assert_eq!(store.get(&key("a")).await.unwrap(), None, "readers do not wait");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(
        store.put(&key("a"), WriteCondition::Absent, "{}", None).await.unwrap(),
        PutOutcome::Stored(1)
    );
}

/// An idle transaction stands for a process that stands still: the store cannot tell them apart.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_process_that_stands_still_goes_on_when_that_one_does() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.sqlite");
    let store = SqliteStore::open(path.clone()).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // The store has given up once, so later writes give up sooner until one succeeds.
    BusyTimeout::Short.give(&store.connection.lock().unwrap().connection).unwrap();
    let error = store.put(&key("a"), WriteCondition::Absent, "{}", None).await.unwrap_err();
    assert!(error.to_string().contains("stands still"), "{error}");
    assert_eq!(store.connection.lock().unwrap().patience, BusyTimeout::Short);
    assert_eq!(store.get(&key("a")).await.unwrap(), None, "readers do not wait");
    let waiting = {
        let store = store.clone();
        tokio::spawn(async move { store.put(&key("a"), WriteCondition::Absent, "{}", None).await })
    };
    // The rollback may come before the put or while it waits; it must succeed in both orders.
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), PutOutcome::Stored(1));
    assert_eq!(store.connection.lock().unwrap().patience, BusyTimeout::Long);
}

#[tokio::test]
async fn a_full_disk_says_so_and_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path().join("state.sqlite")).await.unwrap();
    store.put(&key("a"), WriteCondition::Absent, "1", None).await.unwrap();
    store.run(|c| c.connection.execute_batch("PRAGMA max_page_count = 1")).await.unwrap();
    let large = "x".repeat(1_000_000);
    let error = store.put(&key("a"), WriteCondition::Rev(1), &large, None).await.unwrap_err();
    assert_eq!(error.kind, StateErrorKind::Full);
    assert_eq!(store.get(&key("a")).await.unwrap().unwrap().body, "1");
    assert_eq!(
        store.put(&key("a"), WriteCondition::Rev(1), "2", None).await.unwrap(),
        PutOutcome::Stored(2)
    );
}

#[tokio::test]
async fn what_is_no_state_store_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.sqlite");
    std::fs::write(&path, "garbage ".repeat(1_000)).unwrap();
    let error = refused(&path).await;
    assert_eq!(error.kind, StateErrorKind::Damaged);
    assert!(error.to_string().contains("move it away"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), "garbage ".repeat(1_000).as_bytes());

    let foreign = folder.path().join("photos.sqlite");
    let other = Connection::open(&foreign).unwrap();
    other.execute_batch("CREATE TABLE photos (id INTEGER)").unwrap();
    drop(other);
    let before = std::fs::read(&foreign).unwrap();
    let error = refused(&foreign).await;
    assert_eq!(error.kind, StateErrorKind::Damaged);
    assert!(error.to_string().contains("another program"), "{error}");
    assert_eq!(std::fs::read(&foreign).unwrap(), before);
}

#[tokio::test]
async fn what_is_stored_but_was_never_written_by_us_is_damage() {
    for damage in [
        "UPDATE items SET body = CAST(x'ff00fe' AS TEXT)",
        "UPDATE items SET rev = -1",
        "DROP TABLE items",
        "ALTER TABLE items RENAME COLUMN body TO content",
    ] {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("state.sqlite");
        let store = SqliteStore::open(&path).await.unwrap();
        store.put(&key("a"), WriteCondition::Absent, "{}", None).await.unwrap();
        drop(store);
        Connection::open(&path).unwrap().execute_batch(damage).unwrap();
        let store = SqliteStore::open(&path).await.unwrap();
        let read = store.get(&key("a")).await.unwrap_err();
        let listed = store.list(key("a").account, "").await.unwrap_err();
        let written = store.put(&key("a"), WriteCondition::Rev(1), "{}", None).await.unwrap_err();
        for error in [read, listed, written] {
            assert_eq!(error.kind, StateErrorKind::Damaged, "{damage}: {error:?}");
            let said = error.to_string();
            assert!(said.contains("state.sqlite") && said.contains("only a cache"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_newer_store_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.sqlite");
    drop(SqliteStore::open(&path).await.unwrap());
    let newer = Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", FORMAT + 1).unwrap();
    drop(newer);
    let error = refused(&path).await;
    assert_eq!(error.kind, StateErrorKind::Newer);
    assert!(error.to_string().contains("format 2, not 1"), "{error}");
}

#[test]
fn a_missing_permission_is_told_of_the_side_files_too() {
    let told = |code| {
        let source = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        failed(Path::new("a/state"), source).to_string()
    };
    let denied = told(ffi::SQLITE_READONLY);
    assert!(["`a/state`", "`-wal`", "`-shm`"].iter().all(|part| denied.contains(part)), "{denied}");
    assert!(!told(ffi::SQLITE_FULL).contains("-shm"));
}

#[tokio::test]
async fn a_missing_folder_or_a_folder_in_its_place_is_named() {
    let folder = TempDir::new().unwrap();
    let missing = refused(&folder.path().join("none/state.sqlite")).await;
    assert!(missing.to_string().contains("none/state.sqlite"), "{missing}");
    let error = refused(folder.path()).await;
    assert!(matches!(error.kind, StateErrorKind::Denied | StateErrorKind::Failed), "{error:?}");
}
