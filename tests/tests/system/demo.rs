//! `demo` as a person sees it, and the account that `demo --serve` leaves running.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use e2e::scene::{Scene, finish};

/// Sends Ctrl-C.
fn interrupt(child: &std::process::Child) {
    let id = i32::try_from(child.id()).unwrap();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(id).unwrap(),
        rustix::process::Signal::INT,
    )
    .unwrap();
}

#[test]
fn a_demo_shows_rows_an_answer_a_change_and_the_next_steps_on_one_screen() {
    let scene = Scene::new(120);
    let mut command = scene.command("demo --scale tiny --lake there");
    let ended = finish(command.current_dir(scene.folder()).spawn().unwrap()).with(0);
    let lines: Vec<&str> = ended.out.lines().collect();
    assert!(lines.len() <= 65, "{} lines: {}", lines.len(), ended.out);
    for line in &lines {
        // The path of this program is long.
        let short = line.split("harvest-lake ").last().unwrap();
        assert!(short.chars().count() <= 80, "{line}");
    }
    let titles = ["A made-up account", "changes are made there", "newest of", "Hours by client:"];
    let next = ["One change", "there/report.html", "Next:", "status --lake there", " init"];
    let mut from = 0;
    for title in titles.into_iter().chain(next) {
        let found = ended.out[from..].find(title);
        from += found.unwrap_or_else(|| panic!("{title} is not in its place: {}", ended.out));
    }
    assert!(ended.out.contains('█'), "{}", ended.out);
    let change = ended.out.split("before").nth(1).unwrap();
    assert!(change.contains("updated_at"), "{change}");
}

#[test]
fn a_served_demo_is_an_account_for_other_commands_until_it_is_interrupted() {
    let scene = Scene::new(121);
    let mut command = scene.command("demo --scale tiny --serve --lake there");
    command.current_dir(scene.folder()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut settings = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((name, value)) =
            line.trim().strip_prefix("export ").and_then(|line| line.split_once('='))
        {
            settings.push((name.to_owned(), value.to_owned()));
        }
        if line.contains("curl") {
            break;
        }
    }
    assert_eq!(settings.len(), 5, "{settings:?}");
    let mut sync = scene.command("sync --wait --lake mine");
    for variable in ["HARVEST_BASE_URL", "HARVEST_GENERAL", "HARVEST_REPORTS"] {
        sync.env_remove(variable);
    }
    sync.current_dir(scene.folder()).envs(settings);
    finish(sync.spawn().unwrap()).with(0).says(&["up to date"]);
    assert!(scene.folder().join("mine/tables/time_entries").is_dir());
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
