//! Settings of the members of records that are not kept, or only as a hash.

use std::collections::BTreeMap;

use decode::HashKey;
use engine::privacy::{FieldTreatment, PrivacyRules};
use engine::spec::StreamSpec;

/// Least length of a key of hashes in bytes, which 16 characters always have: a shorter one could be
/// guessed.
const LEAST_KEY: usize = 16;

/// Refusal of a key of hashes that could be guessed. Never contains the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is too short: choose at least {LEAST_KEY} random characters")]
pub struct ShortKey;

/// Parses the key of the hashes; white space around it is no part of it.
///
/// # Errors
/// Fails if the key is too short.
pub fn hash_key(text: &str) -> Result<HashKey, ShortKey> {
    let text = text.trim();
    if text.len() < LEAST_KEY {
        return Err(ShortKey);
    }
    Ok(HashKey::new(text.as_bytes().to_vec()))
}

/// Members of records that are not kept, or only as a hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrivacySettings {
    /// Rules by stream.
    pub rules: BTreeMap<&'static str, PrivacyRules>,
    /// Key of the hashes, where the operator gave it; otherwise the secret may hold it beside the
    /// token.
    pub key: Option<HashKey>,
}

impl PrivacySettings {
    /// Returns the rules of one stream.
    #[must_use]
    pub fn of(&self, spec: &StreamSpec) -> PrivacyRules {
        self.rules.get(spec.name).cloned().unwrap_or_default()
    }

    /// Whether members are to be hashed and the operator gave no key.
    #[must_use]
    pub fn lacks_key(&self) -> bool {
        self.key.is_none() && self.rules.values().any(hashes)
    }
}

/// Whether any member is kept as a hash.
pub(crate) fn hashes(rules: &PrivacyRules) -> bool {
    rules.iter().any(|(_, what)| what == FieldTreatment::Hash)
}
