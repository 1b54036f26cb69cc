//! Reads some members of a JSON object; the others may hold anything.
//!
//! For answers that are not streams but decide something: the user of the token, the active
//! modules, the answer of the token endpoint. Other members are not looked at, and the wanted ones
//! are accepted in every form that expresses the value exactly. A derived struct would refuse the
//! whole answer for an id written as `5.0` or `"5"`, or for half a surrogate pair in the name of a
//! member that nobody reads, and the account would stand still for it.

use core::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object as a list of its members, in the order of the text. The values borrow from it and are
/// parsed only when asked for.
#[derive(Clone, Debug)]
pub struct LooseObject<'j>(Vec<(String, JsonLiteral<'j>)>);

/// Text of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonLiteral<'j>(&'j str);

impl<'j> LooseObject<'j> {
    /// Parses `json`; `None` if it is not an object.
    #[must_use]
    pub fn read(json: &'j str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// Member with this name; of several the last, as JSON readers do. `None` also for null.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<JsonLiteral<'j>> {
        let named = self.0.iter().rev().find(|(member, _)| member == name);
        named.map(|(_, literal)| *literal).filter(|literal| literal.0 != "null")
    }
}

impl<'j> JsonLiteral<'j> {
    /// Integer: `5`, `5.0`, `5e0`, or one of these as text.
    #[must_use]
    pub fn integer(self) -> Option<i64> {
        if !self.is_text() {
            return integer(self.0);
        }
        integer(self.text()?.trim())
    }

    /// A non-negative integer.
    #[must_use]
    pub fn count(self) -> Option<u64> {
        u64::try_from(self.integer()?).ok()
    }

    /// Flag: `true` or `false`, or one of these as text.
    #[must_use]
    pub fn flag(self) -> Option<bool> {
        match self.text()?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// Text; a number or a flag as written. Half a surrogate pair becomes `\u{fffd}`. `None` for a
    /// list, an object or null.
    #[must_use]
    pub fn text(self) -> Option<String> {
        match self.0.bytes().next()? {
            b'{' | b'[' | b'n' => None,
            b'"' => serde_json::from_str::<LooseText>(self.0).ok().map(|text| text.0),
            _ => Some(self.0.to_owned()),
        }
    }

    /// Items of a list; `None` if the value is not a list.
    #[must_use]
    pub fn items(self) -> Option<Vec<Self>> {
        let items: Vec<&'j RawValue> = serde_json::from_str(self.0).ok()?;
        Some(items.into_iter().map(|item| Self(item.get())).collect())
    }

    /// Object; `None` if the value is not an object.
    #[must_use]
    pub fn object(self) -> Option<LooseObject<'j>> {
        LooseObject::read(self.0)
    }

    /// Whether the value is null.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// Whether the value is text.
    #[must_use]
    pub fn is_text(self) -> bool {
        self.0.starts_with('"')
    }

    /// Type of the value, for people.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self.0.bytes().next() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a text",
            Some(b't' | b'f') => "true or false",
            Some(b'n') => "null",
            _ => "a number",
        }
    }
}

/// Integer in any notation of a number, exactly or not at all. Works on the digits: through `f64`,
/// integers beyond 2^53 would change.
fn integer(text: &str) -> Option<i64> {
    if let Ok(plain) = text.parse() {
        return Some(plain);
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // Digits after the point are an integer only if the exponent moves the point behind them:
    // `1.5e1` is 15, `7.5` is none.
    let fraction = fraction.trim_end_matches('0');
    let zeros = i64::from(exponent).checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let zeros = usize::try_from(zeros).ok().filter(|zeros| *zeros <= 19)?;
    format!("{whole}{fraction}{}", "0".repeat(zeros)).parse().ok()
}

/// Text that may contain half a surrogate pair.
struct LooseText(String);

/// Visitor of a text, given as text or as bytes.
struct TextVisitor;

impl<'de> Deserialize<'de> for LooseText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // The parser accepts half a pair only in bytes.
        from.deserialize_bytes(TextVisitor)
    }
}

impl Visitor<'_> for TextVisitor {
    type Value = LooseText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<LooseText, E> {
        Ok(LooseText(String::from_utf8_lossy(bytes).into_owned()))
    }

    fn visit_str<E>(self, text: &str) -> Result<LooseText, E> {
        Ok(LooseText(text.to_owned()))
    }
}

impl<'de: 'j, 'j> Deserialize<'de> for LooseObject<'j> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct LooseVisitor;
        impl<'de> Visitor<'de> for LooseVisitor {
            type Value = LooseObject<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, raw)) = map.next_entry::<LooseText, &'de RawValue>()? {
                    members.push((name.0, JsonLiteral(raw.get())));
                }
                Ok(LooseObject(members))
            }
        }
        from.deserialize_map(LooseVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> JsonLiteral<'_> {
        LooseObject::read(json).unwrap().get("x").unwrap()
    }

    #[test]
    fn integers_are_taken_in_every_form_that_says_them_exactly() {
        let check = |json: &str, is: Option<i64>| {
            let body = format!("{{\"x\": {json} }}");
            assert_eq!(value(&body).integer(), is, "{json}");
        };
        check("7", Some(7));
        check("7.0", Some(7));
        check("-7.000", Some(-7));
        check("7e0", Some(7));
        check("1.5e1", Some(15));
        check("\"7\"", Some(7));
        check("\" 7.0 \"", Some(7));
        check("9223372036854775807", Some(i64::MAX));
        check("9223372036854775808", None);
        check("7.5", None);
        check("75e-1", None);
        check("1e400", None);
        check("true", None);
        check("[7]", None);
        check("\"\"", None);
        check("\"seven\"", None);
    }

    #[test]
    fn texts_and_flags_are_taken_as_they_are_written() {
        let text = |json: &str| value(json).text();
        assert_eq!(text(r#"{"x":"a\u00e4\n"}"#).unwrap(), "aä\n");
        assert_eq!(text(r#"{"x":5.50}"#).unwrap(), "5.50");
        assert_eq!(text(r#"{"x":{}}"#), None);
        assert!(text(r#"{"x":"a\ud800b"}"#).unwrap().starts_with('a'));
        assert_eq!(text(r#"{"x":"\ud83d\ude00"}"#).unwrap(), "😀");
        for (json, is) in [
            (r#"{"x":true}"#, Some(true)),
            (r#"{"x":"false"}"#, Some(false)),
            (r#"{"x":0}"#, None),
            (r#"{"x":[]}"#, None),
        ] {
            assert_eq!(value(json).flag(), is, "{json}");
        }
    }

    #[test]
    fn what_is_not_asked_for_may_be_anything() {
        let json = r#"{"\udc00":1,"a":"\ud800","x":1,"b":{"c":[1e999,"\ud800"]},"x":2,"n":null}"#;
        let object = LooseObject::read(json).unwrap();
        assert_eq!(object.get("x").unwrap().integer(), Some(2), "the last one counts");
        assert_eq!((object.get("n"), object.get("none")), (None, None));
        assert!(object.get("a").is_some());
        for other in ["[]", "null", "5", "", "{", "{\"a\":1} x"] {
            assert!(LooseObject::read(other).is_none(), "{other}");
        }
    }

    #[test]
    fn lists_and_objects_are_read_on() {
        let json = r#"{"x":[{"id":"5"},null,[],"t"]}"#;
        let items = value(json).items().unwrap();
        assert_eq!(items[0].object().unwrap().get("id").unwrap().integer(), Some(5));
        assert!(items[1].is_null() && items[2].object().is_none());
        assert_eq!(items[3].kind(), "a text");
        assert_eq!(value(r#"{"x":{}}"#).items(), None);
    }
}
