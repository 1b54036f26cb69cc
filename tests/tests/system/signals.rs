//! A `sync` that is asked to stop: what was read is written, the leases are given back, and the
//! exit code names the signal.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a surprise ends the test")]

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use e2e::scene::{Scene, binary, finish, in_parallel};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::Value;

/// Python that runs its arguments with the signals' usual effects: under `nohup`, or behind `&` in a
/// script, a test would hand on that some are ignored.
const WITH_DEFAULT_SIGNALS: &str = "import os, signal, sys
for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(one, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])";

/// A sync that has begun to read and has much left.
fn begun(scene: &Scene, script: &str) -> Child {
    let mut command = Command::new("python3");
    scene.settings(&mut command);
    command.args(["-c", WITH_DEFAULT_SIGNALS, "sh", "-c", script, "sh"]);
    command.arg(binary("harvest-lake")).args(["sync", "--json"]);
    let child = command.spawn().unwrap();
    let read = || scene.served.with(|account| account.statistics().general.requests);
    // After the questions about the account: streams are at work.
    while read() < 12 {
        std::thread::yield_now();
    }
    child
}

/// Sends a signal, such as `-TERM`, to a process.
pub(crate) fn send(child: &Child, signal: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
}

fn lake_is_free(scene: &Scene) {
    let json = scene.run("status --json").json();
    let streams = json["streams"].as_array().unwrap();
    let running: Vec<&Value> = streams.iter().filter(|one| one["state"] == "running").collect();
    assert!(running.is_empty(), "{running:?}");
}

/// Records that were read wait for the permit of one more question before they are written.
#[test]
fn a_sync_that_waits_for_its_budget_stops_at_once() {
    let scene = Scene::new(92);
    let mut command = Command::new("python3");
    scene.settings(&mut command);
    // Enough for all questions but the last one, which has room in a quarter of an hour.
    command.env("HARVEST_GENERAL", "30/900s");
    command.args(["-c", WITH_DEFAULT_SIGNALS]).arg(binary("harvest-lake")).args(["sync", "--json"]);
    let mut child = command.spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().contains("waiting: the general budget has no room")));
    send(&child, "-TERM");
    let ended = finish(child).answers("sync --json").with(143);
    assert_eq!(ended.json()["interrupted"], true);
    lake_is_free(&scene);
    scene.is_sound(&scene.lake());
    // The permits of the quarter of an hour are used, and another limit is no other budget.
    std::fs::remove_file(scene.lake().join(".state.sqlite")).unwrap();
    scene.heals();
}

#[test]
fn a_sync_that_is_told_to_stop_ends_in_good_order() {
    let cases = [("Ctrl-C", ("-INT", 130)), ("kill", ("-TERM", 143)), ("hang-up", ("-HUP", 129))];
    in_parallel(&cases, |(signal, code)| {
        let scene = Scene::of(&sim::AccountScale::tiny(), 91, Duration::from_millis(100));
        let child = begun(&scene, "exec \"$@\"");
        send(&child, signal);
        let ended = finish(child).answers("sync --json").with(*code);
        let json = ended.json();
        assert_eq!((&json["interrupted"], &json["complete"]), (&true.into(), &false.into()));
        assert_eq!(json["exit_code"], *code);
        lake_is_free(&scene);
        scene.is_sound(&scene.lake());
        scene.heals();
    });
}

#[test]
fn what_is_ignored_from_the_start_stays_ignored() {
    let scene = Scene::of(&sim::AccountScale::tiny(), 92, Duration::from_millis(20));
    // As `nohup` does.
    let child = begun(&scene, "trap '' HUP; exec \"$@\"");
    send(&child, "-HUP");
    assert_eq!(finish(child).with(0).json()["complete"], true);
}

/// Opens a terminal of 100 columns; returns its two sides, that of the person first.
fn terminal() -> (File, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let person = openpt(flags).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let size = Winsize { ws_row: 50, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&person, size).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap().into_string().unwrap();
    let program = File::options().read(true).write(true).open(name).unwrap();
    (File::from(person), program.into())
}

#[test]
fn a_watched_status_is_shown_anew_and_ctrl_c_ends_it() {
    let scene = Scene::new(93);
    scene.sync().with(0);
    let (mut person, program) = terminal();
    let mut command = Command::new("python3");
    scene.settings(&mut command);
    command.args(["-c", WITH_DEFAULT_SIGNALS]).arg(binary("harvest-lake"));
    let mut child =
        command.args(["status", "--watch=1"]).stdout(Stdio::from(program)).spawn().unwrap();
    drop(command);
    let mut seen = String::new();
    let mut part = [0; 4096];
    let screens = |seen: &str| seen.matches("\u{1b}[2J\u{1b}[H").count();
    let verdicts = |seen: &str| seen.matches("all 33 tables are current").count();
    while screens(&seen) < 2 || verdicts(&seen) < 2 {
        let read = person.read(&mut part).unwrap();
        seen.push_str(&String::from_utf8_lossy(&part[..read]));
    }
    send(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130), "{seen}");
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(err, "", "the last screen stays as it is");
}
