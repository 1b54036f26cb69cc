//! Fields written as another JSON type with the same value.

use crate::dice::scramble;

/// Deviations of fields from the documented types: numbers and flags as text, whole numbers with a
/// fraction, numbers instead of texts. No value changes. The choice of fields depends on the record
/// and the field alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spelling {
    /// Approximate percentage of records with such fields.
    pub records: u64,
    /// Whether `/users/me` and `/company` have such fields.
    pub account: bool,
}

impl Spelling {
    /// Returns the seed of the record with this id, if it has such fields.
    pub(crate) const fn of_record(self, id: i64) -> Option<u64> {
        let seed = scramble(id.unsigned_abs(), 0x5BE1);
        if seed % 100 < self.records { Some(seed) } else { None }
    }

    /// Returns the seed of `/users/me` and `/company`, if they have such fields.
    pub(crate) const fn of_account(self) -> Option<u64> {
        if self.account { Some(0xACC0) } else { None }
    }
}

/// Form of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldForm {
    /// The documented form.
    Documented,
    /// In quotation marks.
    Text,
    /// A whole number with `.0`.
    Fraction,
}

/// Returns the form of the field `name` of a record with this seed.
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
