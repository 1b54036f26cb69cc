//! Legality of a table: what Delta's protocol demands of a log, and what harvest-lake promises
//! beyond it. Nothing here is taken from the product; the rules are those of the protocol's text
//! and of the documentation.
//!
//! Commits of other engines need only follow the protocol: they may lack tags and statistics, and a
//! RESTORE of theirs brings paths back.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each rule names the few actions that it is about"
)]

pub mod bounds;
pub mod checkpoint;
pub mod commit;
pub mod file;
pub mod metadata;
