//! Lives of a lake in simulated time: a fake Harvest, stores that fail, and an oracle.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test support: a surprise ends the test"
)]

pub mod changes;
pub mod declared;
pub mod erasure;
pub mod foreign;
pub mod legal;
pub mod life;
pub mod mishap;
pub mod naive;
pub mod oracle;
pub mod reader;
pub mod storm;
pub mod story;
pub mod trial;
pub mod watch;
pub mod world;
