//! Older versions: what the log can restore, and the errors for versions that it cannot.

use super::*;
use crate::maintenance::clean_log;

async fn as_of(store: &Arc<MemoryStore>, as_of: AsOf) -> Result<Table, PastError> {
    Ok(open(store).await.as_of(as_of, Timestamp::MAX).await?.0)
}

/// Table that replaces its one file with each commit, and its files at each version.
async fn replaced(store: &Arc<MemoryStore>, commits: i64) -> Vec<Vec<FileEntry>> {
    let mut table = create(store).await;
    let mut versions = vec![table.files().to_vec()];
    for number in 1..=commits {
        let added = file(&format!("1-{number}-a-0"), Some("2024-01"), number * 10);
        let change = change(&[added], versions.last().unwrap());
        let said = note(u64::try_from(number).unwrap(), 10);
        table.commit(at(number), &writer("a", 1), &change, &said).await.unwrap();
        table.checkpoint_if_due(at(number), WEEK).await.unwrap();
        versions.push(table.files().to_vec());
    }
    versions
}

#[tokio::test]
async fn every_version_opens_with_the_files_that_it_had() {
    let store = Arc::new(MemoryStore::new());
    let versions = replaced(&store, 25).await;
    for (version, files) in (0_u64..).zip(&versions) {
        let table = as_of(&store, AsOf::Version(version)).await.unwrap();
        assert_eq!((table.version(), table.files()), (version, &files[..]));
        let second = i64::try_from(version).unwrap();
        for instant in [at(second), at(second) + SignedDuration::from_millis(999)] {
            let table = as_of(&store, AsOf::Instant(instant)).await.unwrap();
            assert_eq!((table.version(), table.files()), (version, &files[..]));
        }
    }
    let error = as_of(&store, AsOf::Version(26)).await.unwrap_err();
    assert!(matches!(error, PastError::NotYet { newest: 25, .. }), "{error}");
    let error = as_of(&store, AsOf::Instant(at(-1))).await.unwrap_err();
    assert!(matches!(error, PastError::Before { first, .. } if first == at(0)), "{error}");
}

#[tokio::test]
async fn what_was_cleaned_away_is_gone_and_the_rest_still_opens() {
    let store = Arc::new(MemoryStore::new());
    let versions = replaced(&store, 25).await;
    let mut table = open(&store).await;
    // At this time the whole log is older than the retention, by the dates of the store.
    let later = Timestamp::from_second(9_000_000_000).unwrap();
    assert!(clean_log(&mut table, later, WEEK).await.unwrap().files > 0);
    for version in 0..20 {
        let error = as_of(&store, AsOf::Version(version)).await.unwrap_err();
        assert!(matches!(error, PastError::Gone { oldest: 20, .. }), "{version}: {error}");
        let instant = at(i64::try_from(version).unwrap());
        let error = as_of(&store, AsOf::Instant(instant)).await.unwrap_err();
        assert!(matches!(error, PastError::Forgotten { .. }), "{version}: {error}");
    }
    for (version, files) in (0_u64..).zip(&versions).skip(20) {
        let table = as_of(&store, AsOf::Version(version)).await.unwrap();
        assert_eq!(table.files(), &files[..]);
    }
}

#[tokio::test]
async fn files_that_are_deleted_are_told() {
    let store = Arc::new(MemoryStore::new());
    let versions = replaced(&store, 3).await;
    let kept = &versions[3][0];
    store.put(&format!("tables/by_month/{}", kept.path), Bytes::new()).await.unwrap();
    assert_eq!(as_of(&store, AsOf::Version(3)).await.unwrap().missing_files().await.unwrap(), []);
    let missing = as_of(&store, AsOf::Version(2)).await.unwrap().missing_files().await.unwrap();
    assert_eq!(missing, versions[2]);
}

#[tokio::test]
async fn a_commit_of_a_clock_that_was_ahead_came_before_the_next_one_and_before_now() {
    let store = Arc::new(MemoryStore::new());
    let mut table = create(&store).await;
    let month = 30 * 24 * 3600;
    for (number, second) in [(1, 10), (2, month), (3, 20), (4, month)] {
        let added = file(&format!("1-{number}-a-0"), Some("2024-01"), number * 10);
        let said = note(u64::try_from(number).unwrap(), 10);
        let change = CommitFiles { started: at(second), ..change(&[added], &[]) };
        table.commit(at(second), &writer("a", 1), &change, &said).await.unwrap();
    }
    let check = async |instant: i64, expected: (u64, i64)| {
        let (found, committed) = table.as_of(AsOf::Instant(at(instant)), at(30)).await.unwrap();
        assert_eq!((found.version(), committed), (expected.0, Some(at(expected.1))), "{instant}");
    };
    check(9, (0, 0)).await;
    check(19, (1, 10)).await;
    check(29, (3, 20)).await;
    check(30, (4, 30)).await;
    check(month, (4, 30)).await;
    let (_, committed) = table.as_of(AsOf::Version(2), at(30)).await.unwrap();
    assert_eq!(committed, Some(at(30)));
}
