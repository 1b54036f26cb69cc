//! Carries out the engine's decisions: one run, from the lease over requests and flushes to the
//! state item, and the operator's work under a lease.
//!
//! [`run::run`] is the entry point. A run takes the lease of its stream, brings state item and
//! table into agreement, reads, flushes, and gives the lease back. What to read, what an answer
//! proves and where the cursor stands afterwards is decided in `engine`. This crate must decide
//! none of that: it sends, decodes, writes and waits, and it is the only one that reads a clock.
//!
//! The outside is reached through traits alone (`Clock`, `Vault`, `Announcer`, `Invoker`, and the
//! stores and the API in [`Context`]), so that a test can put a simulated part in each place.

pub mod account;
pub mod announce;
mod changes;
pub mod clock;
pub mod compare;
pub mod context;
pub mod credentials;
mod drive;
pub mod erased;
mod error;
mod flush;
pub mod gate;
pub mod heard;
mod held;
mod hold;
pub mod invoke;
pub mod ledger;
pub mod metrics;
pub mod noted;
pub mod operate;
pub mod parsed;
pub mod progress;
pub mod random;
pub mod records;
mod request;
pub mod run;
pub mod settings;
mod tidy;
pub mod waiting;

pub use context::Context;
pub use error::RunError;
