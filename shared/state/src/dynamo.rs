//! Items in one DynamoDB table.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use engine::ids::AccountId;
use engine::time::Timestamp;

use crate::{Expect, Item, ItemKey, Put, StateError, StateErrorKind, StateStore};

/// The items of a DynamoDB table with the keys `pk` and `sk`, both text.
#[derive(Clone, Debug)]
pub struct DynamoStore {
    client: Client,
    table: String,
}

impl DynamoStore {
    /// The items of `table`. Nothing is asked yet.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    fn unsupported(&self) -> StateError {
        StateError::new(StateErrorKind::Failed, format!("`{}` {:?}", self.table, self.client))
    }
}

#[async_trait]
impl StateStore for DynamoStore {
    async fn get(&self, _key: &ItemKey) -> Result<Option<Item>, StateError> {
        Err(self.unsupported())
    }

    async fn put(
        &self,
        _key: &ItemKey,
        _expect: Expect,
        _body: &str,
        _expires: Option<Timestamp>,
    ) -> Result<Put, StateError> {
        Err(self.unsupported())
    }

    async fn list(
        &self,
        _account: AccountId,
        _prefix: &str,
    ) -> Result<Vec<(ItemKey, Item)>, StateError> {
        Err(self.unsupported())
    }

    async fn purge(&self, _now: Timestamp) -> Result<u64, StateError> {
        Ok(0)
    }
}
