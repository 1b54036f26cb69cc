//! Progress of commands that work through tables: it is told file by file, and as often as was
//! planned.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use e2e::scene::{Scene, finish};

/// Log events of the files that a display has heard of.
const FILES: &str = "cli::display::steps=debug";

/// Numbers `(file, of)` of the files of `table` that the command of `line` told.
fn told(scene: &Scene, line: &str, table: &str) -> Vec<(u64, u64)> {
    let mut command = scene.command(line);
    let ended = finish(command.env("HARVEST_LOG", FILES).spawn().unwrap()).with(0);
    let of_table = format!("table=\"{table}\"");
    let lines = ended.err.lines().filter(|line| line.contains(&of_table));
    let number = |line: &str, name: &str| {
        let mut words = line.split_whitespace();
        words.find_map(|word| word.strip_prefix(name)?.parse().ok()).unwrap()
    };
    lines.map(|line| (number(line, "file="), number(line, "of="))).collect()
}

/// Numbers of a table that is worked through `rounds` times, with `files` each time.
fn each(files: u64, rounds: usize) -> Vec<(u64, u64)> {
    (0..rounds).flat_map(|_| (1..=files).map(move |file| (file, files))).collect()
}

#[test]
fn each_file_of_a_table_is_told_while_it_is_worked_through() {
    let scene = Scene::new(94);
    scene.sync().with(0);
    // So that the table of changes has several files, too.
    scene.mutate(5);
    scene.sync().with(0);
    let table = "time_entries";
    let count = |name: &str| {
        let json = scene.run(&format!("files {name} --json")).with(0).json();
        json.get("files").unwrap().as_array().unwrap().len() as u64
    };
    let files = count(table);
    let folder = scene.folder().join("out").display().to_string();
    assert!(files > 3, "{files}");
    assert_eq!(told(&scene, &format!("export {table} {folder}"), table), each(files, 1));
    let line = format!("export --format csv {table} {folder}");
    assert_eq!(told(&scene, &line, table), each(files, 1));
    let upgraded = told(&scene, &format!("upgrade {table}"), table);
    let changes = upgraded.len() as u64 - files;
    assert!(changes > 1, "{upgraded:?}");
    assert_eq!(upgraded, each(files + changes, 1));
    // For its own checks, for keys that other files have, and beside the changes.
    let verified = told(&scene, &format!("verify {table}"), table);
    assert_eq!(verified, each(3 * files + changes, 1));
    // The search, and the erasure.
    let line = format!("erase --user {} --yes", scene.somebody());
    assert_eq!(told(&scene, &line, table), each(files + changes, 2));
    // Reports are compared after the tables; their part has the files of several. Changes of records
    // that differ are read beside.
    let reports = told(&scene, "verify", "reports");
    let of = reports.first().unwrap().1;
    assert!(of > files, "{of}");
    assert!(reports.starts_with(&each(of, 1)), "{reports:?}");
}
