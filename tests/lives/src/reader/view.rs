//! A Delta table at one version, as its log tells.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

/// Application id of the epoch.
pub const EPOCH: &str = "harvest-lake/epoch";
/// Application id of the sequence.
pub const SEQUENCE: &str = "harvest-lake/sequence";

/// An `add`: a file of the table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveFile {
    /// Path below the table's folder.
    pub path: String,
    /// Values of the partition columns.
    pub partition_values: BTreeMap<String, Option<String>>,
    /// Size in bytes.
    pub size: u64,
    /// Whether the commit changed rows.
    #[serde(default)]
    pub data_change: bool,
    /// Statistics as JSON text.
    #[serde(default)]
    pub stats: Option<String>,
    /// Further properties.
    #[serde(default)]
    pub tags: Option<BTreeMap<String, Option<String>>>,
}

impl LiveFile {
    /// Returns a tag.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tags.as_ref()?.get(&format!("harvest-lake.{name}"))?.as_deref()
    }

    /// Returns the value of the partition, of which a table here has at most one.
    #[must_use]
    pub fn partition(&self) -> Option<&str> {
        self.partition_values.values().next()?.as_deref().filter(|value| !value.is_empty())
    }
}

/// One line of a commit, or one row of a checkpoint.
#[derive(Clone, Debug)]
pub enum LogAction {
    /// `commitInfo`
    Info(Value),
    /// `protocol`
    Protocol(Value),
    /// `metaData`
    Metadata(Value),
    /// `txn`: application id and number.
    Txn(String, i64),
    /// `add`
    Add(LiveFile),
    /// `remove`: path, and whether rows change.
    Remove(String, bool),
    /// Any other action.
    Other(String),
}

impl LogAction {
    /// Reads an action.
    ///
    /// # Errors
    /// Returns a sentence where the value is none.
    pub fn of(line: Value) -> Result<Self, String> {
        let Value::Object(members) = line else { return Err("no object".to_owned()) };
        let mut members = members.into_iter();
        let (Some((name, value)), None) = (members.next(), members.next()) else {
            return Err("not exactly one action in a line".to_owned());
        };
        let path = || value["path"].as_str().map(str::to_owned).ok_or("a path is missing");
        Ok(match name.as_str() {
            "commitInfo" => Self::Info(value),
            "protocol" => Self::Protocol(value),
            "metaData" => Self::Metadata(value),
            "txn" => {
                let app = value["appId"].as_str().ok_or("a txn without application")?;
                let number = value["version"].as_i64().ok_or("a txn without version")?;
                Self::Txn(app.to_owned(), number)
            }
            "add" => {
                Self::Add(serde_json::from_value(value).map_err(|error| format!("add: {error}"))?)
            }
            "remove" => Self::Remove(path()?, value["dataChange"].as_bool().unwrap_or(true)),
            _ => Self::Other(name),
        })
    }
}

/// State of a table after one version.
#[derive(Clone, Debug, Default)]
pub struct TableView {
    /// The version.
    pub version: u64,
    /// Protocol.
    pub protocol: Value,
    /// Metadata.
    pub metadata: Value,
    /// Numbers that applications recorded.
    pub txns: BTreeMap<String, i64>,
    /// Files of the table, by path.
    pub files: BTreeMap<String, Arc<LiveFile>>,
    /// Paths that were removed and did not come back.
    pub gone: BTreeSet<String>,
    /// Our part of the newest `commitInfo` with a position.
    pub note: Option<Arc<Value>>,
    /// Whether another engine changed rows after our last commit.
    pub is_changed_by_others: bool,
}

impl TableView {
    /// Number that `application` recorded; 0 if it recorded none.
    #[must_use]
    pub fn recorded(&self, application: &str) -> i64 {
        self.txns.get(application).copied().unwrap_or(0)
    }

    /// Id of the table.
    #[must_use]
    pub fn id(&self) -> &str {
        self.metadata["id"].as_str().unwrap_or_default()
    }

    /// Returns the state after the next version, which has these actions.
    #[must_use]
    pub fn after(&self, version: u64, actions: &[LogAction]) -> Self {
        let mut next = self.clone();
        next.version = version;
        let mut ours = false;
        let mut changes_rows = false;
        for action in actions {
            match action {
                LogAction::Info(info) => {
                    if let Some(note) = info.get("harvestLake") {
                        ours = true;
                        if note.get("state").is_some() {
                            next.note = Some(Arc::new(note.clone()));
                        }
                    }
                }
                LogAction::Protocol(protocol) => next.protocol = protocol.clone(),
                LogAction::Metadata(metadata) => next.metadata = metadata.clone(),
                LogAction::Txn(app, number) => drop(next.txns.insert(app.clone(), *number)),
                LogAction::Add(file) => {
                    changes_rows |= file.data_change;
                    next.gone.remove(&file.path);
                    next.files.insert(file.path.clone(), Arc::new(file.clone()));
                }
                LogAction::Remove(path, change) => {
                    changes_rows |= change;
                    next.files.remove(path);
                    next.gone.insert(path.clone());
                }
                LogAction::Other(_) => {}
            }
        }
        next.is_changed_by_others = !ours && (changes_rows || self.is_changed_by_others);
        next
    }
}
