//! The deployment end to end: the functions' own binaries, from a tick of the schedule to tables
//! that other engines read.

#![expect(
    clippy::large_futures,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a surprise ends the test, and a test has room"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use e2e::cloud::{Cloud, Plan, secret};
use e2e::emulators;
use e2e::lambda::{Attempt, Unreliable, pause};
use e2e::proxy::Proxy;
use lives::oracle::After;
use serde_json::{Value, json};
use sim::{AccountScale, FaultChoice, FaultEffect, FaultRule};

/// Compares every cell of the tables, as deltalake, polars and `DuckDB` read them, with the
/// account.
fn other_engines_agree(cloud: &Cloud, lake: &Path, more: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let python = root.join(".tools/readers/bin/python");
    assert!(python.exists(), "{} is missing: `make test` installs it", python.display());
    let truth = cloud.served.base_url();
    let truth = truth.trim_end_matches("/v2");
    let output = Command::new(python)
        .args(["-m", "lake_check", "--truth", truth, "--lake"])
        .arg(lake)
        .args(more)
        .current_dir(root.join("tests"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}{wrong}");
}

/// Runs `harvest-lake` on the deployment; returns its exit code and JSON output.
fn command(cloud: &Cloud, line: &str) -> (Option<i32>, Value) {
    let output = Command::new(e2e::scene::binary("harvest-lake"))
        .args(line.split(' '))
        .args(["--lake", &cloud.lake])
        .envs(cloud.environment.iter().cloned())
        .env("HARVEST_STATE", &cloud.state)
        .env_remove("HARVEST_ACCESS_TOKEN")
        .output()
        .unwrap();
    let said = serde_json::from_slice(&output.stdout);
    let wrong = String::from_utf8_lossy(&output.stderr);
    let said = said.unwrap_or_else(|error| panic!("{error}: {wrong}"));
    let words: Vec<&str> = line.split(' ').collect();
    e2e::json::check_answer(&words, &said, output.status.code().unwrap());
    (output.status.code(), said)
}

/// Checks the lines of metrics, and returns their number.
fn metrics(said: &str) -> usize {
    let lines = said.lines().filter(|line| line.contains("\"_aws\""));
    lines.map(|line| e2e::json::check("metrics", &serde_json::from_str(line).unwrap())).count()
}

fn failed(attempts: &[Attempt]) -> Vec<&Attempt> {
    attempts.iter().filter(|attempt| attempt.answer.is_err()).collect()
}

async fn is_exact(cloud: &Cloud, after: After) {
    let wrong = cloud.oracle().differences(after).await;
    assert_eq!(wrong, Vec::<String>::new());
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap()
}

/// Prints lengths of lines and times of invocations. Asserts that the lines are no longer than the
/// estimate of a month takes them for.
#[expect(clippy::indexing_slicing, clippy::print_stdout, reason = "figures for people, of a test")]
fn tell_measures(cloud: &Cloud, said: &str) {
    // What `deployment::cost` takes; Lambda's own lines add 0.5 kB to a worker's.
    for (word, most) in [("tick complete", 400), ("run ended", 500)] {
        let lines: Vec<usize> =
            said.lines().filter(|line| line.contains(word)).map(str::len).collect();
        let mean = lines.iter().sum::<usize>() / lines.len();
        println!("{} lines with {word}, {mean} bytes each", lines.len());
        assert!(mean < most, "{word}: {mean} bytes, and the month is reckoned with {most}");
    }
    let mut took = BTreeMap::<String, Vec<Duration>>::new();
    for attempt in cloud.lambda.attempts() {
        took.entry(attempt.function).or_default().push(attempt.took);
    }
    for (name, mut times) in took {
        times.sort_unstable();
        let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
        println!("{} invocations of {name}: median {median:?}, at most {longest:?}", times.len());
    }
    for name in ["orchestrator", "worker"] {
        println!("cold starts of {name}: {:?}", cloud.lambda.cold_starts(name));
    }
}

#[test]
fn a_tick_becomes_33_exact_tables_and_changes_follow() {
    runtime().block_on(async {
        let cloud = Cloud::deploy(Plan { scale: AccountScale::demo(), ..Plan::default() }).await;
        let ticks = cloud.rest().await;
        let attempts = cloud.lambda.attempts();
        assert_eq!(failed(&attempts).len(), 0, "{:?}", failed(&attempts));
        let workers = attempts.iter().filter(|attempt| attempt.function == "worker").count();
        assert!(workers >= streams::STREAMS.len(), "{workers} workers in {ticks} ticks");
        is_exact(&cloud, After::FullPasses).await;
        let lake = cloud.copy().await;
        other_engines_agree(&cloud, &lake, &[]);

        let news = cloud.news().await;
        let completed: Vec<&Value> =
            news.iter().filter(|one| one["detail-type"] == "SyncCompleted").collect();
        assert!(completed.len() >= streams::STREAMS.len(), "{news:?}");
        for one in &completed {
            e2e::json::check("event", &one["detail"]);
        }
        let entries = completed.iter().find(|one| one["detail"]["stream"] == "time_entries");
        assert!(entries.unwrap()["detail"]["counts"]["inserted"].as_u64() > Some(0), "{news:?}");
        assert_eq!(cloud.failures().await, Vec::<Value>::new());

        // A tick with nothing to do sends no request.
        cloud.served.with(sim::Account::reset_statistics);
        cloud.tick().await.unwrap();
        let asked = cloud.served.with(|account| account.statistics().paths.clone());
        assert!(asked.is_empty(), "{asked:?}");

        cloud.mutate(3, 300);
        let asked = json!({ "now": true, "pass": "full", "accept_deletes": true });
        let answer = cloud.lambda.call("orchestrator", asked).await.unwrap();
        assert!(!answer["due"].as_array().unwrap().is_empty(), "{answer}");
        e2e::json::check("orchestrator", &answer);
        cloud.lambda.quiet().await;
        cloud.rest().await;
        is_exact(&cloud, After::FullPasses).await;
        let lake = cloud.copy().await;
        other_engines_agree(&cloud, &lake, &["--deleted"]);

        let said = cloud.said();
        assert!(!said.contains(sim::ADMINISTRATOR_TOKEN), "the token is in the log");
        assert!(said.contains("OldestStreamLagSeconds") && said.contains("\"Requests\""), "{said}");
        assert!(metrics(&said) > streams::STREAMS.len(), "{said}");
        tell_measures(&cloud, &said);
        let (code, status) = command(&cloud, "status --json");
        assert_eq!(code, Some(0), "{status}");
        assert!(status["streams"].as_array().unwrap().iter().all(|one| one["state"] == "current"));
        let (code, files) = command(&cloud, "files clients --json");
        assert_eq!(code, Some(0), "{files}");
        assert!(files["files"][0]["path"].as_str().unwrap().starts_with("s3://"), "{files}");
        publishes_the_page_of_the_command(&cloud).await;
    });
}

/// The publisher writes the page of which the command prints the data, and says where it is.
#[expect(clippy::indexing_slicing, reason = "a test fails by panicking")]
async fn publishes_the_page_of_the_command(cloud: &Cloud) {
    let answer = cloud.lambda.call("publisher", json!({ "today": "2026-06-30" })).await.unwrap();
    e2e::json::check("publisher", &answer);
    assert_eq!(answer["page"], format!("{}/report.html", cloud.lake));
    let page = cloud.store.get("report.html").await.unwrap().unwrap();
    assert_eq!(answer["bytes"], page.len());
    let page = String::from_utf8(page.to_vec()).unwrap();
    let (_, data) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    let (data, _) = data.split_once("</script>").unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    let line = format!("report --json --today 2026-06-30 --out {}", file.display());
    let (code, told) = command(cloud, &line);
    assert_eq!(code, Some(0), "{told}");
    for part in ["today", "company", "time", "invoices", "capacity", "budgets", "answers"] {
        assert!(!data[part].is_null() && data[part] == told["report"][part], "{part}");
    }
    assert_eq!(data["machine"]["problems"], json!([]));
    let streams = data["machine"]["status"]["streams"].as_array().unwrap();
    assert_eq!(streams.len(), streams::STREAMS.len());
    // The invocation fails where the command would, and the page stays as it is.
    let error = cloud.lambda.call("publisher", json!({ "today": "soon" })).await.unwrap_err();
    assert_eq!(error["errorType"], "SettingInvalid", "{error}");
    e2e::json::check("invocation_error", &error);
    let after = cloud.store.get("report.html").await.unwrap().unwrap();
    assert_eq!(answer["bytes"], after.len());
}

/// Fills a lake on this machine with the account of `cloud`; returns its folder.
fn lake_of_this_machine(cloud: &Cloud, folder: &Path) -> PathBuf {
    let lake = folder.join("lake");
    let ended = Command::new(e2e::scene::binary("harvest-lake"))
        .args(["sync", "--wait"])
        .env("HARVEST_CONFIG", "/dev/null")
        .env("HARVEST_ACCOUNT_ID", AccountScale::tiny().account_id.to_string())
        .env("HARVEST_ACCESS_TOKEN", sim::ADMINISTRATOR_TOKEN)
        .env("HARVEST_BASE_URL", cloud.served.base_url())
        .env("HARVEST_LAKE", &lake)
        .env("HARVEST_GENERAL", "100000/200ms")
        .env("HARVEST_REPORTS", "100000/200ms")
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    lake
}

#[test]
fn a_lake_of_one_machine_goes_on_in_a_deployment_that_has_its_objects() {
    runtime().block_on(async {
        let cloud = Cloud::deploy(Plan::default()).await;
        let folder = tempfile::tempdir().unwrap();
        let lake = lake_of_this_machine(&cloud, folder.path());
        let first = requests(&cloud);
        // As `aws s3 sync` with `--exclude ".*"` copies them: all but the state and the locks.
        let shown = |path: &Path| !path.to_string_lossy().starts_with('.');
        for file in e2e::scene::files(&lake) {
            let key = file.strip_prefix(&lake).unwrap();
            if shown(key) {
                let bytes = std::fs::read(&file).unwrap().into();
                cloud.store.put(&key.to_string_lossy(), bytes).await.unwrap();
            }
        }
        let before = versions(&cloud).await;
        assert_eq!(before.len(), 2 * streams::STREAMS.len(), "{before:?}");

        cloud.served.with(sim::Account::reset_statistics);
        cloud.rest().await;
        is_exact(&cloud, After::FullPasses).await;
        let asked = requests(&cloud);
        assert!(asked < first / 2, "{asked} requests, and {first} for the first load");
        assert_eq!(versions(&cloud).await, before, "nothing has changed");

        cloud.mutate(3, 60);
        let all = json!({ "now": true, "pass": "full", "accept_deletes": true });
        cloud.lambda.call("orchestrator", all).await.unwrap();
        cloud.lambda.quiet().await;
        cloud.rest().await;
        is_exact(&cloud, After::FullPasses).await;
        assert_ne!(versions(&cloud).await, before);
    });
}

/// Returns the number of requests that Harvest has answered.
fn requests(cloud: &Cloud) -> u64 {
    cloud.served.with(|account| account.statistics().paths.values().sum())
}

/// Returns the number of commits of each table but the ledger, which gets new runs.
async fn versions(cloud: &Cloud) -> BTreeMap<String, usize> {
    let mut versions = BTreeMap::new();
    for object in cloud.store.list("tables/", None).await.unwrap() {
        let log = object.key.split_once("/_delta_log/");
        if let Some((table, file)) = log.filter(|(table, _)| !table.ends_with("/_runs"))
            && Path::new(file).extension().is_some_and(|it| it == "json")
        {
            *versions.entry(table.to_owned()).or_default() += 1;
        }
    }
    versions
}

#[test]
fn delivered_twice_out_of_order_and_killed_at_random_the_tables_are_the_same() {
    runtime().block_on(async {
        let conduct =
            Unreliable { twice: 50, late: Duration::from_millis(300), ..Unreliable::default() };
        let variables = vec![("HARVEST_MAX_WORKERS", "4".to_owned())];
        let cloud = Cloud::deploy(Plan { conduct, variables, ..Plan::default() }).await;
        let mut killed = 0;
        for round in 0..12 {
            let ticking = cloud.tick();
            let killing = async {
                pause(Duration::from_millis(150 + 130 * (round % 5))).await;
                let name = if round % 4 == 3 { "orchestrator" } else { "worker" };
                u32::from(cloud.lambda.kill_one(name))
            };
            killed += tokio::join!(ticking, killing).1;
        }
        assert!(killed >= 6, "only {killed} were killed");
        // Leases of dead owners end after two minutes. This test runs by the machine's clock, so
        // it gives them back by hand, which has the same effect.
        cloud.expire_leases().await;
        cloud.rest().await;
        is_exact(&cloud, After::FullPasses).await;
    });
}

#[test]
fn a_secret_that_is_empty_or_replaced_is_waited_for() {
    runtime().block_on(async {
        let cloud = Cloud::deploy(Plan { secret: None, ..Plan::default() }).await;
        let answer = cloud.tick().await.unwrap();
        assert_eq!(answer["outcome"], "no_credentials");
        e2e::json::check("orchestrator", &answer);
        assert!(cloud.said().contains("\"OldestStreamLagSeconds\":0"), "{}", cloud.said());
        let (code, status) = command(
            &cloud,
            &format!("status --json --account-id {}", AccountScale::tiny().account_id),
        );
        assert_eq!(code, Some(0), "{status}");

        cloud.put_secret(&secret("not.the.token")).await;
        let error = cloud.tick().await.unwrap_err();
        assert_eq!(error["errorType"], "CredentialsRefused", "{error}");
        e2e::json::check("invocation_error", &error);
        let answer = cloud.tick().await.unwrap();
        assert_eq!(answer["outcome"], "paused", "{answer}");
        e2e::json::check("orchestrator", &answer);
        assert!(!cloud.said().contains("not.the.token"));
        let refused = format!("\"RefusedStreams\":{}", streams::STREAMS.len());
        assert!(cloud.said().contains(&refused), "{}", cloud.said());

        cloud.put_secret(&secret(sim::ADMINISTRATOR_TOKEN)).await;
        cloud.lambda.kill_one("orchestrator").then_some(()).unwrap();
        cloud.expire_leases().await;
        cloud.rest().await;
        is_exact(&cloud, After::FullPasses).await;
    });
}

#[test]
fn what_a_worker_refuses_ends_in_the_failure_queue() {
    runtime().block_on(async {
        let cloud = Cloud::deploy(Plan::default()).await;
        let event = json!({ "stream": "no_such_stream", "pass": "full" });
        cloud.lambda.send("worker", &event);
        cloud.lambda.quiet().await;
        let failures = cloud.failures().await;
        assert_eq!(failures.len(), 1);
        assert_eq!(failures[0]["requestPayload"], event);
        assert_eq!(failures[0]["requestContext"]["approximateInvokeCount"], 1);
        assert_eq!(failures[0]["responsePayload"]["errorType"], "UnknownStream");
        let error = cloud.lambda.call("orchestrator", json!({ "stream": 1 })).await.unwrap_err();
        assert_eq!(error["errorType"], "UnknownEvent");
    });
}

#[test]
fn the_death_of_a_worker_is_told_and_the_tick_after_its_lease_does_its_work() {
    runtime().block_on(async {
        let variables = vec![("HARVEST_STREAMS", "clients".to_owned())];
        let cloud = Cloud::deploy(Plan { variables, ..Plan::default() }).await;
        let hangs = FaultRule {
            path: "/v2/clients".to_owned(),
            select: FaultChoice::Always,
            effect: FaultEffect::Hang,
        };
        cloud.served.with(|account| account.add_fault(hangs));
        let killing = async {
            let asked = |account: &mut sim::Account| {
                account.statistics().paths.keys().any(|path| path.contains("clients"))
            };
            while !cloud.served.with(asked) {
                pause(Duration::from_millis(20)).await;
            }
            assert!(cloud.lambda.kill_one("worker"));
        };
        let (ticked, ()) = tokio::join!(cloud.tick(), killing);
        ticked.unwrap();
        let letters = cloud.failures().await;
        assert_eq!(letters.len(), 1, "{letters:?}");
        assert_eq!(letters[0]["requestPayload"]["stream"], "clients");
        assert_eq!(letters[0]["requestContext"]["approximateInvokeCount"], 1);
        assert_eq!(letters[0]["responsePayload"]["errorType"], "Runtime.ExitError");
        // No other run took the stream while the dead one's lease lasts, by Lambda or by a tick.
        cloud.served.with(sim::Account::clear_faults);
        let answer = cloud.tick().await.unwrap();
        assert_eq!(answer["running"], json!(["clients"]), "{answer}");
        let attempts = cloud.lambda.attempts();
        assert_eq!(attempts.iter().filter(|one| one.function == "worker").count(), 1);
        assert_eq!(failed(&attempts).len(), 1, "{attempts:?}");

        cloud.expire_leases().await;
        cloud.rest().await;
        let wrong = cloud.oracle().differences_of("clients", After::FullPasses).await;
        assert_eq!(wrong, Vec::<String>::new());
        assert_eq!(cloud.failures().await, Vec::<Value>::new());
    });
}

#[test]
fn no_request_leaves_over_a_connection_from_before_the_process_stood_still() {
    runtime().block_on(async {
        let faults = Some((1, 0));
        let variables = vec![("HARVEST_STREAMS", "clients".to_owned())];
        let cloud = Cloud::deploy(Plan { faults, variables, ..Plan::default() }).await;
        cloud.rest().await;
        for round in 0..2 {
            cloud.mutate(round, 300);
            // Both functions are suspended, and their connections to the servers die.
            for proxy in &cloud.proxies {
                assert!(proxy.forget_connections() > 0);
            }
            cloud.served.with(sim::Account::reset_statistics);
            let asked = json!({ "now": true, "pass": "full", "accept_deletes": true });
            cloud.lambda.call("orchestrator", asked).await.unwrap();
            cloud.lambda.quiet().await;
            assert!(cloud.served.with(|account| !account.statistics().paths.is_empty()));
            let lost: Vec<u64> = cloud.proxies.iter().map(Proxy::lost).collect();
            assert_eq!(lost, [0, 0, 0], "requests to S3, DynamoDB and Harvest in round {round}");
        }
        let starts = ["orchestrator", "worker"].map(|name| cloud.lambda.cold_starts(name).len());
        assert_eq!(starts, [1, 1], "the processes were to be the same ones all the time");
    });
}

#[test]
fn a_worker_runs_under_the_emulator_that_aws_ships() {
    runtime().block_on(async {
        let cloud = Cloud::deploy(Plan::default()).await;
        let function = cloud.worker();
        let rie = emulators::runtime_interface(&function.bootstrap, &function.variables).await;
        let url = format!("{}/2015-03-31/functions/function/invocations", rie.endpoint);
        let ask = async |event: Value| -> Value {
            let answer = e2e::proxy::client().post(&url).body(event.to_string()).send().await;
            serde_json::from_str(&answer.unwrap().text().await.unwrap()).unwrap()
        };
        let answer = ask(json!({ "stream": "clients", "pass": "full" })).await;
        assert_eq!(answer["outcome"], "complete", "{answer}");
        e2e::json::check("run", &answer);
        let wrong = cloud.oracle().differences_of("clients", After::FullPasses).await;
        assert_eq!(wrong, Vec::<String>::new());
        let answer = ask(json!({ "stream": "client", "pass": "full" })).await;
        assert_eq!(answer["errorType"], "UnknownStream", "{answer}");
        e2e::json::check("invocation_error", &answer);
    });
}
