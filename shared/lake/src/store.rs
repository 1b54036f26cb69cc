//! Where the lake's objects are: a folder, memory, later S3.

use async_trait::async_trait;
use bytes::Bytes;
use core::ops::Range;
use engine::time::Timestamp;

/// An object as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Key below the lake's root, `/`-separated, such as `tables/clients/_delta_log/...json`.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// When it was written.
    pub modified: Timestamp,
}

/// Outcome of a conditional put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutIfAbsent {
    /// Ours is the object now, durably.
    Stored,
    /// There was one already; ours is not written.
    Exists,
}

/// Where objects are kept. All implementations pass one conformance suite.
#[async_trait]
pub trait ObjectStore: Send + Sync + core::fmt::Debug {
    /// Creates the object unless there is one: of any number of writers exactly one wins, readers
    /// see nothing or the whole, durable on return.
    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<PutIfAbsent, StoreError>;

    /// Creates or replaces the object: readers see the old or the new one.
    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError>;

    /// The object, or `None` where there is none.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError>;

    /// These bytes of the object, or `None` where there is none.
    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, StoreError>;

    /// All objects whose key begins with `prefix` and is greater than `after`, in key order.
    async fn list(&self, prefix: &str, after: Option<&str>)
    -> Result<Vec<ObjectMeta>, StoreError>;

    /// Removes the object; that there was none is no error.
    async fn delete(&self, key: &str) -> Result<(), StoreError>;
}

/// Why the object store did not do what was asked. Named by what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk or quota is full: free space and run again.
    #[error("no space left writing `{key}`")]
    Full {
        /// The object.
        key: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Not allowed.
    #[error("no permission for `{key}`")]
    Denied {
        /// The object.
        key: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Anything else; the same call may succeed later.
    #[error("object store failed on `{key}`")]
    Failed {
        /// The object.
        key: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
