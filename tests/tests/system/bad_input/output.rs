//! Output that cannot be written, and files that other users of the machine may read.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::scene::{Ended, Scene, binary, finish, in_parallel};

/// Runs the shell script `script`, in which `"$@"` stands for the command.
fn shell(scene: &Scene, script: &str, line: &str) -> Ended {
    let mut command = Command::new("sh");
    scene.settings(&mut command);
    command.args(["-c", script, "sh"]).arg(binary("harvest-lake")).args(line.split_whitespace());
    finish(command.spawn().unwrap())
}

const COMMANDS: [&str; 29] = [
    "sync --streams clients",
    "sync --streams clients --json",
    "sweep clients",
    "check",
    "check --notify --on-failure true",
    "status",
    "status --json",
    "history",
    "plan",
    "cost",
    "streams",
    "streams --json",
    "schema clients",
    "schema clients --ddl athena",
    "sql --engine spark",
    "files clients --paths",
    "head clients",
    "export time_entries - --format csv",
    "verify clients",
    "quarantine",
    "report --publish",
    "upgrade clients --json",
    "init --schedule cron",
    "completions zsh",
    "man sync",
    "--help",
    "--version",
    "help sync",
    "sync --help",
];

#[test]
fn an_answer_that_cannot_be_written_ends_with_1_and_is_told() {
    let scene = Scene::new(81);
    scene.sync().with(0);
    for line in COMMANDS {
        let ended = shell(&scene, "\"$@\" > /dev/full", line).with(1);
        ended.says(&["could not be written", "No space left"]);
    }
    // The exit code stays that of the earlier failure.
    shell(&scene, "\"$@\" > /dev/full", "sync --streams nothing --json").with(2);
    // Other output that cannot be written does not end the command either.
    shell(&scene, "\"$@\" 2> /dev/full", "sync --log trace").with(0);
    let both = "\"$@\" > /dev/full 2> /dev/full";
    shell(&scene, both, "status").with(1);
}

#[test]
fn a_reader_that_went_away_has_read_enough() {
    let scene = Scene::new(82);
    scene.sync().with(0);
    for line in COMMANDS {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = scene.command(line);
        command.stdout(writer);
        let ended = finish(command.spawn().unwrap()).with(0);
        assert!(!ended.err.contains("written") && !ended.err.contains("Broken"), "{}", ended.err);
    }
}

#[test]
fn nothing_that_is_no_terminal_gets_colours() {
    let scene = Scene::new(83);
    for line in ["sync --log debug", "status --log trace", "sync --streams nothing"] {
        let ended = scene.run(line);
        assert!(!ended.said().contains('\u{1b}'), "{}", ended.said());
    }
}

/// Everything below `folder`, itself included.
fn all(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(all(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn what_is_written_is_for_its_owner_alone_unless_told_otherwise() {
    let scene = Scene::new(84);
    let script = "umask 022; \"$@\"";
    let place = |name: &str| scene.folder().join(name);
    let private = place("private");
    let lake = private.display();
    shell(&scene, script, &format!("sync --lake {lake}")).with(0);
    let user = scene.somebody();
    shell(&scene, script, &format!("erase --yes --user {user} --lake {lake}")).with(0);
    let target = place("exported");
    let line = format!("export clients time_entries {} --lake {lake}", target.display());
    shell(&scene, script, &line).with(0);
    let line = format!(
        "sync --streams clients --lake {} --state {}",
        place("a").display(),
        place("state/s.sqlite").display()
    );
    shell(&scene, script, &line).with(0);
    let mut seen = 0;
    for path in [&private, &target, &place("a"), &place("state")].iter().flat_map(|path| all(path))
    {
        let mode = fs::metadata(&path).unwrap().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o} {}", path.display());
        seen += 1;
    }
    assert!(seen > 200, "{seen}");

    for (name, more, variable) in [("b", "--shared", None), ("c", "", Some("HARVEST_SHARED=yes "))]
    {
        let script = format!("umask 022; {}\"$@\"", variable.unwrap_or_default());
        let line = format!("sync --streams clients {more} --lake {}", place(name).display());
        let ended = shell(&scene, &script, &line).with(0);
        assert!(!ended.err.contains("other users"), "{}", ended.err);
        let mode = |path: &str| fs::metadata(place(name).join(path)).unwrap().mode() & 0o777;
        assert_eq!((mode(""), mode("tables/clients")), (0o755, 0o755));
        assert_eq!(mode("tables/clients/_delta_log/00000000000000000000.json"), 0o644);
        // Files that only the process itself reads stay private.
        assert_eq!(mode(".state.sqlite"), 0o600);
        let line = format!("sync --streams clients --lake {}", place(name).display());
        shell(&scene, "\"$@\"", &line).with(0).says(&["other users", "--shared"]);
    }
}

#[test]
fn a_token_that_others_may_read_is_told() {
    let scene = Scene::new(85);
    let file = scene.folder().join("token");
    fs::write(&file, sim::ADMINISTRATOR_TOKEN).unwrap();
    for (mode, told) in [(0o600, false), (0o644, true), (0o640, true)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let line = format!("sync --streams clients --token-file {}", file.display());
        let mut command = scene.command(&line);
        command.env_remove("HARVEST_ACCESS_TOKEN");
        let ended = finish(command.spawn().unwrap()).with(0);
        assert_eq!(ended.err.contains("token file"), told, "{mode:o}: {}", ended.err);
    }
}

#[test]
fn a_setting_that_is_empty_is_a_mistake_and_not_the_default() {
    let scene = Scene::new(86);
    let before = fs::read_dir(scene.folder()).unwrap().count();
    let words = |line: &'static str| line.split(' ').collect::<Vec<_>>();
    let flags = [
        ("sync --lake", words("sync --lake @")),
        ("sync --state", words("sync --state @")),
        ("sync --streams", words("sync --streams @")),
        ("sync --exclude", words("sync --exclude @")),
        ("sync --account-id", words("sync --account-id @")),
        ("sync --base-url", words("sync --base-url @")),
        ("sync --token-file", words("sync --token-file @")),
        ("check", words("check --lake @")),
        ("status", words("status --lake @")),
        ("plan", words("plan --lake @")),
        ("files", words("files clients --lake @")),
        ("head", words("head clients --lake @")),
        ("verify", words("verify --lake @")),
        ("quarantine", words("quarantine --lake @")),
        ("history", words("history --lake @")),
        ("report", words("report --lake @")),
        ("report --out", words("report --out @")),
        ("reset", words("reset clients --lake @")),
        ("erase", words("erase --user 1 --lake @")),
        ("export from", words("export clients x --lake @")),
        ("export to", words("export clients @")),
        ("schema", words("schema clients --ddl duckdb --lake @")),
        ("sql", words("sql --engine duckdb --lake @")),
        ("demo", words("demo --lake @")),
    ];
    in_parallel(&flags, |words| {
        for empty in ["", "  "] {
            let mut command = scene.command("");
            command.current_dir(scene.folder());
            command.args(words.iter().map(|word| if *word == "@" { empty } else { *word }));
            finish(command.spawn().unwrap()).with(2).says(&["empty"]);
        }
    });
    let variables: Vec<(&str, &str)> =
        ["LAKE", "STATE", "ACCOUNT_ID", "ACCESS_TOKEN", "STREAMS"].map(|name| (name, name)).into();
    in_parallel(&variables, |name| {
        for line in ["sync", "status", "reset clients"] {
            let mut command = scene.command(line);
            command.current_dir(scene.folder()).env(format!("HARVEST_{name}"), "");
            finish(command.spawn().unwrap()).with(2).says(&["empty", name]);
        }
        // A flag gives the lake a value, so the empty variable does not count.
        let mut command = scene.command("schema clients --ddl duckdb --lake there");
        command.env("HARVEST_LAKE", "");
        finish(command.spawn().unwrap()).with(0).says(&["there/tables"]);
    });
    assert_eq!(fs::read_dir(scene.folder()).unwrap().count(), before, "something was written");
}

#[test]
fn an_export_into_the_lake_is_refused() {
    let scene = Scene::new(87);
    scene.run("sync --streams clients").with(0);
    let link = scene.folder().join("link");
    std::os::unix::fs::symlink(scene.lake(), &link).unwrap();
    let files = || e2e::scene::files(&scene.lake());
    let before = files();
    for target in ["lake", "lake/x", "lake/tables", "y/../lake/x", "link/x", "./lake/"] {
        let mut command = scene.command(&format!("export clients {target}"));
        command.current_dir(scene.folder());
        finish(command.spawn().unwrap()).with(2).says(&["lies in the lake"]);
    }
    assert_eq!(files(), before);
    let mut command = scene.command("export clients lake-exports");
    command.current_dir(scene.folder());
    finish(command.spawn().unwrap()).with(0);
}

#[test]
fn a_stream_is_no_target_of_an_export() {
    let scene = Scene::new(90);
    scene.run("sync --streams clients").with(0);
    let mut command = scene.command("export clients time_entries");
    command.current_dir(scene.folder());
    finish(command.spawn().unwrap()).with(2).says(&["is the target missing", "./time_entries"]);
    assert!(!scene.folder().join("time_entries").exists());
}

#[test]
fn a_check_makes_no_folder_and_says_that_there_is_none_yet() {
    let scene = Scene::new(88);
    let before = fs::read_dir(scene.folder()).unwrap().count();
    for line in ["check", "plan --ask"] {
        let ended = scene.run(line).with(0);
        if line == "check" {
            ended.says(&["not there yet"]);
        }
        assert_eq!(fs::read_dir(scene.folder()).unwrap().count(), before, "{line}");
    }
    scene.run("check --lake /dev/null/lake").with(2).says(&["cannot be made"]);
    scene.sync().with(0);
    scene.run("check").with(0).says(&["writable"]);
}

#[test]
fn an_account_that_harvest_does_not_show_is_called_so() {
    use sim::{FaultChoice, FaultEffect};

    let scene = Scene::new(89);
    for status in [403, 404] {
        let effect = FaultEffect::Status { status, retry_after: None, html: false };
        scene.fault("/v2/users/me", FaultChoice::Always, effect);
        for line in ["check", "sync"] {
            let ended =
                scene.run(line).with(3).says(&["account id", "1000001", "nothing was read"]);
            assert!(!ended.said().contains("--exclude"), "{}", ended.said());
            assert!(!ended.said().contains("what was read before"), "{}", ended.said());
        }
        scene.clear_faults();
    }
    let effect = FaultEffect::Status { status: 500, retry_after: None, html: true };
    scene.fault("/v2/users/me", FaultChoice::Always, effect);
    let ended = scene.run("check").with(1).says(&["nothing was read"]);
    assert!(!ended.said().contains("what was read before"), "{}", ended.said());
}
