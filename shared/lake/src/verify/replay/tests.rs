use arrow::array::{Array, ArrayRef, Int64Array, StringArray};
use delta::store::{MemoryStore, ObjectStore};
use delta::table::ChangeFiles;
use delta::table::{ChangesCommit, CommitFiles, CommitNote, WriterIdentity};
use engine::coverage::Coverage;
use engine::ids::{AttemptId, Epoch};
use engine::precedence::{Precedence, PrecedenceRules};
use engine::present::Present;
use engine::report::RowCounts;
use engine::time::Timestamp;
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

use super::*;
use crate::changes::{ChangesOf, condense, expired, join, scattered};
use crate::merge::{MergeJob, merge};
use crate::partition::FileLimits;
use crate::progress::{NoFileProgress, ToldFiles};
use crate::verify::tests::{ACCOUNT, NOW, with_entries};

const fn limits() -> FileLimits {
    FileLimits {
        file_rows: 10,
        joined_rows: 5,
        group_rows: 100,
        group_bytes: 1 << 20,
        sort_bytes: 1000,
        copied_rows: 2,
    }
}

/// A table and its changes.
struct World {
    store: Arc<MemoryStore>,
    table: Table,
    changes: Table,
    writer: WriterIdentity,
    /// Seconds from one commit to the next.
    pace: i64,
}

impl World {
    async fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let spec = &streams::TIME_ENTRIES;
        let table = Table::create(store.clone(), spec, ACCOUNT, NOW).await.unwrap();
        let changes = Table::create_changes(store.clone(), spec, ACCOUNT, NOW).await.unwrap();
        let writer = WriterIdentity { attempt: AttemptId("a".to_owned()), epoch: Epoch(1) };
        Self { store, table, changes, writer, pace: 1000 }
    }

    /// Commits these entries with `note` as their notes; with `whole`, deletes all others.
    async fn commit(&mut self, month: &str, ids: &[i64], note: &str, whole: bool, append: bool) {
        let sequence = self.table.recorded_sequence().next();
        let second = i64::try_from(sequence.0).unwrap();
        let at = Timestamp::from_second(second * self.pace).unwrap();
        let changed = |_, record: &mut Value| {
            record["notes"] = json!(note);
            record["updated_at"] = json!(format!("2025-01-01T00:00:{second:02}Z"));
        };
        let mut rows = Collector::new(self.table.schema(), None, 1000).unwrap();
        rows.push(with_entries(month, ids.iter().copied(), at, changed)).unwrap();
        let schema = self.changes.schema().clone();
        let coverage = if whole { Coverage::Whole { begun: at } } else { Coverage::Nothing };
        let job = MergeJob {
            schema: self.table.schema().clone(),
            root: self.table.root().to_owned(),
            files: self.table.files().to_vec(),
            incoming: Arc::new(rows.finish().unwrap()),
            coverage,
            judge: PrecedenceRules {
                precedence: Precedence::NewestChange,
                present: Present::ours(Timestamp::MAX),
            },
            max_deletes: 1000,
            name: format!("1-{sequence}-a"),
            now: at,
            limits: limits(),
            changes: Some(ChangesOf { schema, at, sequence }),
        };
        let merged = merge(self.store.clone(), job).await.unwrap();
        let files = ChangeFiles { sequence, files: merged.changes };
        let note = CommitNote {
            run: String::new(),
            state: json!(null),
            counts: merged.counts,
            changes: Some(files.clone()),
        };
        let change = CommitFiles { started: NOW, add: merged.add, remove: merged.remove };
        self.table.commit(NOW, &self.writer, &change, &note).await.unwrap();
        if append {
            self.append(files).await;
        }
    }

    async fn append(&mut self, files: ChangeFiles) {
        self.commit_changes(ChangesCommit::Append(files)).await;
    }

    async fn commit_changes(&mut self, commit: ChangesCommit) {
        let counts = RowCounts::default();
        let note = CommitNote { run: String::new(), state: json!(null), counts, changes: None };
        self.changes.commit_changes(NOW, &self.writer, &commit, &note).await.unwrap();
    }

    /// World with inserts, updates, deletes, a row that comes back, and one that moves.
    async fn with_history() -> Self {
        let mut world = Self::new().await;
        let all: Vec<i64> = (0..25).collect();
        world.commit("2024-01", &all, "first", false, true).await;
        world.commit("2024-02", &[30, 31, 32], "first", false, true).await;
        world.commit("2024-01", &[3, 4, 5], "second", false, true).await;
        world.commit("2024-01", &all[..20], "third", true, true).await;
        world.commit("2024-01", &[22], "again", false, true).await;
        world.commit("2024-03", &[7], "moved", false, true).await;
        assert_eq!(world.table.rows(), 21);
        world
    }

    async fn replayed(&mut self) -> ReplayedChanges {
        replay(&mut self.table, &mut self.changes, &NoFileProgress).await.unwrap()
    }

    /// Replaces the changes by altered ones, file by file.
    async fn tamper(&mut self, change: impl Fn(&RecordBatch) -> RecordBatch) {
        let layout = Arc::new(RowLayout::replayed(self.changes.schema()).unwrap());
        for old in self.changes.files().to_vec() {
            let key = format!("{}/{}", self.changes.root(), old.path);
            let bytes = self.store.get(&key).await.unwrap().unwrap();
            let mut writer =
                ArrowWriter::try_new(Vec::new(), Arc::clone(&layout.schema), None).unwrap();
            for batch in open(&layout, &old.path, bytes).unwrap() {
                writer.write(&change(&batch.unwrap())).unwrap();
            }
            let bytes = bytes::Bytes::from(writer.into_inner().unwrap());
            let path = old.path.replace(".parquet", "-tampered.parquet");
            let size = bytes.len() as u64;
            let new = FileEntry { path, size, sha256: None, ..old.clone() };
            let key = format!("{}/{}", self.changes.root(), new.path);
            self.store.put(&key, bytes).await.unwrap();
            let change = ChangesCommit::Rewrite { add: vec![new], remove: vec![old] };
            self.commit_changes(change).await;
        }
    }
}

/// Replaces values of a column in `batch`, depending on sequence, key and old value.
fn changed(
    batch: &RecordBatch,
    name: &str,
    value: impl Fn(i64, i64, &str) -> Option<&'static str>,
) -> RecordBatch {
    let numbers = |name: &str| -> Int64Array {
        batch.column_by_name(name).unwrap().as_primitive::<arrow::datatypes::Int64Type>().clone()
    };
    let (sequences, ids) = (numbers("sequence"), numbers("id"));
    let index = batch.schema().index_of(name).unwrap();
    let old: &StringArray = batch.column(index).as_string();
    let texts = (0..batch.num_rows()).map(|row| {
        let held = if old.is_null(row) { "" } else { old.value(row) };
        Some(value(sequences.value(row), ids.value(row), held).unwrap_or(held).to_owned())
    });
    let mut columns = batch.columns().to_vec();
    columns[index] = Arc::new(texts.collect::<StringArray>()) as ArrayRef;
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

fn whats(replayed: &ReplayedChanges) -> Vec<(&str, &str, &str)> {
    assert!(replayed.findings.iter().all(|one| one.check == TableCheck::Changes));
    replayed
        .findings
        .iter()
        .map(|one| (one.what.as_str(), one.expected.as_str(), one.found.as_str()))
        .collect()
}

#[tokio::test]
async fn the_changes_of_a_history_give_the_table() {
    let mut world = World::with_history().await;
    let replayed = world.replayed().await;
    assert_eq!(replayed.findings, []);
    assert_eq!((replayed.sequence, replayed.pending), (6, false));
    // The fourth commit makes 28 changes: 20 updates and 8 deletes.
    assert_eq!(replayed.changes, 25 + 3 + 3 + 28 + 1 + 1);
    let mut empty = World::new().await;
    assert_eq!(empty.replayed().await, ReplayedChanges::default());
}

#[tokio::test]
async fn the_order_is_that_of_the_commits_and_not_of_clocks() {
    let mut world = World::new().await;
    world.pace = -1000;
    for note in ["first", "second", "third"] {
        world.commit("2024-01", &[1, 2, 3], note, false, true).await;
    }
    let replayed = world.replayed().await;
    assert_eq!((replayed.findings, replayed.changes), (Vec::new(), 9));
}

#[tokio::test]
async fn changes_expire_where_small_files_were_joined_around_a_full_one() {
    let mut world = World::new().await;
    world.commit("2024-01", &[50], "first", false, true).await;
    let full: Vec<i64> = (0..10).collect();
    world.commit("2024-01", &full, "second", false, true).await;
    for id in 0..8 {
        world.commit("2024-01", &[id], "later", false, true).await;
    }
    let store: Arc<dyn ObjectStore> = world.store.clone();
    let small = scattered(&world.changes, "1970-02", limits()).unwrap();
    assert_eq!((small.len(), world.changes.files().len()), (9, 10));
    let name = "1-10-b".to_owned();
    let joined = join(Arc::clone(&store), &world.changes, &small, name, NOW, limits()).await;
    let joined = ChangesCommit::Join { add: joined.unwrap(), remove: small };
    world.commit_changes(joined).await;
    assert_eq!(world.changes.files().len(), 2, "one of the sequences 1 to 10, one of 2");

    let old = expired(&world.changes, "1970-02").unwrap();
    assert_eq!((old.files.len(), old.sequence.0), (2, 10));
    let name = "1-10-c".to_owned();
    let baseline = condense(store, &world.changes, &old, name, limits(), None).await.unwrap();
    world.commit_changes(ChangesCommit::Expire { add: baseline, remove: old.files }).await;
    let replayed = world.replayed().await;
    assert_eq!((replayed.findings, replayed.changes), (Vec::new(), 11));
    assert_eq!(expired(&world.changes, "1970-02"), None, "it is one baseline");
}

#[tokio::test]
async fn files_that_are_too_large_to_become_fewer_are_not_joined() {
    let mut world = World::new().await;
    for note in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
        world.commit("2024-01", &[1, 2], note, false, true).await;
    }
    for (file_rows, joined) in [(2, None), (3, None), (4, Some(9)), (100, Some(9))] {
        let small = scattered(&world.changes, "1970-02", FileLimits { file_rows, ..limits() });
        assert_eq!(small.map(|files| files.len()), joined, "{file_rows}");
    }
}

#[tokio::test]
async fn one_commit_behind_is_pending_and_two_are_a_finding() {
    let mut world = World::with_history().await;
    world.commit("2024-01", &[1, 2], "last", false, false).await;
    let replayed = world.replayed().await;
    assert_eq!((replayed.findings.len(), replayed.pending, replayed.sequence), (0, true, 6));
    assert_eq!(replayed.changes, 61 + 2);
    // Missing pending files are found by the next run.
    let pending = world.table.note().unwrap().changes.clone().unwrap();
    let key = format!("{}/{}", world.changes.root(), pending.files[0].path);
    let bytes = world.store.get(&key).await.unwrap().unwrap();
    world.store.delete(&key).await.unwrap();
    let replayed = world.replayed().await;
    assert_eq!((replayed.findings.len(), replayed.pending), (0, true));
    world.store.put(&key, bytes).await.unwrap();
    world.commit("2024-01", &[1], "too late", false, false).await;
    let replayed = world.replayed().await;
    let missed = MISSED_COMMITS;
    assert_eq!(whats(&replayed), [(missed, "changes up to sequence 8", "up to 6")]);
}

#[tokio::test]
async fn changes_that_say_something_else_are_told() {
    // Only the newest change of a row matters; the change of the older one has no effect.
    let mut world = World::with_history().await;
    world
        .tamper(|batch| {
            changed(batch, "notes", |sequence, id, _| {
                [(4, 11), (1, 12)].contains(&(sequence, id)).then_some("forged")
            })
        })
        .await;
    let differs = "`notes` of key 11 is not what the changes say";
    assert_eq!(whats(&world.replayed().await), [(differs, "forged", "third")]);
    // A delete becomes an update, and an update a delete.
    let mut world = World::with_history().await;
    world
        .tamper(|batch| {
            changed(batch, "op", |sequence, id, _| match (sequence, id) {
                (4, 30) => Some("U"),
                (4, 15) => Some("D"),
                _ => None,
            })
        })
        .await;
    assert_eq!(
        whats(&world.replayed().await),
        [
            ("no change leads to a row", "no row", "the row of key 15"),
            ("a row that the changes lead to is missing", "the row of key 30", "no row"),
        ]
    );
    // The partition of a row changes.
    let mut world = World::with_history().await;
    world
        .tamper(|batch| {
            changed(batch, "created_month", |sequence, id, _| {
                (sequence == 6 && id == 7).then_some("2024-01")
            })
        })
        .await;
    assert_eq!(world.replayed().await.findings.len(), 2);
}

#[tokio::test]
async fn changes_that_cannot_be_read_are_told() {
    let mut world = World::with_history().await;
    let file = world.changes.files()[0].clone();
    let key = format!("{}/{}", world.changes.root(), file.path);
    world.store.put(&key, bytes::Bytes::from_static(b"nothing")).await.unwrap();
    let replayed = world.replayed().await;
    assert_eq!(replayed.findings.len(), 1);
    let path = replayed.findings[0].file.as_deref().unwrap();
    assert!(path.starts_with("../time_entries_changes/changed_month=1970-01/"), "{path}");
    world.store.delete(&key).await.unwrap();
    assert!(world.replayed().await.findings[0].found.contains("is missing"));
}

/// Sizes of the files of `table`, `times` over, in order of size.
fn sizes(tables: &[&Table], times: usize) -> Vec<u64> {
    let files = tables.iter().flat_map(|table| table.files());
    let mut sizes: Vec<u64> = files.flat_map(|file| vec![file.size; times]).collect();
    sizes.sort_unstable();
    sizes
}

#[tokio::test]
async fn work_on_a_table_of_several_files_tells_each_file_as_often_as_it_says() {
    let mut world = World::with_history().await;
    let (files, changes) = (world.table.files().len(), world.changes.files().len());
    assert!(files > 2 && changes > 2, "{files} and {changes}");
    let told = |told: &ToldFiles| {
        let mut sizes = told.sizes();
        sizes.sort_unstable();
        sizes
    };
    let seen = ToldFiles::default();
    crate::verify::verify(&mut world.table, &seen).await.unwrap();
    assert_eq!(told(&seen), sizes(&[&world.table], 2), "verify");
    let seen = ToldFiles::default();
    replay(&mut world.table, &mut world.changes, &seen).await.unwrap();
    assert_eq!(told(&seen), sizes(&[&world.table, &world.changes], 1), "replay");
    let target = MemoryStore::new();
    for existed in [false, true] {
        let seen = ToldFiles::default();
        let done = crate::export::export(&world.table, None, &target, &seen).await.unwrap();
        assert_eq!((done.existed, told(&seen)), (existed, sizes(&[&world.table], 1)), "export");
    }
    let seen = ToldFiles::default();
    let form = crate::text::TextForm::Csv;
    crate::text::write_rows(&world.table, form, &seen, |_| Ok(())).await.unwrap();
    assert_eq!(told(&seen), sizes(&[&world.table], 1), "text");
    let seen = ToldFiles::default();
    crate::scan::scan(&world.table, &["id"], &seen, (), |(), _| ()).await.unwrap();
    assert_eq!(told(&seen), sizes(&[&world.table], 1), "scan");
    let seen = ToldFiles::default();
    let personal = streams::TIME_ENTRIES.personal.as_ref().unwrap();
    crate::person::rows_about(&world.changes, personal, 1, &seen).await.unwrap();
    assert_eq!(told(&seen), sizes(&[&world.changes], 1), "search for a person");
}
