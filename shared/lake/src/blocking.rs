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
/// A panic of `work` continues in the caller instead of becoming an error, which would lose its
/// message or blame the file.
///
/// # Errors
/// `Stopped` when the process is ending.
pub(crate) async fn offloaded<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PartitionError> {
    match offload(work).await {
        Ok(done) => Ok(done),
        Err(died) if died.is_panic() => std::panic::resume_unwind(died.into_panic()),
        Err(_) => Err(PartitionError::Stopped),
    }
}

/// Runs `work` as [`offloaded`] does and returns its error, too.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RewriteError> + Send + 'static,
) -> Result<T, RewriteError> {
    offloaded(work).await?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    #[should_panic(expected = "what was wrong")]
    async fn a_panic_keeps_its_message() {
        drop(offloaded::<()>(|| panic!("what was wrong")).await);
    }

    #[test]
    fn work_that_the_end_of_the_process_prevents_is_stopped() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let handle = runtime.handle().clone();
        runtime.shutdown_background();
        let stopped = handle.block_on(offloaded(|| ()));
        assert!(matches!(stopped, Err(PartitionError::Stopped)), "{stopped:?}");
    }
}
