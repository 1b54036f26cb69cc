//! How long a run reads: shorter before the end of its process, and after runs that never came back.

use engine::item::StreamItem;
use engine::time::{SignedDuration, Timestamp};

/// After so many runs that ended without a word, the next ones are shorter.
const LOST_IN_A_ROW: u32 = 3;

/// Time before the end of its process in which a run should have given its lease back. On the schedule the process
/// began with a tick and ends with one: whoever is done within the last minute has its successor with the
/// latter, and nobody uses the budget until then.
const LAST_TICK: SignedDuration = SignedDuration::from_secs(60);
/// Seconds of a whole processor that a flush takes at least, however little there is to write.
const LEAST_FLUSH_SECONDS: u64 = 20;
/// Bytes that a flush reads, merges and writes in a second of a whole processor, at the very least.
const FLUSHED_PER_SECOND: u64 = 8 << 20;
/// Megabytes of a Lambda function that come with one whole processor; with less comes a share of it.
const WHOLE_PROCESSOR: u64 = 1769;

/// How fast a flush goes: bytes in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlushSpeed(u64);

impl FlushSpeed {
    /// With a whole processor.
    pub const WHOLE: Self = Self(FLUSHED_PER_SECOND);

    /// In a Lambda function of so many megabytes. More than a whole processor is of no use: a flush works on
    /// one file after the other.
    #[must_use]
    pub fn of_function(megabytes: u64) -> Self {
        let share = megabytes.clamp(1, WHOLE_PROCESSOR);
        Self((FLUSHED_PER_SECOND * share / WHOLE_PROCESSOR).max(1))
    }

    /// What takes `seconds` with a whole processor.
    const fn seconds(self, seconds: u64) -> u64 {
        seconds.saturating_mul(FLUSHED_PER_SECOND).div_ceil(self.0)
    }
}

/// How long before the end of the process reading stops, with so many bytes to flush at `speed`: twice what
/// the flush should take.
pub(super) fn reserve(bytes: u64, speed: FlushSpeed) -> SignedDuration {
    let lasting =
        |seconds: u64| SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    let twice = bytes.div_ceil(speed.0).saturating_mul(2);
    let least = LAST_TICK.saturating_add(lasting(speed.seconds(LEAST_FLUSH_SECONDS)));
    lasting(twice).max(least)
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

    const fn secs(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    #[test]
    fn the_reserve_grows_with_what_is_to_be_flushed() {
        let whole = FlushSpeed::WHOLE;
        assert_eq!(reserve(0, whole), secs(80));
        assert_eq!(reserve(320 << 20, whole), secs(80));
        assert_eq!(reserve(400 << 20, whole), secs(100));
        assert!(reserve(u64::MAX, whole) > SignedDuration::from_hours(1));
    }

    #[test]
    fn a_function_with_a_share_of_a_processor_has_more_of_its_time_for_the_flush() {
        // Megabytes of the function; bytes to flush; at least how many seconds, and how many of 900 are left.
        for (memory, megabytes, least, left) in
            [(1769, 400, 100, 800), (512, 100, 80, 760), (256, 0, 190, 700), (256, 400, 690, 200)]
        {
            let reserve = reserve(megabytes << 20, FlushSpeed::of_function(memory));
            assert!(reserve >= secs(least), "{memory} MB: {reserve}");
            assert!(secs(900) - reserve >= secs(left), "{memory} MB: {reserve}");
        }
        for memory in [1769, 3008, 10_240] {
            assert_eq!(FlushSpeed::of_function(memory), FlushSpeed::WHOLE);
        }
        for memory in 0..1769 {
            let (less, more) =
                (FlushSpeed::of_function(memory), FlushSpeed::of_function(memory + 1));
            assert!(reserve(50 << 20, less) >= reserve(50 << 20, more), "{memory} MB");
            assert!(reserve(u64::MAX, less) >= reserve(u64::MAX, more), "{memory} MB");
        }
    }

    #[test]
    fn runs_get_shorter_from_the_third_loss_on_but_never_nothing() {
        let halvings: Vec<u32> = (0..9).map(caution).collect();
        assert_eq!(halvings, [0, 0, 0, 1, 2, 3, 4, 4, 4]);
    }
}
