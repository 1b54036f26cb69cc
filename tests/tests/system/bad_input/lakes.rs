//! Lakes and states that are damaged, newer, lost, another account's, or in use.

use std::fs;
use std::path::Path;
use std::time::Duration;

use e2e::scene::{Scene, files, finish, table_files};
use lives::oracle::After;
use sim::{AccountScale, Mutation};
use state::{SqliteStore, StateStore as _, WriteCondition};

/// Replaces `from` by `to` in the file, which must hold it.
fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

const FORMAT: &str = r#""harvest-lake.format":"1""#;
const NEWER: &str = r#""harvest-lake.format":"2""#;

#[test]
fn a_lake_of_a_newer_version_is_left_alone() {
    let scene = Scene::new(41);
    scene.sync().with(0);
    scene.mutate(41);
    let log = scene.commit("clients", 0);
    edit(&log, FORMAT, NEWER);
    let before = table_files(&scene.lake());
    scene.sync().with(1).says(&["clients", "format 2", "upgrade harvest-lake"]);
    assert_eq!(table_files(&scene.lake()), before, "nothing is written beside it");
    edit(&log, NEWER, FORMAT);
    scene.heals();
}

#[test]
fn a_lake_of_another_account_is_left_alone() {
    let scene = Scene::new(42);
    scene.sync().with(0);
    let other = Scene::of(
        &AccountScale { account_id: 2_000_002, ..AccountScale::tiny() },
        43,
        Duration::ZERO,
    );
    let before = table_files(&scene.lake());
    for line in ["sync", "sync --pass full --accept-deletes --accept-role"] {
        let mut command = other.command(line);
        command.env("HARVEST_LAKE", scene.lake());
        let ended = finish(command.spawn().unwrap()).with(2);
        ended.says(&["1000001", "2000002", "another folder"]);
    }
    assert_eq!(table_files(&scene.lake()), before);
    scene.mutate(42);
    scene.heals();
}

/// A lake with some commits in the log of `clients`.
fn with_history(seed: u64, commits: u64) -> Scene {
    let scene = Scene::new(seed);
    scene.sync().with(0);
    for _ in 0..commits {
        let rename = Mutation::Update { stream: "clients".to_owned(), id: None };
        scene.apply(&rename);
        scene.run("sync --json --streams clients --pass full").with(0);
    }
    assert!(scene.standing("clients").version > commits);
    scene
}

/// Damage to a file: returns its new content, or `None` to delete it.
type Damage<'a> = &'a dyn Fn(&[u8]) -> Option<Vec<u8>>;

#[test]
fn a_damaged_log_stops_its_table_alone_and_says_which_file() {
    let scene = with_history(44, 3);
    let newest = scene.commit("clients", scene.standing("clients").version);
    let middle = scene.commit("clients", 2);
    let damages: [(&Path, Damage); 4] = [
        (&newest, &|whole| Some(whole[..whole.len() / 2].to_vec())),
        (&newest, &|_| Some(Vec::new())),
        (&newest, &|_| Some(b"<html>\xff</html>".to_vec())),
        (&middle, &|_| None),
    ];
    for (path, damage) in damages {
        let whole = fs::read(path).unwrap();
        match damage(&whole) {
            Some(bytes) => fs::write(path, bytes).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        scene.mutate(44);
        let before = files(&scene.lake().join("tables/clients"));
        let ended = scene.sync().with(1).only_failed(&["clients"]);
        ended.says(&["`clients` is damaged", name, "restore"]);
        assert_eq!(files(&scene.lake().join("tables/clients")), before);
        fs::write(path, whole).unwrap();
        scene.heals();
    }
}

/// The data files of a table.
fn data(scene: &Scene, table: &str) -> Vec<std::path::PathBuf> {
    let all = files(&scene.lake().join("tables").join(table));
    let is_log = |path: &Path| path.to_string_lossy().contains("_delta_log");
    all.into_iter().filter(|path| !is_log(path)).collect()
}

/// Returns damaged bytes, made from a whole file and another one.
type Spoil = fn(&[u8], &[u8]) -> Vec<u8>;

/// Kinds of damage to a data file: it is cut, one bit is flipped, another file takes its place.
const DAMAGES: [Spoil; 4] = [
    |whole, _| whole[..whole.len() - 1].to_vec(),
    |_, _| Vec::new(),
    |whole, _| {
        let mut turned = whole.to_vec();
        turned[whole.len() / 2] ^= 4;
        turned
    },
    |_, other| other.to_vec(),
];

#[test]
fn a_data_file_that_is_another_is_never_used_and_every_command_says_the_way_back() {
    let scene = Scene::new(57);
    scene.sync().with(0);
    let (clients, users) = (&data(&scene, "clients")[0], &data(&scene, "users")[0]);
    let other = fs::read(&data(&scene, "tasks")[0]).unwrap();
    for damage in DAMAGES {
        let whole = [clients, users].map(|path| fs::read(path).unwrap());
        for (path, whole) in [clients, users].into_iter().zip(&whole) {
            fs::write(path, damage(whole, &other)).unwrap();
        }
        for stream in ["clients", "users"] {
            scene.apply(&Mutation::Update { stream: stream.to_owned(), id: None });
        }
        let before = table_files(&scene.lake());
        let target = scene.folder().join("target");
        let target = target.display();
        for line in [
            "sync --json --streams clients".to_owned(),
            "verify clients".to_owned(),
            "upgrade clients".to_owned(),
            format!("export clients {target}"),
        ] {
            let ended = scene.run(&line).with(1);
            let name = clients.file_name().unwrap().to_str().unwrap();
            ended.says(&[name, "not the file that the", "backup", "harvest-lake reset clients"]);
        }
        let ended = scene.run("erase --user 1 --yes").with(1);
        ended.says(&["not the file that the", "backup", "harvest-lake reset users"]);
        assert_eq!(table_files(&scene.lake()), before);
        for (path, whole) in [clients, users].into_iter().zip(&whole) {
            fs::write(path, whole).unwrap();
        }
    }
    scene.heals();
}

#[test]
fn a_file_of_changes_that_is_another_is_never_used_and_says_the_way_back() {
    let scene = Scene::new(58);
    scene.sync().with(0);
    let path = &data(&scene, "users_changes")[0];
    let other = fs::read(&data(&scene, "tasks_changes")[0]).unwrap();
    let whole = fs::read(path).unwrap();
    for damage in DAMAGES {
        fs::write(path, damage(&whole, &other)).unwrap();
        for line in ["verify users", "upgrade users", "erase --user 1 --yes"] {
            let ended = scene.run(line).with(1);
            ended.says(&["not the file that the", "backup", "harvest-lake reset users_changes"]);
        }
    }
    fs::write(path, &whole).unwrap();
    // The erasures above have begun and not ended, although the lake has nothing of that user.
    scene.run("verify users").with(1).says(&["harvest-lake erase --user 1"]);
    scene.run("erase --user 1 --yes").with(0);
    scene.run("verify users").with(0);
    scene.run("upgrade users").with(0);
}

#[test]
fn a_table_that_was_moved_away_comes_back_whole() {
    let scene = with_history(45, 1);
    for stream in ["clients", "time_entries", "invoice_payments", "time_report_team"] {
        let table = scene.lake().join("tables").join(stream);
        fs::rename(&table, scene.folder().join(stream)).unwrap();
    }
    scene.heals();
    scene.heals_fully();
}

#[test]
fn an_older_copy_of_a_table_catches_up() {
    let scene = with_history(46, 0);
    let copy = scene.folder().join("copy");
    copy_folder(&scene.lake().join("tables"), &copy);
    for seed in [47, 48] {
        scene.mutate(seed);
        scene.sync().with(0);
    }
    fs::remove_dir_all(scene.lake().join("tables")).unwrap();
    copy_folder(&copy, &scene.lake().join("tables"));
    scene.heals();
    scene.heals_fully();
}

fn copy_folder(from: &Path, to: &Path) {
    for path in files(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(path, target).unwrap();
    }
}

#[test]
fn a_checkpoint_full_of_garbage_is_passed_over_while_the_versions_are_there() {
    let scene = with_history(49, 11);
    let log = scene.lake().join("tables/clients/_delta_log");
    let checkpoints: Vec<_> = files(&log)
        .into_iter()
        .filter(|path| path.to_string_lossy().contains(".checkpoint."))
        .collect();
    assert!(!checkpoints.is_empty(), "{:?}", files(&log));
    for path in &checkpoints {
        fs::write(path, b"PAR1 garbage PAR1").unwrap();
    }
    scene.mutate(49);
    // Without the earlier versions the content of the table is unknown.
    let first = scene.commit("clients", 0);
    let whole = fs::read(&first).unwrap();
    fs::remove_file(&first).unwrap();
    let ended = scene.sync().with(1).only_failed(&["clients"]);
    drop(ended.says(&["`clients` is damaged", "restore"]));
    fs::write(&first, whole).unwrap();
    scene.sync().with(0);
    // The garbage itself stays until a later checkpoint replaces it.
    let mut wrong = scene.differences(After::IncrementalPasses);
    wrong.retain(|line| !line.starts_with("clients: checkpoint "));
    assert_eq!(wrong, [""; 0]);
}

fn state_file(scene: &Scene) -> std::path::PathBuf {
    scene.lake().join(".state.sqlite")
}

#[test]
fn a_state_that_is_none_says_so_and_comes_back_from_the_tables() {
    let scene = Scene::new(50);
    scene.sync().with(0);
    let state = state_file(&scene);
    let before = table_files(&scene.lake());
    fs::write(&state, "this is no database, but long enough to look like one ".repeat(100))
        .unwrap();
    let ended = scene.sync().with(1);
    ended.says(&[".state.sqlite", "move it away and run again", "rebuilt from the tables"]);
    assert_eq!(table_files(&scene.lake()), before);
    // As advised.
    fs::rename(&state, scene.folder().join("away")).unwrap();
    scene.mutate(50);
    scene.heals();
}

#[test]
fn a_state_of_a_newer_version_is_left_alone() {
    let scene = Scene::new(51);
    scene.sync().with(0);
    let state = state_file(&scene);
    let whole = fs::read(&state).unwrap();
    let mut newer = whole.clone();
    // `user_version` in the header of the file.
    newer[60..64].copy_from_slice(&2_u32.to_be_bytes());
    fs::write(&state, &newer).unwrap();
    let before = table_files(&scene.lake());
    scene.sync().with(1).says(&[".state.sqlite", "format 2", "newer harvest-lake"]);
    assert_eq!(table_files(&scene.lake()), before);
    assert_eq!(fs::read(&state).unwrap(), newer);
    fs::write(&state, whole).unwrap();
    scene.mutate(51);
    scene.heals();
}

/// Writes `body` as the state's item of `stream`, as no harvest-lake does.
fn write_item(scene: &Scene, stream: &str, body: &str) {
    let key = runtime::records::stream_key(scene.account(), stream);
    let path = state_file(scene);
    let work = async move {
        let store = SqliteStore::open(path).await.unwrap();
        let there = store.get(&key).await.unwrap().unwrap();
        store.put(&key, WriteCondition::Rev(there.rev), body, None).await.unwrap();
    };
    tokio::runtime::Runtime::new().unwrap().block_on(work);
}

#[test]
fn a_garbled_item_of_the_state_says_what_to_delete_and_comes_back_from_the_tables() {
    let scene = Scene::new(59);
    scene.sync().with(0);
    for (body, word) in [("no JSON", "damaged"), (r#"{"lease":7}"#, "newer harvest-lake")] {
        write_item(&scene, "clients", body);
        let ended = scene.sync().with(1);
        ended.says(&[
            "`stream#clients`",
            word,
            "delete that item",
            ".state.sqlite",
            "only a cache",
        ]);
        // As advised.
        fs::rename(state_file(&scene), scene.folder().join("away")).unwrap();
        scene.mutate(59);
        scene.heals();
    }
}

#[test]
fn a_lost_state_is_repaired_from_the_tables() {
    let scene = Scene::new(52);
    scene.sync().with(0);
    scene.mutate(52);
    scene.sync().with(0);
    let cursor = scene.standing("time_entries").cursor.unwrap();
    fs::remove_file(state_file(&scene)).unwrap();
    scene.mutate(53);
    let ended = scene.sync().with(0);
    // The position came from the log: nothing is read from the beginning again.
    let entries = ended.json()["streams"].as_array().unwrap().clone();
    let entries = entries.iter().find(|one| one["stream"] == "time_entries").unwrap().clone();
    assert_eq!(entries["passes"], serde_json::json!(["incremental"]));
    assert!(scene.standing("time_entries").cursor.unwrap() >= cursor);
    scene.heals();
    scene.heals_fully();
}

#[test]
fn of_two_syncs_on_one_lake_the_second_waits_and_both_end_well() {
    let scene = Scene::of(&AccountScale::tiny(), 54, Duration::from_millis(30));
    for seed in [55, 56] {
        let first = scene.command("sync --json").spawn().unwrap();
        let second = scene.command("sync --json").spawn().unwrap();
        let ended = [finish(first).with(0), finish(second).with(0)].map(|one| one.json());
        // The two syncs overlapped.
        let at = |one: usize, name: &str| ended[one][name].as_str().unwrap().to_owned();
        assert!(at(0, "began") < at(1, "ended") && at(1, "began") < at(0, "ended"));
        for one in ended {
            assert_eq!(one["complete"], true, "{one}");
        }
        assert_eq!(scene.differences(After::IncrementalPasses), Vec::<String>::new());
        scene.mutate(seed);
    }
    scene.heals();
}
