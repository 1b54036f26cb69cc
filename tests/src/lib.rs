//! A world to test in: a fake Harvest, simulated time, stores that fail, and an oracle.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test support: a surprise ends the test"
)]

pub mod changes;
pub mod cloud;
pub mod deadly;
pub mod deployed;
pub mod emulators;
pub mod erasure;
pub mod foreign;
pub mod foreign_log;
pub mod http;
pub mod json;
pub mod kept;
pub mod lambda;
pub mod legal;
pub mod life;
pub mod mishap;
pub mod naive;
pub mod oracle;
pub mod proxy;
pub mod reader;
pub mod scene;
pub mod storm;
pub mod story;
pub mod trial;
pub mod watch;
pub mod world;
