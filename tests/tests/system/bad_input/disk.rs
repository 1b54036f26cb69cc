//! Full disks.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use e2e::scene::{Ended, Scene, binary, finish, in_parallel};
use lives::oracle::After;

/// Place and size of the small disk.
struct Small {
    lake: bool,
    state: bool,
    kilobytes: u32,
}

/// Runs a sync with lake, state or both on a small disk; then the disk grows, and it runs again.
/// Returns the output of the first sync; copies of the lake stay in `full` and `grown`.
fn on_a_small_disk(scene: &Scene, small: &Small) -> Option<Ended> {
    const SCRIPT: &str = r#"
        set -e
        mount -t tmpfs -o "size=${KILOBYTES}k" tmpfs "$DISK" || exit 77
        code=0
        "$BINARY" sync --json || code=$?
        [ ! -d "$HARVEST_LAKE/tables" ] || cp -r "$HARVEST_LAKE/tables" "$COPY/full"
        mount -o remount,size=200m "$DISK"
        "$BINARY" sync --json >"$COPY/second.json" 2>"$COPY/second.err" || echo "second: $?" >&2
        cp -r "$HARVEST_LAKE" "$COPY/grown"
        exit $code"#;
    let disk = scene.folder().join("disk");
    fs::create_dir(&disk).unwrap();
    let place = |on_disk: bool, name: &str| {
        if on_disk { disk.join(name) } else { scene.folder().join(name) }
    };
    let mut command = Command::new("unshare");
    scene.settings(&mut command);
    command
        .args(["--mount", "sh", "-c", SCRIPT])
        .env("BINARY", binary("harvest-lake"))
        .env("DISK", &disk)
        .env("COPY", scene.folder())
        .env("KILOBYTES", small.kilobytes.to_string())
        .env("HARVEST_LAKE", place(small.lake, "small"))
        .env("HARVEST_STATE", place(small.state, "state.sqlite"));
    let ended = finish(command.spawn().ok()?);
    // Mounting needs permissions that not every user has.
    if ended.code == Some(77) || ended.err.contains("unshare failed") { None } else { Some(ended) }
}

#[test]
fn a_full_disk_is_named_and_loses_nothing() {
    let cases = [
        ("no room for the state", Small { lake: false, state: true, kilobytes: 8 }),
        ("little room for the state", Small { lake: false, state: true, kilobytes: 64 }),
        ("no room for the tables", Small { lake: true, state: false, kilobytes: 64 }),
        ("room for some tables", Small { lake: true, state: false, kilobytes: 700 }),
        ("little room for both", Small { lake: true, state: true, kilobytes: 500 }),
        ("room for most of both", Small { lake: true, state: true, kilobytes: 1200 }),
    ];
    in_parallel(&cases, |small| {
        let scene = Scene::new(61);
        let Some(ended) = on_a_small_disk(&scene, small) else {
            eprintln!("not checked: this user may not mount a small disk");
            return;
        };
        let ended = ended.with(1).says(&["space"]);
        if let Some(took) = ended.json()["milliseconds"].as_i64() {
            // Leases that could not be given back belong to a dead process: the next run does not
            // wait.
            assert!(took < 60_000, "{took} ms");
        }
        assert!(!ended.err.contains("second: "), "{}", ended.err);
        let full = scene.folder().join("full");
        if full.exists() {
            scene_is_sound(&scene, &full);
        }
        fs::rename(scene.folder().join("grown"), scene.lake()).unwrap();
        assert_eq!(scene.differences(After::IncrementalPasses), Vec::<String>::new());
    });
}

fn scene_is_sound(scene: &Scene, tables: &std::path::Path) {
    let lake: PathBuf = scene.folder().join("checked");
    fs::create_dir(&lake).unwrap();
    fs::rename(tables, lake.join("tables")).unwrap();
    scene.is_sound(&lake);
}

/// `ulimit -f`, in blocks of 512 bytes: files that would become larger are refused.
#[test]
fn a_limit_of_file_sizes_is_named_and_loses_nothing() {
    // The first has no room for the index of the state's log, the second none for the log.
    in_parallel(&[("4 kB", 8), ("60 kB", 120)], |blocks| {
        let scene = Scene::new(62);
        // With the signal ignored by the shell, then handled by the command.
        for (trap, seed) in [("trap '' XFSZ;", 1), ("", 2)] {
            let mut command = Command::new("sh");
            scene.settings(&mut command);
            let script = format!("ulimit -f {blocks}; {trap} exec \"$0\" sync --json");
            command.args(["-c", &script]).arg(binary("harvest-lake"));
            let ended = finish(command.spawn().unwrap());
            drop(ended.with(1).says(&[".state.sqlite", "I/O error"]));
            if seed == 1 {
                // Before the account has changed.
                scene.is_sound(&scene.lake());
            }
            scene.heals();
            scene.mutate(seed);
        }
    });
}

#[test]
fn an_export_past_the_limit_of_file_sizes_is_named() {
    let scene = Scene::new(63);
    scene.sync().with(0);
    for format in ["csv", "parquet"] {
        let mut command = Command::new("sh");
        scene.settings(&mut command);
        let script =
            format!("ulimit -f 1; exec \"$0\" export time_entries out-{format} --format {format}");
        command.args(["-c", &script]).arg(binary("harvest-lake")).current_dir(scene.folder());
        let ended = finish(command.spawn().unwrap());
        drop(ended.with(1).says(&["time_entries", &format!("out-{format}"), "free some space"]));
    }
}
