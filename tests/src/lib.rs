//! Support of tests of whole deployments: processes, emulators, Lambda, the command.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test support: a surprise ends the test"
)]

pub mod cloud;
pub mod deadly;
pub mod deployed;
pub mod emulators;
pub mod foreign_log;
pub mod http;
pub mod json;
pub mod kept;
pub mod lambda;
pub mod proxy;
pub mod scene;
