//! Fields written as another JSON type with the same value.
//!
//! Ruby programs write decimals as text in some places, and Harvest has written one number as `100`
//! and as `100.0`. The value is the same each time, and so must be the row that a reader makes of
//! it.

use crate::dice::scramble;

/// Deviations of fields from the documented types: numbers and flags as text, whole numbers with a
/// fraction, integers instead of the texts that spell them. No value changes. The choice of fields
/// depends on the record and the field alone, so a record looks the same in each answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spelling {
    /// Approximate percentage of records with such fields; 0 for none.
    pub records: u64,
    /// Whether `/users/me` and `/company` have such fields.
    pub account: bool,
}

impl Spelling {
    /// Returns the seed of the record with this id; `None` if it has the documented types.
    pub(crate) const fn of_record(self, id: i64) -> Option<u64> {
        let seed = scramble(id.unsigned_abs(), 0x5BE1);
        if seed % 100 < self.records { Some(seed) } else { None }
    }

    /// Returns the seed of `/users/me` and `/company`; `None` for the documented types. They have a
    /// switch of their own, because a reader decides by them what it may read at all.
    pub(crate) const fn of_account(self) -> Option<u64> {
        if self.account { Some(0xACC0) } else { None }
    }
}

/// Form of one field. A field that cannot have the form, such as a date, keeps its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldForm {
    /// Type as Harvest documents it.
    Documented,
    /// Number or flag in quotation marks.
    Text,
    /// Whole number with `.0`.
    Fraction,
}

/// Returns the form of the field `name` of a record with this seed: a quarter of the fields each
/// for text and fraction, and half of them as documented.
pub(crate) fn form(seed: Option<u64>, name: &str) -> FieldForm {
    let Some(seed) = seed else {
        return FieldForm::Documented;
    };
    let hash = name.bytes().fold(0, |hash, byte| scramble(hash, u64::from(byte)));
    match scramble(seed, hash) % 4 {
        0 => FieldForm::Text,
        1 => FieldForm::Fraction,
        _ => FieldForm::Documented,
    }
}
