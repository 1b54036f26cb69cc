//! The cursor of a stream: the server's time at the start of its last complete pass.

use crate::time::{SignedDuration, Timestamp, harvest_instant, minus, plus};

/// Time before the cursor from which a run reads again: Harvest does not say whether
/// `updated_since` includes its instant, nor that a record shows up the moment it is written.
pub const OVERLAP: SignedDuration = SignedDuration::from_mins(5);

/// Returns the start of a pass: the server's `Date` at its first answer. If that is missing, or
/// further ahead than clocks and requests explain, the start is the request's time by our clock
/// less five minutes: an early cursor reads a little again, a late one loses changes.
#[must_use]
pub fn pass_start(server: Option<Timestamp>, requested_at: Timestamp) -> Timestamp {
    server
        .filter(|at| *at <= plus(requested_at, SignedDuration::from_mins(5)))
        .unwrap_or_else(|| minus(requested_at, SignedDuration::from_mins(5)))
}

/// Returns the cursor after a complete pass that began at `start`: it never moves back.
#[must_use]
pub fn advance(cursor: Option<Timestamp>, start: Timestamp) -> Timestamp {
    cursor.map_or(start, |cursor| cursor.max(start))
}

/// Returns the value of `updated_since` for a cursor.
#[must_use]
pub fn read_from(cursor: Timestamp) -> String {
    harvest_instant(minus(cursor, OVERLAP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_from_the_future_is_no_start() {
        let asked: Timestamp = "2026-03-10T09:00:00Z".parse().unwrap();
        let minutes = |count| plus(asked, SignedDuration::from_mins(count));
        let check = |server, start| assert_eq!(pass_start(server, asked), start, "{server:?}");
        check(Some(minutes(0)), minutes(0));
        check(Some(minutes(4)), minutes(4));
        check(Some(minutes(-60)), minutes(-60));
        check(Some(minutes(6)), minutes(-5));
        check(Some(minutes(60 * 24 * 365)), minutes(-5));
        check(None, minutes(-5));
    }
}
