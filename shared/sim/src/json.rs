//! Writes JSON straight into bytes: no tree, no floats.

use crate::calendar::{Day, Moment};
use crate::decimal::{Fraction, Money, Number, write_digits, write_scaled};
use crate::dice::scramble;

/// A JSON text in the making. Commas follow from what stands before.
#[derive(Debug, Default)]
pub(crate) struct Json {
    out: Vec<u8>,
    /// Decides by chance, but always alike for one record, how its whole numbers look.
    salt: u64,
}

impl Json {
    /// Room for `bytes` before it grows.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { out: Vec::with_capacity(bytes), salt: 0 }
    }

    /// The finished text.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// From here on numbers look as they do in the record with this id.
    pub(crate) fn salt(&mut self, id: i64) {
        self.salt = id.unsigned_abs();
    }

    fn comma(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[' | b':')) {
            self.out.push(b',');
        }
    }

    fn key(&mut self, name: &str) {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// Opens an object: the whole text or an element of an array.
    pub(crate) fn open(&mut self) {
        self.comma();
        self.out.push(b'{');
    }

    /// Appends an element of an array that is JSON already.
    pub(crate) fn element(&mut self, json: &[u8]) {
        self.comma();
        self.out.extend_from_slice(json);
    }

    /// Opens an object as a member.
    pub(crate) fn object(&mut self, name: &str) {
        self.key(name);
        self.out.push(b'{');
    }

    /// Closes an object.
    pub(crate) fn close(&mut self) {
        self.out.push(b'}');
    }

    /// Opens an array as a member.
    pub(crate) fn list(&mut self, name: &str) {
        self.key(name);
        self.out.push(b'[');
    }

    /// Closes an array.
    pub(crate) fn end_list(&mut self) {
        self.out.push(b']');
    }

    /// A null member.
    pub(crate) fn null(&mut self, name: &str) {
        self.key(name);
        self.out.extend_from_slice(b"null");
    }

    /// A member that is JSON already.
    pub(crate) fn raw(&mut self, name: &str, json: &[u8]) {
        self.key(name);
        self.out.extend_from_slice(json);
    }

    /// An integer.
    pub(crate) fn int(&mut self, name: &str, value: i64) {
        self.key(name);
        self.push_int(value);
    }

    fn push_int(&mut self, value: i64) {
        if value < 0 {
            self.out.push(b'-');
        }
        write_digits(&mut self.out, value.unsigned_abs());
    }

    /// An integer or null.
    pub(crate) fn maybe_int(&mut self, name: &str, value: Option<i64>) {
        match value {
            Some(value) => self.int(name, value),
            None => self.null(name),
        }
    }

    /// An array of integers.
    pub(crate) fn ints(&mut self, name: &str, values: impl Iterator<Item = i64>) {
        self.list(name);
        for value in values {
            self.comma();
            self.push_int(value);
        }
        self.end_list();
    }

    /// A text.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.key(name);
        self.push_text(value);
    }

    fn push_text(&mut self, value: &str) {
        self.out.push(b'"');
        for byte in value.bytes() {
            match byte {
                b'"' => self.out.extend_from_slice(b"\\\""),
                b'\\' => self.out.extend_from_slice(b"\\\\"),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                b'\t' => self.out.extend_from_slice(b"\\t"),
                0..0x20 => self.out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => self.out.push(byte),
            }
        }
        self.out.push(b'"');
    }

    /// A text or null.
    pub(crate) fn maybe_text(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(name, value),
            None => self.null(name),
        }
    }

    /// An array of texts.
    pub(crate) fn texts<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a str>) {
        self.list(name);
        for value in values {
            self.comma();
            self.push_text(value);
        }
        self.end_list();
    }

    /// True or false.
    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        self.key(name);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// A day.
    pub(crate) fn day(&mut self, name: &str, value: Day) {
        self.key(name);
        self.out.push(b'"');
        value.write(&mut self.out);
        self.out.push(b'"');
    }

    /// A day or null.
    pub(crate) fn maybe_day(&mut self, name: &str, value: Option<Day>) {
        match value {
            Some(value) => self.day(name, value),
            None => self.null(name),
        }
    }

    /// An instant.
    pub(crate) fn moment(&mut self, name: &str, value: Moment) {
        self.key(name);
        self.out.push(b'"');
        value.write(&mut self.out);
        self.out.push(b'"');
    }

    /// An instant or null.
    pub(crate) fn maybe_moment(&mut self, name: &str, value: Option<Moment>) {
        match value {
            Some(value) => self.moment(name, value),
            None => self.null(name),
        }
    }

    /// An amount of money.
    pub(crate) fn money(&mut self, name: &str, value: Money) {
        let fraction = self.fraction(name);
        self.key(name);
        write_scaled(&mut self.out, value.0, 4, fraction);
    }

    /// A number with up to six places.
    pub(crate) fn number(&mut self, name: &str, value: Number) {
        let fraction = self.fraction(name);
        self.key(name);
        write_scaled(&mut self.out, value.0, 6, fraction);
    }

    /// A number or null.
    pub(crate) fn maybe_number(&mut self, name: &str, value: Option<Number>) {
        match value {
            Some(value) => self.number(name, value),
            None => self.null(name),
        }
    }

    fn fraction(&self, name: &str) -> Fraction {
        let length = u64::try_from(name.len()).unwrap_or(0);
        match scramble(self.salt, length) % 2 {
            0 => Fraction::Always,
            _ => Fraction::WhenNeeded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn commas_stand_between_members_only() {
        let mut json = Json::default();
        json.open();
        json.int("a", -5);
        json.list("b");
        json.open();
        json.close();
        json.open();
        json.null("c");
        json.close();
        json.end_list();
        json.ints("d", [1, 2].into_iter());
        json.texts("e", [].into_iter());
        json.close();
        let text = String::from_utf8(json.finish()).unwrap();
        assert_eq!(text, r#"{"a":-5,"b":[{},{"c":null}],"d":[1,2],"e":[]}"#);
    }

    proptest! {
        #[test]
        fn any_text_survives(value in any::<String>()) {
            let mut json = Json::default();
            json.open();
            json.text("t", &value);
            json.close();
            let read: serde_json::Value = serde_json::from_slice(&json.finish()).unwrap();
            prop_assert_eq!(read["t"].as_str(), Some(value.as_str()));
        }
    }
}
