//! Each command is run on a small scene, in its good and in its bad endings; `Scene::run` checks
//! that what it prints with `--json` follows its schema in `docs/schemas`.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use clap::CommandFactory as _;
use e2e::json::{answered, names, schema};
use e2e::scene::{Scene, finish};
use serde_json::{Value, json};
use sim::{FaultChoice, FaultEffect, Mutation, ValueRewrite};

/// Schemas of documents that no command prints.
const OTHERS: [&str; 11] = [
    "drift",
    "event",
    "invocation_error",
    "metrics",
    "orchestrator",
    "publisher",
    "quarantine_record",
    "report_column",
    "run",
    "trouble",
    "worker_event",
];

/// Members and endings that the documents of commands have shown.
#[derive(Debug, Default)]
struct SeenAnswers {
    /// Endings: the schema, the exit code, and whether the document was complete.
    endings: BTreeSet<(String, i32, bool)>,
    /// Objects inside the documents, by schema and path.
    parts: BTreeSet<String>,
}

impl SeenAnswers {
    fn note(&mut self, line: &str, document: &Value) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let name = answered(&words, document);
        let (code, complete) = (document["exit_code"].as_i64(), document["complete"] == true);
        let code = i32::try_from(code.unwrap()).unwrap();
        self.endings.insert((name.to_owned(), code, complete));
        parts(name, &schema(name), Some(document), &mut self.parts);
    }
}

/// Adds the paths of the objects that `document` has, or of all that `schema` describes.
fn parts(path: &str, schema: &Value, document: Option<&Value>, out: &mut BTreeSet<String>) {
    if document.is_some_and(Value::is_null) {
        return;
    }
    if schema["properties"].is_object() || schema["$ref"].is_string() {
        out.insert(path.to_owned());
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let member = document.map(|document| &document[name]);
        parts(&format!("{path}.{name}"), property, member, out);
    }
    if let Some(either) = schema["anyOf"].as_array() {
        parts(path, &either[0], document, out);
    }
    let items = format!("{path}[]");
    match (schema.get("items"), document) {
        (Some(inner), None) => parts(&items, inner, None, out),
        (Some(inner), Some(list)) => {
            list.as_array().unwrap().iter().for_each(|it| parts(&items, inner, Some(it), out));
        }
        (None, _) => {}
    }
}

/// Runs `line` with `--json`, asserts that it ends with `code`, and notes the document.
fn answer(scene: &Scene, seen: &mut SeenAnswers, line: &str, code: i32) -> Value {
    let line = format!("{line} --json");
    let document = scene.run(&line).with(code).json();
    seen.note(&line, &document);
    document
}

/// Runs `line` with a variable of its own, and asserts that it ends with `code`.
fn answer_with(scene: &Scene, line: &str, setting: (&str, &str), code: i32) -> Value {
    let mut command = scene.command(line);
    command.env(setting.0, setting.1);
    finish(command.spawn().unwrap()).answers(line).with(code).json()
}

fn refusal() -> FaultEffect {
    FaultEffect::Status { status: 403, retry_after: None, html: false }
}

/// Pastes the token.
fn log_in(scene: &Scene, seen: &mut SeenAnswers) {
    let line = "login --json";
    let mut command = scene.command(line);
    command.env("HARVEST_LOGIN_FOLDER", scene.folder().join("logins")).stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", sim::ADMINISTRATOR_TOKEN).unwrap();
    seen.note(line, &finish(child).answers(line).with(0).json());
}

/// Writes the settings of a folder, and what a scheduler and a shell are to know.
fn begin(scene: &Scene, seen: &mut SeenAnswers) {
    let line = "init --json";
    let mut command = scene.command(line);
    command.current_dir(scene.folder());
    seen.note(line, &finish(command.spawn().unwrap()).answers(line).with(0).json());
    for line in ["init --schedule systemd", "completions fish", "man"] {
        answer(scene, seen, line, 0);
    }
}

/// Writes a record into the quarantine of `stream` that can be a row now.
fn lay(scene: &Scene, stream: &str) {
    let folder = scene.lake().join("quarantine").join(stream);
    fs::create_dir_all(&folder).unwrap();
    let raw = fs::read_to_string(format!("fixtures/{stream}/list.json")).unwrap();
    let page: Value = serde_json::from_str(&raw).unwrap();
    let line = json!({ "reason": "`id` is missing or null", "raw": page[stream][0].to_string() });
    e2e::json::check("quarantine_record", &line);
    let file = format!("20200101T000000000Z-{stream}.jsonl");
    fs::write(folder.join(file), format!("{line}\n")).unwrap();
}

/// Makes the newest version of the stream's table unreadable.
fn damage(scene: &Scene, stream: &str) {
    let version = scene.standing(stream).version;
    fs::write(scene.commit(stream, version), "{").unwrap();
}

/// Without a lake, and with names and settings that are wrong.
fn before_the_first_sync(scene: &Scene, seen: &mut SeenAnswers) {
    let found = answer(scene, seen, "check --notify --on-failure true", 0);
    assert_eq!(found["lake_state"]["exists"], false);
    for line in [
        "plan",
        "plan --ask",
        "cost --with alarms",
        "streams",
        "schema clients",
        "sql --engine duckdb",
    ] {
        answer(scene, seen, line, 0);
    }
    for line in ["status", "quarantine"] {
        assert_eq!(answer(scene, seen, line, 2)["error_type"], "NoTable", "{line}");
    }
    // A lake of one table, without a state.
    let other = scene.folder().join("one-table");
    let other = other.display();
    answer(scene, seen, &format!("sync company --lake {other}"), 0);
    answer(scene, seen, &format!("status roles --lake {other} --state {other}/none"), 0);
    answer(scene, seen, "schema clients_changes --ddl duckdb", 0);
    let target = scene.folder().join("out");
    for line in [
        "files clients",
        "head clients",
        "verify",
        "report",
        &format!("export clients {}", target.display()),
    ] {
        assert_eq!(answer(scene, seen, line, 1)["error_type"], "NoTable", "{line}");
    }
    for (line, error_type) in [
        ("schema client", "UnknownStream"),
        ("sweep client", "SettingInvalid"),
        ("sync --budget-percent 0", "SettingInvalid"),
        ("files clients --at soon", "SettingInvalid"),
        ("report --today soon", "SettingInvalid"),
        ("export clients - --format csv", "SettingInvalid"),
        ("report --out /", "SettingInvalid"),
    ] {
        let failed = answer(scene, seen, line, 2);
        assert_eq!(failed["error_type"], error_type, "{line}");
    }
    let stranger = ("HARVEST_ACCESS_TOKEN", "no.such.token");
    let refused = answer_with(scene, "check --json", stranger, 3);
    assert_eq!(refused["error_type"], "CredentialsRefused");
}

/// With another person before, a stream that Harvest refuses, one whose values have other types,
/// and an entry far from today.
fn while_streams_fail(scene: &Scene, seen: &mut SeenAnswers) {
    let manager = ("HARVEST_ACCESS_TOKEN", sim::MANAGER_TOKEN);
    answer_with(scene, "sync --streams projects --json", manager, 0);
    scene.fault("/v2/clients", FaultChoice::Always, refusal());
    let rewritten = FaultEffect::Rewritten(ValueRewrite::AsText);
    scene.fault("/v2/tasks", FaultChoice::Always, rewritten);
    let (stream, day) = ("time_entries".to_owned(), Some("1990-01-01".to_owned()));
    scene.apply(&Mutation::Redate { stream, id: None, day });
    let synced = answer(scene, seen, "sync", 1);
    assert_eq!(synced["failures"][0]["error_type"], "StreamRefused");
    let found = answer(scene, seen, "check", 1);
    let of_clients =
        found["streams"].as_array().unwrap().iter().find(|it| it["stream"] == "clients");
    assert_eq!(of_clients.unwrap()["answer"], "refused");
    answer(scene, seen, "status", 1);
    let planned = answer(scene, seen, "plan", 0);
    let state = |it: &Value| it["state"] == "refused";
    assert!(planned["runs"].as_array().unwrap().iter().any(state), "{planned}");
    scene.clear_faults();
}

/// With a lake that is up to date.
fn after_a_sync(scene: &Scene, seen: &mut SeenAnswers) {
    answer(scene, seen, "sync --keep", 0);
    scene.mutate(5);
    answer(scene, seen, "sweep --keep --accept-deletes", 0);
    // An entry that is read after the reports that it belongs to: a difference with a reason.
    scene.apply(&Mutation::Create { stream: "time_entries".to_owned() });
    for line in ["sync time_entries --keep", "verify", "sync --keep --pass full"] {
        answer(scene, seen, line, 0);
    }
    let lines = ["check", "status", "history", "plan --ask", "verify", "verify --against-harvest"];
    for line in lines.into_iter().chain(["upgrade"]) {
        answer(scene, seen, line, 0);
    }
    answer(scene, seen, "files clients --version 1", 0);
    answer(scene, seen, "files clients_changes", 0);
    let target = scene.folder().join("out");
    answer(scene, seen, &format!("export clients tasks {}", target.display()), 0);
    answer(scene, seen, &format!("export clients tasks {} --format csv", target.display()), 0);
    answer(scene, seen, "head clients", 0);
    answer(scene, seen, "head clients_changes -n 2 --columns op,id", 0);
    let page = scene.folder().join("report.html");
    answer(scene, seen, &format!("report --publish --out {}", page.display()), 0);
    assert_eq!(fs::read(page).unwrap(), fs::read(scene.lake().join("report.html")).unwrap());
    let refused = FaultEffect::Status { status: 422, retry_after: None, html: false };
    scene.fault("/payments?", FaultChoice::Nth(1), refused);
    answer(scene, seen, "sync invoice_payments --keep --pass full", 0);
    scene.clear_faults();
    let parked = answer(scene, seen, "status invoice_payments", 0);
    let parked = &parked["streams"][0]["parked_parents"][0];
    assert_eq!(
        (&parked["runs"], &parked["reason"]),
        (&1.into(), &"Harvest refuses the request (422)".into())
    );
    answer(scene, seen, "sync invoice_payments --keep", 0);
    // A state that is none costs the page what only the state tells.
    let other = scene.folder().join("other");
    fs::write(&other, "no state".repeat(100)).unwrap();
    let line = format!("report --publish --state {}", other.display());
    let told = answer(scene, seen, &line, 0);
    assert_eq!(told["report"]["machine"]["problems"][0]["command"], "status", "{told}");
    lay(scene, "clients");
    answer(scene, seen, "quarantine", 0);
    let tried = answer(scene, seen, "quarantine retry clients", 0);
    assert_eq!(
        (&tried["streams"][0]["readable"], &tried["waits_until"]),
        (&1.into(), &Value::Null)
    );
    answer(scene, seen, "quarantine retry", 0);
    let user = scene.somebody();
    let dry = answer(scene, seen, &format!("erase --user {user} --dry-run"), 0);
    assert_eq!((&dry["dry_run"], &dry["remembered"]), (&true.into(), &false.into()));
    answer(scene, seen, &format!("erase --user {user} --yes"), 0);
    answer(scene, seen, "reset tasks clients_changes --dry-run", 0);
    answer(scene, seen, "reset tasks clients_changes --yes", 0);
}

/// While another process works on `users`.
fn while_a_stream_is_busy(scene: &Scene, seen: &mut SeenAnswers) {
    scene.fault("/v2/users?", FaultChoice::Always, FaultEffect::Hang);
    let running = scene.command("sync --streams users --pass full").spawn().unwrap();
    let is_running =
        || scene.run("status --json").json()["streams"].to_string().contains("\"running\"");
    while !is_running() {}
    lay(scene, "users");
    let erase = format!("erase --yes --user {}", scene.somebody());
    for line in ["reset users --yes", "upgrade users", &erase, "quarantine retry users"] {
        let done = answer(scene, seen, line, 1);
        let of_users =
            done["streams"].as_array().unwrap().iter().find(|it| it["stream"] == "users");
        let of_users = of_users.unwrap();
        assert_eq!(of_users["outcome"], "busy", "{line}");
        assert!(of_users["waits_until"].is_string() && of_users["error"].is_null(), "{of_users}");
    }
    scene.clear_faults();
    crate::signals::send(&running, "-TERM");
    finish(running).with(143);
    let stopped = answer(scene, seen, "verify roles", 1);
    assert_eq!(stopped["error_type"], "ErasureUnfinished", "{stopped}");
    answer(scene, seen, &erase, 0);
}

/// With tables that are damaged, and files that are gone.
fn with_damage(scene: &Scene, seen: &mut SeenAnswers) {
    scene.fault("/v2/projects", FaultChoice::Always, refusal());
    let compared = answer(scene, seen, "verify --against-harvest roles projects", 1);
    assert_eq!(compared["streams"][1]["harvest"]["error_type"], "StreamRefused", "{compared}");
    scene.clear_faults();
    let old = answer(scene, seen, "files clients --version 1", 0);
    fs::remove_file(old["files"][0]["path"].as_str().unwrap()).unwrap();
    let lost = answer(scene, seen, "files clients --version 1", 1);
    assert_eq!((&lost["missing"], &lost["files"][0]["exists"]), (&1.into(), &false.into()));
    for number in 0..40 {
        let name = Some(format!("Umbra {number}"));
        scene.apply(&Mutation::Rename { stream: "clients".to_owned(), id: None, name });
    }
    answer(scene, seen, "verify --against-harvest --all time_entries", 1);
    damage(scene, "users");
    lay(scene, "users");
    let verified = answer(scene, seen, "verify users", 1);
    assert_eq!(verified["streams"][0]["findings"][0]["check"], "log");
    let erase = "erase --yes --user 125";
    for line in ["status", "check", "upgrade users", erase, "quarantine retry users"] {
        answer(scene, seen, line, 1);
    }
}

/// A full budget is no failure: something is left.
fn while_the_budget_is_full(seen: &mut SeenAnswers) {
    let scene = Scene::new(92);
    let mut limited = |line: &str, variable: &str| -> Value {
        let document = answer_with(&scene, line, (variable, "2/900s"), 0);
        seen.note(line, &document);
        document
    };
    let synced = limited("sync --json", "HARVEST_REPORTS");
    let class = &synced["left"][0]["class"];
    assert_eq!((&synced["complete"], class), (&false.into(), &"reports".into()));
    assert_eq!(limited("status --json", "HARVEST_REPORTS")["complete"], true);
    lay(&scene, "clients");
    for line in [
        "check --json",
        "plan --ask --json",
        "verify --against-harvest --json",
        "quarantine retry clients --json",
    ] {
        assert_eq!(limited(line, "HARVEST_GENERAL")["complete"], false, "{line}");
    }
}

#[test]
fn each_command_answers_as_its_schema_says_however_it_ends() {
    let scene = Scene::new(91);
    let mut seen = SeenAnswers::default();
    log_in(&scene, &mut seen);
    begin(&scene, &mut seen);
    before_the_first_sync(&scene, &mut seen);
    while_streams_fail(&scene, &mut seen);
    after_a_sync(&scene, &mut seen);
    while_a_stream_is_busy(&scene, &mut seen);
    with_damage(&scene, &mut seen);
    while_the_budget_is_full(&mut seen);
    let demo = scene.folder().join("demo");
    let line = format!("demo --scale tiny --lake {}", demo.display());
    let shown = answer(&scene, &mut seen, &line, 0);
    assert!(shown["second"]["complete"] == true && shown["changes"].as_u64() > Some(0));
    fs::remove_file(demo.join(".demo")).unwrap();
    answer(&scene, &mut seen, &line, 2);

    let SeenAnswers { endings, parts: shown } = seen;
    let answers = names().into_iter().filter(|name| !OTHERS.contains(&&**name));
    let good = answers.map(|name| (name, 0, true)).filter(|(name, ..)| name != "error");
    let missing: Vec<_> = good.filter(|ending| !endings.contains(ending)).collect();
    assert_eq!(missing, Vec::new());
    // `streams`, `schema`, `plan`, `export` and `quarantine` have no bad ending but an error.
    for name in [
        "sync",
        "check",
        "status",
        "files",
        "verify",
        "reset",
        "upgrade",
        "erase",
        "quarantine_retry",
    ] {
        assert!(endings.contains(&(name.to_owned(), 1, false)), "{name}: {endings:?}");
    }
    for code in [1, 2] {
        assert!(endings.contains(&("error".to_owned(), code, false)), "{endings:?}");
    }
    let mut all = BTreeSet::new();
    for name in names().iter().filter(|name| !OTHERS.contains(&&***name)) {
        parts(name, &schema(name), None, &mut all);
    }
    assert_eq!(all.difference(&shown).collect::<Vec<_>>(), Vec::<&String>::new());
    for command in cli::CliArguments::command().get_subcommands() {
        let schema = if command.get_name() == "sweep" { "sync" } else { command.get_name() };
        assert!(names().contains(schema), "{schema}");
    }
}
