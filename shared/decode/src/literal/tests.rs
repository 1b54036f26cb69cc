use proptest::prelude::*;

use super::*;

fn money(raw: &str) -> Option<i128> {
    decimal(raw, 4)
}

#[test]
fn decimals_are_the_literal_digits() {
    let cases: &[(&str, Option<i128>)] = &[
        ("0", Some(0)),
        ("-0", Some(0)),
        ("-0.0", Some(0)),
        ("0e999999999999", Some(0)),
        ("0.000000000000000000000005e24", Some(50_000)),
        ("0.0000000000000000000000000", Some(0)),
        ("1", Some(10_000)),
        ("22000.0", Some(220_000_000)),
        ("0.575", Some(5_750)),
        ("-12.5", Some(-125_000)),
        ("1.00005", None),
        ("1.00010", Some(10_001)),
        ("1.0001000000000000000000000000000000", Some(10_001)),
        ("12345678901234.5678", Some(123_456_789_012_345_678)),
        ("99999999999999.9999", Some(999_999_999_999_999_999)),
        ("-99999999999999.9999", Some(-999_999_999_999_999_999)),
        ("100000000000000", None),
        ("100000000000000.0001", None),
        ("18446744073709551617", None),
        ("1e2", Some(1_000_000)),
        ("1E+2", Some(1_000_000)),
        ("1.5e-3", Some(15)),
        ("1.5E-4", None),
        ("1500000e-10", None),
        ("1000000e-10", Some(1)),
        ("0.000000000000015e15", Some(150_000)),
        ("1e99999999999999999999", None),
        ("1e-99999999999999999999", None),
        ("1e2147483647", None),
        ("\"1\"", None),
        ("true", None),
        ("[1]", None),
        ("null", None),
    ];
    for (raw, expected) in cases {
        assert_eq!(money(raw), *expected, "{raw}");
    }
}

#[test]
fn integers_are_integral_numbers_of_64_bits() {
    let cases: &[(&str, Option<i64>)] = &[
        ("5", Some(5)),
        ("-5", Some(-5)),
        ("5.0", Some(5)),
        ("5e0", Some(5)),
        ("50e-1", Some(5)),
        ("1.2e3", Some(1_200)),
        ("5.5", None),
        ("-0", Some(0)),
        ("9223372036854775807", Some(i64::MAX)),
        ("9223372036854775807.0", Some(i64::MAX)),
        ("9223372036854775808", None),
        ("-9223372036854775808", Some(i64::MIN)),
        ("-9223372036854775808.0", Some(i64::MIN)),
        ("-9223372036854775809", None),
        ("1e18", Some(1_000_000_000_000_000_000)),
        ("1e19", None),
        ("\"5\"", None),
        ("{}", None),
    ];
    for (raw, expected) in cases {
        assert_eq!(integer(raw), *expected, "{raw}");
    }
}

#[test]
fn dates_are_real_days() {
    assert_eq!(date("\"1970-01-01\""), Some(0));
    assert_eq!(date("\"2017\\u002d03-01\""), date("\"2017-03-01\""));
    for bad in [
        "\"2017-02-29\"",
        "\"1900-02-29\"",
        "\"2017-13-01\"",
        "\"2017-00-01\"",
        "\"2017-01-00\"",
        "\"2017-04-31\"",
        "\"0000-01-01\"",
        "\"2017-1-01\"",
        "\"20170101\"",
        "\"2017-03-01T00:00:00Z\"",
        "\" 2017-03-01\"",
        "\"2017-03-0\u{e9}\"",
        "\"\"",
        "20170301",
        "null",
    ] {
        assert_eq!(date(bad), None, "{bad}");
    }
}

#[test]
fn instants_are_exact_to_the_microsecond() {
    let cases: &[(&str, Option<i64>)] = &[
        ("\"1970-01-01T00:00:00Z\"", Some(0)),
        ("\"2017-06-27T15:50:15Z\"", Some(1_498_578_615_000_000)),
        ("\"2017-06-27T17:50:15+02:00\"", Some(1_498_578_615_000_000)),
        ("\"2017-06-27t15:50:15z\"", Some(1_498_578_615_000_000)),
        ("\"2017-06-27 15:50:15Z\"", Some(1_498_578_615_000_000)),
        ("\"2017-06-27T15:50:15.25Z\"", Some(1_498_578_615_250_000)),
        ("\"2017-06-27T15:50:15.000001Z\"", Some(1_498_578_615_000_001)),
        ("\"2017-06-27T15:50:15.000001000Z\"", Some(1_498_578_615_000_001)),
        ("\"2017-06-27T15:50:15.0000001Z\"", None),
        ("\"1969-12-31T23:59:59.999999Z\"", Some(-1)),
        ("\"1969-12-31T23:59:59.9999999Z\"", None),
        ("\"0001-01-01T00:00:00Z\"", Some(-62_135_596_800_000_000)),
        ("\"0001-01-01T00:00:00+01:00\"", None),
        ("\"9999-12-30T22:00:00Z\"", Some(253_402_207_200_000_000)),
        ("\"2017-06-27T15:50:60Z\"", None),
        ("\"2017-06-27T15:50:60+00:00\"", None),
        ("\"20170627T155060Z\"", None),
        ("\"2017-06-27T24:00:00Z\"", None),
        ("\"2017-06-27T15:60:00Z\"", None),
        ("\"2017-02-30T15:50:15Z\"", None),
        ("\"2017-06-27T15:50:15\"", None),
        ("\"2017-06-27\"", None),
        ("\"2017-06-27T15:50:15Z[Europe/Paris]\"", None),
        ("1498578615", None),
        ("\"\"", None),
    ];
    for (raw, expected) in cases {
        assert_eq!(instant(raw), *expected, "{raw}");
    }
}

#[test]
fn each_byte_of_an_instant_is_of_its_form() {
    let usual = *b"2011-01-11T11:11:11Z";
    for place in 0..usual.len() {
        let digit = usual[place].is_ascii_digit();
        for byte in 0..=u8::MAX {
            let mut bytes = usual;
            bytes[place] = byte;
            let allowed = if digit { byte.is_ascii_digit() } else { byte == usual[place] };
            let real = core::str::from_utf8(&bytes).ok().and_then(general_instant);
            let expected = if allowed { real } else { None };
            assert_eq!(fixed_instant(&bytes), expected, "{byte} at {place}");
            // With another byte that is wrong, or right, beside it.
            bytes[(place + 1) % usual.len()] = byte;
            let both = core::str::from_utf8(&bytes).ok().and_then(general_instant);
            assert!(fixed_instant(&bytes).is_none_or(|at| Some(at) == both), "{byte} at {place}");
        }
    }
}

#[test]
fn texts_are_unescaped_and_half_a_surrogate_pair_is_none() {
    let cases: &[(&str, Option<&str>)] = &[
        ("\"\"", Some("")),
        ("\"a\"", Some("a")),
        ("\"\\u0000\"", Some("\0")),
        ("\"\\\"\"", Some("\"")),
        ("\"\\ud83d\\ude00\"", Some("\u{1f600}")),
        ("\"\\ud83d\"", None),
        ("\"\\ude00\\ud83d\"", None),
        ("1", None),
        ("null", None),
        ("[\"a\"]", None),
    ];
    for (raw, expected) in cases {
        assert_eq!(text(raw).as_deref(), *expected, "{raw}");
    }
}

proptest! {
    #[test]
    fn days_are_those_of_the_calendar(days in -719_162_i32..=2_932_896) {
        use jiff::ToSpan as _;
        let day = jiff::civil::date(1970, 1, 1) + days.days();
        prop_assert_eq!(date(&format!("\"{day}\"")), Some(days));
        let instant_text = format!("\"{day}T23:59:58Z\"");
        if days < 2_932_896 {
            prop_assert_eq!(instant(&instant_text), Some((i64::from(days) * 86_400 + 86_398) * 1_000_000));
        }
    }

    #[test]
    fn a_decimal_is_its_digits_shifted(unscaled in -999_999_999_999_999_999_i128..=999_999_999_999_999_999, exponent in -30_i64..30) {
        // The same number twice: plain, and with trailing zeros that the exponent compensates.
        let zeros = "0".repeat(usize::try_from(exponent.max(0)).unwrap());
        let longer = format!("{unscaled}{zeros}e{}", exponent.min(0) - 6);
        let shorter = format!("{unscaled}e{}", exponent - 6);
        prop_assert_eq!(decimal(&shorter, 6), times_ten(unscaled, exponent));
        prop_assert_eq!(decimal(&longer, 6), times_ten(unscaled, exponent));
    }
}

/// Shifts the decimal point by text, not by arithmetic.
fn times_ten(unscaled: i128, power: i64) -> Option<i128> {
    let text = unscaled.to_string();
    let shifted = if unscaled == 0 {
        text
    } else if power >= 0 {
        text + &"0".repeat(usize::try_from(power).unwrap())
    } else {
        let zeros = "0".repeat(usize::try_from(-power).unwrap());
        text.strip_suffix(&zeros)?.to_owned()
    };
    shifted.parse().ok().filter(|value: &i128| value.abs() < 1_000_000_000_000_000_000)
}

#[test]
fn each_day_of_two_centuries_has_its_number_and_no_other_day_has_one() {
    let epoch = jiff::civil::date(1970, 1, 1);
    for year in 1896..2105_i16 {
        for month in 1..=12_i8 {
            for day in 1..=31_i8 {
                let number = jiff::civil::Date::new(year, month, day)
                    .ok()
                    .map(|day| i32::try_from(day.duration_since(epoch).as_hours() / 24).unwrap());
                assert_eq!(date(&format!("\"{year}-{month:02}-{day:02}\"")), number);
            }
        }
    }
}
