//! Events of the functions: read as documented, or refused with a reason.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use bolero::{TypeGenerator, check};
use engine::pass::Pass;
use orchestrator::OrchestratorEvent;
use runtime::invoke::WorkerEvent;
use serde_json::Value;

use crate::corpus::{documents, one};
use crate::edit::{ByteEdits, TreeEdits};
use crate::tree::JsonTree;

static DOCUMENTS: LazyLock<Vec<JsonTree>> =
    LazyLock::new(|| documents(&["../events", "tests/fuzz/corpus/events"]));

/// An event of either function.
#[derive(Clone, Debug, TypeGenerator)]
struct FuzzedEvent {
    document: u8,
    edits: TreeEdits,
    bytes: ByteEdits,
}

impl FuzzedEvent {
    /// Returns the event, as Lambda hands it over; `None` if it is no JSON.
    fn value(&self) -> Option<Value> {
        let mut tree = JsonTree::List(vec![one(&DOCUMENTS, self.document)]);
        self.edits.apply(&mut tree);
        let tree = if tree.len() == 1 { tree.child(0).clone() } else { tree };
        let mut bytes = tree.text(false).into_bytes();
        self.bytes.apply(&mut bytes);
        serde_json::from_slice(&bytes).ok()
    }
}

fn check_event(event: &FuzzedEvent) {
    let Some(value) = event.value() else { return };
    check_orchestrator(&value);
    check_worker(&value);
}

/// Returns the members of an event that has no others than these.
fn members<'v>(value: &'v Value, known: &[&str]) -> Option<&'v serde_json::Map<String, Value>> {
    value.as_object().filter(|it| it.keys().all(|name| known.contains(&name.as_str())))
}

fn pass(value: &Value) -> Option<Pass> {
    // Serde knows a second form of names: {"full": null}.
    let name = match value.as_object() {
        Some(members) if members.len() == 1 => {
            members.iter().find(|(_, it)| it.is_null()).map(|(name, _)| name.as_str())
        }
        Some(_) | None => value.as_str(),
    };
    match name? {
        "incremental" => Some(Pass::Incremental),
        "full" => Some(Pass::Full),
        _ => None,
    }
}

fn flag(value: Option<&Value>) -> Option<bool> {
    value.map_or(Some(false), Value::as_bool)
}

/// Reads an event as the documentation has it.
fn documented(value: &Value) -> Option<OrchestratorEvent> {
    let members = members(value, &["streams", "now", "pass", "accept_deletes"])?;
    let names = match members.get("streams") {
        None => Some(Vec::new()),
        Some(streams) => streams.as_array()?.iter().map(Value::as_str).collect(),
    };
    Some(OrchestratorEvent {
        streams: names?.into_iter().map(str::to_owned).collect(),
        now: flag(members.get("now"))?,
        pass: match members.get("pass") {
            None | Some(Value::Null) => None,
            Some(name) => Some(pass(name)?),
        },
        accept_deletes: flag(members.get("accept_deletes"))?,
    })
}

fn check_orchestrator(value: &Value) {
    let found = OrchestratorEvent::read(value.clone());
    let Some(expected) = documented(value) else {
        assert_eq!(found.unwrap_err().error_type, "UnknownEvent", "{value}");
        return;
    };
    let known: BTreeSet<&str> = streams::STREAMS.iter().map(|spec| spec.name).collect();
    let asks = expected.now || expected.pass.is_some() || !expected.streams.is_empty();
    match found {
        Ok(found) => {
            assert_eq!(found, expected, "{value}");
            assert!(asks || !found.accept_deletes, "{value}");
        }
        Err(failure) if failure.error_type == "UnknownStream" => {
            assert!(expected.streams.iter().any(|name| !known.contains(name.as_str())), "{value}");
        }
        Err(failure) => {
            assert_eq!(failure.error_type, "UnknownEvent", "{value}");
            assert!(expected.accept_deletes && !asks, "{value}: {}", failure.message);
        }
    }
}

fn check_worker(value: &Value) {
    let found = WorkerEvent::read(value.clone());
    let expected =
        members(value, &["stream", "pass", "tick", "accept_deletes"]).filter(|members| {
            members.get("stream").is_some_and(Value::is_string)
                && members.get("pass").is_some_and(|name| pass(name).is_some())
                && flag(members.get("accept_deletes")).is_some()
        });
    let Some(members) = expected else {
        assert_eq!(found.unwrap_err().error_type, "UnknownEvent", "{value}");
        return;
    };
    let tick = members.get("tick").filter(|tick| !tick.is_null());
    let Ok(event) = found else {
        assert!(tick.is_some(), "only the time can be wrong: {value}");
        return;
    };
    assert_eq!(event.stream, members["stream"].as_str().unwrap());
    assert_eq!(Some(event.pass), pass(&members["pass"]));
    assert_eq!(event.accept_deletes, flag(members.get("accept_deletes")).unwrap());
    assert_eq!(event.tick.is_some(), tick.is_some());
    let again = serde_json::to_value(&event).unwrap();
    assert_eq!(WorkerEvent::read(again).unwrap(), event, "{value}");
    // The name is looked for, and similar ones are suggested.
    drop(streams::find_stream(&event.stream));
}

#[test]
fn fuzzed() {
    check!(name = "events").with_type::<FuzzedEvent>().for_each(check_event);
}
