//! Writer of JSON straight into bytes, without a tree and without floats.
//!
//! A page has up to 2000 records with some 40 fields. Writing them directly needs no allocation for
//! each value, and leaves the choice how a value is spelt: `100` or `100.0`, a number or the same
//! digits as text. Two seeds decide that, `salt` and `odd`; both belong to the record, so that a
//! record is spelt the same in every answer.
//!
//! The writer trusts its callers: they open and close in pairs, and give names of fields that need
//! no escaping. Only text values are escaped.

use crate::calendar::{Day, Moment};
use crate::decimal::{DecimalNumber, FractionForm, Money, write_digits, write_scaled};
use crate::dice::scramble;
use crate::spelling::{FieldForm, form};

/// JSON text that is being written. Commas are set according to the byte before.
#[derive(Debug, Default)]
pub(crate) struct JsonWriter {
    out: Vec<u8>,
    /// Seed that decides, with the length of a field's name, whether a whole number ends in `.0`:
    /// the id of the record.
    salt: u64,
    /// Seed that decides, together with a field's name, which fields are written as another JSON
    /// type; `None` for the documented types.
    odd: Option<u64>,
}

impl JsonWriter {
    /// Returns an empty text with room for `bytes` bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { out: Vec::with_capacity(bytes), salt: 0, odd: None }
    }

    /// Returns the finished text.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Writes whole numbers from here on as in the record with this id.
    pub(crate) fn salt(&mut self, id: i64) {
        self.salt = id.unsigned_abs();
    }

    /// Writes fields from here on as other JSON types, chosen by this seed; `None` ends that. The
    /// envelope of a list is always written as documented.
    pub(crate) fn spell(&mut self, odd: Option<u64>) {
        self.odd = odd;
    }

    /// Appends a comma unless this is the first element or member, or the value of a member. No
    /// state is needed: those three follow `{`, `[` or `:`, which no finished value ends with.
    fn comma(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[' | b':')) {
            self.out.push(b',');
        }
    }

    /// Appends a comma if needed, and the name of a member.
    fn key(&mut self, name: &str) {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// Opens an object: the whole text, or an element of an array.
    pub(crate) fn open(&mut self) {
        self.comma();
        self.out.push(b'{');
    }

    /// Appends an element of an array, given as finished JSON, such as a cached row of a report.
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

    /// Appends a null member.
    pub(crate) fn null(&mut self, name: &str) {
        self.key(name);
        self.out.extend_from_slice(b"null");
    }

    /// Appends a member, given as finished JSON. It may be a value that the other methods never
    /// write.
    pub(crate) fn raw(&mut self, name: &str, json: &[u8]) {
        self.key(name);
        self.out.extend_from_slice(json);
    }

    /// Appends an integer.
    pub(crate) fn int(&mut self, name: &str, value: i64) {
        self.key(name);
        self.push_odd_int(form(self.odd, name), value);
    }

    /// Appends an integer in this form: `7`, `"7"` or `7.0`.
    fn push_odd_int(&mut self, form: FieldForm, value: i64) {
        self.quote_if(form);
        self.push_int(value);
        if form == FieldForm::Fraction {
            self.out.extend_from_slice(b".0");
        }
        self.quote_if(form);
    }

    /// Appends a quotation mark if the field is written as text; called before and after the value.
    fn quote_if(&mut self, form: FieldForm) {
        if form == FieldForm::Text {
            self.out.push(b'"');
        }
    }

    /// Appends an integer in its documented form.
    fn push_int(&mut self, value: i64) {
        if value < 0 {
            self.out.push(b'-');
        }
        write_digits(&mut self.out, value.unsigned_abs());
    }

    /// Appends an integer or null.
    pub(crate) fn maybe_int(&mut self, name: &str, value: Option<i64>) {
        match value {
            Some(value) => self.int(name, value),
            None => self.null(name),
        }
    }

    /// Appends an array of integers, each with a form of its own: one array can have several.
    pub(crate) fn ints(&mut self, name: &str, values: impl Iterator<Item = i64>) {
        self.list(name);
        for value in values {
            self.comma();
            self.push_odd_int(form(self.odd, &value.to_string()), value);
        }
        self.end_list();
    }

    /// Appends a text. A text that is an integer may become a number, if its digits survive that:
    /// `007` stays a text, because a number cannot keep its zeros.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.key(name);
        let number = form(self.odd, name) != FieldForm::Documented
            && value.parse::<i64>().is_ok_and(|number| number.to_string() == value);
        if number {
            self.out.extend_from_slice(value.as_bytes());
        } else {
            self.push_text(value);
        }
    }

    /// Appends a text with the escapes that JSON demands. All other characters stay as UTF-8.
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

    /// Appends a text or null.
    pub(crate) fn maybe_text(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(name, value),
            None => self.null(name),
        }
    }

    /// Appends an array of texts, always as texts.
    pub(crate) fn texts<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a str>) {
        self.list(name);
        for value in values {
            self.comma();
            self.push_text(value);
        }
        self.end_list();
    }

    /// Appends true or false.
    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        let form = form(self.odd, name);
        self.key(name);
        self.quote_if(form);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        self.quote_if(form);
    }

    /// Appends a day.
    pub(crate) fn day(&mut self, name: &str, value: Day) {
        self.key(name);
        self.out.push(b'"');
        value.write(&mut self.out);
        self.out.push(b'"');
    }

    /// Appends a day or null.
    pub(crate) fn maybe_day(&mut self, name: &str, value: Option<Day>) {
        match value {
            Some(value) => self.day(name, value),
            None => self.null(name),
        }
    }

    /// Appends an instant.
    pub(crate) fn moment(&mut self, name: &str, value: Moment) {
        self.key(name);
        self.out.push(b'"');
        value.write(&mut self.out);
        self.out.push(b'"');
    }

    /// Appends an instant or null.
    pub(crate) fn maybe_moment(&mut self, name: &str, value: Option<Moment>) {
        match value {
            Some(value) => self.moment(name, value),
            None => self.null(name),
        }
    }

    /// Appends an amount of money, with up to four places.
    pub(crate) fn money(&mut self, name: &str, value: Money) {
        self.scaled(name, value.0, 4);
    }

    /// Appends a number with up to six places.
    pub(crate) fn number(&mut self, name: &str, value: DecimalNumber) {
        self.scaled(name, value.0, 6);
    }

    /// Appends `value / 10^places`.
    fn scaled(&mut self, name: &str, value: i64, places: u32) {
        let (fraction, form) = (self.fraction(name), form(self.odd, name));
        self.key(name);
        self.quote_if(form);
        write_scaled(&mut self.out, value, places, fraction);
        self.quote_if(form);
    }

    /// Appends a number or null.
    pub(crate) fn maybe_number(&mut self, name: &str, value: Option<DecimalNumber>) {
        match value {
            Some(value) => self.number(name, value),
            None => self.null(name),
        }
    }

    /// Returns the form of whole numbers in this field: about half of the fields of a record have
    /// `.0`.
    fn fraction(&self, name: &str) -> FractionForm {
        let length = u64::try_from(name.len()).unwrap_or(0);
        match scramble(self.salt, length) % 2 {
            0 => FractionForm::Always,
            _ => FractionForm::WhenNeeded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn commas_stand_between_members_only() {
        let mut json = JsonWriter::default();
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

    #[test]
    fn another_spelling_holds_the_same_values() {
        let written = |odd: Option<u64>| {
            let mut json = JsonWriter::default();
            json.spell(odd);
            json.open();
            json.int("id", 7);
            json.flag("is_active", true);
            json.money("amount", Money(12_500));
            json.text("number", "1234");
            json.text("name", "A 1");
            json.close();
            String::from_utf8(json.finish()).unwrap()
        };
        let plain = written(None);
        let odd: std::collections::BTreeSet<String> =
            (0..40).map(|seed| written(Some(seed))).collect();
        assert!(odd.len() > 10, "{odd:?}");
        for text in odd {
            let same = text.replace("7.0", "7").replace("\"7\"", "7");
            let same = same.replace("\"true\"", "true").replace("\"1.25\"", "1.25");
            assert_eq!(same.replace(":1234", ":\"1234\""), plain, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_survives(value in any::<String>()) {
            let mut json = JsonWriter::default();
            json.open();
            json.text("t", &value);
            json.close();
            let read: serde_json::Value = serde_json::from_slice(&json.finish()).unwrap();
            prop_assert_eq!(read["t"].as_str(), Some(value.as_str()));
        }
    }
}
