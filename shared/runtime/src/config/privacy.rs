//! Which members of records are not kept, or only as a hash.

use std::collections::BTreeMap;

use engine::privacy::{Rules, Treatment};
use engine::spec::StreamSpec;
use lake::decode::HashKey;

use super::error::ConfigError;
use super::given::{Given, Setting};
use super::names::find_stream;

/// A shorter key could be guessed.
const LEAST_KEY: usize = 16;

/// What of the records is not kept, or only as a hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Privacy {
    /// By stream.
    pub rules: BTreeMap<&'static str, Rules>,
    /// Key of the hashes.
    pub key: Option<HashKey>,
}

impl Privacy {
    /// The rules of one stream, and the key of the hashes.
    #[must_use]
    pub fn of(&self, spec: &StreamSpec) -> (Rules, Option<&HashKey>) {
        (self.rules.get(spec.name).cloned().unwrap_or_default(), self.key.as_ref())
    }

    pub(super) fn parse(given: &Given) -> Result<Self, ConfigError> {
        let mut privacy = Self::default();
        privacy.add(given, Setting::EXCLUDE_FIELDS, Treatment::Exclude)?;
        privacy.add(given, Setting::HASH_FIELDS, Treatment::Hash)?;
        let setting = Setting::HASH_KEY;
        privacy.key = match given.get(setting) {
            Some(key) if key.len() < LEAST_KEY => {
                let why = format!("the key is too short: at least {LEAST_KEY} letters, by chance");
                return Err(ConfigError::Invalid { setting, why });
            }
            key => key.map(|key| HashKey::new(key.as_bytes().to_vec())),
        };
        let hashes = |rules: &Rules| rules.iter().any(|(_, what)| what == Treatment::Hash);
        if privacy.key.is_none() && privacy.rules.values().any(hashes) {
            return Err(ConfigError::NoHashKey);
        }
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
