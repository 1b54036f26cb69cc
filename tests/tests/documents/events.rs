//! Each event in `events/` is one that its function accepts, and the template deploys that function.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn every_event_is_one_that_its_function_accepts() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let template = fs::read_to_string(root.join("infra/template.yaml")).unwrap();
    let mut functions = BTreeSet::new();
    for entry in fs::read_dir(root.join("events")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let event: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let function = name.split('-').next().unwrap().to_owned();
        match function.as_str() {
            "orchestrator" => drop(orchestrator::OrchestratorEvent::read(event).unwrap()),
            "worker" => {
                let event = runtime::invoke::WorkerEvent::read(event).unwrap();
                assert!(streams::find(&event.stream).is_some(), "{name}: {}", event.stream);
            }
            "publisher" => drop(publisher::PublisherEvent::read(event).unwrap()),
            _ => panic!("{name} begins with no function's name"),
        }
        assert!(template.contains(&format!("Binary: {function}")), "{function}");
        functions.insert(function);
    }
    assert_eq!(functions.len(), 3);
}
