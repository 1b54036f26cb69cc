//! Commits of other engines on a table, as plain JSON in its log.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use delta::store::{MemoryStore, ObjectStore, PutIfAbsent};
use delta::table::{AsOf, FileEntry, Table};
use serde_json::{Value, json};

use lives::world::{World, now};

/// Opens the table of `stream`.
pub async fn table(world: &World, stream: &str) -> Table {
    let store: Arc<dyn ObjectStore> = Arc::<MemoryStore>::clone(&world.store);
    let spec = streams::find(stream).expect("a stream");
    let table = Table::open(store, spec, world.settings.account).await;
    table.expect("a readable table").expect("the table exists")
}

/// Restores `stream` to one of its versions, as delta-rs does.
pub async fn restore(world: &World, stream: &str, version: u64) {
    let new = table(world, stream).await;
    let (old, _) = new.as_of(AsOf::Version(version), now(world)).await.expect("a version");
    let paths = |table: &Table| -> BTreeSet<String> {
        table.files().iter().map(|file| file.path.clone()).collect()
    };
    let (before, after) = (paths(&new), paths(&old));
    let add: Vec<_> = old.files().iter().filter(|file| !before.contains(&file.path)).collect();
    let remove: Vec<_> = new.files().iter().filter(|file| !after.contains(&file.path)).collect();
    commit(world, &new, Some("RESTORE"), &add, &remove).await;
}

/// Deletes all rows of one of the files of `stream`.
pub async fn delete_file(world: &World, stream: &str, place: usize) {
    let table = table(world, stream).await;
    commit(world, &table, Some("DELETE"), &[], &[&table.files()[place]]).await;
}

/// Commits the next version of `table`; without an `operation` it has no `commitInfo`.
pub async fn commit(
    world: &World,
    table: &Table,
    operation: Option<&str>,
    add: &[&FileEntry],
    remove: &[&FileEntry],
) {
    let millis = now(world).as_millisecond();
    let values = |file: &FileEntry| -> Value {
        let column = table.schema().partition_column();
        column.map_or_else(|| json!({}), |name| json!({ name: file.partition }))
    };
    let mut lines = Vec::new();
    for file in add {
        lines.push(json!({ "add": {
            "path": file.path, "partitionValues": values(file), "size": file.size,
            "modificationTime": millis, "dataChange": true, "stats": file.stats, "tags": null,
        }}));
    }
    for file in remove {
        lines.push(json!({ "remove": {
            "path": file.path, "dataChange": true, "deletionTimestamp": millis,
            "extendedFileMetadata": true, "partitionValues": values(file), "size": file.size,
        }}));
    }
    if let Some(operation) = operation {
        lines.push(json!({ "commitInfo": {
            "timestamp": millis, "operation": operation,
            "operationParameters": { "protocolDowngradeAllowed": "false" },
            "clientVersion": "delta-rs.0.32.0",
        }}));
    }
    let text: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let key = format!("{}/_delta_log/{:020}.json", table.root(), table.version() + 1);
    let put = world.store.put_if_absent(&key, Bytes::from(text.join("\n"))).await;
    assert_eq!(put.expect("a store"), PutIfAbsent::Stored);
}

/// Returns a copy of the lake.
pub async fn copied(world: &World) -> Arc<MemoryStore> {
    let copy = Arc::new(MemoryStore::new());
    for object in world.store.list("", None).await.expect("a store") {
        let bytes = world.store.get(&object.key).await.expect("a store").expect("an object");
        copy.put(&object.key, bytes).await.expect("a store");
    }
    copy
}
