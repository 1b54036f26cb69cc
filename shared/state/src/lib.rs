//! Stores cursors, leases and budgets as items, with one conditional write at a time.
//!
//! An item is a small JSON document with a revision. Every write names the revision that it
//! follows, so all decisions stay pure functions from item to item in `engine`. A write that loses
//! a race gets the item that won.
//!
//! Two workers take the lease of one stream at the same time:
//!
//! | step | worker A | worker B |
//! | --- | --- | --- |
//! | 1 | reads the item at revision 7: free | reads the item at revision 7: free |
//! | 2 | writes "A has the lease" after 7: `Stored(8)` | |
//! | 3 | | writes "B has the lease" after 7: `Lost` with A's item of revision 8 |
//! | 4 | | decides anew from A's item: busy |
//!
//! The stores know nothing of leases, cursors or budgets. The same decisions run over DynamoDB,
//! SQLite and memory, and no store has to express them in its own language.

pub mod conformance;
mod error;
mod faulty;
mod locks;
mod memory;
mod sqlite;

use async_trait::async_trait;
use engine::ids::AccountId;
use engine::time::Timestamp;

pub use self::error::{StateError, StateErrorKind};
pub use self::faulty::{FaultyState, StateOperation};
pub use self::locks::{OwnerLock, is_held, remove_free};
pub use self::memory::MemoryState;
pub use self::sqlite::SqliteStore;

/// Key of an item: partition key `account#<id>`, sort key such as `stream#clients`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ItemKey {
    /// The Harvest account.
    pub account: AccountId,
    /// Sort key: `stream#<name>`, `budget#<class>`, `account`, `orchestrator` or
    /// `run#<time>#<stream>`.
    pub sort: String,
}

/// A stored item. The store does not look into the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateItem {
    /// Revision: 1 for the first write, one more with each further write. While the item exists,
    /// the revision never returns to an earlier value, so an equal one means that nothing was
    /// written in between.
    pub rev: u64,
    /// JSON document.
    pub body: String,
}

/// State of the item that a write requires. There is no unconditional write: it could give a lease
/// back to an owner that has lost it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteCondition {
    /// No item.
    Absent,
    /// The item at this revision.
    Rev(u64),
}

/// Outcome of a conditional write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// The write succeeded; the item now has this revision.
    Stored(u64),
    /// Another writer was faster; this is the item now, or `None` if there is none. The caller can
    /// decide again without reading.
    Lost(Option<StateItem>),
}

/// A store of items. All implementations pass one conformance suite.
#[async_trait]
pub trait StateStore: Send + Sync + core::fmt::Debug {
    /// Returns the item, read consistently: every write that returned before this call shows.
    async fn get(&self, key: &ItemKey) -> Result<Option<StateItem>, StateError>;

    /// Writes the item if its present state is `expect`. The write is atomic, and durable when the
    /// call returns. The item may be removed after `expires`, but still counts until it is:
    /// DynamoDB removes expired items up to days later, so no decision may rest on the removal.
    ///
    /// After an error the write may have taken effect; the caller reads the item again. A store
    /// that repeats a request by itself must recognise its own write and answer `Stored`.
    async fn put(
        &self,
        key: &ItemKey,
        expect: WriteCondition,
        body: &str,
        expires: Option<Timestamp>,
    ) -> Result<PutOutcome, StateError>;

    /// Lists all items of the account whose sort key begins with `prefix`, in the order of the
    /// keys' bytes. The list is no snapshot: an item may change while others are read, and the newest
    /// writes may not show yet, as in DynamoDB's reads at half the price ("eventually consistent",
    /// mostly within a second). A decision that must be right takes a lease, which is read
    /// consistently.
    async fn list(
        &self,
        account: AccountId,
        prefix: &str,
    ) -> Result<Vec<(ItemKey, StateItem)>, StateError>;

    /// Removes items that expired before `now` and returns their number; 0 for a store that removes
    /// expired items by itself.
    async fn purge(&self, now: Timestamp) -> Result<u64, StateError>;
}
