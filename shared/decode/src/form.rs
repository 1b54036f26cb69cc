//! Describes the form of a value without its content, for messages about values that are not as
//! declared and may be personal.
//!
//! The form has to answer the operator's question "what does Harvest send there?" in the state,
//! logs and `status`, where no text of a record may be. Digits and words therefore become
//! placeholders, and of letters only those of instants and exponents stay.

/// Length in characters at which a form is cut off and ends with `..`.
const MOST: usize = 32;

/// Punctuation of numbers, dates and times. Any other becomes `?`.
const MARKS: &[char] = &['-', '+', '.', ',', ':', '/', ' '];

/// Replaces each digit by `9` and each run of letters by `a`: `"2017-06-27T15:50:15Z"` becomes
/// `"9999-99-99T99:99:99Z"`, and `"Erika Mustermann"` becomes `"a a"`. Objects and lists are only
/// named as such. `raw` is one valid JSON value.
pub(super) fn of(raw: &str) -> String {
    match raw.bytes().next() {
        Some(b'{') => "{..}".to_owned(),
        Some(b'[') => "[..]".to_owned(),
        Some(b'"') => format!("\"{}\"", masked(raw.get(1..raw.len() - 1).unwrap_or_default())),
        Some(b'-' | b'0'..=b'9') => masked(raw),
        _ => raw.to_owned(),
    }
}

/// Masks text or the literal of a number. A run of digits keeps its length, which tells a day from
/// an instant. A run of letters becomes one `a`, so that not even the length of a name shows.
fn masked(text: &str) -> String {
    let mut form = String::new();
    let mut letters = text.chars().peekable();
    let mut before = None;
    while let Some(letter) = letters.next() {
        if form.chars().count() >= MOST {
            form.push_str("..");
            break;
        }
        let beside_number = |other: Option<char>| {
            other.is_none_or(|other| other.is_ascii_digit() || MARKS.contains(&other))
        };
        if letter.is_ascii_digit() {
            form.push('9');
        } else if MARKS.contains(&letter) {
            form.push(letter);
        } else if letter.is_alphanumeric() {
            // Letters of instants and exponents are kept if they stand alone beside digits.
            let alone = matches!(letter, 'T' | 'Z' | 'e' | 'E')
                && before.is_some_and(|before: char| before.is_ascii_digit())
                && beside_number(letters.peek().copied());
            while letters.next_if(|next| next.is_alphabetic()).is_some() {}
            form.push(if alone { letter } else { 'a' });
        } else {
            form.push('?');
        }
        before = Some(letter);
    }
    form
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_form_shows_what_kind_of_text_it_is_and_nothing_of_it() {
        for (raw, form) in [
            ("\"0.535\"", "\"9.999\""),
            ("1e3", "9e9"),
            ("-1.5E+10", "-9.9E+99"),
            ("0.30000000000000004", "9.99999999999999999"),
            ("\"2017-06-27T15:50:15Z\"", "\"9999-99-99T99:99:99Z\""),
            ("\"2017-06-27 15:50:15 UTC\"", "\"9999-99-99 99:99:99 a\""),
            ("\"Erika Mustermann\"", "\"a a\""),
            ("\"erika@example.com, 12 \u{e9}t\u{e9}\"", "\"a?a.a, 99 a\""),
            ("\"c5f2a9e1-77\"", "\"a9a9a9e9-99\""),
            ("\"\\ud800\"", "\"?a999\""),
            ("\"\"", "\"\""),
            ("true", "true"),
            ("{\"a\":1}", "{..}"),
            ("[1]", "[..]"),
        ] {
            assert_eq!(of(raw), form, "{raw}");
        }
        let long = of(&format!("\"{}\"", "7".repeat(1_000)));
        assert_eq!(long, format!("\"{}..\"", "9".repeat(32)));
    }
}
