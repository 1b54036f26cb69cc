//! Parsing of the settings of privacy.

use engine::privacy::Treatment;
use runtime::settings::{Privacy, hash_key};
use streams::find_stream;

use super::error::ConfigError;
use super::given::Given;
use super::setting::Setting;

/// Parses the members that are not kept or hashed, and the key of the hashes.
///
/// # Errors
/// The first setting that cannot be used.
pub(super) fn privacy(given: &Given) -> Result<Privacy, ConfigError> {
    let mut privacy = Privacy::default();
    add(&mut privacy, given, Setting::EXCLUDE_FIELDS, Treatment::Exclude)?;
    add(&mut privacy, given, Setting::HASH_FIELDS, Treatment::Hash)?;
    let setting = Setting::HASH_KEY;
    privacy.key = given.get(setting).map(hash_key).transpose().map_err(|short| {
        let why = short.to_string();
        ConfigError::Invalid { setting, why }
    })?;
    Ok(privacy)
}

fn add(
    privacy: &mut Privacy,
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
        let added = privacy.rules.entry(spec.name).or_default().add(spec, path, treatment);
        added.map_err(|refused| {
            let why = refused.to_string();
            ConfigError::Invalid { setting, why }
        })?;
    }
    Ok(())
}
