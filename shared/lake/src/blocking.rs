//! Work on rows, on a thread that may block, and the reasons why it fails.
//!
//! Sorting, comparing, encoding and decoding take seconds of processor time for a large file. Done
//! on the thread of the asynchronous runtime, they would stop everything else of the process, among
//! it the renewal of the lease.

use delta::offload::offload;
use delta::store::StoreError;

use crate::collect::CollectError;
use crate::partition::PartitionError;

/// Reasons why rows could not be merged, joined, condensed or searched. Nothing is committed; the
/// caller may try the same work again.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// A file of the table could not be read or written.
    #[error(transparent)]
    Partition(#[from] PartitionError),
    /// The collected rows could not be read.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// The process is ending.
    #[error("the merge was stopped")]
    Stopped,
}

impl From<StoreError> for RewriteError {
    fn from(error: StoreError) -> Self {
        Self::Partition(error.into())
    }
}

impl From<arrow::error::ArrowError> for RewriteError {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Partition(error.into())
    }
}

/// Runs `work` off the IO thread.
///
/// A panic of `work` continues in the caller instead of becoming an error: `RewriteError` could
/// only say that something stopped, and the message of the panic would be lost.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RewriteError> + Send + 'static,
) -> Result<T, RewriteError> {
    match offload(work).await {
        Ok(done) => done,
        Err(stopped) if stopped.is_panic() => std::panic::resume_unwind(stopped.into_panic()),
        Err(_) => Err(RewriteError::Stopped),
    }
}
