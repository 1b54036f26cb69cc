//! Numbers, durations and instants as text for people.
//!
//! Programs read the JSON documents, which have plain numbers. Durations are rounded down (`1.2 s`
//! is at least 1.2 seconds), except for `about`, which rounds up: a forecast that is too long does
//! no harm.

use std::borrow::Cow;

use engine::printable::printable;
use engine::time::{SignedDuration, Timestamp, between, utc_day};
use indicatif::{DecimalBytes, HumanCount};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Formats a number: `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

/// Formats a number like `count`, but zero as a dot, so that changes stand out in a table that is
/// mostly zeros.
pub(crate) fn some(number: u64) -> String {
    if number == 0 { "·".to_owned() } else { count(number) }
}

/// Formats a size in powers of 1000: `999 B`, `1.20 MB`.
pub(crate) fn bytes(bytes: u64) -> String {
    DecimalBytes(bytes).to_string()
}

/// Formats a duration: `350 ms`, `1.2 s`, `59 s`, `3 min`, `2 h 5 min`. A negative one, from clocks
/// that differ, is `0 ms`.
pub(crate) fn duration(duration: SignedDuration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(0);
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..10_000 => format!("{}.{} s", millis / 1000, millis / 100 % 10),
        10_000..120_000 => format!("{} s", millis / 1000),
        _ => minutes(millis / 60_000),
    }
}

/// Formats an estimated duration, rounded up: `about a minute`, `about 45 minutes`. From two hours
/// on minutes would be more exact than the estimate.
pub(crate) fn about(duration: SignedDuration) -> String {
    let minutes = u64::try_from(duration.as_secs()).unwrap_or(0).div_ceil(60);
    match minutes {
        0 | 1 => "about a minute".to_owned(),
        2..120 => format!("about {minutes} minutes"),
        _ => format!("about {} hours", minutes.div_ceil(60)),
    }
}

/// Formats the time since an instant: `now`, `5 min ago`, `3 days ago`. Units change at twice their
/// size (`119 min ago`, then `2 h ago`). A negative duration is `now`.
pub(crate) fn ago(duration: SignedDuration) -> String {
    match u64::try_from(duration.as_secs()).unwrap_or(0) / 60 {
        0 => "now".to_owned(),
        minutes @ 1..120 => format!("{minutes} min ago"),
        minutes @ 120..2880 => format!("{} h ago", minutes / 60),
        minutes => format!("{} days ago", minutes / 1440),
    }
}

/// Formats the time until an instant: `now`, `in 40 s`, `in 5 min`, `in 3 days`. An instant in the
/// past is `now`.
pub(crate) fn ahead(duration: SignedDuration) -> String {
    match u64::try_from(duration.as_secs()).unwrap_or(0) {
        0 => "now".to_owned(),
        seconds @ 1..120 => format!("in {seconds} s"),
        seconds @ 120..7_200 => format!("in {} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("in {} h", seconds / 3_600),
        seconds => format!("in {} days", seconds / 86_400),
    }
}

/// Formats a time of day, in UTC as logs and documents have it; with the day unless it is today's:
/// `08:48 UTC`, `2026-11-26 08:48 UTC`.
pub(crate) fn clock(at: Timestamp, now: Timestamp) -> String {
    let form = if utc_day(at) == utc_day(now) { "%H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" };
    at.strftime(form).to_string()
}

/// Formats an instant that is over: `12 min ago (08:48 UTC)`.
pub(crate) fn since(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", ago(between(at, now)), clock(at, now))
}

/// Formats an instant to come: `in 8 h (17:00 UTC)`; one that is over is `now`.
pub(crate) fn until(at: Timestamp, now: Timestamp) -> String {
    let ahead = ahead(between(now, at));
    if at <= now { ahead } else { format!("{ahead} ({})", clock(at, now)) }
}

/// Formats minutes, from an hour on with hours.
fn minutes(minutes: u64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// Returns the text on one line, without control characters: texts come from people, and a terminal
/// would obey them.
pub(crate) fn line(text: &str) -> String {
    printable(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the text with at most `most` columns of a terminal; an ellipsis stands for what is cut.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    for character in text.chars() {
        if kept.width() + character.width().unwrap_or(0) >= most {
            break;
        }
        kept.push(character);
    }
    kept + "…"
}

/// Returns the text as one word of a shell command, quoted if needed. Places of lakes come from
/// people and may have any character: a printed command must not run a part of one when it is
/// pasted into a shell.
pub(crate) fn word(text: &str) -> String {
    // A shell command cannot hold a null character.
    let text = text.replace('\0', "");
    shlex::try_quote(&text).map(Cow::into_owned).unwrap_or_default()
}

/// Formats a number with its noun: `1 file`, `2 files`, `1,234 files`.
pub(crate) fn plural(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {many}", count(number)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_a_person_is_one_line_that_no_terminal_obeys_and_no_wider_than_asked() {
        assert_eq!(line(" a\tb\r\n\u{1b}[31mred "), "a b [31mred");
        for (text, most, shown) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("東京設計", 8, "東京設計"),
            ("東京設計", 7, "東京設…"),
            ("東京設計", 6, "東京…"),
        ] {
            assert_eq!(cut(text, most), shown);
            assert!(cut(text, most).width() <= most);
        }
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
            (100_000, "100,000"),
        ] {
            assert_eq!(count(number), text);
        }
        assert_eq!((some(0).as_str(), some(1).as_str()), ("·", "1"));
    }

    #[test]
    fn bytes_have_a_unit() {
        assert_eq!([999, 1_250_000].map(bytes), ["999 B", "1.25 MB"]);
    }

    #[test]
    fn durations_are_as_long_as_they_need_to_be() {
        for (millis, text) in [
            (-5, "0 ms"),
            (350, "350 ms"),
            (1_290, "1.2 s"),
            (59_900, "59 s"),
            (180_000, "3 min"),
            (7_500_000, "2 h 5 min"),
            (7_200_000, "2 h"),
        ] {
            assert_eq!(duration(SignedDuration::from_millis(millis)), text);
        }
        assert_eq!(about(SignedDuration::from_secs(2_700)), "about 45 minutes");
        assert_eq!(about(SignedDuration::from_secs(2)), "about a minute");
        assert_eq!(about(SignedDuration::from_hours(5)), "about 5 hours");
        assert_eq!(ago(SignedDuration::from_mins(90)), "90 min ago");
        assert_eq!(ago(SignedDuration::from_hours(49)), "2 days ago");
        for (seconds, text) in [
            (-3, "now"),
            (40, "in 40 s"),
            (300, "in 5 min"),
            (7_300, "in 2 h"),
            (260_000, "in 3 days"),
        ] {
            assert_eq!(ahead(SignedDuration::from_secs(seconds)), text);
        }
    }
}
