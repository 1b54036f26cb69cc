//! Settings and credentials that cannot work.

use std::net::{Ipv4Addr, TcpListener};

use e2e::scene::{Scene, files, finish, in_parallel, table_files};
use engine::spec::Module;
use lives::oracle::After;
use sim::{FaultChoice, FaultEffect, Mutation, SwitchedModule};

#[test]
fn what_is_wrong_with_the_settings_is_said_before_anything_is_written() {
    struct Case {
        line: &'static str,
        without: &'static [&'static str],
        says: &'static [&'static str],
    }
    let scene = Scene::new(1);
    let case = |line, without, says| Case { line, without, says };
    for Case { line, without, says } in [
        case("sync --streams time_entires", &[], &["time_entires", "did you mean `time_entries`"]),
        case("sync --exclude invoice_payment", &[], &["--exclude", "`invoice_payments`"]),
        case("schema client", &[], &["`client`", "`clients`", "harvest-lake streams"]),
        case("sync", &["HARVEST_ACCOUNT_ID"], &["--account-id", "HARVEST_ACCOUNT_ID"]),
        case("sync", &["HARVEST_ACCESS_TOKEN"], &["HARVEST_ACCESS_TOKEN", "--token-file"]),
        case("sync --account-id me", &[], &["--account-id", "`me`", "number"]),
        case("sync --token-file no/such", &[], &["token file", "no/such"]),
        case("sync --base-url http://harvest.example/v2", &[], &["harvest.example", "https"]),
        case("sync --base-url harvest.example", &[], &["harvest.example", "base URL"]),
        case("sync --general fast", &[], &["--general", "`fast`", "100/15s"]),
        case("sync --report-window week", &[], &["--report-window", "month"]),
        case("sync --report-fixed-fees yes", &[], &["--report-fixed-fees", "rates"]),
        case("sync --start-date yesterday", &[], &["--start-date", "2024-01-31"]),
        case("sync --exclude-fields users.e_mail", &[], &["--exclude-fields", "`email`"]),
        case("sync --exclude-fields users.emial", &[], &["did you mean `email`?"]),
        case("sync --exclude-fields users.updated_at", &[], &["users.updated_at", "newest"]),
        case("sync --exclude-fields email", &[], &["`email`", "users.email"]),
        case("sync --exclude-fields user.email", &[], &["`user`", "`users`"]),
        case("sync --hash-fields users.email", &[], &["HARVEST_HASH_KEY"]),
        case("sync --pass half", &[], &["half", "incremental"]),
        case("sink", &[], &["sink", "--help"]),
    ] {
        let mut command = scene.command(line);
        for variable in without {
            command.env_remove(variable);
        }
        finish(command.spawn().unwrap()).with(2).says(says);
        assert!(!scene.lake().exists(), "{line}");
    }
    let stats = scene.served.with(|account| account.statistics().clone());
    assert_eq!(stats.general.requests + stats.reports.requests, 0);
}

#[test]
fn refused_credentials_end_with_3_and_write_nothing() {
    struct Case {
        token: &'static str,
        account: &'static str,
        full_lake: bool,
    }
    let case = |token, account, full_lake| Case { token, account, full_lake };
    let cases = [
        ("wrong token", case("not-the-token", "1000001", false)),
        ("wrong account", case(sim::ADMINISTRATOR_TOKEN, "4711", false)),
        ("wrong token over a lake", case("not-the-token", "1000001", true)),
    ];
    in_parallel(&cases, |Case { token, account, full_lake }| {
        let scene = Scene::new(2);
        if *full_lake {
            scene.sync().with(0);
        }
        let before = table_files(&scene.lake());
        for line in ["sync --json", "check --json"] {
            let mut command = scene.command(line);
            command.env("HARVEST_ACCESS_TOKEN", token).env("HARVEST_ACCOUNT_ID", account);
            let ended = finish(command.spawn().unwrap()).with(3);
            let ended = ended.says(&["401", account, "token", "account id"]);
            assert!(!ended.said().contains(token), "{}", ended.said());
        }
        assert_eq!(table_files(&scene.lake()), before);
        scene.heals();
    });
}

#[test]
fn a_token_that_is_revoked_meanwhile_stops_all_and_loses_nothing() {
    let scene = Scene::new(3);
    scene.fault("/v2/invoices?", FaultChoice::Always, status(401));
    scene.sync().with(3).says(&["not accept", "make a new token"]);
    scene.is_sound(&scene.lake());
    scene.clear_faults();
    scene.heals();
}

fn status(status: u16) -> FaultEffect {
    FaultEffect::Status { status, retry_after: None, html: false }
}

#[test]
fn what_the_person_may_not_read_fails_alone_with_advice() {
    let scene = Scene::new(4);
    let mut command = scene.command("sync --json");
    command.env("HARVEST_ACCESS_TOKEN", sim::MANAGER_TOKEN);
    let ended = finish(command.spawn().unwrap()).with(1);
    let failures = ended.failures();
    for stream in ["clients", "contacts", "tasks", "expense_categories", "roles"] {
        assert!(failures.contains_key(stream), "{stream}: {failures:?}");
    }
    for (stream, (kind, message)) in &failures {
        assert_eq!(kind, "StreamRefused", "{stream}: {message}");
        let advice = format!("--exclude {stream}");
        for word in ["403", "administrator", advice.as_str()] {
            assert!(message.contains(word), "{word}: {message}");
        }
    }
    let outcomes = ended.outcomes();
    for stream in ["company", "time_entries", "expenses", "projects", "time_report_team"] {
        assert_eq!(outcomes[stream], "complete", "{}", ended.said());
    }
    // With the advised flag the sync succeeds; as an administrator it reads all streams.
    let exclude: Vec<&str> = failures.keys().map(String::as_str).collect();
    let line = format!("sync --json --exclude {}", exclude.join(","));
    let mut command = scene.command(&line);
    command.env("HARVEST_ACCESS_TOKEN", sim::MANAGER_TOKEN);
    finish(command.spawn().unwrap()).with(0);
    scene.heals_fully();
    // The other way round nulls and deletions would look like changes: nothing is written.
    let before = table_files(&scene.lake());
    let mut command = scene.command("sync --json --pass full --streams projects,users");
    command.env("HARVEST_ACCESS_TOKEN", sim::MANAGER_TOKEN);
    let ended = finish(command.spawn().unwrap()).with(1);
    ended.only_failed(&["projects", "users"]).says(&["administrator", "--accept-role"]);
    assert_eq!(table_files(&scene.lake()), before);
    assert_eq!(scene.differences(After::FullPasses), Vec::<String>::new());
}

#[test]
fn a_module_that_is_off_is_skipped_and_its_rows_stay() {
    let scene = Scene::new(5);
    scene.sync().with(0);
    let own: Vec<&str> = streams::STREAMS
        .iter()
        .filter(|spec| spec.module == Some(Module::Expense))
        .map(|spec| spec.name)
        .collect();
    assert!(own.len() > 2);
    let before: Vec<_> = own.iter().map(|stream| scene.standing(stream)).collect();
    scene.apply(&Mutation::SwitchModule {
        module: SwitchedModule::Expense,
        on: false,
        silent: false,
    });
    for line in ["sync --json", "sync --json --pass full"] {
        let ended = scene.run(line).with(0);
        let skipped = ended.json()["skipped"].as_object().unwrap().clone();
        assert_eq!(skipped.keys().map(String::as_str).collect::<Vec<_>>().len(), own.len());
        for stream in &own {
            assert_eq!(skipped[*stream], "expense_feature");
        }
    }
    let after: Vec<_> = own.iter().map(|stream| scene.standing(stream)).collect();
    assert_eq!(after, before);
    scene.run("sync").with(0).says(&["module is off", "expense_categories"]);
    scene.apply(&Mutation::SwitchModule {
        module: SwitchedModule::Expense,
        on: true,
        silent: false,
    });
    scene.mutate(5);
    scene.heals();
}

#[test]
fn a_host_that_nobody_answers_on_is_named() {
    let scene = Scene::new(6);
    scene.sync().with(0);
    let before = table_files(&scene.lake());
    // A port that was free a moment ago, on which no process listens.
    let port = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap().port()
    };
    let base = format!("http://127.0.0.1:{port}/v2");
    let ended = scene.run(&format!("sync --json --base-url {base}")).with(1);
    ended.says(&["no connection", "check the network and the base URL"]);
    assert_eq!(table_files(&scene.lake()), before);
    scene.mutate(6);
    scene.heals();
}

#[test]
fn the_token_is_in_no_file_and_no_log() {
    let scene = Scene::new(7);
    scene.fault("/v2/roles", FaultChoice::Always, status(403));
    scene.fault("/v2/clients?", FaultChoice::First(1), status(500));
    let ended = scene.run("sync --log trace").with(1);
    assert!(ended.err.len() > 10_000, "tracing is on: {}", ended.err);
    for line in ["status --log trace", "check --log trace"] {
        assert!(!scene.run(line).said().is_empty());
    }
    for path in files(scene.folder()) {
        let bytes = std::fs::read(&path).unwrap();
        let token = sim::ADMINISTRATOR_TOKEN.as_bytes();
        let found = bytes.windows(token.len()).any(|window| window == token);
        assert!(!found, "the token is in {}", path.display());
    }
}
