//! Checks the limits within which JSON readers agree, following RFC 7493 (I-JSON): no half
//! surrogate pairs, no repeated members, no numbers outside the range of a double, no excessive
//! depth. Raw values beyond them are kept as text in a JSON string, so that one odd value does not
//! make `extra_json` unreadable.
//!
//! Example: `{"total": 1e400}` is valid JSON, but some readers refuse it and others read infinity.
//! `{"total#json": "1e400"}` is read the same way by all of them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{literal, raw};

/// Deepest nesting of lists and objects. Many parsers allow 128 levels, and `extra_json` adds one.
const MOST_DEPTH: usize = 100;
/// Length in characters of the longest number; some readers refuse a thousand.
const MOST_DIGITS: usize = 300;
/// Largest power of ten, positive or negative, of a number's first digit. A double ends at 308.
const MOST_ORDER: i64 = 300;

/// Whether strict readers accept the value, which must be valid JSON.
pub(super) fn is_strict(raw: &str) -> bool {
    match raw.bytes().next() {
        Some(b'{' | b'[') => is_strict_nested(raw),
        Some(b'"') => is_strict_text(raw),
        Some(b'-' | b'0'..=b'9') => is_strict_number(raw),
        _ => true,
    }
}

fn is_strict_text(raw: &str) -> bool {
    literal::text(raw).is_some()
}

/// Whether the number has few enough characters and lies in the range of a double. Zero has no
/// order and always does.
fn is_strict_number(raw: &str) -> bool {
    let order = literal::order(raw);
    let near = |order| order == i64::MIN || (-MOST_ORDER..=MOST_ORDER).contains(&order);
    raw.len() <= MOST_DIGITS && order.is_some_and(near)
}

/// Checks the text in one pass, without recursion: nesting of any depth must not overflow the
/// stack. Punctuation is skipped rather than checked, because the value is known to be valid JSON.
fn is_strict_nested(raw: &str) -> bool {
    // Member names of each open object; `None` for a list.
    let mut open: Vec<Option<BTreeSet<Cow<'_, str>>>> = Vec::new();
    let mut rest = raw;
    loop {
        // Separators carry nothing, and `rest` begins with a value, a name or an end after them.
        rest = rest.trim_start_matches([',', ':', ' ', '\t', '\n', '\r']);
        let Some(first) = rest.bytes().next() else { return true };
        let length = match first {
            b'{' | b'[' => {
                if open.len() >= MOST_DEPTH {
                    return false;
                }
                open.push((first == b'{').then(BTreeSet::new));
                1
            }
            b'}' | b']' => {
                open.pop();
                1
            }
            b'"' => {
                let length = text_length(rest);
                let Some(text) = rest.get(..length).and_then(literal::text) else { return false };
                let after = rest.get(length..).unwrap_or_default().trim_start();
                // A string is the name of a member if a colon follows. Names are compared without
                // escapes, because `"a"` and `"\u0061"` are the same name.
                if let Some(Some(names)) = open.last_mut()
                    && after.starts_with(':')
                    && !names.insert(text)
                {
                    return false;
                }
                length
            }
            _ => {
                let end =
                    |letter: char| matches!(letter, ',' | ']' | '}') || letter.is_whitespace();
                let length = rest.find(end).unwrap_or(rest.len());
                if !rest.get(..length).is_some_and(is_strict) {
                    return false;
                }
                length
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// Length in bytes of the JSON string at the beginning of `text`.
fn text_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Value kept as `text`, a JSON string; `None` if it does not contain JSON. Reverses the text form
/// that `odd` writes.
pub(super) fn unwrapped(text: &str) -> Option<String> {
    let inner = literal::text(text)?;
    let value = raw::value(&inner).ok()?;
    Some(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_readers_agree_on_is_strict() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for strict in [
            "null",
            "true",
            "0",
            "-0.0",
            "0e999999",
            "1e300",
            "-1.5E-300",
            "0.30000000000000004",
            "\"\"",
            "\"a\\u0000\\ud83d\\ude00\"",
            "{}",
            r#"{"a":{"a":1,"b":"a"},"b":["a","a",{"a":1},{"a":1}], "c" : "\"}]" }"#,
            r#"[ 1 , "x:y", {"":""} ]"#,
            &deep(100),
            &"9".repeat(300),
        ] {
            assert!(is_strict(strict), "{strict}");
            assert!(serde_json::from_str::<serde_json::Value>(strict).is_ok(), "{strict}");
        }
        for odd in [
            "\"\\ud800\"",
            "\"\\ude00\\ud83d\"",
            "1e400",
            "-1e-400",
            "1e99999999999999999999",
            r#"{"a":1,"a":1}"#,
            r#"{"a":1, "\u0061" : 1}"#,
            r#"[{"b":[{"a":1,"a":{}}]}]"#,
            r#"{"\udc00":1}"#,
            r#"{"a":["\ud800"]}"#,
            "[1,[2,1e400]]",
            &deep(101),
            &deep(5_000),
            &format!("[{}]", "9".repeat(301)),
        ] {
            assert!(!is_strict(odd), "{odd}");
            let kept = serde_json::to_string(odd).unwrap();
            assert!(is_strict(&kept), "{kept}");
            assert_eq!(unwrapped(&kept).as_deref(), Some(odd));
        }
    }

    #[test]
    fn a_text_that_holds_no_json_is_no_value_kept_as_text() {
        for other in ["\"\"", "\"{\"", "\"a b\"", "\"1 2\"", "5", "\"\\ud800\""] {
            assert_eq!(unwrapped(other), None, "{other}");
        }
    }
}
