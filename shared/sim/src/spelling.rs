//! Members written as another JSON type that holds the same value.

use crate::dice::scramble;

/// How members are written where it is not as documented: numbers and flags as text, whole numbers
/// with a fraction, numbers where a text belongs. No value changes. Which members are concerned
/// depends on the record and the member alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spelling {
    /// About so many of a hundred records have such members.
    pub records: u64,
    /// Whether `/users/me` and `/company` have them.
    pub account: bool,
}

impl Spelling {
    /// The seed of the record with this id, if it is concerned.
    pub(crate) const fn of_record(self, id: i64) -> Option<u64> {
        let seed = scramble(id.unsigned_abs(), 0x5BE1);
        if seed % 100 < self.records { Some(seed) } else { None }
    }

    /// The seed of `/users/me` or `/company`, if they are concerned.
    pub(crate) const fn of_account(self) -> Option<u64> {
        if self.account { Some(0xACC0) } else { None }
    }
}

/// How one member is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As documented.
    Documented,
    /// In quotation marks.
    Text,
    /// A whole number with `.0`.
    Fraction,
}

/// The form of the member `name` of a record with this seed.
pub(crate) fn form(seed: Option<u64>, name: &str) -> Form {
    let Some(seed) = seed else {
        return Form::Documented;
    };
    let hash = name.bytes().fold(0, |hash, byte| scramble(hash, u64::from(byte)));
    match scramble(seed, hash) % 4 {
        0 => Form::Text,
        1 => Form::Fraction,
        _ => Form::Documented,
    }
}
