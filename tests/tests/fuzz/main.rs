//! Documents from outside, changed in odd ways: each target states properties that hold for any
//! input, and `cargo test` tries as many inputs as its time allows. `make fuzz` looks for inputs
//! that reach new code. tests/README.md says how to repeat a failure.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod corpus;
mod edit;
mod events;
mod items;
mod links;
mod logs;
mod naive_log;
mod naive_page;
mod odd;
mod pages;
mod place;
mod private;
mod readings;
mod settings;
mod tree;
mod wait;
