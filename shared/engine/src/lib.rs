//! Decides what a run does next: pure code, no IO, clock or randomness.

pub mod account;
pub mod budget;
pub mod coverage;
pub mod cursor;
pub mod dispatch;
pub mod drift;
pub mod extent;
pub mod forecast;
pub mod ids;
pub mod item;
pub mod key;
pub mod lease;
pub mod pass;
pub mod plan;
pub mod precedence;
pub mod present;
pub mod privacy;
pub mod quarantine;
pub mod report;
pub mod retry;
pub mod room;
pub mod schema;
pub mod spec;
pub mod testimony;
pub mod time;
pub mod window;
