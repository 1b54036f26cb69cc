//! Rules for checkpoints: they state what the replay of the log up to their version gives.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::reader::file::row_count;
use crate::reader::log::LogObjects;
use crate::reader::view::{LiveFile, LogAction, TableView};

/// Returns what is wrong with a checkpoint of the version whose state is `view`.
#[must_use]
pub fn breaches(view: &TableView, actions: &[LogAction]) -> Vec<String> {
    let mut wrong = Vec::new();
    let (mut paths, mut gone) = (BTreeSet::new(), BTreeSet::new());
    let (mut protocols, mut metadata) = (0, 0);
    let mut txns = BTreeMap::new();
    for action in actions {
        match action {
            LogAction::Protocol(protocol) => {
                protocols += 1;
                if !agrees(protocol, &view.protocol) {
                    wrong.push(format!("protocol {protocol}"));
                }
            }
            LogAction::Metadata(new) => {
                metadata += 1;
                if !agrees(new, &view.metadata) {
                    wrong.push(format!("metaData {new}"));
                }
            }
            LogAction::Txn(app, number) => drop(txns.insert(app.clone(), *number)),
            LogAction::Add(file) => {
                if !paths.insert(&file.path) {
                    wrong.push(format!("{} twice", file.path));
                }
                // A checkpoint changes no rows.
                let wanted = view.files.get(&file.path);
                let wanted = wanted.map(|file| LiveFile { data_change: false, ..(**file).clone() });
                if wanted.as_ref() != Some(file) {
                    wrong.push(format!("{} is not as the log has it", file.path));
                }
            }
            LogAction::Remove(path, _) => drop(gone.insert(path)),
            LogAction::Info(_) | LogAction::Other(_) => wrong.push("a foreign action".to_owned()),
        }
    }
    if (protocols, metadata) != (1, 1) {
        wrong.push(format!("{protocols} protocol and {metadata} metaData"));
    }
    if txns != view.txns {
        wrong.push(format!("numbers {txns:?} instead of {:?}", view.txns));
    }
    let missing = view.files.keys().filter(|path| !paths.contains(path));
    wrong.extend(missing.map(|path| format!("{path} is missing")));
    let unknown = gone.iter().filter(|path| !view.gone.contains(**path));
    wrong.extend(unknown.map(|path| format!("the tombstone of {path} is of no removed file")));
    wrong
}

/// Whether two actions say the same; a member that is null is as one that is missing.
fn agrees(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            names.into_iter().all(|name| {
                let of = |members: &serde_json::Map<String, Value>| {
                    members.get(name).cloned().unwrap_or_default()
                };
                agrees(&of(one), &of(other))
            })
        }
        _ => one == other,
    }
}

/// Returns what is wrong with the hint that names the newest checkpoint.
#[must_use]
pub fn hint(objects: &LogObjects) -> Vec<String> {
    let Some(hint) = &objects.hint else { return Vec::new() };
    let Ok(hint) = serde_json::from_slice::<Value>(hint) else {
        return vec!["is no JSON".to_owned()];
    };
    let version = hint["version"].as_u64().unwrap_or(u64::MAX);
    let Some(bytes) = objects.checkpoints.get(&version) else {
        return vec![format!("names checkpoint {version}, which is not there")];
    };
    let mut wrong = Vec::new();
    if hint["sizeInBytes"].as_u64().is_some_and(|size| size != bytes.len() as u64) {
        wrong.push(format!("names {} bytes of {}", hint["sizeInBytes"], bytes.len()));
    }
    // Each row is an action. Rows that cannot be read are told of the checkpoint itself.
    if row_count(bytes).is_some_and(|actions| hint["size"].as_u64() != Some(actions)) {
        wrong.push(format!("names {} actions", hint["size"]));
    }
    wrong
}
