//! Object stores: the boundary, and its implementations in a folder and in memory. The
//! implementation in S3 is in the crate `aws`.
//!
//! Objects are whole values, put in one request and never in part. Three properties carry the rest of
//! the lake. `put_if_absent` has one winner, which makes a commit atomic. `replace` writes only
//! over what the caller read. `list` is complete and ordered, so one listing shows a whole log.

mod change;
pub mod conformance;
mod faulty;
mod file_object;
mod folder;
mod memory;

pub use change::{ObjectEdit, change};
pub use faulty::{FaultyStore, StoreCall, StoreOperation};
pub use file_object::FileObject;
pub use folder::FolderStore;
pub use memory::MemoryStore;

use core::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use engine::time::Timestamp;

use crate::offload::offload;

/// An object as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Key below the lake's root, `/`-separated, such as `tables/clients/_delta_log/...json`.
    pub key: String,
    /// Size in bytes.
    pub size: u64,
    /// Time of writing.
    pub modified: Timestamp,
}

/// Outcome of a conditional put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutIfAbsent {
    /// The new object is stored, durably.
    Stored,
    /// An object existed already; nothing was written.
    Exists,
}

/// Outcome of a conditional replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaceOutcome {
    /// The new object is stored, durably.
    Replaced,
    /// The object has changed or is gone; nothing was written.
    Changed,
}

/// A store of objects by key. All implementations pass one conformance suite.
#[async_trait]
pub trait ObjectStore: Send + Sync + core::fmt::Debug {
    /// Creates the object unless it exists. Exactly one of several writers wins. Readers see
    /// nothing or the whole object. The object is durable when the call returns.
    ///
    /// A failure leaves the outcome open: the object may exist although the answer was lost.
    /// Repeating the call is safe, but may then return [`PutIfAbsent::Exists`] for an object of the
    /// caller.
    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<PutIfAbsent, StoreError>;

    /// Creates the object from a file, under the conditions of
    /// [`put_if_absent`](Self::put_if_absent). Stores outside of memory read the file part by part;
    /// for all others it is read as a whole.
    async fn put_file_if_absent(
        &self,
        key: &str,
        file: &FileObject,
    ) -> Result<PutIfAbsent, StoreError> {
        self.put_if_absent(key, whole(key, file).await?).await
    }

    /// Creates or replaces the object. Readers see the old or the new one, whole.
    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError>;

    /// Creates or replaces the object by a file, which is read as for
    /// [`put_file_if_absent`](Self::put_file_if_absent).
    async fn put_file(&self, key: &str, file: &FileObject) -> Result<(), StoreError> {
        self.put(key, whole(key, file).await?).await
    }

    /// Replaces the object if it still equals `old`. Of several writers that read the same object
    /// exactly one wins, also against [`put`](Self::put) and [`delete`](Self::delete).
    ///
    /// [`ReplaceOutcome::Changed`] does not prove that another writer won: if the request was sent
    /// twice, the second one found the result of the first. The caller reads the object again.
    async fn replace(
        &self,
        key: &str,
        old: &Bytes,
        new: Bytes,
    ) -> Result<ReplaceOutcome, StoreError>;

    /// Returns the object, or `None` if there is none.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError>;

    /// Returns a range of the object, cut at its end (so possibly empty), or `None` if there is no
    /// object.
    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, StoreError>;

    /// Lists all objects whose key begins with `prefix` and is greater than `after`, in the order
    /// of the keys' bytes. Shows every object whose put returned before the call. In S3, 1,000
    /// objects cost one request.
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectMeta>, StoreError>;

    /// Removes the object. A missing object is no error.
    async fn delete(&self, key: &str) -> Result<(), StoreError>;
}

/// Reasons why an operation of an object store failed, named by what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Disk or quota is full: free space and run again.
    #[error("no space left writing `{key}`")]
    Full {
        /// The object.
        key: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Permission is missing.
    #[error("no permission for `{key}`")]
    Denied {
        /// The object.
        key: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The bucket does not exist.
    #[error("there is no bucket `{bucket}`: deploy the stack, or name the right one with `--lake`")]
    NoBucket {
        /// The bucket.
        bucket: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The key is invalid: a bug of the caller.
    #[error("`{key}` is no valid object key")]
    InvalidKey {
        /// The key.
        key: String,
    },
    /// Any other failure; the same call may succeed later.
    #[error("object store failed on `{key}`")]
    Failed {
        /// The object.
        key: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// Error for a failed input or output operation on `key`.
    #[must_use]
    pub fn from_io(key: &str, source: std::io::Error) -> Self {
        use std::io::ErrorKind;
        let key = key.to_owned();
        let kind = source.kind();
        if matches!(
            kind,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
        ) {
            return Self::Full { key, source };
        }
        if matches!(kind, ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) {
            return Self::Denied { key, source: Box::new(source) };
        }
        Self::Failed { key, source: Box::new(source) }
    }

    /// Whether the same call may succeed if repeated at once. The failed call may still have taken
    /// effect. The other failures last until a person acts.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Failed { .. } => true,
            Self::Full { .. }
            | Self::Denied { .. }
            | Self::NoBucket { .. }
            | Self::InvalidKey { .. } => false,
        }
    }
}

/// All bytes of a file that is to be stored under `key`.
async fn whole(key: &str, file: &FileObject) -> Result<Bytes, StoreError> {
    let reading = file.clone();
    let read = offload(move || reading.whole()).await.map_err(std::io::Error::other);
    read.flatten().map_err(|source| StoreError::from_io(key, source))
}

/// Refuses keys that could leave the lake (`a/../b`), that stores read differently (`a//b` is one
/// object in S3 and the file `a/b` in a folder), or that look like a temporary file (`.tmp-1`).
///
/// # Errors
/// The key and the reason.
pub fn check_key(key: &str) -> Result<(), StoreError> {
    let bad_part =
        |part: &str| part.is_empty() || part == "." || part == ".." || part.starts_with(".tmp-");
    if key.contains(['\\', '\0']) || key.split('/').any(bad_part) {
        return Err(StoreError::InvalidKey { key: key.to_owned() });
    }
    Ok(())
}

/// Part of `range` that lies in an object of `len` bytes.
fn clamp(range: &Range<u64>, len: u64) -> Range<u64> {
    let start = range.start.min(len);
    start..range.end.clamp(start, len)
}
