//! Requirements on every object store, as assertions. Each implementation runs all of them.
//!
//! The folder and the memory run the suite in this crate, S3 runs it in `tests` against an
//! emulator. A new implementation is right when it passes.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test suite, public so that other packages can run it"
)]

use core::ops::Range;
use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{FileObject, ObjectStore, PutIfAbsent, ReplaceOutcome, StoreError};

/// Number of concurrent writers of one key. Their objects consist of one repeated byte each, so a
/// mixture of two objects is recognised.
const WRITERS: u8 = 30;

/// Key, range, and expected bytes.
type RangeCase = (&'static str, Range<u64>, Option<&'static [u8]>);

/// Runs the whole suite, each part on a new, empty store. Panics if the store does not conform. The
/// runtime needs several threads, or the races do not happen.
pub async fn check<S: ObjectStore + 'static>(new_store: impl Fn() -> Arc<S>) {
    one_of_many_writers_wins(new_store()).await;
    a_put_replaces_whole_objects(new_store()).await;
    only_what_was_read_is_replaced(new_store()).await;
    of_many_that_count_each_one_counts(new_store()).await;
    ranges_are_cut_at_the_end(new_store()).await;
    listings_are_ordered(new_store()).await;
    deletes_can_be_repeated(new_store()).await;
    keys_are_checked(new_store()).await;
    large_objects_come_back(new_store()).await;
    files_become_objects(new_store()).await;
}

/// Checks that one of many concurrent conditional puts wins and that readers never see a partial
/// object.
pub async fn one_of_many_writers_wins<S: ObjectStore + 'static>(store: Arc<S>) {
    for round in 0..4 {
        let key = format!("tables/t/_delta_log/{round:020}.json");
        let body = |writer: u8| Bytes::from(vec![writer; 100_000]);
        let mut calls = Vec::new();
        for writer in 0..WRITERS {
            let (writing, at) = (Arc::clone(&store), key.clone());
            calls.push(tokio::spawn(async move {
                let put = writing.put_if_absent(&at, body(writer)).await;
                let seen = writing.get(&at).await.expect("a readable object");
                (put.expect("an answered put"), seen.expect("an object once a put is over"))
            }));
            let (get, at) = (Arc::clone(&store), key.clone());
            calls.push(tokio::spawn(async move {
                let seen = get.get(&at).await.expect("a readable object or none");
                (PutIfAbsent::Exists, seen.unwrap_or_default())
            }));
        }
        let mut winners = 0;
        let mut seen = Vec::new();
        for call in calls {
            let (put, object) = call.await.expect("no panic");
            winners += u32::from(put == PutIfAbsent::Stored);
            seen.push(object);
        }
        assert_eq!(winners, 1, "exactly one conditional put wins");
        let stored = store.get(&key).await.expect("readable").expect("there");
        assert_eq!(stored.len(), 100_000);
        for object in seen {
            assert!(object.is_empty() || object == stored, "a reader saw something else");
        }
    }
    let listed = store.list("", None).await.expect("a listing");
    assert_eq!(listed.len(), 4, "losers leave nothing");
}

/// Checks that a put replaces the object and that concurrent readers see the old or new one, whole.
pub async fn a_put_replaces_whole_objects<S: ObjectStore + 'static>(store: Arc<S>) {
    let body = |writer: u8| Bytes::from(vec![writer; 50_000]);
    store.put("a/b", body(0)).await.expect("a put");
    let mut calls = Vec::new();
    for writer in 1..=WRITERS {
        let put = Arc::clone(&store);
        calls.push(tokio::spawn(async move {
            put.put("a/b", body(writer)).await.expect("a put");
            body(writer)
        }));
        let get = Arc::clone(&store);
        calls.push(tokio::spawn(async move {
            get.get("a/b").await.expect("a get").expect("always an object")
        }));
    }
    for call in calls {
        let seen = call.await.expect("no panic");
        assert_eq!(seen.len(), 50_000);
        assert!(seen.iter().all(|byte| *byte == seen[0]), "a mixture of two objects");
    }
    store.put("a/b", Bytes::from_static(b"last")).await.expect("a put");
    assert_eq!(store.get("a/b").await.expect("a get").as_deref(), Some(&b"last"[..]));
    let lost = store.put_if_absent("a/b", Bytes::new()).await.expect("an answer");
    assert_eq!(lost, PutIfAbsent::Exists);
    assert_eq!(store.get("a/b").await.expect("a get").as_deref(), Some(&b"last"[..]));
}

/// Checks that an object is replaced only by a writer that read its current content. An object that
/// does not exist is never replaced, not even by a writer that expects an empty one.
pub async fn only_what_was_read_is_replaced<S: ObjectStore>(store: Arc<S>) {
    let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
    let replace = async |old, new| store.replace("a/b", &bytes(old), bytes(new)).await;
    assert_eq!(
        replace("", "1").await.expect("an answer"),
        ReplaceOutcome::Changed,
        "there is none"
    );
    assert_eq!(store.get("a/b").await.expect("a get"), None);
    store.put("a/b", bytes("1")).await.expect("a put");
    assert_eq!(replace("1", "2").await.expect("an answer"), ReplaceOutcome::Replaced);
    for old in ["1", "", "22"] {
        assert_eq!(replace(old, "3").await.expect("an answer"), ReplaceOutcome::Changed, "{old}");
    }
    assert_eq!(store.get("a/b").await.expect("a get"), Some(bytes("2")));
    // Size and age equal those of the former object: only the content differs.
    store.put("a/b", bytes("4")).await.expect("a put");
    assert_eq!(replace("2", "5").await.expect("an answer"), ReplaceOutcome::Changed);
    assert_eq!(replace("4", "").await.expect("an answer"), ReplaceOutcome::Replaced);
    assert_eq!(replace("", "6").await.expect("an answer"), ReplaceOutcome::Replaced);
    store.delete("a/b").await.expect("a delete");
    assert_eq!(replace("6", "7").await.expect("an answer"), ReplaceOutcome::Changed, "it is gone");
    assert_eq!(store.list("", None).await.expect("a listing"), [], "losers leave nothing");
}

/// Checks that no increment is lost when many writers read, add one and write back.
pub async fn of_many_that_count_each_one_counts<S: ObjectStore + 'static>(store: Arc<S>) {
    store.put("count", Bytes::from_static(b"0")).await.expect("a put");
    let mut writers = Vec::new();
    for _ in 0..8 {
        let store = Arc::clone(&store);
        writers.push(tokio::spawn(async move {
            let mut counted = 0;
            while counted < 5 {
                let old = store.get("count").await.expect("a get").expect("always an object");
                let number: u32 = core::str::from_utf8(&old).expect("text").parse().expect("one");
                let new = Bytes::from((number + 1).to_string());
                let replaced = store.replace("count", &old, new).await.expect("an answer");
                counted += u32::from(replaced == ReplaceOutcome::Replaced);
            }
        }));
    }
    for writer in writers {
        writer.await.expect("no panic");
    }
    let count = store.get("count").await.expect("a get");
    assert_eq!(count.as_deref(), Some(&b"40"[..]));
}

/// Checks that ranges are cut at the end of the object. S3 answers 416 to a range that begins there
/// or later, and a range without bytes cannot be asked for in a header: all stores give an empty
/// answer instead.
pub async fn ranges_are_cut_at_the_end<S: ObjectStore>(store: Arc<S>) {
    store.put("object", Bytes::from_static(b"0123456789")).await.expect("a put");
    store.put("empty", Bytes::new()).await.expect("a put");
    let cases: [RangeCase; 9] = [
        ("object", 0..10, Some(b"0123456789")),
        ("object", 3..5, Some(b"34")),
        ("object", 8..20, Some(b"89")),
        ("object", 10..12, Some(b"")),
        ("object", 90..u64::MAX, Some(b"")),
        ("object", 4..4, Some(b"")),
        ("empty", 0..5, Some(b"")),
        ("none", 0..5, None),
        ("none", 0..0, None),
    ];
    for (key, range, expected) in cases {
        let found = store.get_range(key, range.clone()).await.expect("an answer");
        assert_eq!(found.as_deref(), expected, "{key} {range:?}");
    }
    assert_eq!(store.get("empty").await.expect("an answer").as_deref(), Some(&b""[..]));
    assert_eq!(store.get("none").await.expect("an answer"), None);
}

/// Checks that listings are complete and in key order, below a prefix and after a key. The keys are
/// chosen so that orders differ: by bytes, `t/a-b/` comes before `t/a/`, while a walk through
/// folders may meet the folder `a` first.
pub async fn listings_are_ordered<S: ObjectStore>(store: Arc<S>) {
    let mut keys = Vec::new();
    for number in 0..40 {
        keys.push(format!("t/a/_delta_log/{number:020}.json"));
        keys.push(format!("t/a/month=2024-{number:02}/1-2-ab-0.parquet"));
        keys.push(format!("t/a-b/{number}"));
        keys.push(format!("t/a{number}"));
    }
    keys.push("t/a/_delta_log/00000000000000000010.checkpoint.parquet".to_owned());
    keys.push("t/A Z~!*'()+,;@&$=:%41.x".to_owned());
    for key in &keys {
        store.put(key, Bytes::copy_from_slice(key.as_bytes())).await.expect("a put");
    }
    keys.sort();
    for prefix in ["", "t", "t/", "t/a", "t/a/", "t/a/_delta_log/", "t/a/month=2024-1", "t/a1", "x"]
    {
        let middle = &keys[keys.len() / 2];
        for after in [None, Some(""), Some(middle.as_str()), Some("t/a/month=2024-12/1"), Some("u")]
        {
            let listed = store.list(prefix, after).await.expect("a listing");
            let expected: Vec<_> = keys
                .iter()
                .filter(|key| key.starts_with(prefix) && after.is_none_or(|after| &key[..] > after))
                .collect();
            let found: Vec<_> = listed.iter().map(|object| &object.key).collect();
            assert_eq!(found, expected, "prefix {prefix}, after {after:?}");
            assert!(listed.iter().all(|object| object.size == object.key.len() as u64));
        }
    }
    for key in &keys {
        let found = store.get(key).await.expect("a get");
        assert_eq!(found.as_deref(), Some(key.as_bytes()), "{key}");
    }
}

/// Checks that deleting a missing object is no error and leaves the others.
pub async fn deletes_can_be_repeated<S: ObjectStore>(store: Arc<S>) {
    store.put("a/1", Bytes::from_static(b"1")).await.expect("a put");
    store.put("a/2", Bytes::from_static(b"2")).await.expect("a put");
    for _ in 0..2 {
        store.delete("a/1").await.expect("a delete");
        assert_eq!(store.get("a/1").await.expect("a get"), None);
    }
    store.delete("never/there").await.expect("a delete");
    let again = store.put_if_absent("a/1", Bytes::from_static(b"3")).await.expect("a put");
    assert_eq!(again, PutIfAbsent::Stored);
    assert_eq!(store.list("a/", None).await.expect("a listing").len(), 2);
}

/// Checks that every operation on an object refuses ambiguous keys, so that a key valid in one
/// store is valid in all. A listing below such a prefix is empty, because no key can begin with it.
pub async fn keys_are_checked<S: ObjectStore>(store: Arc<S>) {
    for key in ["", "/etc/x", "a/../b", "..", "a//b", "a/", "./a", "a\\b", "a\0b", "a/.tmp-1"] {
        let refused = [
            store.put(key, Bytes::new()).await.err(),
            store.put_if_absent(key, Bytes::new()).await.err(),
            store.put_file_if_absent(key, &file(b"")).await.err(),
            store.put_file(key, &file(b"")).await.err(),
            store.replace(key, &Bytes::new(), Bytes::new()).await.err(),
            store.get(key).await.err(),
            store.get_range(key, 0..1).await.err(),
            store.delete(key).await.err(),
        ];
        for error in refused {
            assert!(matches!(error, Some(StoreError::InvalidKey { .. })), "{key:?}: {error:?}");
        }
    }
    for prefix in ["/", "../", "a/../", "//"] {
        assert_eq!(store.list(prefix, None).await.expect("a listing"), [], "{prefix}");
    }
}

/// Checks that an object of five megabytes is read back unchanged, whole and in parts.
pub async fn large_objects_come_back<S: ObjectStore>(store: Arc<S>) {
    let bytes: Vec<u8> = (0..5_000_000_u32).map(|n| n.wrapping_mul(31).to_le_bytes()[1]).collect();
    let bytes = Bytes::from(bytes);
    let put = store.put_if_absent("large", bytes.clone()).await.expect("a put");
    assert_eq!(put, PutIfAbsent::Stored);
    assert!(store.get("large").await.expect("a get").is_some_and(|found| found == bytes));
    let part = store.get_range("large", 4_000_000..4_500_000).await.expect("a get");
    assert!(part.is_some_and(|part| part == bytes[4_000_000..4_500_000]));
    assert_eq!(store.list("large", None).await.expect("a listing")[0].size, 5_000_000);
}

/// Checks that files of different sizes become objects with the same bytes, under the same condition
/// as other objects.
pub async fn files_become_objects<S: ObjectStore>(store: Arc<S>) {
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| n.wrapping_mul(31).to_le_bytes()[1]).collect();
    for size in [0, 1, 256 << 10, (256 << 10) + 1, bytes.len()] {
        let (key, bytes) = (format!("a/{size}"), &bytes[..size]);
        let put = store.put_file_if_absent(&key, &file(bytes)).await.expect("a put");
        assert_eq!(put, PutIfAbsent::Stored);
        for other in [bytes, &b"other"[..]] {
            let put = store.put_file_if_absent(&key, &file(other)).await.expect("an answer");
            assert_eq!(put, PutIfAbsent::Exists);
        }
        let found = store.get(&key).await.expect("a get").expect("an object");
        assert!(found == bytes, "{} instead of {size} bytes", found.len());
        for new in [bytes, b"new"] {
            store.put_file(&key, &file(new)).await.expect("a put");
            assert!(store.get(&key).await.expect("a get").is_some_and(|found| found == new));
        }
    }
}

/// File with these bytes.
fn file(bytes: &[u8]) -> FileObject {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(&[b"before", bytes, b"behind"].concat()).expect("a disk with room");
    FileObject::new(Arc::new(file), 6..6 + bytes.len() as u64, Sha256::digest(bytes).into())
}
