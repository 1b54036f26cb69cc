//! Reading and writing the JSON items of the state table.

use std::collections::BTreeMap;

use crate::parsed::ParsedItems;
use engine::ids::AccountId;
use engine::item::{AccountItem, StreamItem};
use engine::persisted::PersistedInstants;
use engine::present::{AheadInstant, Present};
use engine::spec::RateClass;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use state::{ItemKey, PutOutcome, StateError, StateErrorKind, StateStore, WriteCondition};

/// Prefix of the sort keys of streams.
const STREAMS: &str = "stream#";

/// An item with the revision at which it was read or written.
#[derive(Clone, Debug, Default)]
pub struct VersionedItem<T> {
    /// Revision of the item; `None`: there is no item yet.
    pub rev: Option<u64>,
    /// Value of the item; the default where there is none.
    pub value: T,
    /// Instants from a clock that was ahead, which were removed from the value.
    pub ahead: Vec<AheadInstant>,
}

/// Key of the item of `stream`.
#[must_use]
pub fn stream_key(account: AccountId, stream: &str) -> ItemKey {
    ItemKey { account, sort: format!("{STREAMS}{stream}") }
}

/// Key of the account's item.
#[must_use]
pub fn account_key(account: AccountId) -> ItemKey {
    ItemKey { account, sort: "account".to_owned() }
}

/// Key of the budget of `class`.
#[must_use]
pub fn budget_key(account: AccountId, class: RateClass) -> ItemKey {
    ItemKey { account, sort: format!("budget#{}", class.name()) }
}

/// Reads an item.
///
/// # Errors
/// Fails if the state store fails, or the item does not have the form that this version writes.
pub async fn read<T: DeserializeOwned + Default>(
    state: &dyn StateStore,
    key: &ItemKey,
) -> Result<VersionedItem<T>, StateError> {
    match state.get(key).await? {
        None => Ok(VersionedItem::default()),
        Some(item) => parse(key, &item),
    }
}

fn parse<T: DeserializeOwned>(
    key: &ItemKey,
    item: &state::StateItem,
) -> Result<VersionedItem<T>, StateError> {
    let value = serde_json::from_str(&item.body).map_err(|source| {
        // The category of `source` does not tell: a null in place of an enum is a syntax error.
        let kind = match serde_json::from_str::<IgnoredAny>(&item.body) {
            Ok(IgnoredAny) => StateErrorKind::Unknown,
            Err(_) => StateErrorKind::Garbled,
        };
        let what = format!("item `{}` cannot be read", key.sort);
        StateError::new(kind, what).with_source(source)
    })?;
    Ok(VersionedItem { rev: Some(item.rev), value, ahead: Vec::new() })
}

/// Writes `item` if the stored one still has its revision. Returns `false` where another caller
/// wrote first; `item` then holds the stored one.
///
/// # Errors
/// Fails if the state store fails.
pub async fn write<T: Serialize + DeserializeOwned + Default>(
    state: &dyn StateStore,
    key: &ItemKey,
    item: &mut VersionedItem<T>,
) -> Result<bool, StateError> {
    let body = serde_json::to_string(&item.value).map_err(|source| {
        let what = format!("item `{}` has no JSON form", key.sort);
        StateError::new(StateErrorKind::Failed, what).with_source(source)
    })?;
    let expect = item.rev.map_or(WriteCondition::Absent, WriteCondition::Rev);
    match state.put(key, expect, &body, None).await? {
        PutOutcome::Stored(rev) => {
            item.rev = Some(rev);
            Ok(true)
        }
        PutOutcome::Lost(current) => {
            *item = match current {
                Some(current) => parse(key, &current)?,
                None => VersionedItem::default(),
            };
            Ok(false)
        }
    }
}

/// Reads the item of `stream` without instants in the future of `present`.
///
/// # Errors
/// Fails as [`read`] does.
pub async fn stream(
    state: &dyn StateStore,
    account: AccountId,
    stream: &str,
    present: &Present,
) -> Result<VersionedItem<StreamItem>, StateError> {
    read_freed(state, &stream_key(account, stream), present).await
}

/// Reads an item without instants in the future of `present`.
///
/// # Errors
/// Fails as [`read`] does.
pub async fn read_freed<T: DeserializeOwned + Default + PersistedInstants>(
    state: &dyn StateStore,
    key: &ItemKey,
    present: &Present,
) -> Result<VersionedItem<T>, StateError> {
    let mut item: VersionedItem<T> = read(state, key).await?;
    item.ahead = item.value.free(present);
    Ok(item)
}

/// Reads the items of all streams that have one, by name, in one query, without instants in the
/// future of `present`. Those in `parsed` are not parsed again.
///
/// # Errors
/// Fails as [`read`] does.
pub async fn streams(
    state: &dyn StateStore,
    account: AccountId,
    present: &Present,
    parsed: &ParsedItems,
) -> Result<BTreeMap<String, StreamItem>, StateError> {
    let mut items = BTreeMap::new();
    for (key, item) in state.list(account, STREAMS).await? {
        let name = key.sort.strip_prefix(STREAMS).unwrap_or_default().to_owned();
        let parse = || parse(&key, &item).map(|item| item.value);
        let mut item = parsed.item(&key.sort, &item.body, parse)?;
        item.free(present);
        items.insert(name, item);
    }
    Ok(items)
}

/// Reads the account's item without instants in the future of `present`.
///
/// # Errors
/// Fails as [`read`] does.
pub async fn account(
    state: &dyn StateStore,
    account: AccountId,
    present: &Present,
) -> Result<VersionedItem<AccountItem>, StateError> {
    read_freed(state, &account_key(account), present).await
}

#[cfg(test)]
mod tests {
    use state::MemoryState;

    use super::*;

    #[tokio::test]
    async fn an_item_that_cannot_be_read_says_what_to_delete_and_why_that_is_safe() {
        let whole = serde_json::to_string(&StreamItem::default()).unwrap();
        let cut = &whole[..whole.len() - 1];
        let present = Present::ours(engine::time::Timestamp::UNIX_EPOCH);
        for (body, kind) in [
            ("", StateErrorKind::Garbled),
            ("no JSON", StateErrorKind::Garbled),
            (cut, StateErrorKind::Garbled),
            ("7", StateErrorKind::Unknown),
            (r#"{"lease":7}"#, StateErrorKind::Unknown),
            (r#"{"position":{"cursor":"yesterday"}}"#, StateErrorKind::Unknown),
            (r#"{"position":{"parked":null}}"#, StateErrorKind::Unknown),
        ] {
            let state = MemoryState::default();
            let key = stream_key(AccountId(7), "clients");
            state.put(&key, WriteCondition::Absent, body, None).await.unwrap();
            let mut outdated = VersionedItem::<StreamItem>::default();
            let found = [
                stream(&state, AccountId(7), "clients", &present).await.map(drop).unwrap_err(),
                streams(&state, AccountId(7), &present, &ParsedItems::default())
                    .await
                    .map(drop)
                    .unwrap_err(),
                write(&state, &key, &mut outdated).await.map(drop).unwrap_err(),
            ];
            for error in found {
                assert_eq!(error.kind, kind, "{body}");
                let said = error.to_string();
                for word in ["`stream#clients`", "delete that item", "only a cache"] {
                    assert!(said.contains(word), "{word}: {said}");
                }
                let newer = said.contains("newer harvest-lake");
                assert_eq!(newer, kind == StateErrorKind::Unknown, "{said}");
            }
        }
    }
}
