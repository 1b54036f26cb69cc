//! Logs of tables: opened as a naive reading of the protocol has them, or refused.

use core::hint::black_box;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use bolero::{TypeGenerator, check};
use bytes::Bytes;
use delta::store::{MemoryStore, ObjectStore};
use delta::table::{AsOf, CommitFiles, CommitNote, FileEntry, Table, WriterIdentity};
use engine::ids::{AccountId, AttemptId, Epoch};
use engine::key::Key;
use engine::report::RowCounts;
use engine::spec::StreamSpec;
use engine::time::{SignedDuration, Timestamp};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

use crate::edit::{ByteEdit, TreeEdits};
use crate::naive_log::{
    LogFolder, NaiveTable, actions_of_checkpoint, newest, played, rows_of_checkpoint,
};
use crate::tree::JsonTree;
use crate::wait::run;

const ACCOUNT: AccountId = AccountId(7);
const FOLDER: &str = "tables/time_entries/_delta_log/";
const WEEK: SignedDuration = SignedDuration::from_hours(168);
/// Versions that names of log files may have.
const VERSIONS: [u64; 10] = [0, 1, 3, 9, 10, 13, 14, 99, u64::MAX - 1, u64::MAX];

static SPEC: LazyLock<&StreamSpec> = LazyLock::new(|| streams::find("time_entries").unwrap());

/// A log with changes.
#[derive(Clone, Debug, TypeGenerator)]
struct FuzzedLog {
    folder: u8,
    #[generator(bolero::produce::<Vec<LogEdit>>().with().len(0..=3usize))]
    edits: Vec<LogEdit>,
    looked_at: u8,
}

/// A change of one object of a log.
#[derive(Clone, Debug, TypeGenerator)]
struct LogEdit {
    object: u8,
    change: ObjectChange,
}

/// Change of an object. Numbers are taken modulo what there is.
#[derive(Clone, Debug, TypeGenerator)]
enum ObjectChange {
    /// Its lines, or the rows of a checkpoint, are changed as one list.
    Actions(TreeEdits),
    /// One of them is changed.
    Action { line: u8, edits: TreeEdits },
    /// Its bytes are changed.
    Bytes(ByteEdit),
    /// It is gone.
    Gone,
    /// It has the name of another version; the old one stays or not.
    Renamed { version: u8, stays: bool },
    /// It has the bytes of another object.
    Other(u8),
}

/// Logs that were written in good order: a short one, one with a checkpoint, and one without its
/// beginning.
static FOLDERS: LazyLock<[LogFolder; 3]> = LazyLock::new(|| {
    let short = run(written(3));
    let long = run(written(13));
    let mut cleaned = long.clone();
    cleaned.retain(|name, _| *name >= format!("{:020}", 8));
    [short, long, cleaned]
});

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn file(number: i64) -> FileEntry {
    let month = format!("2024-0{}", number % 3 + 1);
    FileEntry {
        path: format!("created_month={month}/1-{number}-ab-0.parquet"),
        partition: Some(month),
        size: 1000,
        modified: at(number),
        rows: 10,
        stats: json!({ "numRecords": 10, "minValues": { "id": number } }).to_string(),
        keys: Some((Key::id(number), Key::id(number + 9))),
        sha256: Some(format!("{number:064}")),
    }
}

async fn written(versions: i64) -> LogFolder {
    let store = Arc::new(MemoryStore::new());
    let objects: Arc<dyn ObjectStore> = Arc::<MemoryStore>::clone(&store);
    let mut table = Table::create(objects, *SPEC, ACCOUNT, at(0)).await.unwrap();
    let writer = WriterIdentity { attempt: AttemptId("ab".to_owned()), epoch: Epoch(1) };
    for number in 1..=versions {
        let remove = table.files().iter().take(usize::from(number % 3 == 0)).cloned().collect();
        let files = CommitFiles { started: at(number), add: vec![file(number)], remove };
        let note = CommitNote {
            run: format!("run-{number}"),
            state: json!({ "cursor": at(number).to_string() }),
            counts: RowCounts { inserted: 10, ..RowCounts::default() },
            changes: None,
        };
        table.commit(at(number), &writer, &files, &note).await.unwrap();
        table.checkpoint_if_due(at(number), WEEK).await.unwrap();
    }
    let mut folder = LogFolder::new();
    for object in store.list(FOLDER, None).await.unwrap() {
        let bytes = store.get(&object.key).await.unwrap().unwrap();
        folder.insert(object.key[FOLDER.len()..].to_owned(), bytes);
    }
    folder
}

fn is_checkpoint(name: &str) -> bool {
    name.ends_with(".parquet")
}

impl FuzzedLog {
    fn folder(&self) -> LogFolder {
        let mut folder = FOLDERS[usize::from(self.folder) % FOLDERS.len()].clone();
        for edit in &self.edits {
            edit.apply(&mut folder);
        }
        folder
    }
}

fn name(folder: &LogFolder, which: u8) -> Option<String> {
    folder.keys().nth(usize::from(which) % folder.len().max(1)).cloned()
}

impl LogEdit {
    fn apply(&self, folder: &mut LogFolder) {
        let Some(name) = name(folder, self.object) else { return };
        let bytes = folder[&name].clone();
        let changed = match &self.change {
            ObjectChange::Actions(edits) => edited(&name, &bytes, |tree| edits.apply(tree)),
            ObjectChange::Action { line, edits } => edited(&name, &bytes, |tree| {
                let line = usize::from(*line) % tree.len().max(1);
                if tree.len() > 0 {
                    edits.apply(tree.child_mut(line));
                }
            }),
            ObjectChange::Bytes(edit) => {
                let mut bytes = bytes.to_vec();
                edit.apply(&mut bytes);
                Some(Bytes::from(bytes))
            }
            ObjectChange::Gone => {
                folder.remove(&name);
                return;
            }
            ObjectChange::Renamed { version, stays } => {
                let end = if is_checkpoint(&name) { "checkpoint.parquet" } else { "json" };
                let version = VERSIONS[usize::from(*version) % VERSIONS.len()];
                if !stays {
                    folder.remove(&name);
                }
                folder.insert(format!("{version:020}.{end}"), bytes);
                return;
            }
            ObjectChange::Other(other) => {
                self::name(folder, *other).map(|other| folder[&other].clone())
            }
        };
        if let Some(changed) = changed {
            folder.insert(name, changed);
        }
    }
}

/// Returns an object with other actions; `None` if it has none, or they have no form in it.
fn edited(name: &str, bytes: &Bytes, edit: impl FnOnce(&mut JsonTree)) -> Option<Bytes> {
    let is_checkpoint = is_checkpoint(name);
    let lines: Vec<String> = if is_checkpoint {
        actions_of_checkpoint(bytes)?.iter().map(Value::to_string).collect()
    } else {
        core::str::from_utf8(bytes).ok()?.split('\n').map(str::to_owned).collect()
    };
    let mut tree = JsonTree::List(lines.iter().map(|line| JsonTree::of_text(line)).collect());
    edit(&mut tree);
    let lines: Vec<String> = (0..tree.len()).map(|line| tree.child(line).text(false)).collect();
    if !is_checkpoint {
        return Some(Bytes::from(lines.join("\n")));
    }
    let rows: Result<Vec<Value>, _> = lines.iter().map(|line| serde_json::from_str(line)).collect();
    let schema = rows_of_checkpoint(bytes)?.schema();
    let fields: Vec<_> = schema.fields().iter().cloned().collect();
    let rows = serde_arrow::to_record_batch(&fields, &rows.ok()?).ok()?;
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None).ok()?;
    writer.write(&rows).ok()?;
    Some(Bytes::from(writer.into_inner().ok()?))
}

async fn stored(folder: &LogFolder) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    for (name, bytes) in folder {
        store.put(&format!("{FOLDER}{name}"), bytes.clone()).await.unwrap();
    }
    store
}

async fn open(store: &Arc<MemoryStore>) -> Option<Table> {
    let objects: Arc<dyn ObjectStore> = Arc::<MemoryStore>::clone(store);
    match Table::open(objects, *SPEC, ACCOUNT).await {
        Ok(table) => {
            let is_empty = store.list(FOLDER, None).await.unwrap().iter().all(|object| {
                newest(&BTreeMap::from([(object.key[FOLDER.len()..].to_owned(), Bytes::new())]))
                    .is_none()
            });
            assert_eq!(table.is_none(), is_empty, "a log with versions is a table or an error");
            table
        }
        Err(error) => {
            assert!(error.to_string().contains("time_entries"), "{error}");
            None
        }
    }
}

async fn check_log(input: &FuzzedLog, folder: &LogFolder) {
    let store = stored(folder).await;
    let Some(mut table) = open(&store).await else { return };
    let found = NaiveTable::opened(&table);
    let column = table.schema().partition_column();
    let candidates: Vec<NaiveTable> =
        played(folder, column).into_iter().map(NaiveTable::with_our_numbers).collect();
    assert!(candidates.contains(&found), "opened as\n{found:?}\nnot one of\n{candidates:?}");
    black_box((table.rows(), table.bytes(), table.note(), table.foreign()));
    black_box(table.restored().await.is_ok());
    let asked = VERSIONS[usize::from(input.looked_at) % VERSIONS.len()];
    let instant = at(i64::from(input.looked_at % 20));
    for as_of in [AsOf::Version(asked), AsOf::Instant(instant)] {
        if let Ok((older, _)) = table.as_of(as_of, at(30)).await {
            assert!(older.version() <= table.version());
            black_box((older.rows(), older.bytes()));
        }
    }
    table.refresh().await.unwrap();
    assert_eq!(NaiveTable::opened(&table), found, "nothing was written");
    if table.checkpoint_if_due(at(40), WEEK).await.is_ok_and(|written| written.is_some()) {
        let again = open(&store).await.expect("a table with a new checkpoint");
        assert_eq!(NaiveTable::opened(&again), found, "as the new checkpoint has it");
    }
}

#[test]
fn fuzzed() {
    check!(name = "logs").with_type::<FuzzedLog>().for_each(|log| {
        let folder = log.folder();
        run(check_log(log, &folder));
    });
}

#[test]
fn logs_in_good_order_are_opened() {
    for folder in FOLDERS.iter() {
        let table = run(async { open(&stored(folder).await).await }).expect("a table");
        let column = table.schema().partition_column();
        let mut candidates = played(folder, column).into_iter().map(NaiveTable::with_our_numbers);
        assert!(candidates.all(|one| one == NaiveTable::opened(&table)));
        assert!(
            edited("x.json", &folder[&format!("{:020}.json", table.version())], |_| {}).is_some()
        );
        for (name, bytes) in folder.iter().filter(|(name, _)| is_checkpoint(name)) {
            let same = edited(name, bytes, |_| {}).expect("rows have a form in Parquet");
            assert_eq!(actions_of_checkpoint(&same), actions_of_checkpoint(bytes));
        }
    }
}
