//! The command `verify` on real lakes: it finds every fault and nothing else, also against Harvest;
//! and `files` of older versions.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a surprise ends the test"
)]

use std::collections::BTreeMap;
use std::fs;

use e2e::scene::{Ended, Scene, files, finish};
use serde_json::Value;
use sim::Mutation;

fn stream(ended: &Ended, name: &str) -> Value {
    let json = ended.json();
    let streams = json["streams"].as_array().unwrap();
    streams.iter().find(|one| one["stream"] == name).unwrap_or_else(|| panic!("{json}")).clone()
}

/// Streams with findings.
fn found(ended: &Ended) -> Vec<String> {
    let json = ended.json();
    let has = |one: &&Value| {
        let differs = ["missing_here", "missing_in_harvest", "differing"];
        let compared = differs.iter().any(|name| one["harvest"][name].as_u64().unwrap_or(0) > 0);
        compared || !one["findings"].as_array().unwrap().is_empty()
    };
    let streams = json["streams"].as_array().unwrap().iter().filter(has);
    streams.map(|one| one["stream"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn nothing_is_found_in_a_lake_as_it_should_be() {
    let scene = Scene::new(61);
    for line in ["verify", "verify --against-harvest", "verify tasks"] {
        drop(scene.run(line).with(1).says(&["no table", "sync"]));
        assert!(!scene.lake().exists(), "{line}");
    }
    scene.sync().with(0);
    scene.mutate(61);
    scene.sync().with(0);
    scene.run("sync --json --pass full --accept-deletes").with(0);
    let ended = scene.run("verify --json").with(0);
    let json = ended.json();
    assert_eq!((&json["findings"], &json["exit_code"]), (&0.into(), &0.into()));
    assert_eq!(json["streams"].as_array().unwrap().len(), streams::STREAMS.len());
    let entries = stream(&ended, "time_entries");
    assert!(entries["rows"].as_u64().unwrap() > 250, "{entries}");
    assert_eq!(entries["checks"]["unique"], 0);
    assert_eq!(entries["harvest"], Value::Null);
    assert!(entries["changes"]["changes"].as_u64() > entries["rows"].as_u64(), "{entries}");
    assert_eq!(
        (&entries["changes"]["pending"], &entries["checks"]["changes"]),
        (&false.into(), &0.into())
    );
    scene.run("verify clients tasks").with(0).says(&["2 tables", "✓"]);
    scene.run("verify clientele").with(2).says(&["clientele"]);
    scene.run("verify --all").with(2).says(&["--against-harvest"]);
}

#[test]
fn a_table_that_is_gone_is_found_by_its_changes() {
    let scene = Scene::new(68);
    scene.sync().with(0);
    fs::remove_dir_all(scene.lake().join("tables/clients")).unwrap();
    for line in ["verify", "verify clients"] {
        scene.run(line).with(1).says(&["clients", "the table is gone", "reset clients"]);
    }
    scene.heals();
    scene.run("verify").with(0);
}

/// Number of differing sums of all reports, by reason.
fn reasons(ended: &Ended) -> BTreeMap<String, u64> {
    let json = ended.json();
    let mut reasons = BTreeMap::new();
    let reports = json["reports"]["reports"].as_array().unwrap_or_else(|| panic!("{json}"));
    assert_eq!(reports.len(), 3, "{json}");
    for report in reports {
        assert!(report["equal"].as_u64() > Some(0), "{report}");
        for (reason, number) in report["reasons"].as_object().unwrap() {
            *reasons.entry(reason.clone()).or_default() += number.as_u64().unwrap();
        }
    }
    reasons
}

#[test]
fn reports_of_harvest_agree_with_the_records_or_it_is_said_why_not() {
    let scene = Scene::new(67);
    // Entries on no invoice, which Harvest lets people delete.
    let change = |mutation: &Mutation| {
        scene.served.with(|account| account.apply(e2e::scene::now(), mutation).unwrap().id)
    };
    let create = || change(&Mutation::Create { stream: "time_entries".to_owned() });
    let doomed = [create(), create()];
    let delete = |id: i64| {
        change(&Mutation::Delete { stream: "time_entries".to_owned(), id: Some(id) });
    };
    scene.sync().with(0);
    let none = BTreeMap::new();
    let line = "verify --json time_entries";
    assert_eq!(reasons(&scene.run(line).with(0)), none);
    assert_eq!(scene.run("verify --json tasks").with(0).json()["reports"], Value::Null);

    // Deleted here, too, after the reports were read: the table of changes tells.
    delete(doomed[0]);
    scene.run("sweep time_entries").with(0);
    let told = reasons(&scene.run(line).with(0));
    assert!(!told.is_empty() && told.keys().eq(["changed_since"]), "{told:?}");
    scene.run("verify").with(0).says(&["changed since the report"]);
    scene.run("sync --pass full").with(0);
    assert_eq!(reasons(&scene.run(line).with(0)), none);

    // Deleted in Harvest before the reports were read, and still here.
    delete(doomed[1]);
    scene.run("sync --pass full time_report_projects uninvoiced_report").with(0);
    let told = reasons(&scene.run(line).with(0));
    assert!(!told.is_empty() && told.keys().eq(["not_swept"]), "{told:?}");
    scene.run("sweep time_entries").with(0);
    assert_eq!(reasons(&scene.run(line).with(0)), none);
}

/// After the deletion the report has no row of the project in that month, and those of other projects
/// are older than the last sweep of expenses; or it has nothing of that month any more.
#[test]
fn the_only_expense_of_a_project_in_a_month_may_be_deleted() {
    let scene = Scene::new(67);
    let mut open = scene.records("expenses");
    open.retain(|expense| expense["is_billed"] == false);
    let id = |expense: &Value| expense["id"].as_i64().unwrap();
    let of_another = |one: &&Value| one["project"]["id"] != open[0]["project"]["id"];
    let [beside, other] = [&open[0], open.iter().find(of_another).unwrap()].map(id);
    let mut others = open.iter().map(id).filter(|id| ![beside, other].contains(id));
    let [alone, any] = [others.next().unwrap(), others.next().unwrap()];
    // Months in which there is no other expense.
    for (id, day) in [(beside, "2019-03-04"), (other, "2019-03-05"), (alone, "2019-05-06")] {
        let (stream, day) = ("expenses".to_owned(), Some(day.to_owned()));
        scene.apply(&Mutation::Redate { stream, id: Some(id), day });
    }
    scene.sync().with(0);
    let delete = |id: i64| {
        scene.apply(&Mutation::Delete { stream: "expenses".to_owned(), id: Some(id) });
        scene.run("sync --pass full expense_report_projects uninvoiced_report").with(0);
    };
    let told = || reasons(&scene.run("verify --json expenses").with(0));
    let told_without_changes = || {
        let mut command = scene.command("verify --json expenses");
        command.env("HARVEST_NO_CHANGES", "expense_report_projects, uninvoiced_report");
        reasons(&finish(command.spawn().unwrap()).with(0))
    };
    // A sweep is in the table only if it found something.
    delete(any);
    scene.run("sweep expenses").with(0);
    assert_eq!(told(), BTreeMap::new());
    for (id, without_changes) in [(beside, "no_history"), (alone, "no_window")] {
        delete(id);
        assert_eq!(told().into_keys().collect::<Vec<_>>(), ["not_swept"]);
        let others = told_without_changes();
        assert!(others.contains_key(without_changes), "{others:?}");
        scene.run("sweep expenses").with(0);
        assert_eq!(told(), BTreeMap::new());
    }
}

#[test]
fn damage_is_found_and_named() {
    let scene = Scene::new(62);
    scene.sync().with(0);
    let entries: Vec<_> = files(&scene.lake().join("tables/time_entries"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "parquet"))
        .collect();
    let whole = fs::read(&entries[3]).unwrap();
    fs::write(&entries[3], &whole[..whole.len() - 9]).unwrap();
    fs::remove_file(&entries[5]).unwrap();
    let log = scene.commit("clients", 0);
    fs::write(&log, "no log").unwrap();
    let name = |at: usize| entries[at].file_name().unwrap().to_str().unwrap().to_owned();
    let ended = scene.run("verify").with(1);
    let ended = ended.says(&[&name(3), &name(5), "no such file", "`clients`", "reset"]);
    assert!(ended.out.contains("harvest-lake reset clients time_entries"), "{}", ended.out);
    let ended = scene.run("verify --json").with(1);
    assert_eq!(found(&ended), ["clients", "time_entries"]);
    assert_eq!(stream(&ended, "time_entries")["checks"]["files"], 3);
    assert_eq!(stream(&ended, "clients")["checks"]["log"], 1);
    // Damaged tables are not compared with Harvest, the others are.
    let ended = scene.run("verify --json --against-harvest").with(1);
    assert_eq!(found(&ended), ["clients", "time_entries"]);
    assert!(stream(&ended, "clients")["harvest"]["skipped"].is_string());
    assert!(stream(&ended, "tasks")["harvest"]["records"].as_u64().unwrap() > 0);
}

#[test]
fn changes_that_do_not_lead_to_the_table_are_found() {
    let scene = Scene::new(67);
    scene.sync().with(0);
    let copy = |from: &str, to: &str| {
        let (from, to) = (scene.lake().join("tables").join(from), scene.folder().join(to));
        for path in files(&from) {
            let target = to.join(path.strip_prefix(&from).unwrap());
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(path, target).unwrap();
        }
    };
    copy("clients_changes", "older");
    for name in ["Umbra", "Lumen"] {
        let name = Some(name.to_owned());
        scene.apply(&Mutation::Rename { stream: "clients".to_owned(), id: None, name });
        scene.run("sync --json --streams clients").with(0);
    }
    scene.run("verify clients").with(0);
    // An older copy misses commits. A run that changes no row does not look, and a full pass begins it anew.
    let changes = scene.lake().join("tables/clients_changes");
    fs::rename(&changes, scene.folder().join("away")).unwrap();
    fs::rename(scene.folder().join("older"), &changes).unwrap();
    let ended = scene.run("verify --json clients").with(1);
    assert_eq!(stream(&ended, "clients")["checks"]["changes"], 1);
    scene.run("sync --json --streams clients").with(0);
    let behind = scene.run("verify clients").with(1);
    assert!(!behind.out.contains("reset"), "{}", behind.out);
    drop(behind.says(&["missed commits", "`harvest-lake sync --pass full clients`"]));
    scene.run("sync --json --pass full --streams clients").with(0);
    scene.run("verify clients").with(0);
    // Where changes are switched off, their faults are not reported.
    let mut command = scene.command("verify --json");
    command.env("HARVEST_NO_CHANGES", "tasks, clients");
    drop(finish(command.spawn().unwrap()).with(0));
    scene.apply(&Mutation::Update { stream: "clients".to_owned(), id: None });
    scene.run("sync --json --streams clients").with(0);
    scene.run("verify clients").with(0);
    // A change file is deleted.
    let file = files(&changes)
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "parquet"));
    fs::remove_file(file.unwrap()).unwrap();
    drop(scene.run("verify clients").with(1).says(&["file of changes cannot be read"]));
}

#[test]
fn against_harvest_everything_is_equal_after_a_sync() {
    let scene = Scene::new(63);
    scene.mutate(63);
    scene.sync().with(0);
    scene.run("sync --json --pass full --accept-deletes").with(0);
    for line in [
        "verify --json --against-harvest --all",
        "verify --json --against-harvest --sample 40",
        "verify --json --against-harvest",
    ] {
        let ended = scene.run(line).with(0);
        assert_eq!(found(&ended), Vec::<String>::new(), "{line}");
        for one in ended.json()["streams"].as_array().unwrap() {
            let harvest = &one["harvest"];
            assert_eq!(harvest["skipped"], Value::Null, "{line}: {one}");
            assert_eq!(harvest["failed"], Value::Null, "{line}: {one}");
            assert_eq!(harvest["records"], harvest["equal"], "{line}: {one}");
            if line.ends_with("--all") {
                assert_eq!(harvest["records"], one["rows"], "{line}: {one}");
            }
        }
    }
}

#[test]
fn against_harvest_differences_are_told_by_column_and_what_is_newer_is_none() {
    let scene = Scene::new(64);
    scene.mutate(64);
    scene.sync().with(0);
    scene.run("sync --json --pass full --accept-deletes").with(0);
    // Newer in Harvest.
    let update = |stream: &str| Mutation::Update { stream: stream.to_owned(), id: None };
    scene.apply(&update("contacts"));
    scene.apply(&Mutation::Create { stream: "tasks".to_owned() });
    let ended = scene.run("verify --json --against-harvest --all contacts tasks").with(0);
    assert_eq!(stream(&ended, "contacts")["harvest"]["newer"], 1);
    assert_eq!(stream(&ended, "tasks")["harvest"]["newer"], 1);
    // Deleted in Harvest, and changed without a new `updated_at`.
    let delete = |stream: &str| Mutation::Delete { stream: stream.to_owned(), id: None };
    // Billed entries cannot be deleted.
    let delete = delete("time_entries");
    scene.served.with(|account| {
        let tried = (0..200).find(|_| account.apply(e2e::scene::now(), &delete).is_ok());
        assert!(tried.is_some(), "an entry can be deleted");
    });
    for number in 0..40 {
        let name = Some(format!("Umbra {number}"));
        scene.apply(&Mutation::Rename { stream: "clients".to_owned(), id: None, name });
    }
    let message = Mutation::AddMessage { stream: "invoices".to_owned(), id: None };
    scene.apply(&message);
    let streams = "time_entries invoice_messages";
    let ended = scene.run(&format!("verify --json --against-harvest --all {streams}")).with(1);
    let entries = stream(&ended, "time_entries")["harvest"].clone();
    assert_eq!((&entries["missing_in_harvest"], &entries["missing_here"]), (&1.into(), &0.into()));
    assert!(entries["differing"].as_u64().unwrap() > 0, "{entries}");
    let differences = entries["differences"].as_array().unwrap();
    let renamed = differences.iter().filter(|one| one["difference"] == "differs");
    for one in renamed {
        assert_eq!(one["column"], "client_name");
        let umbra = |side: &str| one[side].as_str().unwrap().starts_with("Umbra ");
        assert!(umbra("harvest") && !umbra("here"), "{one}");
    }
    assert_eq!(ended.json()["exit_code"], 1);
    let messages = stream(&ended, "invoice_messages")["harvest"].clone();
    // A new message does not change `updated_at` of its invoice, but has one of its own.
    assert_eq!((&messages["newer"], &messages["missing_here"]), (&1.into(), &0.into()));
    let said = scene.run("verify --against-harvest --all time_entries").with(1);
    drop(said.says(&["Umbra", "client_name", "missing in Harvest", "--pass full"]));
    scene.run("sync --json --pass full --accept-deletes").with(0);
}

#[test]
fn what_is_not_kept_is_no_difference_and_is_not_shown() {
    let scene = Scene::new(66);
    let private = "--exclude-fields clients.name --hash-fields users.email";
    let command = |line: &str, flags: &str| {
        let mut command = scene.command(&format!("{line} --json {flags}"));
        command.env("HARVEST_HASH_KEY", "sixteen letters and more");
        finish(command.spawn().unwrap())
    };
    command("sync --streams clients,users", private).with(0);
    let verify = "verify clients users --against-harvest --all";
    command(verify, private).with(0);
    // Without the privacy settings there is a difference.
    assert_eq!(found(&command(verify, "").with(1)), ["clients", "users"]);

    let user = 1_782_001;
    let erased = command(&format!("erase --user {user} --yes"), "").with(0);
    assert_eq!(stream(&erased, "users")["rewritten"], 1);
    let ended = command(verify, private).with(0);
    assert_eq!(ended.json()["findings"], 0);
}

#[test]
fn a_refused_token_ends_with_3() {
    let scene = Scene::new(65);
    scene.sync().with(0);
    let mut command = scene.command("verify --json --against-harvest");
    command.env("HARVEST_ACCESS_TOKEN", "nobody");
    let ended = finish(command.spawn().unwrap());
    drop(ended.with(3).says(&["does not accept this token"]));
}

#[test]
fn files_of_an_older_version_are_listed_while_they_are_kept() {
    let scene = Scene::new(66);
    scene.sync().with(0);
    let first = scene.run("files --json clients").with(0).json();
    let version = first["version"].as_u64().unwrap();
    scene.apply(&Mutation::Update { stream: "clients".to_owned(), id: None });
    scene.run("sync --json --keep --streams clients").with(0);
    let second = scene.run("files --json clients").with(0).json();
    assert_ne!(first["files"], second["files"]);
    let old = scene.run(&format!("files --json clients --version {version}")).with(0).json();
    assert_eq!((&old["version"], &old["missing"]), (&version.into(), &0.into()));
    assert_eq!(old["files"][0]["path"], first["files"][0]["path"]);
    // By the instant of its commit; today as a day means the newest version.
    let at = old["committed"].as_str().unwrap();
    let by_time = scene.run(&format!("files --json clients --at {at}")).with(0).json();
    assert_eq!(by_time["version"], version);
    let today = e2e::scene::now().to_string()[..10].to_owned();
    let newest = scene.run(&format!("files --json clients --at {today}")).with(0).json();
    assert_eq!(newest["version"], second["version"]);
    // Without `--keep` removed files are deleted.
    scene.apply(&Mutation::Update { stream: "clients".to_owned(), id: None });
    scene.run("sync --json --streams clients").with(0);
    let gone = scene.run(&format!("files clients --version {version}")).with(1);
    drop(gone.says(&["deleted", "--keep"]));
    let json = scene.run(&format!("files --json clients --version {version}")).with(1).json();
    assert_eq!((&json["missing"], &json["files"][0]["exists"]), (&1.into(), &false.into()));
    let paths = scene.run(&format!("files --paths clients --version {version}")).with(1);
    assert_eq!(paths.out, "");
    scene.run("files clients --version 99").with(1).says(&["no version 99", "newest is"]);
    scene.run("files clients --at 2001-01-01").with(1).says(&["did not exist", "first version"]);
    for time in ["yesterday", "2026-01-01T06:00:00", "2026-01-01T06"] {
        let told = format!("`{time}` is no time");
        drop(scene.run(&format!("files clients --at {time}")).with(2).says(&[&told]));
        drop(scene.run(&format!("history --since {time}")).with(2).says(&[&told]));
    }
    scene.run("report --today 2026-01-01T23:00:00-08:00").with(2).says(&["is no time"]);
    scene.run("files clients --at 2026-01-01 --version 1").with(2);
}

/// Other engines refuse such a table; this one reads the commits.
#[test]
fn a_checkpoint_that_is_named_and_not_there_is_found() {
    let scene = Scene::new(66);
    scene.run("sync clients").with(0);
    let hint = scene.commit("clients", 0).with_file_name("_last_checkpoint");
    fs::write(&hint, r#"{"version":99,"size":1}"#).unwrap();
    scene.run("sync clients").with(0);
    let ended = scene.run("verify clients").with(1);
    let ended = ended.says(&["_last_checkpoint", "version 99", "Delete the checkpoint"]);
    assert!(!ended.out.contains("reset"), "{}", ended.out);
    fs::remove_file(&hint).unwrap();
    scene.run("verify clients").with(0);
}

/// No pass reads what is older, so that it is no fault of the table.
#[test]
fn records_from_before_the_start_date_are_no_difference() {
    let scene = Scene::new(5);
    let start = e2e::scene::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let start = start.saturating_sub(jiff::Span::new().days(100));
    scene.run(&format!("sync --json --streams time_entries,expenses --start-date {start}")).with(0);
    let told = scene.run("verify --json --against-harvest --all time_entries").with(0);
    let entries = stream(&told, "time_entries")["harvest"].clone();
    assert!(entries["notes"][0].as_str().unwrap().contains(&start.to_string()), "{entries}");
    let (records, all) =
        (entries["records"].as_u64().unwrap(), scene.records("time_entries").len());
    assert!(records > 20 && records < all as u64, "{records} of {all}");
    // From that day on a deletion is found.
    let newest = scene.records("time_entries");
    let in_table = |one: &&Value| one["spent_date"].as_str().unwrap() > start.to_string().as_str();
    scene.served.with(|account| {
        let newest = newest.iter().filter(in_table).map(|one| one["id"].as_i64());
        let gone = |id| Mutation::Delete { stream: "time_entries".to_owned(), id };
        let tried = newest.map(gone).find(|gone| account.apply(e2e::scene::now(), gone).is_ok());
        assert!(tried.is_some(), "an entry can be deleted");
    });
    let told = scene.run("verify --json --against-harvest --all time_entries").with(1);
    assert_eq!(stream(&told, "time_entries")["harvest"]["missing_in_harvest"], 1);
}
