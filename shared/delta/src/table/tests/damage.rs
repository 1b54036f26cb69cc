//! Errors for damaged logs, and unusual logs that are not damaged.

use super::*;

async fn error_of(store: &Arc<MemoryStore>) -> String {
    Table::open(store.clone(), &BY_MONTH, ACCOUNT).await.unwrap_err().to_string()
}

async fn table_of(versions: i64) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    let mut table = create(&store).await;
    commit_files(&mut table, &writer("a", 1), 1, versions).await;
    store
}

/// Table with a checkpoint at version 10 and commits before and after it.
async fn checkpointed() -> Arc<MemoryStore> {
    let store = table_of(10).await;
    let mut table = open(&store).await;
    table.checkpoint_if_due(at(10), WEEK).await.unwrap().unwrap();
    commit_files(&mut table, &writer("a", 1), 11, 2).await;
    store
}

fn checkpoint_key(version: u64) -> String {
    format!("tables/by_month/{}", names::checkpoint(version))
}

const HINT: &str = "tables/by_month/_delta_log/_last_checkpoint";

#[tokio::test]
async fn a_missing_commit_is_damage() {
    let store = table_of(5).await;
    store.delete(&commit_key(3)).await.unwrap();
    assert_eq!(
        error_of(&store).await,
        "the log of table `by_month` is damaged, _delta_log/00000000000000000003.json: it is \
         missing, later ones are there; restore \
         tables/by_month/_delta_log/00000000000000000003.json from a backup, or rebuild the table \
         with `harvest-lake reset by_month`, then sync"
    );
    let store = table_of(5).await;
    store.delete(&commit_key(0)).await.unwrap();
    assert!(error_of(&store).await.contains("00000000000000000000.json: it is missing"));
}

#[tokio::test]
async fn a_commit_that_cannot_be_read_is_damage() {
    let store = table_of(2).await;
    let whole = store.get(&commit_key(2)).await.unwrap().unwrap();
    let first_line = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let cases: [(&[u8], &str); 7] = [
        (b"", "it is empty"),
        (b"\n \n", "it is empty"),
        (&whole[..whole.len() - 5], "EOF while parsing"),
        (&whole[..first_line], "1 of 4 lines are there"),
        (b"{\"add\":{\"path\":\"s3://x/y\",\"size\":1}}", "is not below the table's folder"),
        (b"[null, null, null, null, null, {\"path\":\"x\",\"size\":1}]", "expected an object"),
        (b"{\"add\":[\"x\", {}, 1, 0, true, null, null]}", "expected an object"),
    ];
    for (bytes, expected) in cases {
        store.put(&commit_key(2), Bytes::copy_from_slice(bytes)).await.unwrap();
        let error = error_of(&store).await;
        assert!(error.contains("00000000000000000002.json"), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_damaged_commit_stops_an_open_table_at_its_version() {
    let store = table_of(2).await;
    let mut table = open(&store).await;
    store.put(&commit_key(3), Bytes::from_static(b"{")).await.unwrap();
    let damaged = table.refresh().await.unwrap_err();
    assert!(matches!(damaged, TableError::Damaged { .. }), "{damaged:?}");
    let add = change(&[file("1-9-a-0", None, 0)], &[]);
    table.commit(at(3), &writer("a", 1), &add, &note(3, 1)).await.unwrap_err();
    assert_eq!((table.version(), table.files().len()), (2, 2));
    store.delete(&commit_key(3)).await.unwrap();
    let later = store.get(&commit_key(2)).await.unwrap().unwrap();
    store.put(&commit_key(5), later).await.unwrap();
    assert!(table.refresh().await.unwrap_err().to_string().contains("0003.json: it is missing"));
}

#[tokio::test]
async fn a_hint_that_is_missing_stale_or_odd_does_no_harm() {
    let expected = open(&checkpointed().await).await;
    let hints: [Option<&[u8]>; 6] = [
        None,
        Some(b""),
        Some(b"no json"),
        Some(b"{\"version\":3,\"size\":4}"),
        Some(b"{\"version\":99,\"size\":4}"),
        Some(b"{\"version\":10,\"size\":4,\"parts\":7,\"checksum\":\"x\"}"),
    ];
    for hint in hints {
        let store = checkpointed().await;
        match hint {
            Some(hint) => store.put(HINT, Bytes::from_static(hint)).await.unwrap(),
            None => store.delete(HINT).await.unwrap(),
        }
        let opened = open(&store).await;
        assert_eq!(opened.files(), expected.files(), "{hint:?}");
        assert_eq!(opened.version(), 12);
    }
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_read_matters_only_once_its_commits_are_gone() {
    let good = checkpointed().await.get(&checkpoint_key(10)).await.unwrap().unwrap();
    let mut flipped = good.to_vec();
    let footer_length = flipped.len() - 7;
    flipped[footer_length] ^= 0xff;
    for bad in [Bytes::new(), good.slice(..good.len() / 2), flipped.into()] {
        let store = checkpointed().await;
        store.put(&checkpoint_key(10), bad).await.unwrap();
        let opened = open(&store).await;
        assert_eq!((opened.version(), opened.files().len()), (12, 12));
        store.delete(&commit_key(4)).await.unwrap();
        let error = error_of(&store).await;
        assert!(error.contains("00000000000000000010.checkpoint.parquet"), "{error}");
    }
}

#[tokio::test]
async fn a_checkpoint_beyond_the_commits_is_enough_if_it_can_be_read() {
    let store = checkpointed().await;
    for version in 9..=12 {
        store.delete(&commit_key(version)).await.unwrap();
    }
    let opened = open(&store).await;
    assert_eq!((opened.version(), opened.files().len()), (10, 10));
    assert_eq!(opened.note(), Some(&note(8, 10)), "read back past the missing ones");
    store.put(&checkpoint_key(10), Bytes::new()).await.unwrap();
    assert!(error_of(&store).await.contains("00000000000000000010.checkpoint.parquet"));
}

#[tokio::test]
async fn a_lone_hint_is_damage_not_an_empty_lake() {
    let store = Arc::new(MemoryStore::new());
    store.put(HINT, Bytes::from_static(b"{\"version\":10,\"size\":4}")).await.unwrap();
    assert!(error_of(&store).await.contains("_last_checkpoint: it is all that is left"));
}

#[tokio::test]
async fn the_note_is_found_behind_a_checkpoint() {
    let store = table_of(9).await;
    let mut table = open(&store).await;
    // A compaction by another engine is a commit without a note.
    let foreign = Bytes::from_static(b"{\"commitInfo\":{\"operation\":\"OPTIMIZE\"}}\n");
    store.put(&commit_key(10), foreign).await.unwrap();
    table.refresh().await.unwrap();
    table.checkpoint_if_due(at(10), WEEK).await.unwrap().unwrap();
    assert_eq!(open(&store).await.note(), Some(&note(9, 10)));
    store.delete(&commit_key(10)).await.unwrap();
    store.delete(&commit_key(0)).await.unwrap();
    assert_eq!(open(&store).await.note(), Some(&note(9, 10)));
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn tables_that_we_must_not_touch_say_why() {
    type Edit = fn(&mut Value);
    let changes: [(&str, Edit, &str); 10] = [
        ("protocol", |p| p["minWriterVersion"] = json!(7), "reader version 1, writer 7"),
        ("protocol", |p| p["minReaderVersion"] = json!(2), "reader version 2, writer 2"),
        (
            "protocol",
            |p| {
                *p = json!({ "minReaderVersion": 3, "minWriterVersion": 7,
                "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"] });
            },
            "deletionVectors",
        ),
        ("metaData", |m| m["configuration"]["harvest-lake.format"] = json!("2"), "upgrade"),
        (
            "metaData",
            |m| m["configuration"]["harvest-lake.account"] = json!("8"),
            "account 8, not 7",
        ),
        ("metaData", |m| m["configuration"] = json!({}), "not written by harvest-lake"),
        ("metaData", |m| m["configuration"]["delta.appendOnly"] = json!("true"), "appendOnly"),
        ("metaData", |m| m["partitionColumns"] = json!([]), "partition column"),
        (
            "metaData",
            |m| {
                let schema = m["schemaString"].as_str().unwrap();
                m["schemaString"] = json!(schema.replace("\"client_id\"", "\"client_no\""));
            },
            "does not know (client_no)",
        ),
        (
            "metaData",
            |m| {
                let schema = m["schemaString"].as_str().unwrap();
                m["schemaString"] = json!(schema.replace("\"date\"", "\"string\""));
            },
            "other column types than this version (spent_date)",
        ),
    ];
    for (action, edit, expected) in changes {
        let store = Arc::new(MemoryStore::new());
        let mut table = create(&store).await;
        let mut lines = lines(&store, 0).await;
        for line in &mut lines {
            if let Some(action) = line.get_mut(action) {
                edit(action);
            }
        }
        let body = |lines: &[Value]| {
            let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
            Bytes::from(lines.join("\n"))
        };
        // The damage may also happen while a worker runs.
        let second: Vec<_> =
            lines[1..].iter().filter(|l| l.get(action).is_some()).cloned().collect();
        store.put(&commit_key(1), body(&second)).await.unwrap();
        let add = change(&[file("1-1-a-0", None, 0)], &[]);
        let error = table.commit(at(1), &writer("a", 1), &add, &note(1, 1)).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(table.version(), 0);

        store.delete(&commit_key(1)).await.unwrap();
        store.put(&commit_key(0), body(&lines)).await.unwrap();
        let error = error_of(&store).await;
        assert!(error.contains(expected), "{error}");
        let error = Table::create(store, &BY_MONTH, ACCOUNT, at(0)).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}
