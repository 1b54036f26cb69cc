//! Opens tables and creates missing ones.
//!
//! A stream has two tables with the same code and different schemas: its rows in `tables/<stream>`,
//! and the history of its rows in `tables/<stream>_changes`.

use std::sync::Arc;

use bytes::Bytes;
use decode::schema::TableSchema;
use engine::ids::AccountId;
use engine::spec::StreamSpec;
use engine::time::Timestamp;

use super::location::LogLocation;
use super::{LogState, Table, TableError, create, names};
use crate::store::ObjectStore;

impl Table {
    /// Returns the table of the stream at its newest version, or `None` if it does not exist.
    ///
    /// # Errors
    /// When the log cannot be read, or this release or account must not write it.
    pub async fn open(
        store: Arc<dyn ObjectStore>,
        spec: &'static StreamSpec,
        account: AccountId,
    ) -> Result<Option<Self>, TableError> {
        Self::open_as(store, TableSchema::of(spec), account).await
    }

    /// Returns the same without a listing, which costs as much as a dozen reads, if the log is
    /// whole up to `known`, a version that was there; otherwise as `open`. The object looks at a
    /// listing before its first commit.
    ///
    /// # Errors
    /// The same as [`Self::open`].
    pub async fn open_known(
        store: Arc<dyn ObjectStore>,
        spec: &'static StreamSpec,
        account: AccountId,
        known: u64,
    ) -> Result<Option<Self>, TableError> {
        let schema = TableSchema::of(spec);
        let root = schema.root();
        let log = LogLocation { store: store.as_ref(), stream: &schema.name, root: &root };
        match log.load_by_name(known).await? {
            Some(state) => {
                let table = Self::shown(store, schema, account, state)?;
                Ok(Some(Self { is_listed: false, ..table }))
            }
            None => Self::open_as(store, schema, account).await,
        }
    }

    /// Returns the table of the stream's changes; otherwise as `open`.
    ///
    /// # Errors
    /// The same as [`Self::open`].
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
        let log = LogLocation { store: store.as_ref(), stream: &schema.name, root: &root };
        let Some(state) = log.load().await? else {
            return Ok(None);
        };
        Self::shown(store, schema, account, state).map(Some)
    }

    /// Returns the table at `state`, if this release and account may write it.
    fn shown(
        store: Arc<dyn ObjectStore>,
        schema: TableSchema,
        account: AccountId,
        state: LogState,
    ) -> Result<Self, TableError> {
        let mut table = Self {
            store,
            root: schema.root(),
            schema,
            account,
            state,
            files: Vec::new(),
            commits: 0,
            viewed: None,
            is_listed: true,
        };
        table.check(&table.state)?;
        table.sort_files();
        Ok(table)
    }

    /// Returns the table of the stream. If there is none, writes version 0, without rows. When
    /// several callers create it at the same time, one succeeds and the others open the table that
    /// it wrote.
    ///
    /// # Errors
    /// The same as [`Self::open`].
    pub async fn create(
        store: Arc<dyn ObjectStore>,
        spec: &'static StreamSpec,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Self, TableError> {
        Self::create_as(store, TableSchema::of(spec), account, now).await
    }

    /// Returns the table of the stream's changes; otherwise as `create`.
    ///
    /// # Errors
    /// The same as [`Self::open`].
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
        // Log clean-up deletes version 0 of old tables, so its absence does not prove that there is
        // no table.
        if let Some(table) = Self::open_as(Arc::clone(&store), schema.clone(), account).await? {
            return Ok(table);
        }
        let root = schema.root();
        let log = LogLocation { store: store.as_ref(), stream: &schema.name, root: &root };
        let bytes = create::first_commit(&schema, account, now)
            .map_err(|error| log.damaged(&names::commit(0), error.to_string()))?;
        // A lost race is no failure: the table of the winner is opened below.
        log.put_commit(0, &Bytes::from(bytes)).await?;
        let missing = TableError::Damaged {
            table: schema.name.to_string(),
            file: names::commit(0),
            what: "it vanished after it was written".to_owned(),
        };
        Self::open_as(store, schema, account).await?.ok_or(missing)
    }
}
