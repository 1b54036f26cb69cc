//! Keyed hashes of members.
//!
//! A plain hash would hide nothing: names and mail addresses are few enough to hash them all and
//! compare. The key makes that impossible without the secret. The same key gives equal texts equal
//! hashes, so that rows can still be joined and counted by the member.

use core::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Key of the hashes, hidden in `Debug`, so that no log or message can show it.
#[derive(Clone, PartialEq, Eq)]
pub struct HashKey(Vec<u8>);

impl HashKey {
    /// Key with these bytes.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// HMAC-SHA-256 of `text` (RFC 2104), in 64 hexadecimal digits. HMAC takes keys of any length,
    /// so that `None` never occurs in practice.
    pub(super) fn hash(&self, text: &str) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(text.as_bytes());
        Some(hex::encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(..)")
    }
}
