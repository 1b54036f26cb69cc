//! Time that a run reads: it ends before its process does, and sooner after runs that never came
//! back.

use crate::item::StreamItem;
use crate::time::{SignedDuration, Timestamp, between};

/// Number of runs in a row that ended without a word, from which on the next runs are shorter.
const LOST_IN_A_ROW: u32 = 3;
/// Largest number of halvings of a run's length.
const MOST_HALVINGS: u32 = 4;
/// Time after the last flush at which a run that still reads flushes again.
const FLUSH_INTERVAL: SignedDuration = SignedDuration::from_mins(10);

/// Time before the end of its process by which a run has given its lease back: 60 seconds. A worker
/// begins with a tick and may live for 15 ticks. The tick a minute before its end finds the lease
/// free and invokes the next worker. A lease that is given back just after that tick would leave
/// the budget unused for a minute.
const LAST_TICK: SignedDuration = SignedDuration::from_secs(60);
/// Least duration of a flush in seconds of a whole processor, even with little to write.
const LEAST_FLUSH_SECONDS: u64 = 20;
/// Bytes that a flush reads, merges and writes in a second of a whole processor, at the very least.
const FLUSHED_PER_SECOND: u64 = 8 << 20;
/// Megabytes of memory at which a Lambda function has one whole processor; with less it has a share
/// of one.
const WHOLE_PROCESSOR: u64 = 1769;

/// Speed of a flush in bytes per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlushSpeed(u64);

impl FlushSpeed {
    /// Speed with a whole processor.
    pub const WHOLE: Self = Self(FLUSHED_PER_SECOND);

    /// Returns the speed in a Lambda function of `megabytes`. More than one processor does not
    /// help: a flush works on one file after the other.
    #[must_use]
    pub fn of_function(megabytes: u64) -> Self {
        let share = megabytes.clamp(1, WHOLE_PROCESSOR);
        Self((FLUSHED_PER_SECOND.saturating_mul(share) / WHOLE_PROCESSOR).max(1))
    }

    /// Seconds needed at this speed for work that takes `seconds` with a whole processor.
    const fn seconds(self, seconds: u64) -> u64 {
        seconds.saturating_mul(FLUSHED_PER_SECOND).div_ceil(self.0)
    }
}

/// Limits of a run: when it flushes the records it has read, and when it stops reading.
#[derive(Clone, Copy, Debug)]
pub struct RunPace {
    /// Time at which the run began.
    pub begun: Timestamp,
    /// Time at which its process will be stopped; `None`: never.
    pub deadline: Option<Timestamp>,
    /// Number of runs directly before it that ended without a word. Runs that failed with one do
    /// not count: a shorter run is no remedy for them.
    pub lost: u32,
    /// Bytes held at most before a flush.
    pub flush_bytes: u64,
    /// Speed of a flush.
    pub flush_speed: FlushSpeed,
}

impl RunPace {
    /// Number of times that the length of the run, the bytes it holds and its concurrent requests
    /// are halved: a process that ran out of memory or time gets further with less.
    #[must_use]
    pub fn halvings(&self) -> u32 {
        self.lost.saturating_sub(LOST_IN_A_ROW.saturating_sub(1)).min(MOST_HALVINGS)
    }

    /// Whether the `bytes` held are to be flushed now; the last flush was at `flushed_at`.
    #[must_use]
    pub fn flush_is_due(&self, bytes: u64, flushed_at: Timestamp, now: Timestamp) -> bool {
        bytes >= self.flush_bytes >> self.halvings() || between(flushed_at, now) >= self.interval()
    }

    /// Whether reading ends now, with `bytes` to flush.
    #[must_use]
    pub fn ends_reading(&self, bytes: u64, now: Timestamp) -> bool {
        self.deadline.is_some_and(|end| {
            let short = self.halvings() > 0 && between(self.begun, now) >= self.interval();
            short || between(now, end) <= reserve(bytes, self.flush_speed)
        })
    }

    fn interval(&self) -> SignedDuration {
        FLUSH_INTERVAL / (1_i32 << self.halvings())
    }
}

/// Time before the end of the process at which reading stops with `bytes` to flush: twice the
/// expected duration of the flush.
fn reserve(bytes: u64, speed: FlushSpeed) -> SignedDuration {
    let lasting =
        |seconds: u64| SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    let twice = bytes.div_ceil(speed.0).saturating_mul(2);
    let least = LAST_TICK.saturating_add(lasting(speed.seconds(LEAST_FLUSH_SECONDS)));
    lasting(twice).max(least)
}

/// Returns the losses in a row that still count after a run that stopped or failed: once runs
/// have become shorter, they stay so until a pass is complete.
#[must_use]
pub const fn still_lost(lost: u32) -> u32 {
    if lost >= LOST_IN_A_ROW { lost } else { 0 }
}

/// Counts a run that ended without a word. From the third in a row on, the stream backs off like
/// one that fails.
pub fn never_came_back(item: &mut StreamItem, now: Timestamp) {
    item.health.failures = item.health.failures.saturating_add(1);
    item.health.lost = item.health.lost.saturating_add(1);
    if item.health.lost >= LOST_IN_A_ROW {
        let why = "the last runs ended without a word: out of memory, out of time, or stopped from \
                   outside; runs are shorter until a pass is complete";
        item.health.note_error(now, why.to_owned(), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::plus;

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
        // Megabytes of the function; bytes to flush; at least how many seconds, and how many of 900
        // are left.
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

    fn pace(lost: u32, deadline: Option<i64>) -> RunPace {
        RunPace {
            begun: Timestamp::UNIX_EPOCH,
            deadline: deadline.map(at),
            lost,
            flush_bytes: 1600,
            flush_speed: FlushSpeed::WHOLE,
        }
    }

    fn at(second: i64) -> Timestamp {
        plus(Timestamp::UNIX_EPOCH, secs(second))
    }

    #[test]
    fn runs_get_shorter_from_the_third_loss_on_but_never_nothing() {
        let halvings: Vec<u32> = (0..9).map(|lost| pace(lost, None).halvings()).collect();
        assert_eq!(halvings, [0, 0, 0, 1, 2, 3, 4, 4, 4]);
    }

    #[test]
    fn only_runs_that_ended_without_a_word_are_counted_as_losses() {
        let mut item = StreamItem::default();
        item.health.failures = 5;
        for (lost, told) in [(1, false), (2, false), (3, true)] {
            never_came_back(&mut item, at(0));
            assert_eq!((item.health.lost, item.health.failures), (lost, 5 + lost));
            assert_eq!(item.health.last_error.is_some(), told, "{lost} losses");
        }
        assert_eq!([0, 2, 3, 4].map(still_lost), [0, 0, 3, 4]);
    }

    #[test]
    fn a_run_flushes_by_bytes_or_by_time_and_sooner_after_losses() {
        for (failures, bytes, second, due) in [
            (0, 1599, 599, false),
            (0, 1600, 0, true),
            (0, 0, 600, true),
            (3, 799, 299, false),
            (3, 800, 0, true),
            (3, 0, 300, true),
            (9, 99, 37, false),
            (9, 100, 0, true),
            (9, 0, 38, true),
        ] {
            let found = pace(failures, None).flush_is_due(bytes, at(0), at(second));
            assert_eq!(found, due, "{failures} losses, {bytes} bytes, {second} s");
        }
    }

    #[test]
    fn reading_ends_before_the_deadline_and_sooner_after_losses() {
        for (failures, deadline, second, ends) in [
            (0, Some(900), 819, false),
            (0, Some(900), 820, true),
            (3, Some(900), 299, false),
            (3, Some(900), 300, true),
            (0, None, 1_000_000, false),
            (9, None, 1_000_000, false),
        ] {
            let found = pace(failures, deadline).ends_reading(0, at(second));
            assert_eq!(found, ends, "{failures} losses, {second} s of {deadline:?}");
        }
    }
}
