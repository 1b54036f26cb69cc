//! Walks over the text of a JSON value from left to right, one token at a time.
//!
//! Every method returns `None` where the text is not JSON, or not of the form that the caller asks
//! for. It checks all that it passes, so a text that is walked through to its end is JSON: strings
//! without control characters and with valid escapes, numbers of JSON's grammar, no comma too many.

use serde_json::value::RawValue;

use crate::begin::MemberBegin;
use crate::plain;

/// Place in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonCursor<'de> {
    text: &'de str,
    at: usize,
}

impl<'de> JsonCursor<'de> {
    /// Returns the beginning of `text`.
    pub(super) const fn new(text: &'de str) -> Self {
        Self { text, at: 0 }
    }

    /// Number of bytes that are left.
    pub(super) const fn left(&self) -> usize {
        self.text.len() - self.at
    }

    /// Steps over the bracket that begins an object or a list.
    pub(super) fn open(&mut self, bracket: u8) -> Option<()> {
        (self.peek()? == bracket).then(|| self.at += 1)
    }

    /// Steps to the next member or item and returns whether there is one; otherwise steps over
    /// `bracket`, which ends the object or list.
    #[inline]
    pub(super) fn more(&mut self, is_first: bool, bracket: u8) -> Option<bool> {
        if !is_first && self.byte(self.at) == Some(b',') {
            self.at += 1;
            return Some(true);
        }
        self.more_or_end(is_first, bracket)
    }

    fn more_or_end(&mut self, is_first: bool, bracket: u8) -> Option<bool> {
        let next = self.peek()?;
        if next == bracket {
            self.at += 1;
            return Some(false);
        }
        if !is_first {
            (next == b',').then(|| self.at += 1)?;
        }
        Some(true)
    }

    /// Steps over `begin`, the name of a member with its quotes and its colon, if it is next and
    /// written without spaces. May overlook it near the end of the text.
    #[inline]
    pub(super) fn is_name(&mut self, begin: &MemberBegin) -> bool {
        let is_it = begin.is_at(self.text.as_bytes(), self.at);
        if is_it {
            self.at += begin.len();
        }
        is_it
    }

    /// Steps over the name of a member and its colon. `None` also for a name with escapes.
    pub(super) fn name(&mut self) -> Option<&'de str> {
        (self.peek()? == b'"').then_some(())?;
        let raw = self.string()?;
        let name = raw.get(1..raw.len() - 1).filter(|name| !name.contains('\\'))?;
        (self.peek()? == b':').then(|| self.at += 1)?;
        Some(name)
    }

    /// Steps over `null` and returns whether it is there.
    pub(super) fn is_null(&mut self) -> Option<bool> {
        if self.peek()? == b'n' { self.word("null").map(|_| true) } else { Some(false) }
    }

    /// Passes the text from the next value on to `take`, which returns the length of the value in
    /// bytes if it has taken it; steps over it then. Returns whether it was taken.
    pub(super) fn taken(&mut self, take: impl FnOnce(&'de str) -> Option<usize>) -> Option<bool> {
        self.peek()?;
        let length = take(self.text.get(self.at..)?);
        self.at += length.unwrap_or(0);
        Some(length.is_some())
    }

    /// Steps over a value and returns its text.
    pub(super) fn value(&mut self) -> Option<&'de str> {
        match self.peek()? {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b'n' => self.word("null"),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'{' | b'[' => self.nested(),
            _ => None,
        }
    }

    /// Whether nothing but white space is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// Returns the next byte that is no white space, without stepping over it.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte(self.at)? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// Steps to `end` and returns the text until there.
    fn take(&mut self, end: usize) -> Option<&'de str> {
        let taken = self.text.get(self.at..end);
        self.at = end;
        taken
    }

    fn word(&mut self, word: &str) -> Option<&'de str> {
        self.take(self.at + word.len()).filter(|text| *text == word)
    }

    /// Steps over a string, which begins here.
    fn string(&mut self) -> Option<&'de str> {
        let mut end = self.at + 1;
        loop {
            end = plain::ordinary(self.text.as_bytes(), end);
            match self.byte(end)? {
                b'"' => return self.take(end + 1),
                b'\\' => end = self.escape(end + 1)?,
                // A control character.
                _ => return None,
            }
        }
    }

    /// Returns the place behind the escape whose letter is at `at`.
    fn escape(&self, at: usize) -> Option<usize> {
        match self.byte(at)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
            b'u' => {
                let digits = self.text.as_bytes().get(at + 1..at + 5)?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(at + 5)
            }
            _ => None,
        }
    }

    /// Steps over a number, which begins here.
    fn number(&mut self) -> Option<&'de str> {
        let start = self.at + usize::from(self.byte(self.at) == Some(b'-'));
        let mut end = self.digits(start)?;
        // No number but those between 0 and 1 begins with 0.
        (self.byte(start) != Some(b'0') || end == start + 1).then_some(())?;
        if self.byte(end) == Some(b'.') {
            end = self.digits(end + 1)?;
        }
        if let Some(b'e' | b'E') = self.byte(end) {
            let sign = matches!(self.byte(end + 1), Some(b'+' | b'-'));
            end = self.digits(end + 1 + usize::from(sign))?;
        }
        self.take(end)
    }

    /// Returns the place behind the digits that begin at `start`; `None` if there are none.
    fn digits(&self, start: usize) -> Option<usize> {
        let mut end = start;
        while self.byte(end).is_some_and(|byte| byte.is_ascii_digit()) {
            end += 1;
        }
        (end > start).then_some(end)
    }

    /// Steps over an object or a list. Only undeclared ones are taken as a whole.
    fn nested(&mut self) -> Option<&'de str> {
        let rest = self.text.get(self.at..)?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        let value = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(value.get())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Text of which each part is likely to be JSON.
    fn near_json() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            "[ \\t{}\\[\\],:]",
            "-?[0-9]{1,3}(\\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?",
            "\"[ -~\u{1}é\u{1f600}]{0,20}\"",
            "\"(\\\\[\"/bfnrtux]|\\\\u[0-9a-fA-Fg]{4}|[a-z]{0,9})*\"?",
            Just("null".to_owned()),
            Just("true".to_owned()),
            Just("fals".to_owned()),
        ];
        prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
    }

    /// Text of the value that the whole of `text` is, as another parser sees it.
    fn by_serde(text: &str) -> Option<&str> {
        serde_json::from_str::<&RawValue>(text).ok().map(RawValue::get)
    }

    fn by_cursor(text: &str) -> Option<&str> {
        let mut cursor = JsonCursor::new(text);
        let value = cursor.value()?;
        cursor.is_at_end().then_some(value)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn a_value_is_one_for_another_parser_too(text in near_json()) {
            prop_assert_eq!(by_cursor(&text), by_serde(&text), "{:?}", text);
        }
    }

    #[test]
    fn names_of_members_are_told_apart() {
        let id = MemberBegin::new("id");
        for (text, expected) in [
            (r#""id":1, "a":1"#, true),
            (r#""ids":1, "a":1"#, false),
            (r#""i":1, "a":1"#, false),
            (r#""id" :1, "a":1"#, false),
            (r#""\u0069d":1"#, false),
            (r#""id""#, false),
        ] {
            assert_eq!(JsonCursor::new(text).is_name(&id), expected, "{text}");
        }
        assert_eq!(JsonCursor::new(r#" "id" :1"#).name(), Some("id"));
        assert_eq!(JsonCursor::new(r#""\u0069d":1"#).name(), None);
    }
}
