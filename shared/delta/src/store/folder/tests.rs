use std::fs::OpenOptions;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::store::conformance;

fn content(bytes: &'static [u8]) -> NewContent {
    NewContent::Bytes(Bytes::from_static(bytes))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let number = AtomicU64::new(0);
    conformance::check(|| {
        let number = number.fetch_add(1, Ordering::SeqCst);
        Arc::new(FolderStore::new(folder.path().join(format!("not/yet/there-{number}"))))
    })
    .await;
}

#[tokio::test]
async fn a_put_leaves_nothing_but_the_object() {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderStore::new(folder.path());
    store.put_if_absent("a/one", Bytes::from_static(b"1")).await.unwrap();
    store.put_if_absent("a/one", Bytes::from_static(b"2")).await.unwrap();
    store.put("a/two", Bytes::from_static(b"3")).await.unwrap();
    assert_eq!(names(&folder.path().join("a")), ["one", "two"]);
    assert_eq!(fs::read(folder.path().join("a/one")).unwrap(), b"1");
}

#[tokio::test]
async fn leftovers_are_hidden_and_cleaned_but_not_those_of_the_living() {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderStore::new(folder.path());
    fs::create_dir_all(folder.path().join("a/b")).unwrap();
    fs::write(folder.path().join("a/.tmp-1-0"), b"half").unwrap();
    fs::write(folder.path().join("a/b/.tmp-1-0"), b"half").unwrap();
    fs::write(folder.path().join("elsewhere"), b"whole").unwrap();
    let living = TemporaryFile::create(&folder.path().join("a"), &content(b"soon")).unwrap();

    let listed = store.list("", None).await.unwrap();
    assert_eq!(listed.iter().map(|object| &object.key[..]).collect::<Vec<_>>(), ["elsewhere"]);
    assert_eq!(store.clean_leftovers("a/b").await.unwrap(), 1);
    assert_eq!(store.clean_leftovers("").await.unwrap(), 1);
    assert!(living.path.exists());
    assert!(folder.path().join("elsewhere").exists());
}

#[test]
fn a_put_whose_file_or_folder_is_taken_away_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("lake");
    let store = FolderStore::new(&root).inner;
    let taken = AtomicU64::new(0);
    store
        .with_temporary(&root.join("a"), &content(b"x"), |temporary| {
            if taken.fetch_add(1, Ordering::SeqCst) < 2 {
                fs::remove_dir_all(&root)?;
            }
            fs::hard_link(&temporary.path, root.join("a/object"))
        })
        .unwrap();
    assert_eq!(names(&root.join("a")), ["object"]);
}

#[tokio::test]
async fn a_temporary_file_of_the_same_number_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let first = TemporaryFile::create(folder.path(), &content(b"")).unwrap();
    let name = first.path.file_name().unwrap().to_str().unwrap();
    let (stem, number) = name.rsplit_once('-').unwrap();
    let number: u64 = number.parse().unwrap();
    for next in number + 1..number + 50 {
        drop(
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(folder.path().join(format!("{stem}-{next}"))),
        );
    }
    let store = FolderStore::new(folder.path());
    assert_eq!(store.put_if_absent("a", Bytes::new()).await.unwrap(), PutIfAbsent::Stored);
}

#[tokio::test]
async fn errors_are_named_by_what_can_be_done() {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderStore::new(folder.path());
    store.put("file", Bytes::new()).await.unwrap();
    let below_a_file = store.put("file/object", Bytes::new()).await.unwrap_err();
    assert!(matches!(below_a_file, StoreError::Failed { .. }), "{below_a_file:?}");
    let full = StoreError::from_io("a", io::Error::from_raw_os_error(28));
    assert!(matches!(full, StoreError::Full { .. }), "{full:?}");
    assert_eq!(full.to_string(), "no space left writing `a`");
    let quota = StoreError::from_io("a", io::Error::from_raw_os_error(122));
    assert!(matches!(quota, StoreError::Full { .. }), "{quota:?}");
    let read_only = StoreError::from_io("a", io::Error::from_raw_os_error(30));
    assert!(matches!(read_only, StoreError::Denied { .. }), "{read_only:?}");
    assert!(!read_only.may_pass() && below_a_file.may_pass());
}
