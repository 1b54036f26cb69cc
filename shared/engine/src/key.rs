//! Primary keys as values: ordered, printable, exact.

use serde::{Deserialize, Serialize};

use crate::time::Date;

/// One part of a primary key. Nulls sort first, as in the tables.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeyPart {
    /// No value: legal in the keys of reports only.
    Null,
    /// An id.
    Int(i64),
    /// A day, as in the `period_start` of reports; `YYYY-MM-DD` in JSON.
    Day(Date),
    /// Text, such as a currency.
    Text(String),
}

/// The primary key of one record: its parts in declared order.
///
/// Its JSON is an array of the parts, `[5, "EUR"]`, as in the `tags` of a table's files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(pub Vec<KeyPart>);

impl Key {
    /// Returns the key of a record that is identified by its `id` alone.
    #[must_use]
    pub fn id(id: i64) -> Self {
        Self(vec![KeyPart::Int(id)])
    }
}

/// Returns the first integer member `id` of a JSON text, which may be cut off: it names the record
/// at which an unreadable page begins.
#[must_use]
pub fn first_id(json: &[u8]) -> Option<i64> {
    const NAME: &[u8] = b"\"id\"";
    let at = json.windows(NAME.len()).position(|window| window == NAME)?;
    let rest = json.get(at.saturating_add(NAME.len())..)?.trim_ascii_start().strip_prefix(b":")?;
    let rest = rest.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    core::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_id_is_found_in_a_text_that_is_cut_off() {
        let check = |json: &str, id| assert_eq!(first_id(json.as_bytes()), id, "{json}");
        check(r#"{"time_entries":[{"id": 17,"notes":"xxx"#, Some(17));
        check(
            r#"{"time_entries":[{"notes":"\\","id":2412000000,"user":{"id":1"#,
            Some(2_412_000_000),
        );
        check(r#"{"time_entries":[]"#, None);
        check(r#"{"id":"17"#, None);
        check(r#"{"id""#, None);
        check("", None);
    }
}
