//! Many workers share one budget: never more than the limit as the server counts, and everybody
//! gets a turn.

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

/// Whoever measures in real time does so alone.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
