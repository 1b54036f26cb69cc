//! The oracle notices whatever is done to a lake behind its back.

use core::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::Decimal128Type;
use bytes::Bytes;
use delta::store::{MemoryStore, ObjectStore};
use engine::pass::Pass;
use futures::FutureExt as _;
use lives::declared::declared;
use lives::oracle::{After, Oracle};
use lives::reader::file::batch;
use lives::story::{apply, loaded, quiet, story};
use lives::world::World;
use parquet::arrow::ArrowWriter;
use runtime::clock::Clock as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sim::{AccountScale, Mutation};

const INVOICES: &str = "tables/invoices";
const CHANGES: &str = "tables/invoices_changes";

/// A lake to tamper with.
#[derive(Debug)]
struct Forgery {
    store: MemoryStore,
}

impl Forgery {
    fn get(&self, key: &str) -> Bytes {
        self.store.get(key).now_or_never().unwrap().unwrap().unwrap()
    }

    fn put(&self, key: &str, bytes: impl Into<Bytes>) {
        self.store.put(key, bytes.into()).now_or_never().unwrap().unwrap();
    }

    fn delete(&self, key: &str) {
        self.store.delete(key).now_or_never().unwrap().unwrap();
    }

    fn keys(&self, root: &str, end: &str) -> Vec<String> {
        let listed = self.store.list(root, None).now_or_never().unwrap().unwrap();
        listed.into_iter().map(|it| it.key).filter(|key| key.ends_with(end)).collect()
    }

    /// Commits of a table that have an action of this kind, the newest last.
    fn commits(&self, root: &str, kind: &str) -> Vec<String> {
        let mut keys = self.keys(&format!("{root}/_delta_log/"), ".json");
        keys.retain(|key| self.lines(key).iter().any(|line| line.get(kind).is_some()));
        keys
    }

    fn lines(&self, key: &str) -> Vec<Value> {
        let bytes = self.get(key);
        let text = core::str::from_utf8(&bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Changes the lines of the newest commit that has an action of this kind; the number of lines
    /// that it states follows.
    fn edit(&self, kind: &str, change: impl FnOnce(&mut Vec<Value>)) {
        self.edit_of(INVOICES, kind, change);
    }

    fn edit_of(&self, root: &str, kind: &str, change: impl FnOnce(&mut Vec<Value>)) {
        let key = self.commits(root, kind).pop();
        let key = key.unwrap_or_else(|| panic!("no {kind} in {root}"));
        let mut lines = self.lines(&key);
        change(&mut lines);
        let number = lines.len();
        for line in &mut lines {
            if let Some(info) = line.get_mut("commitInfo") {
                info["harvestLake"]["actions"] = json!(number);
            }
        }
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        self.put(&key, lines.join("\n"));
    }

    /// Changes the newest action of this kind.
    fn edit_one(&self, kind: &str, change: impl FnOnce(&mut Value)) {
        self.edit(kind, |lines| change(last(lines, kind)));
    }

    /// Changes the statistics of the newest file.
    fn edit_stats(&self, change: impl FnOnce(&mut Value)) {
        self.edit_one("add", |add| {
            let mut stats = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
            change(&mut stats);
            add["stats"] = json!(stats.to_string());
        });
    }

    /// Replaces the newest file of a table, and makes size, checksum and counts in the log agree.
    fn forge(&self, root: &str, change: impl FnOnce(&RecordBatch) -> RecordBatch) {
        self.edit_of(root, "add", |lines| {
            let add = last(lines, "add");
            let key = format!("{root}/{}", add["path"].as_str().unwrap());
            let rows = change(&batch(&self.get(&key)).unwrap());
            let bytes = parquet(&rows);
            let mut digest = String::new();
            for byte in Sha256::digest(&bytes) {
                write!(digest, "{byte:02x}").unwrap();
            }
            add["size"] = json!(bytes.len());
            add["tags"]["harvest-lake.sha256"] = json!(digest);
            add["tags"]["harvest-lake.rows"] = json!(rows.num_rows().to_string());
            add["stats"] = json!(json!({ "numRecords": rows.num_rows() }).to_string());
            self.put(&key, bytes);
        });
    }
}

fn last<'a>(lines: &'a mut [Value], kind: &str) -> &'a mut Value {
    lines.iter_mut().rev().find_map(|line| line.get_mut(kind)).unwrap()
}

fn parquet(rows: &RecordBatch) -> Vec<u8> {
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None).unwrap();
    writer.write(rows).unwrap();
    writer.into_inner().unwrap()
}

/// Rows whose first amount is a cent higher.
fn with_a_cent(rows: &RecordBatch) -> RecordBatch {
    let at = rows.schema().index_of("amount").unwrap();
    let amounts = rows.column(at).as_primitive::<Decimal128Type>();
    let mut values: Vec<Option<i128>> = amounts.iter().collect();
    values[0] = values[0].map(|amount| amount + 100);
    let amounts: Decimal128Array = values.into_iter().collect();
    let amounts = amounts.with_data_type(rows.column(at).data_type().clone());
    let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
    columns[at] = Arc::new(amounts);
    RecordBatch::try_new(rows.schema(), columns).unwrap()
}

fn without_first(rows: &RecordBatch) -> RecordBatch {
    rows.slice(1, rows.num_rows() - 1)
}

fn doubled(rows: &RecordBatch) -> RecordBatch {
    concat_batches(&rows.schema(), [&rows.slice(0, 1), rows]).unwrap()
}

/// The newest checkpoint without its last row of this kind.
fn lacking(forgery: &Forgery, kind: &str) {
    let key = forgery.keys(&format!("{INVOICES}/"), ".checkpoint.parquet").pop().unwrap();
    let rows = batch(&forgery.get(&key)).unwrap();
    let of_kind = rows.column_by_name(kind).unwrap();
    let lost = (0..rows.num_rows()).rev().find(|row| of_kind.is_valid(*row)).unwrap();
    let parts = [rows.slice(0, lost), rows.slice(lost + 1, rows.num_rows() - lost - 1)];
    let rows = concat_batches(&rows.schema(), &parts).unwrap();
    forgery.put(&key, parquet(&rows));
}

/// A tampering, and a part of what the oracle says about it.
type Tampering = (&'static str, fn(&Forgery), &'static str);

const TAMPERINGS: &[Tampering] = &[
    ("a cent more", |it| it.forge(INVOICES, with_a_cent), "differs in [\"amount: "),
    ("a missing row", |it| it.forge(INVOICES, without_first), " is missing"),
    ("a doubled row", |it| it.forge(INVOICES, doubled), "is there twice"),
    ("a change less", |it| it.forge(CHANGES, without_first), "the changes do not give"),
    ("a change twice", |it| it.forge(CHANGES, doubled), "does not fit"),
    (
        "a maximum too low",
        |it| it.edit_stats(|stats| stats["maxValues"]["id"] = json!(1)),
        "max of id",
    ),
    (
        "a minimum too high",
        |it| it.edit_stats(|stats| stats["minValues"]["issue_date"] = json!("9999-01-01")),
        "min of issue_date",
    ),
    (
        "a maximum of instants rounded down",
        |it| {
            it.edit_stats(|stats| {
                let max = &mut stats["maxValues"]["updated_at"];
                *max = json!(max.as_str().unwrap().replace('T', "T00:00:00.000Z")[..24]);
            });
        },
        "max of updated_at",
    ),
    (
        "a wrong count of nulls",
        |it| it.edit_stats(|stats| stats["nullCount"]["id"] = json!(1)),
        "nullCount of id",
    ),
    (
        "a wrong number of rows",
        |it| it.edit_stats(|stats| stats["numRecords"] = json!(0)),
        "numRecords",
    ),
    (
        "a column without statistics",
        |it| {
            it.edit_stats(|stats| {
                stats["minValues"].as_object_mut().unwrap().remove("id");
                stats["maxValues"].as_object_mut().unwrap().remove("id");
            });
        },
        "has no statistics of id",
    ),
    (
        "a live file that is gone",
        |it| {
            let key = it.commits(INVOICES, "add").pop().unwrap();
            let path = last(&mut it.lines(&key), "add")["path"].clone();
            it.delete(&format!("{INVOICES}/{}", path.as_str().unwrap()));
        },
        "is gone",
    ),
    (
        "a live file of other bytes",
        |it| {
            let key = it.commits(INVOICES, "add").pop().unwrap();
            let path = last(&mut it.lines(&key), "add")["path"].clone();
            let key = format!("{INVOICES}/{}", path.as_str().unwrap());
            it.put(&key, parquet(&batch(&it.get(&key)).unwrap()));
        },
        "checksum",
    ),
    (
        "an add twice",
        |it| {
            it.edit("add", |lines| {
                let add = last(lines, "add").clone();
                lines.push(json!({ "add": add }));
            });
        },
        "two actions on",
    ),
    (
        "an add of a file that is there",
        |it| {
            let first = it.commits(INVOICES, "add").remove(0);
            let add = last(&mut it.lines(&first), "add").clone();
            it.edit("add", |lines| lines.push(json!({ "add": add })));
        },
        "again",
    ),
    (
        "a remove of a file that is not there",
        |it| it.edit_one("remove", |remove| remove["path"] = json!("created_year=2020/x.parquet")),
        "which is not there",
    ),
    (
        "a remove forgotten",
        |it| it.edit("remove", |lines| lines.retain(|line| line.get("remove").is_none())),
        "is gone",
    ),
    (
        "a wrong partition",
        |it| it.edit_one("add", |add| add["partitionValues"]["created_year"] = json!("1999")),
        "of partition",
    ),
    ("a wrong size", |it| it.edit_one("add", |add| add["size"] = json!(7)), "size 7 of"),
    (
        "a wrong first key",
        |it| it.edit_one("add", |add| add["tags"]["harvest-lake.first"] = json!("[1]")),
        "first key",
    ),
    (
        "an epoch that falls",
        |it| {
            it.edit("txn", |lines| {
                for txn in lines.iter_mut().filter_map(|line| line.get_mut("txn")) {
                    txn["version"] = json!(0);
                }
            });
        },
        "falls from",
    ),
    (
        "a sequence that is skipped",
        |it| {
            it.edit("add", |lines| {
                for line in lines.iter_mut().filter(|line| line.get("txn").is_some()) {
                    let number = line["txn"]["version"].as_i64().unwrap();
                    line["txn"]["version"] = json!(number + 3);
                }
            });
        },
        "and goes from sequence",
    ),
    (
        "a protocol of other readers",
        |it| {
            let protocol = json!({ "minReaderVersion": 3, "minWriterVersion": 7 });
            it.edit("add", |lines| lines.push(json!({ "protocol": protocol })));
        },
        "protocol {",
    ),
    (
        "a second protocol",
        |it| {
            let protocol = json!({ "minReaderVersion": 1, "minWriterVersion": 2 });
            it.edit("add", |lines| lines.push(json!({ "protocol": protocol })));
        },
        "a second protocol",
    ),
    (
        "another table's id",
        |it| it.edit("add", |lines| lines.push(json!({ "metaData": { "id": "x" } }))),
        "the id changes",
    ),
    (
        "a version that is gone",
        |it| {
            let keys = it.commits(INVOICES, "add");
            it.delete(&keys[keys.len() - 2]);
        },
        "comes after version",
    ),
    (
        "a commit that was cut",
        |it| {
            let key = it.commits(INVOICES, "add").pop().unwrap();
            let bytes = it.get(&key);
            let end = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
            it.put(&key, bytes.slice(..=end));
        },
        " lines",
    ),
    ("a checkpoint without a file", |it| lacking(it, "add"), "checkpoint 10: "),
    ("a checkpoint without a number", |it| lacking(it, "txn"), "checkpoint 10: numbers"),
    (
        "a hint at no checkpoint",
        |it| {
            let hint = r#"{"version":7,"size":1}"#;
            it.put(&format!("{INVOICES}/_delta_log/_last_checkpoint"), hint);
        },
        "names checkpoint 7",
    ),
];

/// A world whose table of invoices has a checkpoint and commits after it.
async fn world() -> World {
    let world = loaded(&AccountScale::tiny(), &["invoices"]).await;
    for _ in 0..14 {
        // Without dates all commits would be old, and removed behind the checkpoint.
        world.store.set_now(world.clock.now());
        apply(&world, &Mutation::Create { stream: "invoices".to_owned() });
        world.sleep(1).await;
        quiet(&world, None).await;
    }
    world.stop_timers();
    quiet(&world, Some(Pass::Full)).await;
    world
}

#[test]
fn every_tampering_is_noticed() {
    story(async {
        let world = world().await;
        assert_eq!(world.oracle().differences(After::FullPasses).await, [""; 0]);
        assert_eq!(world.oracle().read_ahead().await, [""; 0]);
        for (name, tamper, expected) in TAMPERINGS {
            let forgery = Forgery { store: world.store.copy() };
            tamper(&forgery);
            let store = Arc::new(forgery.store);
            // Once without a memory, and once with that of the lake before.
            for memory in [Arc::default(), Arc::clone(&world.memory)] {
                let store = Arc::<MemoryStore>::clone(&store);
                let oracle = Oracle { store, memory, ..world.oracle() };
                let wrong = oracle.differences(After::FullPasses).await;
                let noticed = wrong.iter().any(|line| line.contains(expected));
                assert!(noticed, "{name}: {wrong:#?}");
            }
        }
        assert_eq!(world.oracle().differences(After::FullPasses).await, [""; 0]);
    });
}

#[test]
fn a_record_that_harvest_does_not_return_is_noticed() {
    story(async {
        let world = world().await;
        let id = *world
            .oracle()
            .true_versions(streams::find("invoices").unwrap())
            .keys()
            .next()
            .unwrap();
        apply(&world, &lives::story::delete("invoices", id));
        let wrong = world.oracle().differences(After::FullPasses).await;
        assert_eq!(wrong, [format!("invoices: {id} is no longer in Harvest")]);
    });
}

#[test]
fn a_text_is_found_wherever_it_is() {
    story(async {
        let world = world().await;
        let oracle = world.oracle();
        assert_eq!(oracle.erased(&["nobody@example.org"]).await, [""; 0]);
        let quarantine = "quarantine/invoices/run.jsonl";
        let text = Bytes::from_static(br#"{"raw":"{\"email\":\"nobody@example.org\"}"}"#);
        world.store.put(quarantine, text).await.unwrap();
        let found = oracle.erased(&["nobody@example.org"]).await;
        assert_eq!(found, [format!("{quarantine} contains nobody@example.org")]);
        // Cells of compressed files, in the table and in its changes.
        let spec = streams::find("invoices").unwrap();
        let number =
            declared(spec).compared.iter().position(|column| column.name == "client_name").unwrap();
        let rows = oracle.table_rows(spec).await;
        let client = rows.values().find_map(|row| row[number].as_deref()).unwrap();
        let found = oracle.erased(&[client]).await;
        assert!(found.iter().any(|line| line.starts_with(CHANGES)), "{found:?}");
        assert!(found.iter().any(|line| line.starts_with("tables/invoices/")), "{found:?}");
    });
}
