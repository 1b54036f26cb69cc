//! Takes a value of the usual form from the beginning of a text, in one look at its bytes.
//!
//! Each function accepts a part of the forms that `literal` accepts, and gives the same value. For
//! any other form, and for text that is no JSON, it returns `None`; the caller then finds the end of
//! the value first and parses it afterwards, which decides. Nearly all values of Harvest have the
//! usual form, so nearly all are looked through once.

use super::literal;

/// Value and its length in the text, in bytes.
pub(super) type Taken<T> = Option<(T, usize)>;

/// Most bytes of a number without its sign. More digits may not fit in the 64 bits in which they are
/// summed up.
const NUMBER_BYTES: usize = 19;

/// Bytes of a word that are looked at together.
pub(super) const WORD: usize = 8;
/// 0x01 in each byte of a word.
const ONES: u64 = u64::MAX / 255;
/// 0x80 in each byte of a word.
const HIGHS: u64 = ONES * 0x80;
/// 0x0f in each byte of a word: the values of digits.
const LOWS: u64 = ONES * 0x0f;

/// Digits of a number, as one integer.
struct NumberDigits {
    negative: bool,
    digits: u64,
    /// Number of digits behind the decimal point.
    places: usize,
    length: usize,
}

/// Integer without point and exponent.
pub(super) fn integer(text: &[u8]) -> Taken<i64> {
    let number = number(text).filter(|number| number.places == 0)?;
    let value = i64::try_from(number.digits).ok()?;
    Some((if number.negative { -value } else { value }, number.length))
}

/// Number without exponent that has at most `scale` decimal places, times ten to the power of
/// `scale`.
pub(super) fn decimal(text: &[u8], scale: i8) -> Taken<i128> {
    let number = number(text)?;
    let missing = usize::try_from(scale).ok()?.checked_sub(number.places)?;
    let value = literal::shifted(number.digits, missing)?;
    Some((if number.negative { -value } else { value }, number.length))
}

/// Length of JSON's null.
pub(super) fn null(text: &[u8]) -> Option<usize> {
    (text.first_chunk()? == b"null").then_some(4)
}

/// Flag.
pub(super) fn flag(text: &[u8]) -> Taken<bool> {
    if text.first_chunk()? == b"true" {
        return Some((true, 4));
    }
    (text.first_chunk()? == b"false").then_some((false, 5))
}

/// Text without escapes, without its quotes.
pub(super) fn text(text: &str) -> Taken<&str> {
    let bytes = text.as_bytes();
    (*bytes.first()? == b'"').then_some(())?;
    let end = ordinary(bytes, 1);
    (*bytes.get(end)? == b'"').then_some(())?;
    Some((text.get(1..end)?, end + 1))
}

/// Days since 1970 of `"YYYY-MM-DD"`.
pub(super) fn date(text: &[u8]) -> Taken<i32> {
    let [b'"', day @ .., b'"'] = text.first_chunk::<12>()? else { return None };
    Some((literal::days(day)?, 12))
}

/// Microseconds since 1970 of `"YYYY-MM-DDTHH:MM:SSZ"`.
pub(super) fn instant(text: &[u8]) -> Taken<i64> {
    let [b'"', instant @ .., b'"'] = text.first_chunk::<22>()? else { return None };
    Some((literal::fixed_instant(instant)?, 22))
}

/// Number in JSON's grammar, followed by the end of its member or item.
fn number(text: &[u8]) -> Option<NumberDigits> {
    let negative = *text.first()? == b'-';
    let start = usize::from(negative);
    let (mut digits, mut end) = whole(text, start, 0)?;
    // A digit before the point; no number but those between 0 and 1 begins with 0.
    let begins = end == start + 1 || (end > start && *text.get(start)? != b'0');
    let mut places = 0;
    if *text.get(end)? == b'.' {
        let point = end;
        (digits, end) = whole(text, point + 1, digits)?;
        places = end - point - 1;
        (places > 0).then_some(())?;
    }
    let ends = matches!(text.get(end)?, b',' | b'}' | b']');
    (begins && ends && end - start <= NUMBER_BYTES).then_some(NumberDigits {
        negative,
        digits,
        places,
        length: end,
    })
}

/// Reads the digits from `at` on, behind those of `before`: the number of both, and the place behind
/// the last digit. The number is wrong if it has more digits than fit in 64 bits; the place then
/// tells. `None` near the end of the text and where there are far too many digits.
#[inline]
fn whole(text: &[u8], mut at: usize, mut before: u64) -> Option<(u64, usize)> {
    for _ in 0..=NUMBER_BYTES / WORD {
        let word = u64::from_le_bytes(*text.get(at..)?.first_chunk()?);
        let other = no_digits(word);
        if other == 0 {
            before = before.wrapping_mul(100_000_000).wrapping_add(eight(word));
            at += WORD;
            continue;
        }
        let count = other.trailing_zeros() / 8;
        if count > 0 {
            // The first digit is in the lowest byte: zeros come before it.
            let digits = eight((word & LOWS) << (64 - 8 * count));
            before = before.wrapping_mul(*TENS.get(count as usize)?).wrapping_add(digits);
        }
        return Some((before, at + count as usize));
    }
    None
}

/// Powers of ten of less digits than a word has.
const TENS: [u64; WORD] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// Word with bits set in each byte of `word` that is no digit. Bytes after the first of them may
/// have bits set without reason.
const fn no_digits(word: u64) -> u64 {
    let high = ONES * 0xf0;
    // '0' to '9' are 0x30 to 0x39; six more leaves the first half of the byte as it is.
    ((word & high) ^ (ONES * 0x30)) | ((word.wrapping_add(ONES * 6) & high) ^ (ONES * 0x30))
}

/// Number of eight digits, of which the first is in the lowest byte. Pairs are summed up, then
/// pairs of pairs.
const fn eight(word: u64) -> u64 {
    let ones = word & LOWS;
    let pairs = (ones.wrapping_mul(10 * 256 + 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 * 65_536 + 1) >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000 * (1 << 32) + 1) >> 32
}

/// Place of the next quote, backslash or control character from `at` on, or the end of the text.
pub(super) fn ordinary(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = bytes.get(at..at + WORD).and_then(|word| word.try_into().ok()) {
        let special = special(u64::from_le_bytes(word));
        if special != 0 {
            // The lowest bit set is exact; those above may not be.
            return at + special.trailing_zeros() as usize / 8;
        }
        at += WORD;
    }
    while let Some(byte) = bytes.get(at)
        && !matches!(byte, b'"' | b'\\' | 0..0x20)
    {
        at += 1;
    }
    at
}

/// Word with the highest bit set of each byte of `word` that is a quote, a backslash or a control
/// character. Bytes after the first of them may be set without reason.
const fn special(word: u64) -> u64 {
    let quotes = word ^ (ONES * 0x22);
    let backslashes = word ^ (ONES * 0x5c);
    let quote = quotes.wrapping_sub(ONES) & !quotes;
    let backslash = backslashes.wrapping_sub(ONES) & !backslashes;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (quote | backslash | control) & HIGHS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Values of each kind, near its usual form and with what may follow them.
    fn near_plain() -> impl Strategy<Value = String> {
        let value = prop_oneof![
            "-?[0-9]{1,20}(\\.[0-9]{0,6})?(e[0-9])?",
            "-?0?[0-9]{0,3}(\\.[0-9]{0,20})?",
            "[+-]?[0-9]{0,2}\\.?\\.?[0-9]{0,2}",
            "(true|false|tru|null)",
            "\"[ -~\u{1}é\u{1f600}]{0,20}\"?",
            "\"(\\\\[\"/bfnrtux]|\\\\u[0-9a-fA-Fg]{4}|[a-z]{0,9})*\"?",
            "\"[0-9]{4}-(0[1-9]|1[0-3])-[0-3][0-9]\"",
            "\"[0-9]{4}-0[1-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]Z\"",
        ];
        let end = prop_oneof![Just(""), Just(","), Just("}"), Just("]"), Just(" "), Just("x")];
        // Numbers are taken only where at least a word is left.
        let rest =
            prop_oneof![Just(""), Just("        "), Just("000000000000"), Just("\"a\":1}   ")];
        (value, end, rest).prop_map(|(value, end, rest)| format!("{value}{end}{rest}"))
    }

    /// Asserts that `taken` is the value that `parse` finds in the JSON value of that length.
    fn assert_same<T: PartialEq + core::fmt::Debug>(
        text: &str,
        taken: Taken<T>,
        parse: impl Fn(&str) -> Option<T>,
    ) {
        let Some((value, length)) = taken else { return };
        let raw = text.get(..length).unwrap();
        assert!(crate::raw::value(raw).is_ok(), "{raw} of {text} is no JSON");
        assert_eq!(parse(raw), Some(value), "{text}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn what_is_taken_is_what_the_slower_way_gives(text in near_plain(), scale in 0_i8..6) {
            let bytes = text.as_bytes();
            assert_same(&text, integer(bytes), literal::integer);
            assert_same(&text, decimal(bytes, scale), |raw| literal::decimal(raw, scale));
            assert_same(&text, flag(bytes), literal::flag);
            assert_same(&text, date(bytes), literal::date);
            assert_same(&text, instant(bytes), literal::instant);
            let owned = super::text(&text).map(|(text, length)| (text.to_owned(), length));
            assert_same(&text, owned, |raw| literal::text(raw).map(std::borrow::Cow::into_owned));
        }
    }

    #[test]
    fn the_usual_form_is_taken() {
        // Numbers are read by words.
        let padded = |number: &str| format!("{number}       ").into_bytes();
        let integer = |text| integer(&padded(text));
        let decimal = |text| decimal(&padded(text), 4);
        assert_eq!(integer("2412000001,"), Some((2_412_000_001, 10)));
        assert_eq!(integer("-7}"), Some((-7, 2)));
        assert_eq!(integer("12345678,"), Some((12_345_678, 8)));
        assert_eq!(integer("9223372036854775807]"), Some((i64::MAX, 19)));
        assert_eq!(integer("9223372036854775808]"), None);
        assert_eq!(integer("100000000000000000000000000000000,"), None);
        assert_eq!(integer("12"), None);
        assert_eq!(decimal("1.5,"), Some((15_000, 3)));
        assert_eq!(decimal("0.25}"), Some((2_500, 4)));
        assert_eq!(decimal("-120.0,"), Some((-1_200_000, 6)));
        assert_eq!(decimal("12345678.1234,"), Some((123_456_781_234, 13)));
        assert_eq!(decimal("100,"), Some((1_000_000, 3)));
        assert_eq!(flag(b"false,"), Some((false, 5)));
        assert_eq!(text("\"Robin \u{e9}\","), Some(("Robin \u{e9}", 10)));
        assert_eq!(date(b"\"1970-01-02\","), Some((1, 12)));
        assert_eq!(instant(b"\"1970-01-01T00:00:01Z\","), Some((1_000_000, 22)));
    }

    #[test]
    fn each_byte_is_special_or_not_at_each_place_of_a_word() {
        for byte in 0..=0x7f_u8 {
            for place in 0..24 {
                let mut text = "x".repeat(place);
                text.push(char::from(byte));
                text.push_str(&"\u{e9}".repeat(12));
                let expected =
                    if matches!(byte, b'"' | b'\\' | 0..0x20) { place } else { text.len() };
                assert_eq!(ordinary(text.as_bytes(), 0), expected, "{byte} at {place}");
            }
        }
    }
}
