//! Settings of the members of records that are not kept, or only as a hash.

use std::collections::BTreeMap;

use engine::privacy::{Rules, Treatment};
use engine::spec::StreamSpec;
use lake::decode::HashKey;

use super::error::ConfigError;
use super::given::{Given, Setting};
use super::names::find_stream;

/// Least length of a key of hashes, in bytes: a shorter one could be guessed.
const LEAST_KEY: usize = 16;

/// Refusal of a key of hashes that could be guessed. Never contains the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is too short: at least {LEAST_KEY} letters, by chance")]
pub struct ShortKey;

/// Parses the key of the hashes; white space around it is no part of it.
///
/// # Errors
/// Where the key is too short.
pub fn hash_key(text: &str) -> Result<HashKey, ShortKey> {
    let text = text.trim();
    if text.len() < LEAST_KEY {
        return Err(ShortKey);
    }
    Ok(HashKey::new(text.as_bytes().to_vec()))
}

/// Members of records that are not kept, or only as a hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Privacy {
    /// Rules by stream.
    pub rules: BTreeMap<&'static str, Rules>,
    /// Key of the hashes, where the operator gave it; otherwise the secret may hold it beside the
    /// token.
    pub key: Option<HashKey>,
}

impl Privacy {
    /// Returns the rules of one stream.
    #[must_use]
    pub fn of(&self, spec: &StreamSpec) -> Rules {
        self.rules.get(spec.name).cloned().unwrap_or_default()
    }

    /// Whether members are to be hashed and the operator gave no key.
    pub(super) fn lacks_key(&self) -> bool {
        self.key.is_none() && self.rules.values().any(hashes)
    }

    pub(super) fn parse(given: &Given) -> Result<Self, ConfigError> {
        let mut privacy = Self::default();
        privacy.add(given, Setting::EXCLUDE_FIELDS, Treatment::Exclude)?;
        privacy.add(given, Setting::HASH_FIELDS, Treatment::Hash)?;
        let setting = Setting::HASH_KEY;
        privacy.key = given.get(setting).map(hash_key).transpose().map_err(|short| {
            let why = short.to_string();
            ConfigError::Invalid { setting, why }
        })?;
        Ok(privacy)
    }

    fn add(
        &mut self,
        given: &Given,
        setting: Setting,
        treatment: Treatment,
    ) -> Result<(), ConfigError> {
        let names = given.get(setting).unwrap_or_default().split(',').map(str::trim);
        for name in names.filter(|name| !name.is_empty()) {
            let Some((stream, path)) = name.split_once('.') else {
                let why = format!("`{name}` names no member: write stream.member, as users.email");
                return Err(ConfigError::Invalid { setting, why });
            };
            let spec = find_stream(stream);
            let spec = spec.map_err(|source| ConfigError::Stream { setting, source })?;
            let added = self.rules.entry(spec.name).or_default().add(spec, path, treatment);
            added.map_err(|refused| {
                let why = refused.to_string();
                ConfigError::Invalid { setting, why }
            })?;
        }
        Ok(())
    }
}

/// Whether any member is kept as a hash.
pub(crate) fn hashes(rules: &Rules) -> bool {
    rules.iter().any(|(_, what)| what == Treatment::Hash)
}
