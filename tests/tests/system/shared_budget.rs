//! Many workers share one budget: never more than the limit as the server counts, and each worker
//! gets its turn.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and tells its figures"
)]
#![expect(clippy::cast_precision_loss, reason = "ratios for people")]

mod processes;
mod workers;

/// Lock of tests that measure in real time, so that each runs alone.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
