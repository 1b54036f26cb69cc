//! How long a run reads: shorter before the end of its process, and after runs that never came back.

use engine::item::StreamItem;
use engine::time::{SignedDuration, Timestamp};

/// After so many runs that ended without a word, the next ones are shorter.
const LOST_IN_A_ROW: u32 = 3;

/// A run stops reading so long before its end, at least. On the schedule its process began with a tick
/// and ends with one: whoever gives the lease back within the last minute has its successor with the
/// latter, and nobody uses the budget until then. The third of a minute more is for the last flush.
const LEAST_RESERVE: SignedDuration = SignedDuration::from_secs(80);
/// What a flush does in a second, at the very least: it reads, merges and writes partition files.
const FLUSHED_PER_SECOND: u64 = 8 << 20;

/// How long before the end of the process reading stops, with so many bytes to flush: twice what the
/// flush should take.
pub(super) fn reserve(bytes: u64) -> SignedDuration {
    let seconds = bytes.div_ceil(FLUSHED_PER_SECOND).saturating_mul(2);
    let twice = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    twice.max(LEAST_RESERVE)
}

/// How often the length of a run is halved after so many that ended without a word.
pub(super) fn caution(failures: u32) -> u32 {
    failures.saturating_sub(LOST_IN_A_ROW - 1).min(4)
}

/// The losses in a row that count after a run that stopped in good order: once there were so many that
/// runs are shorter, they stay so until a pass is complete.
pub(super) const fn still_lost(failures: u32) -> u32 {
    if failures >= LOST_IN_A_ROW { failures } else { 0 }
}

/// Counts an owner that ended without a word. When that happens again and again, the stream backs off
/// like one that fails.
pub(super) fn never_came_back(item: &mut StreamItem, now: Timestamp) {
    item.health.failures = item.health.failures.saturating_add(1);
    if item.health.failures >= LOST_IN_A_ROW {
        let why = "the last runs ended without a word: out of memory, out of time, or stopped from \
                   outside; runs are shorter until a pass is complete";
        item.health.last_error = Some((now, why.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_grows_with_what_is_to_be_flushed() {
        assert_eq!(reserve(0), SignedDuration::from_secs(80));
        assert_eq!(reserve(320 << 20), SignedDuration::from_secs(80));
        assert_eq!(reserve(400 << 20), SignedDuration::from_secs(100));
        assert!(reserve(u64::MAX) > SignedDuration::from_hours(1));
    }

    #[test]
    fn runs_get_shorter_from_the_third_loss_on_but_never_nothing() {
        let halvings: Vec<u32> = (0..9).map(caution).collect();
        assert_eq!(halvings, [0, 0, 0, 1, 2, 3, 4, 4, 4]);
    }
}
