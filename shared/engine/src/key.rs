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
/// In JSON an array of the parts, `[5, "EUR"]`; so stored in the `tags` of a table's files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(pub Vec<KeyPart>);

impl Key {
    /// The key of a record that is identified by its `id` alone.
    #[must_use]
    pub fn id(id: i64) -> Self {
        Self(vec![KeyPart::Int(id)])
    }
}
