//! Log events of the command: as lines for people, and as objects for programs.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;

use e2e::scene::{Ended, Scene};
use serde_json::Value;
use sim::{FaultChoice, FaultEffect};

/// Objects of standard error. Every line is one.
fn events(ended: &Ended) -> Vec<Value> {
    let events = ended.err.lines().map(|line| {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(event["timestamp"].is_string() && event["level"].is_string(), "{line}");
        assert!(event["fields"]["message"].is_string(), "{line}");
        event
    });
    events.collect()
}

/// Events with this message, by stream.
fn by_stream<'e>(events: &'e [Value], message: &str) -> BTreeMap<&'e str, &'e Value> {
    let told = events.iter().filter(|event| event["fields"]["message"] == message);
    told.map(|event| (event["fields"]["stream"].as_str().unwrap(), &event["fields"])).collect()
}

#[test]
fn each_line_of_the_log_is_an_object_with_the_members_of_the_functions() {
    let scene = Scene::new(95);
    let status = FaultEffect::Status { status: 403, retry_after: None, html: false };
    scene.fault("/tasks", FaultChoice::Always, status);
    let synced = scene.run("sync --log-format json --streams clients,tasks").with(1);
    assert!(synced.out.contains("403"), "the answer is text: {}", synced.out);
    let told = events(&synced);
    let (ended, failed) = (by_stream(&told, "run ended"), by_stream(&told, "run failed"));
    let clients = ended["clients"];
    assert_eq!((&clients["pass"], &clients["outcome"]), (&"full".into(), &"complete".into()));
    for member in ["requests", "records", "changed", "version"] {
        assert!(clients[member].is_u64(), "{member}: {clients}");
    }
    assert_eq!(failed["tasks"]["error_type"], "StreamRefused");
    let requests = scene.run("sync --log-format json --verbose --streams clients").with(0);
    assert!(by_path(&events(&requests)).contains("/clients"), "{}", requests.err);
    assert_eq!(scene.run("sync --log-format json --quiet --streams clients").with(0).err, "");
    // An error of the command itself, and one before the log is there.
    for line in ["files nothing --log-format json", "sync --log wran --log-format json"] {
        let told = events(&scene.run(line).with(2));
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["level"], "ERROR");
    }
}

/// Paths of the requests in the log.
fn by_path(events: &[Value]) -> String {
    events.iter().map(ToString::to_string).filter(|event| event.contains("GET")).collect()
}

#[test]
fn without_a_terminal_nothing_has_colours() {
    let scene = Scene::new(96);
    scene.fault("/tasks", FaultChoice::Always, FaultEffect::NotJson);
    for line in ["sync --log debug --streams clients,tasks", "sync --verbose", "status", "--help"] {
        let ended = scene.run(line);
        assert!(!ended.said().contains('\u{1b}'), "{line}: {}", ended.said());
    }
}

#[test]
fn a_choice_of_events_that_is_none_is_refused() {
    let scene = Scene::new(97);
    for (line, told) in [
        ("sync --log foo=bar=baz", "`--log` (`HARVEST_LOG`): `foo=bar=baz` is no choice"),
        ("sync --log wran", "`wran` is no choice"),
        ("status --log-format xml", "`xml` is neither text nor json"),
    ] {
        let ended = scene.run(line).with(2);
        assert!(ended.err.contains(told), "{line}: {}", ended.err);
        assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
    }
    assert!(!scene.lake().exists());
}
