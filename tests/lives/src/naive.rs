//! Rows that a table should have, by a reading of the declaration that shares no code with the
//! product: no decoder, no schema of Arrow, no conversion of it is called here.
//!
//! A value in its column is a canonical text: decimals without needless zeros, instants in RFC 3339
//! in UTC, lists as JSON. The reader of the files (`crate::reader`) makes the same texts from
//! columns, so that a table and the truth are compared as texts.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each rule names the few kinds that it is about"
)]

pub mod json;
pub mod leaves;
pub mod reading;
pub mod record;
pub mod value;
