//! Instants, days and the saturating arithmetic on them that the engine uses.

pub use jiff::civil::Date;
pub use jiff::{SignedDuration, Timestamp};

/// Length of a day in UTC in microseconds, the unit of instants in tables.
pub const DAY_MICROS: i64 = 86_400_000_000;

/// Returns the instant `by` after `at`, held at the end of representable time.
#[must_use]
pub fn plus(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX })
}

/// Returns the instant `by` before `at`, held at the beginning of representable time.
#[must_use]
pub fn minus(at: Timestamp, by: SignedDuration) -> Timestamp {
    by.checked_neg().map_or(Timestamp::MIN, |back| plus(at, back))
}

/// Time from `earlier` to `later`; negative when `later` comes first.
#[must_use]
pub fn between(earlier: Timestamp, later: Timestamp) -> SignedDuration {
    later.duration_since(earlier)
}

/// The first day that Harvest takes as a bound of a list.
pub const FIRST_DAY: Date = Date::constant(1, 1, 1);

/// The day after `day`, held at the last representable day.
#[must_use]
pub fn next_day(day: Date) -> Date {
    day.tomorrow().unwrap_or(Date::MAX)
}

/// The day before `day`, held at the first representable day.
#[must_use]
pub fn previous_day(day: Date) -> Date {
    day.yesterday().unwrap_or(Date::MIN)
}

/// The UTC calendar day of `at`.
#[must_use]
pub fn utc_day(at: Timestamp) -> Date {
    jiff::tz::Offset::UTC.to_datetime(at).date()
}

/// The UTC calendar month `months` before that of `at`, as `YYYY-MM`.
#[must_use]
pub fn month_before(at: Timestamp, months: u32) -> String {
    let first = utc_day(at).first_of_month();
    let span = jiff::Span::new().try_months(months).ok();
    let month = span.and_then(|span| first.checked_sub(span).ok()).unwrap_or(Date::MIN);
    month.strftime("%Y-%m").to_string()
}

/// Formats `at` as Harvest's `updated_since` takes it: `2026-11-23T06:15:00Z`, whole seconds,
/// rounded down.
#[must_use]
pub fn harvest_instant(at: Timestamp) -> String {
    jiff::tz::Offset::UTC.to_datetime(at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
