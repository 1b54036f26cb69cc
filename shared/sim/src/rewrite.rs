//! Records with values of other types, as after a change of the API.
//!
//! Unlike `spelling`, this changes what the values are or how many digits they have, so a reader
//! cannot put all of them into its columns. It must then keep the records aside and say so, not
//! drop them and not store something near. The finished body is rewritten as text, because a JSON
//! tree would lose the digits that matter here.

use serde::{Deserialize, Serialize};

/// Way in which the values of records are rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueRewrite {
    /// Writes each number and each flag as text. The value can still be recovered.
    AsText,
    /// Writes each id, also those of embedded objects, as a text that is no number. No column of
    /// ids holds it.
    OtherIds,
    /// Writes the ids of the first record alone so.
    FirstIds,
    /// Writes each number with a fraction with eleven more digits, more than any column holds.
    Finer,
}

/// Depth of nesting of a record: 1 is the body, 2 the list.
const RECORD: u32 = 3;

impl ValueRewrite {
    /// Rewrites the values of the records in a JSON body. Members beside the list stay, so that the
    /// envelope still makes sense, and texts stay, whatever they contain.
    ///
    /// The body is cut into tokens by their first character; beside the text so far only the depth
    /// of nesting is remembered.
    pub(crate) fn of(self, body: &str) -> String {
        let mut rewritten = String::with_capacity(body.len() * 2);
        let (mut depth, mut records, mut rest) = (0_u32, 0_u32, body);
        while let Some(first) = rest.chars().next() {
            // A text is one token, whatever brackets and digits it contains.
            let length = match first {
                '{' | '[' => {
                    depth += 1;
                    records += u32::from(depth == RECORD);
                    1
                }
                '}' | ']' => {
                    depth = depth.saturating_sub(1);
                    1
                }
                '"' => text_length(rest),
                '-' | '0'..='9' | 't' | 'f' => {
                    rest.find([',', ']', '}', ' ', '\n']).unwrap_or(rest.len())
                }
                other => other.len_utf8(),
            };
            let (token, after) = rest.split_at(length);
            let is_value = first == '-' || first.is_ascii_digit() || matches!(first, 't' | 'f');
            let is_meant = self != Self::FirstIds || records == 1;
            if is_value && is_meant && depth >= RECORD {
                let value = self.value(token, is_id(&rewritten));
                rewritten.push_str(&value);
            } else {
                rewritten.push_str(token);
            }
            rest = after;
        }
        rewritten
    }

    /// Returns the new text of a number or flag.
    fn value(self, token: &str, is_id: bool) -> String {
        let is_number = token.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        match self {
            Self::AsText => format!("\"{token}\""),
            Self::OtherIds | Self::FirstIds if is_id => format!("\"x{token}\""),
            Self::Finer if is_number && token.contains('.') => format!("{token}00000000004"),
            Self::OtherIds | Self::FirstIds | Self::Finer => token.to_owned(),
        }
    }
}

/// Tells whether the value that follows this text is that of an id: of a member whose name ends in
/// `id`.
fn is_id(before: &str) -> bool {
    before.trim_end().trim_end_matches(':').trim_end().ends_with("id\"")
}

/// Returns the length in bytes of the text that begins here, with both quotation marks.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_of_records_are_rewritten() {
        let body = r#"{"clients":[{"id":5,"name":"5, \"6\"","ok":true,"rate":-1.5,"a":null,
            "task":{"id":7},"ids":[1,2]}],"total_entries":1,"links":{"next":null}}"#;
        let text = r#"{"clients":[{"id":"5","name":"5, \"6\"","ok":"true","rate":"-1.5","a":null,
            "task":{"id":"7"},"ids":["1","2"]}],"total_entries":1,"links":{"next":null}}"#;
        assert_eq!(ValueRewrite::AsText.of(body), text);
        let ids = body.replace("\"id\":5", "\"id\":\"x5\"").replace("\"id\":7", "\"id\":\"x7\"");
        assert_eq!(ValueRewrite::OtherIds.of(body), ids);
        let two = r#"{"roles":[{"id":5,"ids":[1]},{"id":6}],"page":1}"#;
        let first = r#"{"roles":[{"id":"x5","ids":[1]},{"id":6}],"page":1}"#;
        assert_eq!(ValueRewrite::FirstIds.of(two), first);
        assert_eq!(ValueRewrite::Finer.of(body), body.replace("-1.5", "-1.500000000004"));
    }
}
