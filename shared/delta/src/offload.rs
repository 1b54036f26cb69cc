//! Runs blocking or CPU-heavy work away from the threads that send and receive.
//!
//! A function's runtime has one thread for all requests. Decoding a large checkpoint on it would
//! hold up every answer and the renewal of the lease.

use std::cell::Cell;

use tokio::task::JoinError;

thread_local! {
    /// Set by simulations, which run on one thread each. A thread-local keeps tests that run beside
    /// each other in one process apart.
    static IN_PLACE: Cell<bool> = const { Cell::new(false) };
}

/// Makes `offload` run its work on the current thread from now on, at once and in call order.
/// Simulations need this to be repeatable. Meant for the threads of tests only.
pub fn stay_on_this_thread() {
    IN_PLACE.with(|flag| flag.set(true));
}

/// Whether `offload` runs on the current thread, which therefore must never block.
#[must_use]
pub fn stays_on_this_thread() -> bool {
    IN_PLACE.with(Cell::get)
}

/// Runs `work` on a thread that may block and returns its result.
///
/// # Errors
/// When the work panicked, or the process is ending.
pub async fn offload<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    if stays_on_this_thread() {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await
}
