//! The log of a table, played from its objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use bytes::Bytes;
use delta::store::{ObjectMeta, ObjectStore};
use serde_json::{Map, Value};

use super::LakeTable;
use super::cell::{OrderedValue, ordered};
use super::file::batch;
use super::memory::is_same;
use super::view::{LogAction, TableView};
use crate::legal;

/// Number of versions whose state is kept for checkpoints that come late.
const KEPT_VIEWS: usize = 40;

/// Objects of a log.
#[derive(Clone, Debug, Default)]
pub struct LogObjects {
    /// Commits by version.
    pub commits: BTreeMap<u64, Bytes>,
    /// Checkpoints by version.
    pub checkpoints: BTreeMap<u64, Bytes>,
    /// The hint that names the newest checkpoint.
    pub hint: Option<Bytes>,
}

impl LogObjects {
    /// Whether both logs have the same objects.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let same = |some: &BTreeMap<u64, Bytes>, others: &BTreeMap<u64, Bytes>| {
            some.keys().eq(others.keys())
                && some.values().zip(others.values()).all(|(one, other)| is_same(one, other))
        };
        let hints = match (&self.hint, &other.hint) {
            (Some(one), Some(other)) => is_same(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        hints && same(&self.commits, &other.commits) && same(&self.checkpoints, &other.checkpoints)
    }
}

/// A log that was played to its end.
#[derive(Clone, Debug, Default)]
pub struct PlayedLog {
    /// Its objects.
    pub objects: LogObjects,
    /// States after the newest versions.
    pub views: BTreeMap<u64, Arc<TableView>>,
    /// Breaches of the protocol in the versions that are there.
    pub breaches: BTreeMap<u64, Vec<String>>,
    /// Breaches in checkpoints.
    pub of_checkpoints: BTreeMap<u64, Vec<String>>,
}

impl PlayedLog {
    /// State after the newest version.
    #[must_use]
    pub fn newest(&self) -> Option<&Arc<TableView>> {
        self.views.values().next_back()
    }

    /// Whether its oldest versions are gone, without a checkpoint in their place.
    #[must_use]
    pub fn is_beheaded(&self) -> bool {
        let first = self.objects.commits.keys().next().copied().unwrap_or_default();
        first > 0 && self.objects.checkpoints.range(first - 1..).next().is_none()
    }

    /// All breaches of commits and checkpoints.
    #[must_use]
    pub fn all_breaches(&self) -> Vec<String> {
        let of_commits = self.breaches.values().flatten();
        of_commits.chain(self.of_checkpoints.values().flatten()).cloned().collect()
    }

    /// Whether `objects` go on from here: none of the commits that were played has changed.
    fn leads_to(&self, objects: &LogObjects) -> bool {
        let Some(last) = self.newest().map(|view| view.version) else { return false };
        let played = objects.commits.range(..=last);
        let same = |(version, bytes): (&u64, &Bytes)| {
            self.objects.commits.get(version).is_some_and(|played| is_same(played, bytes))
        };
        objects.commits.contains_key(&last) && played.into_iter().all(same)
    }

    /// Plays `objects`, from where `self` ends if they go on from there.
    #[must_use]
    pub fn play(&self, table: &LakeTable, objects: LogObjects) -> Self {
        let mut played = if self.leads_to(&objects) { self.clone() } else { Self::default() };
        if played.views.is_empty() {
            played.begin(table, &objects);
        }
        let first = played.newest().map_or(0, |view| view.version + 1);
        for (version, bytes) in objects.commits.range(first..) {
            let before = played.newest().cloned().unwrap_or_default();
            let mut breaches = Vec::new();
            let actions = actions(bytes, &mut breaches);
            if *version != first_of(&played, &before) {
                breaches.push(format!("comes after version {}", before.version));
            }
            breaches.extend(legal::commit::breaches(table, &before, *version, &actions));
            let after = Arc::new(before.after(*version, &actions));
            played.views.insert(*version, after);
            played.note(table, *version, breaches);
        }
        played.check_checkpoints(table, &objects);
        while played.views.len() > KEPT_VIEWS {
            played.views.pop_first();
        }
        played.breaches.retain(|version, _| objects.commits.contains_key(version));
        played.objects = objects;
        played
    }

    fn note(&mut self, table: &LakeTable, version: u64, breaches: Vec<String>) {
        if !breaches.is_empty() {
            let at = format!("{}: version {version}", table.name());
            let breaches = breaches.into_iter().map(|breach| format!("{at}: {breach}"));
            self.breaches.insert(version, breaches.collect());
        }
    }

    /// Takes the oldest checkpoint as the beginning if older commits are gone.
    fn begin(&mut self, table: &LakeTable, objects: &LogObjects) {
        let Some(first) = objects.commits.keys().next().copied() else { return };
        if first == 0 {
            return;
        }
        let mut usable = objects.checkpoints.range(first - 1..);
        let Some((version, bytes)) = usable.next() else {
            return self.note(table, first, vec!["older versions are gone".to_owned()]);
        };
        match checkpoint(bytes) {
            Ok(actions) => {
                let view = TableView::default().after(*version, &actions);
                self.views.insert(*version, Arc::new(view));
                for version in first..=*version {
                    // Only for the position that it notes.
                    self.take_note(objects, version);
                }
            }
            Err(error) => self.note(table, *version, vec![format!("checkpoint: {error}")]),
        }
    }

    /// Takes the note of a commit that lies before the checkpoint with which reading began.
    fn take_note(&mut self, objects: &LogObjects, version: u64) {
        let Some(bytes) = objects.commits.get(&version) else { return };
        let infos: Vec<LogAction> = actions(bytes, &mut Vec::new())
            .into_iter()
            .filter(|action| matches!(action, LogAction::Info(_)))
            .collect();
        if let Some(view) = self.views.values_mut().next_back() {
            let noted = view.after(view.version, &infos);
            *view = Arc::new(noted);
        }
    }

    fn check_checkpoints(&mut self, table: &LakeTable, objects: &LogObjects) {
        self.of_checkpoints.retain(|version, _| objects.checkpoints.contains_key(version));
        for (version, bytes) in &objects.checkpoints {
            let before = self.objects.checkpoints.get(version);
            let Some(view) = self.views.get(version) else { continue };
            if before.is_some_and(|before| is_same(before, bytes)) {
                continue;
            }
            let breaches = match checkpoint(bytes) {
                Ok(actions) => legal::checkpoint::breaches(view, &actions),
                Err(error) => vec![error],
            };
            let at = format!("{}: checkpoint {version}", table.name());
            let breaches: Vec<String> =
                breaches.into_iter().map(|breach| format!("{at}: {breach}")).collect();
            self.of_checkpoints.insert(*version, breaches);
        }
        let hint = legal::checkpoint::hint(objects);
        let at = format!("{}: _last_checkpoint", table.name());
        let hint = hint.into_iter().map(|breach| format!("{at}: {breach}"));
        self.of_checkpoints.insert(u64::MAX, hint.collect());
    }
}

/// Number of the version that comes next.
fn first_of(played: &PlayedLog, before: &TableView) -> u64 {
    if played.views.is_empty() { 0 } else { before.version + 1 }
}

/// Reads the log of `table` among `listed` objects.
pub async fn log_objects(
    store: &dyn ObjectStore,
    table: &LakeTable,
    listed: &BTreeMap<String, ObjectMeta>,
) -> LogObjects {
    let folder = format!("{}/_delta_log/", table.root());
    let mut objects = LogObjects::default();
    for key in listed.range(folder.clone()..).map(|(key, _)| key) {
        let Some(name) = key.strip_prefix(&folder) else { break };
        let version: Option<u64> = name.get(..20).and_then(|version| version.parse().ok());
        let kind = name.get(20..).unwrap_or_default();
        let read = store.get(key).await.expect("a store");
        let Some(bytes) = read else { continue };
        match (version, kind) {
            (Some(version), ".json") => drop(objects.commits.insert(version, bytes)),
            (Some(version), ".checkpoint.parquet") => {
                objects.checkpoints.insert(version, bytes);
            }
            _ if name == "_last_checkpoint" => objects.hint = Some(bytes),
            _ => {}
        }
    }
    objects
}

/// Reads the actions of a commit.
pub(crate) fn actions(bytes: &Bytes, breaches: &mut Vec<String>) -> Vec<LogAction> {
    let mut actions = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line = serde_json::from_slice(line).map_err(|error| error.to_string());
        match line.and_then(LogAction::of) {
            Ok(action) => actions.push(action),
            Err(error) => breaches.push(error),
        }
    }
    actions
}

/// Reads the actions of a checkpoint.
pub(crate) fn checkpoint(bytes: &Bytes) -> Result<Vec<LogAction>, String> {
    let rows = batch(bytes)?;
    let mut actions = Vec::new();
    for row in 0..rows.num_rows() {
        let schema = rows.schema();
        let mut action = Map::new();
        for (field, column) in schema.fields().iter().zip(rows.columns()) {
            if column.is_valid(row) {
                action.insert(field.name().clone(), json(column, row));
            }
        }
        actions.push(LogAction::of(Value::Object(action))?);
    }
    Ok(actions)
}

/// Returns a value of a checkpoint as the JSON that a commit has for it. Members that are null are
/// left out.
#[must_use]
pub fn json(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Struct(fields) => {
            let members = fields.iter().zip(column.as_struct().columns());
            let members = members.filter(|(_, inner)| inner.is_valid(row));
            members.map(|(field, inner)| (field.name().clone(), json(inner, row))).collect()
        }
        DataType::Map(_, _) => {
            let entries = column.as_map().value(row);
            let (names, values) = (entries.column(0), entries.column(1));
            let name = |at| match ordered(names, at) {
                Some(OrderedValue::Text(name)) => name,
                _ => String::new(),
            };
            (0..entries.len()).map(|at| (name(at), json(values, at))).collect()
        }
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            (0..items.len()).map(|at| json(&items, at)).collect()
        }
        DataType::Boolean => Value::Bool(column.as_boolean().value(row)),
        _ => match ordered(column, row) {
            Some(OrderedValue::Number(number)) => {
                i64::try_from(number).map_or(Value::Null, Value::from)
            }
            Some(OrderedValue::Text(text)) => Value::String(text),
            None => Value::Null,
        },
    }
}
