//! Carries out the engine's decisions: one run, from the lease over requests and flushes to the
//! state item, and the operator's work under a lease.

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
pub mod metrics;
pub mod operate;
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
