//! Documents for other programs: words, codes and documents of the functions agree with the page and
//! the schemas.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use cli::CliExit;
use e2e::json::schema;
use engine::fault::CallFault;
use engine::pass::Pass;
use engine::time::Timestamp;
use lives::world::{World, in_simulated_time, orchestrator};
use orchestrator::TickEnd;
use runtime::RunError;
use runtime::announce::Announcement;
use runtime::invoke::{MemoryInvoker, WorkerEvent};
use runtime::metrics::Metric;
use runtime::run::{RunOutcome, RunReport, YieldReason};
use serde_json::{Value, json};
use sim::AccountScale;

const PAGE: &str = include_str!("../../../docs/json.md");
const RUN_ERRORS: &str = include_str!("../../../shared/runtime/src/error/class.rs");
const COMMAND_ERRORS: &str = include_str!("../../../functions/cli/src/error/class.rs");
const EVENT_ERRORS: &str = include_str!("../../../shared/runtime/src/invoke.rs");
const METRICS: [&str; 2] = [
    include_str!("../../../functions/worker/src/invocation.rs"),
    include_str!("../../../functions/orchestrator/src/watch.rs"),
];

/// First cells in backticks of the tables in the section `title` of the page.
fn cells(title: &str) -> BTreeSet<&'static str> {
    let section = PAGE.split(&format!("\n## {title}\n")).nth(1).expect("the section");
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap()).collect()
}

/// Words of an `enum` of a schema.
fn words(of: &Value) -> BTreeSet<&str> {
    of["enum"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
}

/// One outcome of a run for each word.
fn outcomes() -> [RunOutcome; 6] {
    let at = Timestamp::UNIX_EPOCH;
    [
        RunOutcome::Complete,
        RunOutcome::Yielded(YieldReason::Budget(at)),
        RunOutcome::Yielded(YieldReason::Deadline),
        RunOutcome::Busy { until: at },
        RunOutcome::Failed(RunError::LostLease { stream: "clients" }),
        RunOutcome::Failed(RunError::NoCredentials),
    ]
}

#[test]
fn the_document_of_a_run_is_as_its_schema_says_however_it_ended() {
    let mut announced = BTreeSet::new();
    for outcome in outcomes() {
        let begun = RunReport::new(
            "clients",
            Pass::Full,
            "2026-11-23T06:15:00.123456789Z".parse().unwrap(),
        );
        let report = RunReport { outcome, warning: Some("look".to_owned()), ..begun };
        let document = report.document();
        e2e::json::check("run", &document);
        let fails = matches!(report.outcome, RunOutcome::Failed(_));
        for member in ["error", "advice", "runbook"] {
            assert_eq!(document[member].is_string(), fails, "{document}");
        }
        if let Some(news) = Announcement::of(&report, 7) {
            e2e::json::check("event", &news.detail);
            announced.insert((news.detail_type, report.outcome.name()));
        }
    }
    assert_eq!(announced, [("SyncCompleted", "complete"), ("SyncFailed", "failed")].into());
}

#[test]
fn a_worker_that_cannot_be_invoked_is_told_by_its_stream() {
    in_simulated_time(async {
        let world = World::new(&AccountScale::tiny(), 7);
        let invoker = std::sync::Arc::new(MemoryInvoker::default());
        invoker.refuse(Some("roles"));
        let orchestrator = orchestrator(world.process(None), invoker);
        let answer = orchestrator.answer(json!({})).await.unwrap();
        let document = serde_json::to_value(&answer).unwrap();
        e2e::json::check("orchestrator", &document);
        let errors: Vec<(&str, bool)> =
            answer.due.iter().map(|due| (due.stream, due.error.is_some())).collect();
        assert!(errors.contains(&("roles", true)), "{document}");
        assert!(errors.contains(&("company", false)), "{document}");
    });
}

/// Workers that no item names would come on top of those that later ticks invoke.
#[test]
fn a_tick_that_cannot_store_its_plan_invokes_no_worker() {
    in_simulated_time(async {
        let world = World::new(&AccountScale::tiny(), 7);
        for lost in [false, true] {
            let mut context = world.process(None);
            let puts = std::sync::Mutex::new(0);
            let inner = std::sync::Arc::clone(&context.state);
            context.state = std::sync::Arc::new(state::FaultyState::new(inner, move |call| {
                if call.operation != state::StateOperation::Put || call.key != "orchestrator" {
                    return CallFault::None;
                }
                let mut puts = puts.lock().unwrap();
                *puts += 1;
                // The first takes the lease, the second stores the plan.
                match (*puts, lost) {
                    (2, false) => CallFault::Before,
                    (2, true) => CallFault::After,
                    _ => CallFault::None,
                }
            }));
            let invoker = std::sync::Arc::new(MemoryInvoker::default());
            let told = std::sync::Arc::clone(&invoker);
            let orchestrator = orchestrator(context, invoker);
            let error = orchestrator.answer(json!({})).await.unwrap_err();
            assert_eq!((error.error_type, told.take()), ("StateFailed", Vec::new()));
        }
        let invoker = std::sync::Arc::new(MemoryInvoker::default());
        let told = std::sync::Arc::clone(&invoker);
        let orchestrator = orchestrator(world.process(None), invoker);
        orchestrator.answer(json!({})).await.unwrap();
        assert!(!told.take().is_empty(), "the next tick does it, without a wait");
    });
}

#[test]
fn the_words_for_outcomes_are_those_of_the_page_and_of_the_schema() {
    let at = Timestamp::UNIX_EPOCH;
    let outcomes = outcomes();
    let names: BTreeSet<&str> = outcomes.iter().map(RunOutcome::name).collect();
    assert_eq!(names, cells("Outcomes"));
    let run = schema("run");
    assert_eq!(names, words(&run["properties"]["outcome"]));
    let waits = outcomes.iter().filter(|outcome| outcome.waits_until() == Some(at));
    assert_eq!(waits.map(RunOutcome::name).collect::<Vec<_>>(), ["waiting", "busy"]);
}

#[test]
fn the_words_for_the_outcomes_of_a_tick_are_those_of_the_page_and_of_the_schema() {
    let all = [
        TickEnd::Planned,
        TickEnd::Quiet,
        TickEnd::Asked,
        TickEnd::Busy,
        TickEnd::Waiting,
        TickEnd::NoCredentials,
        TickEnd::Paused,
    ];
    let names = all.map(|end| serde_json::to_value(end).unwrap());
    let words: BTreeSet<&str> = names.iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(words, cells("Outcomes of a tick"));
    assert_eq!(schema("orchestrator")["properties"]["outcome"]["enum"], json!(names));
}

#[test]
fn the_codes_of_errors_are_those_of_the_page() {
    let mut codes = BTreeSet::new();
    for file in [RUN_ERRORS, COMMAND_ERRORS] {
        let code = file.split("pub fn error_type(").nth(1).expect("the codes");
        let code = code.split("\n    }\n").next().unwrap();
        codes.extend(code.lines().filter_map(|line| line.split("=> \"").nth(1)?.split('"').next()));
    }
    let named = EVENT_ERRORS.split("error_type: \"").skip(1);
    codes.extend(named.filter_map(|rest| rest.split('"').next()));
    assert!(codes.contains("CredentialsRefused") && codes.contains("NoTable"), "{codes:?}");
    assert!(codes.contains("UnknownEvent"), "{codes:?}");
    assert_eq!(codes, cells("Codes of errors"));
}

#[test]
fn the_metrics_of_the_functions_are_those_of_the_schema() {
    let calls = METRICS.iter().flat_map(|file| file.split("Metric::").skip(1));
    let names: BTreeSet<&str> = calls.filter_map(|rest| rest.split('"').nth(1)).collect();
    let schema = schema("metrics");
    let heads = &schema["properties"]["_aws"]["properties"]["CloudWatchMetrics"]["items"];
    let of_head = words(&heads["properties"]["Metrics"]["items"]["properties"]["Name"]);
    assert_eq!(names, of_head);
    let members = schema["properties"].as_object().unwrap().keys().map(String::as_str);
    assert_eq!(names, members.filter(|name| !["_aws", "FunctionName"].contains(name)).collect());
    let metrics = [Metric::count("Requests", 7), Metric::seconds("OldestStreamLagSeconds", 9)];
    let line = runtime::metrics::line("f", Timestamp::UNIX_EPOCH, &metrics);
    e2e::json::check("metrics", &serde_json::from_str(&line).unwrap());
}

#[test]
fn the_page_tells_all_exit_codes_and_states() {
    let codes = [
        CliExit::Done,
        CliExit::SomeFailed,
        CliExit::Usage,
        CliExit::CredentialsRefused,
        CliExit::HungUp,
        CliExit::Interrupted,
        CliExit::Terminated,
    ];
    let codes: BTreeSet<String> = codes.iter().map(|exit| exit.code().to_string()).collect();
    assert_eq!(codes, cells("Exit codes").into_iter().map(str::to_owned).collect());
    let status = schema("status");
    let state = &status["properties"]["streams"]["items"]["properties"]["state"];
    assert_eq!(words(state), cells("States of a stream"));
}

#[test]
fn the_event_of_a_worker_is_as_its_schema_says() {
    let event = WorkerEvent {
        stream: "clients".to_owned(),
        pass: Pass::Full,
        tick: Some(Timestamp::UNIX_EPOCH),
        accept_deletes: true,
    };
    e2e::json::check("worker_event", &serde_json::to_value(event).unwrap());
    e2e::json::check("worker_event", &json!({ "stream": "clients", "pass": "incremental" }));
}
