//! One deployment: its settings, parsed from flags and variables, and the parts made from them.
//!
//! No other crate knows all stores, vaults and clients: the functions and the command get them here.

pub mod access;
#[cfg(feature = "jemalloc")]
mod allocator;
pub mod cloud;
pub mod config;
pub mod cost;
pub mod hooks;
pub mod login;
pub mod parts;
pub mod telemetry;
