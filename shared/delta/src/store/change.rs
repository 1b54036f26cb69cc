//! Read-modify-write of an object that never overwrites another writer's change.
//!
//! A plain get and put would lose changes: two writers read the same list, each adds a line, and
//! the second put erases the line of the first.

use bytes::Bytes;

use super::{ObjectStore, PutIfAbsent, ReplaceOutcome, StoreError};

/// Maximum number of rounds of one change. A round is lost only to a writer that succeeded, so 100
/// lost rounds mean 100 changes by others.
const MOST_RACES: u32 = 100;

/// Decision about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectEdit {
    /// Leave the object as it is.
    Keep,
    /// Write these bytes.
    Write(Bytes),
}

/// Applies `edit` to the object (`None` if it does not exist), also while others write it. `edit`
/// must return `Keep` for the bytes that it would write: a change counts as done only once it has
/// been read back.
///
/// Reading back covers lost answers. A store may send a request twice: the first one succeeds and
/// its answer is lost, the second one finds the object changed and reports so. A refusal is
/// therefore no proof that the change is missing; the content of the object decides.
///
/// # Errors
/// When the store fails or other writers are always faster. The inner error is the refusal of
/// `edit`.
pub async fn change<E>(
    store: &dyn ObjectStore,
    key: &str,
    edit: impl Fn(Option<&Bytes>) -> Result<ObjectEdit, E> + Send,
) -> Result<Result<(), E>, StoreError> {
    for _ in 0..MOST_RACES {
        let there = store.get(key).await?;
        let new = match edit(there.as_ref()) {
            Ok(ObjectEdit::Write(new)) => new,
            Ok(ObjectEdit::Keep) => return Ok(Ok(())),
            Err(refused) => return Ok(Err(refused)),
        };
        // The next round reads the outcome.
        match there {
            None => drop::<PutIfAbsent>(store.put_if_absent(key, new).await?),
            Some(old) => drop::<ReplaceOutcome>(store.replace(key, &old, new).await?),
        }
    }
    let source = "other writers were faster each time; run again".into();
    Err(StoreError::Failed { key: key.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use engine::fault::CallFault;
    use futures::FutureExt as _;

    use super::*;
    use crate::store::{FaultyStore, MemoryStore, StoreOperation};

    fn adding(number: u32) -> impl Fn(Option<&Bytes>) -> Result<ObjectEdit, Infallible> + Send {
        move |there| {
            let mut numbers: BTreeSet<u32> =
                there.map(|bytes| serde_json::from_slice(bytes).unwrap()).unwrap_or_default();
            let new = numbers.insert(number);
            let text = serde_json::to_vec(&numbers).unwrap();
            Ok(if new { ObjectEdit::Write(text.into()) } else { ObjectEdit::Keep })
        }
    }

    async fn numbers(store: &MemoryStore) -> BTreeSet<u32> {
        serde_json::from_slice(&store.get("list").await.unwrap().unwrap()).unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_many_changes_at_once_none_is_lost() {
        let store = Arc::new(MemoryStore::new());
        let changes: Vec<_> = (0..40)
            .map(|number| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { change(&*store, "list", adding(number)).await.unwrap() })
            })
            .collect();
        for change in changes {
            change.await.unwrap().unwrap();
        }
        assert_eq!(numbers(&store).await, (0..40).collect());
    }

    /// Another writer changes the object between each reading and writing.
    #[tokio::test]
    async fn what_another_writes_in_between_stays() {
        let store = Arc::new(MemoryStore::new());
        let other = Arc::clone(&store);
        let faulty = FaultyStore::new(Arc::<MemoryStore>::clone(&store), move |call| {
            if call.operation.writes() && call.number < 8 {
                let number = u32::try_from(call.number).unwrap() + 100;
                let change = change(&*other, "list", adding(number)).now_or_never();
                change.unwrap().unwrap().unwrap();
            }
            CallFault::None
        });
        change(&faulty, "list", adding(1)).await.unwrap().unwrap();
        assert_eq!(numbers(&store).await, [1, 101, 103, 105, 107].into());
    }

    /// A successful write counts only once it has been read back.
    #[tokio::test]
    async fn success_is_what_was_read_back() {
        let store = Arc::new(MemoryStore::new());
        let other = Arc::clone(&store);
        let faulty = FaultyStore::new(Arc::<MemoryStore>::clone(&store), move |call| {
            // Another writer restores the former object before it is read back.
            if call.operation == StoreOperation::Get && call.number == 2 {
                other.put("list", "[7]".into()).now_or_never().unwrap().unwrap();
            }
            CallFault::None
        });
        change(&faulty, "list", adding(1)).await.unwrap().unwrap();
        assert_eq!(numbers(&store).await, [1, 7].into());
    }

    #[tokio::test]
    async fn a_change_that_never_comes_through_fails() {
        let faulty = FaultyStore::new(Arc::new(MemoryStore::new()), |_| CallFault::None);
        let edit =
            |_: Option<&Bytes>| Ok::<_, Infallible>(ObjectEdit::Write(Bytes::from_static(b"x")));
        let error = change(&faulty, "list", edit).await.unwrap_err();
        assert!(error.may_pass() && error.to_string().contains("`list`"), "{error}");
        assert!(faulty.calls() < 1000, "{}", faulty.calls());
    }
}
