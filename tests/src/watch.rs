//! Invariants that must hold at every moment, not only at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use delta::store::ObjectStore;
use delta::table::Table;
use engine::item::{ItemValue, StreamPosition};
use engine::spec::{StreamKind, StreamSpec};
use engine::time::Timestamp;

use crate::world::World;

/// Watch over one world.
#[derive(Debug, Default)]
pub struct Watch {
    /// First cursor of each stream. The first full pass may still have to read records from before
    /// it.
    floors: BTreeMap<&'static str, Timestamp>,
    /// Keys of each listing's table at the last check.
    keys: BTreeMap<&'static str, BTreeSet<String>>,
    /// Streams whose rows another engine changed. They are not checked until they are read again.
    excused: BTreeSet<&'static str>,
}

impl Watch {
    /// Excludes `stream` from the checks until it is read again, because another engine changed its
    /// rows.
    pub fn excuse(&mut self, stream: &'static str) {
        self.excused.insert(stream);
        self.keys.remove(stream);
    }

    /// Includes all streams again, because every table was read since other engines changed it.
    pub fn expect_all(&mut self) {
        self.excused.clear();
    }

    /// Returns the broken invariants. Panics if a key occurs twice or a table cannot be read.
    ///
    /// No row of a listing was deleted that Harvest still returns. No cursor is ahead of its table:
    /// a record that changed before the cursor has a row of at least that version. The server
    /// refused nothing, and none of its windows had too many requests.
    pub async fn wrong(&mut self, world: &World) -> Vec<String> {
        let mut wrong = Vec::new();
        for spec in streams::STREAMS {
            let store: Arc<dyn ObjectStore> = Arc::<delta::store::MemoryStore>::clone(&world.store);
            let table = Table::open(store, spec, world.settings.account).await;
            let Some(table) = table.expect("a readable table") else {
                // All processes died before they made the table.
                continue;
            };
            if self.excused.contains(spec.name) || !world.settings.includes(spec.name) {
                continue;
            }
            let keys: BTreeSet<String> =
                world.oracle().table_rows(spec).await.into_keys().collect();
            // An id of these streams never comes back after its deletion.
            let once =
                matches!(spec.kind, StreamKind::Listing(_)) || spec.name == "invoice_payments";
            if once {
                wrong.extend(self.lost(world, spec, keys));
            }
            wrong.extend(world.oracle().wrong_changes(spec).await);
            let commits = commits(world, spec).await;
            let epochs: Vec<u64> = commits.iter().map(|commit| commit.0).collect();
            if !epochs.is_sorted() {
                wrong.push(format!("{}: a lost lease committed: {epochs:?}", spec.name));
            }
            let moves = match &spec.kind {
                StreamKind::Listing(_) => true,
                // A payment changes the `updated_at` of its invoice; other children do not change
                // theirs.
                StreamKind::PerParent(_) => spec.name == "invoice_payments",
                StreamKind::Snapshot(_) | StreamKind::ReportWindow(_) => false,
            };
            if moves {
                wrong.extend(self.behind(world, spec, &table).await);
            }
        }
        let account = world.account.lock().expect("no panic");
        let seen = account.statistics();
        for (name, class) in [("general", &seen.general), ("reports", &seen.reports)] {
            if class.refused > 0 || class.peak > 100 {
                wrong.push(format!("{name}: {} refused, peak {}", class.refused, class.peak));
            }
        }
        wrong
    }

    /// Returns the rows that were deleted although Harvest still has their records. `keys` are
    /// those of the table now.
    fn lost(
        &mut self,
        world: &World,
        spec: &'static StreamSpec,
        keys: BTreeSet<String>,
    ) -> Vec<String> {
        let truth = world.oracle().true_versions(spec);
        let before = self.keys.remove(spec.name).unwrap_or_default();
        let now = self.keys.entry(spec.name).or_insert(keys);
        let gone = before.difference(now);
        let lost = gone.filter(|key| key.parse().is_ok_and(|id| truth.contains_key(&id)));
        lost.map(|key| format!("{}: {key} was deleted and is still there", spec.name)).collect()
    }

    /// Returns the changes before the cursor that the table lacks.
    async fn behind(
        &mut self,
        world: &World,
        spec: &'static StreamSpec,
        table: &Table,
    ) -> Vec<String> {
        let noted = table.note().map(|note| serde_json::from_value(note.state.clone()));
        let noted: Option<StreamPosition> = noted.transpose().expect("a readable note");
        let mut wrong = Vec::new();
        for (whose, position) in
            [("item", Some(world.item(spec.name).await.position)), ("commit", noted)]
        {
            let Some(position) = position else { continue };
            let Some(cursor) = position.cursor else { continue };
            let first = *self.floors.entry(spec.name).or_insert(cursor);
            let floor = if position.full.last_begun.is_some() { Timestamp::MIN } else { first };
            if position.parked != ItemValue::default() {
                continue;
            }
            let ours = versions(world, table).await;
            for (id, changed) in world.oracle().true_versions(spec) {
                let claimed = changed >= floor && changed < cursor;
                if claimed && ours.get(&id).is_none_or(|ours| *ours < changed) {
                    let ours = ours.get(&id);
                    wrong.push(format!(
                        "{}: the {whose}'s cursor is {cursor}, {id} of {changed} is {ours:?}",
                        spec.name
                    ));
                }
            }
        }
        wrong
    }
}

/// Returns epoch and operation of the commits that are still in the log of a table, in their order.
pub async fn commits(world: &World, spec: &'static StreamSpec) -> Vec<(u64, String)> {
    let prefix = format!("tables/{}/_delta_log/", spec.name);
    let mut commits = Vec::new();
    let objects = world.store.list(&prefix, None).await.expect("a store");
    for object in objects.into_iter().filter(|object| object.key.strip_suffix(".json").is_some()) {
        let bytes = world.store.get(&object.key).await.expect("a store").expect("the file");
        let text = core::str::from_utf8(&bytes).expect("text");
        let lines = text.lines().map(serde_json::from_str::<serde_json::Value>);
        let lines: Vec<_> = lines.map(|line| line.expect("JSON")).collect();
        let epoch = lines.iter().find_map(|line| {
            let txn = line.get("txn")?;
            let epoch = txn.get("appId")?.as_str()? == "harvest-lake/epoch";
            epoch.then(|| txn.get("version")?.as_u64()).flatten()
        });
        let operation = lines.iter().find_map(|line| line.get("commitInfo")?.get("operation"));
        let operation = operation.and_then(|name| name.as_str()).unwrap_or_default();
        commits.extend(epoch.map(|epoch| (epoch, operation.to_owned())));
    }
    commits
}

/// Returns the `updated_at` of each row.
async fn versions(world: &World, table: &Table) -> BTreeMap<i64, Timestamp> {
    let mut versions = BTreeMap::new();
    for file in table.files() {
        let key = format!("{}/{}", table.root(), file.path);
        let bytes = world.store.get(&key).await.expect("a store").expect("the file");
        for batch in lake::partition::read(table.schema(), file, bytes).expect("a file") {
            let batch = batch.expect("rows");
            let id = batch.column_by_name("id").expect("an id").as_primitive::<Int64Type>();
            let at = batch.column_by_name("updated_at").expect("updated_at");
            let at = at.as_primitive::<TimestampMicrosecondType>();
            for row in 0..batch.num_rows() {
                let micros = at.value(row);
                let at = Timestamp::from_microsecond(micros).expect("an instant");
                versions.insert(id.value(row), at);
            }
        }
    }
    versions
}
