//! Items in one DynamoDB table.
//!
//! An item of the state is one item of the table:
//!
//! | attribute | type | content |
//! | --- | --- | --- |
//! | `pk` | text | `account#<id>` |
//! | `sk` | text | sort key, such as `stream#clients` |
//! | `rev` | number | revision |
//! | `body` | text | JSON document |
//! | `put` | text | random id of the write |
//! | `expires` | number | seconds since 1970; missing if the item stays |
//!
//! A single `PutItem` with a condition is atomic. No transaction is used: it would cost twice as
//! much and no decision spans two items.

use core::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use engine::ids::AccountId;
use engine::time::Timestamp;
use state::{
    ItemKey, PutOutcome, StateError, StateErrorKind, StateItem, StateStore, WriteCondition,
};

use crate::told::told;

/// Partition key: `account#<id>`.
const PK: &str = "pk";
/// Sort key.
const SK: &str = "sk";
/// Revision.
const REV: &str = "rev";
/// JSON document.
const BODY: &str = "body";
/// Random id of the write that stored the item. It tells a repetition of a write from a write of
/// another worker.
const PUT: &str = "put";
/// Time in seconds since 1970 after which the item may be removed. Attribute of the table's time to
/// live.
const EXPIRES: &str = "expires";

/// Store in a DynamoDB table with the text keys `pk` and `sk`.
///
/// Each write is one `PutItem` that names the revision it follows. DynamoDB refuses items larger
/// than 400 KB. The table's time to live removes expired items, often days later.
#[derive(Clone)]
pub struct DynamoStore {
    client: Client,
    table: String,
    /// Source of random numbers, handed in because only `runtime` has one.
    ids: Arc<dyn Fn() -> u64 + Send + Sync>,
}

/// Kind of the failure with this code and message in DynamoDB's answer. For an item that is too
/// large the code is that of any invalid request; only the message tells ("Item size has exceeded
/// the maximum allowed size").
fn kind_of(code: &str, message: &str) -> StateErrorKind {
    match code {
        "ResourceNotFoundException" => StateErrorKind::Missing,
        "AccessDeniedException"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "ExpiredTokenException" => StateErrorKind::Denied,
        "ThrottlingException"
        | "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded" => StateErrorKind::Throttled,
        "ValidationException" if message.to_ascii_lowercase().contains("item size") => {
            StateErrorKind::TooLarge
        }
        _ => StateErrorKind::Failed,
    }
}

impl fmt::Debug for DynamoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoStore").field("table", &self.table).finish_non_exhaustive()
    }
}

impl DynamoStore {
    /// Store of the items of `table`. `ids` returns random numbers, by which a write recognises
    /// itself. Sends no request.
    #[must_use]
    pub fn new(
        client: Client,
        table: impl Into<String>,
        ids: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        Self { client, table: table.into(), ids: Arc::new(ids) }
    }

    /// Error of a call, by the code of DynamoDB's answer. Without an answer it is `Failed`.
    fn failed<E>(&self, error: SdkError<E>) -> StateError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let kind = error.code().map_or(StateErrorKind::Failed, |code| {
            kind_of(code, error.message().unwrap_or_default())
        });
        self.error(kind).with_source(told(&error))
    }

    /// Error about the table.
    fn error(&self, kind: StateErrorKind) -> StateError {
        StateError::new(kind, format!("`dynamodb://{}`", self.table))
    }

    /// Item of these attributes. Fails if another program wrote it.
    fn item(&self, found: AttributeLookup<'_>) -> Result<StateItem, StateError> {
        let rev = found(REV).and_then(|rev| rev.as_n().ok()).and_then(|rev| rev.parse().ok());
        let body = found(BODY).and_then(|body| body.as_s().ok()).cloned();
        let item = rev.zip(body).map(|(rev, body)| StateItem { rev, body });
        item.ok_or_else(|| self.error(StateErrorKind::Damaged))
    }
}

/// Function that looks up an attribute. Reading and listing give the attributes of an item in
/// different types.
type AttributeLookup<'i> = &'i dyn Fn(&str) -> Option<&'i AttributeValue>;

#[async_trait]
impl StateStore for DynamoStore {
    async fn get(&self, key: &ItemKey) -> Result<Option<StateItem>, StateError> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let answer = get.key(PK, pk(key.account)).key(SK, text(&key.sort)).send().await;
        let answer = answer.map_err(|error| self.failed(error))?;
        answer.item().map(|found| self.item(&|name| found.get(name))).transpose()
    }

    async fn put(
        &self,
        key: &ItemKey,
        expect: WriteCondition,
        body: &str,
        expires: Option<Timestamp>,
    ) -> Result<PutOutcome, StateError> {
        let rev = match expect {
            WriteCondition::Absent => 1,
            WriteCondition::Rev(rev) => rev.saturating_add(1),
        };
        // One id for all attempts of this call.
        let id = format!("{:016x}", (self.ids)());
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item(PK, pk(key.account))
            .item(SK, text(&key.sort))
            .item(REV, AttributeValue::N(rev.to_string()))
            .item(BODY, text(body))
            .item(PUT, text(&id))
            // The item that won comes with the refusal, so a lost race costs no further read.
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match expires {
            Some(at) => put.item(EXPIRES, AttributeValue::N(at.as_second().to_string())),
            None => put,
        };
        let put = match expect {
            // Evaluated on the item with this key only: "no such item".
            WriteCondition::Absent => put.condition_expression("attribute_not_exists(pk)"),
            WriteCondition::Rev(rev) => put
                .condition_expression("rev = :rev")
                .expression_attribute_values(":rev", AttributeValue::N(rev.to_string())),
        };
        let Err(error) = put.send().await else {
            return Ok(PutOutcome::Stored(rev));
        };
        let Some(PutItemError::ConditionalCheckFailedException(lost)) = error.as_service_error()
        else {
            return Err(self.failed(error));
        };
        let Some(found) = lost.item() else {
            return Ok(PutOutcome::Lost(None));
        };
        // The SDK repeats a call whose answer was lost. The existing item may then be the one that
        // the first attempt of this call stored.
        let ours = found.get(PUT).and_then(|put| put.as_s().ok()).is_some_and(|put| *put == id);
        if ours {
            return Ok(PutOutcome::Stored(rev));
        }
        self.item(&|name| found.get(name)).map(|item| PutOutcome::Lost(Some(item)))
    }

    async fn list(
        &self,
        account: AccountId,
        prefix: &str,
    ) -> Result<Vec<(ItemKey, StateItem)>, StateError> {
        let query = self.client.query().table_name(&self.table).consistent_read(false);
        let query = query.expression_attribute_values(":pk", pk(account));
        // DynamoDB refuses an empty text where it stands for a key.
        let query = if prefix.is_empty() {
            query.key_condition_expression("pk = :pk")
        } else {
            query
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", text(prefix))
        };
        let mut items = query.into_paginator().items().send();
        let mut listed = Vec::new();
        while let Some(found) = items.next().await {
            let found = found.map_err(|error| self.failed(error))?;
            let sort = found.get(SK).and_then(|sort| sort.as_s().ok()).cloned();
            let sort = sort.ok_or_else(|| self.error(StateErrorKind::Damaged))?;
            listed.push((ItemKey { account, sort }, self.item(&|name| found.get(name))?));
        }
        Ok(listed)
    }

    async fn purge(&self, _now: Timestamp) -> Result<u64, StateError> {
        // The table's time to live removes expired items.
        Ok(0)
    }
}

/// Partition key of the account's items. One table may hold several accounts.
fn pk(account: AccountId) -> AttributeValue {
    AttributeValue::S(format!("account#{}", account.0))
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_by_code_and_the_size_of_an_item_by_the_message() {
        let size = "Item size has exceeded the maximum allowed size";
        for (code, message, kind) in [
            ("ValidationException", size, StateErrorKind::TooLarge),
            ("ValidationException", "Invalid KeyConditionExpression", StateErrorKind::Failed),
            ("ThrottlingException", "", StateErrorKind::Throttled),
            ("ResourceNotFoundException", size, StateErrorKind::Missing),
            ("ExpiredTokenException", "", StateErrorKind::Denied),
            ("InternalServerError", "", StateErrorKind::Failed),
        ] {
            assert_eq!(kind_of(code, message), kind, "{code}: {message}");
        }
    }
}
