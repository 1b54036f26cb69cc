//! Rows of tables as people and other programs get them: `head`, and `export` as CSV and JSON lines.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::Command;

use e2e::scene::{Scene, binary, finish};
use serde_json::Value;

/// Runs the shell script `script`, in which `"$@"` stands for the command.
fn shell(scene: &Scene, script: &str, line: &str) -> e2e::scene::Ended {
    let mut command = Command::new("bash");
    scene.settings(&mut command);
    command.args(["-c", script, "sh"]).arg(binary("harvest-lake")).args(line.split_whitespace());
    finish(command.spawn().unwrap())
}

#[test]
fn head_shows_the_newest_rows_and_the_columns_that_were_asked_for() {
    let scene = Scene::new(122);
    scene.sync().with(0);
    let all = scene.run("head time_entries -n 3 --json").with(0).json();
    let rows = all["newest"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    let changed = |row: &Value| row["updated_at"].as_str().unwrap().to_owned();
    assert!(rows.windows(2).all(|pair| changed(&pair[0]) >= changed(&pair[1])), "{all}");
    assert!(all["rows"].as_u64() > Some(3));

    let few = scene.run("head time_entries -n 2 --columns hours,client_name").with(0);
    let lines: Vec<&str> = few.out.lines().collect();
    assert_eq!(lines.len(), 4, "{}", few.out);
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["hours", "client_name"]);
    scene.run("head time_entries_changes -n 1 --columns op").with(0).says(&["I"]);
    scene.run("head clients --columns nam").with(2).says(&["no column `nam`", "schema clients"]);
    scene.run("head client").with(2).says(&["did you mean `clients`"]);
    scene.run("head clients -n 0").with(2);
}

#[test]
fn an_export_to_a_folder_and_to_standard_output_has_all_rows() {
    let scene = Scene::new(123);
    scene.sync().with(0);
    let out = scene.folder().join("out");
    let count = scene.run("head time_entries --json").json()["rows"].as_u64().unwrap();
    let line = format!("export time_entries clients {} --format jsonl", out.display());
    scene.run(&line).with(0).says(&["time_entries.jsonl", "clients.jsonl"]);
    let file = fs::read_to_string(out.join("time_entries.jsonl")).unwrap();
    assert_eq!(file.lines().count() as u64, count);
    assert!(file.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    assert_eq!(scene.run("export time_entries - --format jsonl").with(0).out, file);
    assert!(scene.run("export clients - --format csv").with(0).out.starts_with("id,name,"));
    let left = fs::read_dir(&out).unwrap().count();
    assert_eq!(left, 2, "files that are not whole stay behind");
}

#[test]
fn an_export_as_text_refuses_what_it_cannot_do_and_a_reader_may_leave() {
    let scene = Scene::new(124);
    scene.sync().with(0);
    for (line, why) in [
        ("export clients -", "--format csv"),
        ("export clients tasks - --format csv", "one stream"),
        ("export clients - --format csv --json", "--json"),
        ("export clients out --format csv --partition-by state", "--partition-by"),
        ("export clients s3://abc/x --format csv", "folder"),
    ] {
        scene.run(line).with(2).says(&[why]);
    }
    let taken = scene.folder().join("taken");
    fs::create_dir_all(taken.join("tasks.csv")).unwrap();
    let line = format!("export clients tasks {} --format csv", taken.display());
    scene.run(&line).with(2).says(&["tasks.csv", "is a folder"]);
    assert!(!taken.join("clients.csv").exists(), "refused before anything is written");
    let script = "set -o pipefail; \"$@\" | head -1 >/dev/null";
    shell(&scene, script, "export time_entries - --format csv").with(0);
    shell(&scene, "\"$@\" > /dev/full", "export time_entries - --format csv")
        .with(1)
        .says(&["No space"]);
}
