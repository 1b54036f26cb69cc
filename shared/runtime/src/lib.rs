//! Runtime: carries out the engine's decisions with clock, configuration, permits and driver.

pub mod access;
pub mod account;
pub mod announce;
pub mod aws;
mod changes;
pub mod clock;
pub mod config;
pub mod context;
pub mod credentials;
mod drive;
pub mod erase;
mod error;
mod flush;
pub mod gate;
pub mod heard;
mod hold;
pub mod metrics;
pub mod parts;
pub mod progress;
pub mod quarantine;
pub mod records;
pub mod reset;
pub mod run;
pub mod telemetry;
mod tidy;
pub mod upgrade;

pub use context::Context;
pub use error::RunError;
