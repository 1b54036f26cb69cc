//! Work that would keep the thread that sends and receives from doing so.

use std::cell::Cell;

use tokio::task::JoinError;

thread_local! {
    static IN_PLACE: Cell<bool> = const { Cell::new(false) };
}

/// From here on this thread does such work itself, at once and in order: what a simulation needs,
/// to be the same every time. For the threads of tests only.
pub fn stay_on_this_thread() {
    IN_PLACE.with(|flag| flag.set(true));
}

/// Whether this thread does such work itself, so that it may never block.
pub(crate) fn stays_on_this_thread() -> bool {
    IN_PLACE.with(Cell::get)
}

/// Does `work` on a thread that may block.
///
/// # Errors
/// Where the work panicked, or the process is ending.
pub async fn offload<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    if stays_on_this_thread() {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await
}
