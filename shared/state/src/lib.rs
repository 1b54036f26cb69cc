//! Cursors, leases and budgets: one conditional write at a time.
//!
//! An item is a small JSON document with a revision. Every write names the revision it follows, so
//! that all decisions stay pure functions from item to item in `engine`; a lost race hands back the
//! item that won.

pub mod conformance;
mod dynamo;
mod error;
mod faulty;
mod locks;
mod memory;
mod sqlite;

use async_trait::async_trait;
use engine::ids::AccountId;
use engine::time::Timestamp;

pub use self::dynamo::DynamoStore;
pub use self::error::{StateError, StateErrorKind};
pub use self::faulty::{Call, Fault, FaultyState, Operation};
pub use self::locks::{OwnerLock, is_held, remove_free};
pub use self::memory::MemoryStore;
pub use self::sqlite::SqliteStore;

/// Which item: partition key `account#<id>`, sort key such as `stream#clients`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ItemKey {
    /// The Harvest account.
    pub account: AccountId,
    /// `stream#<name>`, `budget#<class>`, `account`, `orchestrator` or `run#<time>#<stream>`.
    pub sort: String,
}

/// An item as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Raised by one with every write; the first is 1.
    pub rev: u64,
    /// JSON document.
    pub body: String,
}

/// What a write expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// No item.
    Absent,
    /// The item at this revision.
    Rev(u64),
}

/// Outcome of a conditional write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// Written; the item now has this revision.
    Stored(u64),
    /// Somebody else wrote before; this is the item now.
    Lost(Option<Item>),
}

/// Where items are kept. All implementations pass one conformance suite.
#[async_trait]
pub trait StateStore: Send + Sync + core::fmt::Debug {
    /// The item, read consistently.
    async fn get(&self, key: &ItemKey) -> Result<Option<Item>, StateError>;

    /// Writes the item if what is there is what `expect` says: atomically, durable on return.
    /// `expires` is when the item may be removed; it decides nothing.
    async fn put(
        &self,
        key: &ItemKey,
        expect: Expect,
        body: &str,
        expires: Option<Timestamp>,
    ) -> Result<Put, StateError>;

    /// All items of the account whose sort key begins with `prefix`, in key order.
    async fn list(
        &self,
        account: AccountId,
        prefix: &str,
    ) -> Result<Vec<(ItemKey, Item)>, StateError>;

    /// Removes items that expired before `now` and returns how many. A store that does this by
    /// itself returns 0.
    async fn purge(&self, now: Timestamp) -> Result<u64, StateError>;
}
