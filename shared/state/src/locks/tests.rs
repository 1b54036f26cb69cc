use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use super::*;

#[test]
fn a_lock_is_held_until_it_is_dropped() {
    let folder = TempDir::new().unwrap();
    let dir = folder.path().join(".locks");
    assert!(!is_held(&dir, "a1"), "no folder, no owner");
    let lock = OwnerLock::create(&dir, "a1").unwrap();
    assert!(is_held(&dir, "a1"));
    assert!(is_held(&dir, "a1"), "asking changes nothing");
    assert!(!is_held(&dir, "a2"));
    drop(lock);
    assert!(!is_held(&dir, "a1"));
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn an_owner_exists_once() {
    let folder = TempDir::new().unwrap();
    let lock = OwnerLock::create(folder.path(), "a1").unwrap();
    let error = OwnerLock::create(folder.path(), "a1").unwrap_err();
    assert_eq!(error.kind, StateErrorKind::Busy);
    assert!(is_held(folder.path(), "a1"));
    drop(lock);
    drop(OwnerLock::create(folder.path(), "a1").unwrap());
}

#[test]
fn owners_cannot_be_paths() {
    let folder = TempDir::new().unwrap();
    for owner in ["", ".", "..", "../x", "a/b", ".hidden", "a\0b", "ä"] {
        assert!(OwnerLock::create(folder.path(), owner).is_err(), "{owner}");
        assert!(!is_held(folder.path(), owner), "{owner}");
    }
}

#[test]
fn only_locks_of_the_dead_are_removed() {
    let folder = TempDir::new().unwrap();
    let dir = folder.path();
    let _alive = OwnerLock::create(dir, "alive").unwrap();
    for dead in ["dead1", "dead2", ".new-dead3"] {
        std::fs::write(dir.join(dead), "").unwrap();
    }
    assert!(!is_held(dir, "dead1"));
    assert_eq!(remove_free(dir).unwrap(), 3);
    assert!(is_held(dir, "alive"));
    assert_eq!(remove_free(dir).unwrap(), 0);
    assert_eq!(remove_free(&dir.join("none")).unwrap(), 0);
}

#[test]
fn a_lock_survives_those_who_sweep_and_ask_meanwhile() {
    let folder = TempDir::new().unwrap();
    let dir = folder.path();
    let over = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // The bound ends this test if an assertion below fails.
            for _ in 0..200_000 {
                remove_free(dir).ok();
                assert!(!is_held(dir, "nobody"));
                if over.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        for round in 0..200 {
            let owner = format!("o{round}");
            let lock = OwnerLock::create(dir, &owner).unwrap();
            assert!(is_held(dir, &owner), "{owner}");
            drop(lock);
            assert!(!is_held(dir, &owner), "{owner}");
        }
        over.store(true, Ordering::SeqCst);
    });
}

/// Helper that a test below starts in its own process. Does nothing when run alone.
#[test]
fn child_that_holds_a_lock() {
    let dir = std::env::args().find_map(|a| a.strip_prefix("--skip=hold:").map(PathBuf::from));
    if let Some(dir) = dir {
        let _lock = OwnerLock::create(&dir, "child").unwrap();
        println!("\nholding");
        std::thread::park();
    }
}

#[test]
fn a_killed_process_frees_its_lock() {
    let folder = TempDir::new().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "locks::tests::child_that_holds_a_lock", "--nocapture"])
        .arg(format!("--skip=hold:{}", folder.path().display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "holding"));
    assert!(is_held(folder.path(), "child"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(folder.path().join("child").exists(), "it had no time to clean up");
    assert!(!is_held(folder.path(), "child"));
    assert_eq!(remove_free(folder.path()).unwrap(), 1);
}
