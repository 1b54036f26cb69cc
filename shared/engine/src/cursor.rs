//! The position of a stream: the server's time at the start of its last complete pass.

use crate::time::{SignedDuration, Timestamp, harvest_instant, minus};

/// How far before the cursor a run reads again: Harvest does not say whether `updated_since`
/// includes its instant, nor that a record shows up the moment it is written.
pub const OVERLAP: SignedDuration = SignedDuration::from_mins(5);

/// Start of a pass: the server's `Date` at its first answer; without one, the request's time by our
/// clock less five minutes.
#[must_use]
pub fn pass_start(server: Option<Timestamp>, requested_at: Timestamp) -> Timestamp {
    server.unwrap_or_else(|| minus(requested_at, SignedDuration::from_mins(5)))
}

/// The cursor after a complete pass that began at `start`: it never moves back.
#[must_use]
pub fn advance(cursor: Option<Timestamp>, start: Timestamp) -> Timestamp {
    cursor.map_or(start, |cursor| cursor.max(start))
}

/// The value of `updated_since` for a cursor.
#[must_use]
pub fn read_from(cursor: Timestamp) -> String {
    harvest_instant(minus(cursor, OVERLAP))
}
