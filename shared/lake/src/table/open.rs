//! Opens tables, and makes those that are not there yet.

use std::sync::Arc;

use bytes::Bytes;
use engine::ids::AccountId;
use engine::spec::StreamSpec;
use engine::time::Timestamp;

use super::read::Log;
use super::{Table, TableError, create, names};
use crate::schema::TableSchema;
use crate::store::ObjectStore;

impl Table {
    /// The table of the stream as it is now, or `None` where there is none yet.
    ///
    /// # Errors
    /// When the log cannot be read, or must not be written by this version for this account.
    pub async fn open(
        store: Arc<dyn ObjectStore>,
        spec: &'static StreamSpec,
        account: AccountId,
    ) -> Result<Option<Self>, TableError> {
        Self::open_as(store, TableSchema::of(spec), account).await
    }

    /// The table of the stream's changes, as `open`.
    ///
    /// # Errors
    /// As `open`.
    pub async fn open_changes(
        store: Arc<dyn ObjectStore>,
        spec: &'static StreamSpec,
        account: AccountId,
    ) -> Result<Option<Self>, TableError> {
        Self::open_as(store, TableSchema::changes_of(spec), account).await
    }

    async fn open_as(
        store: Arc<dyn ObjectStore>,
        schema: TableSchema,
        account: AccountId,
    ) -> Result<Option<Self>, TableError> {
        let root = schema.root();
        let log = Log { store: store.as_ref(), stream: &schema.name, root: &root };
        let Some(state) = log.load().await? else {
            return Ok(None);
        };
        let mut table = Self { store, schema, account, root, state, files: Vec::new(), commits: 0 };
        table.check(&table.state)?;
        table.sort_files();
        Ok(Some(table))
    }

    /// The table of the stream; written as version 0 without rows where there is none. Of several
    /// that create it at the same time one does, the others open what that one wrote.
    ///
    /// # Errors
    /// As `open`.
    pub async fn create(
        store: Arc<dyn ObjectStore>,
        spec: &'static StreamSpec,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Self, TableError> {
        Self::create_as(store, TableSchema::of(spec), account, now).await
    }

    /// The table of the stream's changes, as `create`.
    ///
    /// # Errors
    /// As `open`.
    pub async fn create_changes(
        store: Arc<dyn ObjectStore>,
        spec: &'static StreamSpec,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Self, TableError> {
        Self::create_as(store, TableSchema::changes_of(spec), account, now).await
    }

    async fn create_as(
        store: Arc<dyn ObjectStore>,
        schema: TableSchema,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Self, TableError> {
        // Version 0 of an old table may be cleaned away, so its absence alone says nothing.
        if let Some(table) = Self::open_as(Arc::clone(&store), schema.clone(), account).await? {
            return Ok(table);
        }
        let root = schema.root();
        let log = Log { store: store.as_ref(), stream: &schema.name, root: &root };
        let bytes = create::first_commit(&schema, account, now)
            .map_err(|error| log.damaged(&names::commit(0), error.to_string()))?;
        log.put_commit(0, &Bytes::from(bytes)).await?;
        let missing = TableError::Damaged {
            table: schema.name.to_string(),
            file: names::commit(0),
            what: "it vanished after it was written".to_owned(),
        };
        Self::open_as(store, schema, account).await?.ok_or(missing)
    }
}
