//! Parsing of the settings of privacy.

use engine::privacy::{FieldTreatment, PrivacyRefusal};
use engine::spec::StreamSpec;
use runtime::settings::{PrivacySettings, hash_key};
use streams::find_stream;

use super::error::ConfigError;
use super::given::GivenSettings;
use super::setting::SettingName;

/// Most typing errors in a name that is still recognized.
const MISTYPED: usize = 2;

/// Parses the members that are not kept or hashed, and the key of the hashes.
///
/// # Errors
/// The first setting that cannot be used.
pub(super) fn privacy(given: &GivenSettings) -> Result<PrivacySettings, ConfigError> {
    let mut privacy = PrivacySettings::default();
    add(&mut privacy, given, SettingName::EXCLUDE_FIELDS, FieldTreatment::Exclude)?;
    add(&mut privacy, given, SettingName::HASH_FIELDS, FieldTreatment::Hash)?;
    let setting = SettingName::HASH_KEY;
    privacy.key = given.get(setting).map(hash_key).transpose().map_err(|short| {
        let why = short.to_string();
        ConfigError::Invalid { setting, why }
    })?;
    Ok(privacy)
}

fn add(
    privacy: &mut PrivacySettings,
    given: &GivenSettings,
    setting: SettingName,
    treatment: FieldTreatment,
) -> Result<(), ConfigError> {
    let names = given.get(setting).unwrap_or_default().split(',').map(str::trim);
    for name in names.filter(|name| !name.is_empty()) {
        let Some((stream, path)) = name.split_once('.') else {
            let why = format!("`{name}` names no member: write stream.member, as users.email");
            return Err(given.placed(setting, ConfigError::Invalid { setting, why }));
        };
        let spec = find_stream(stream);
        let unknown = |source| given.placed(setting, ConfigError::Stream { setting, source });
        let spec = spec.map_err(unknown)?;
        let added = privacy.rules.entry(spec.name).or_default().add(spec, path, treatment);
        added.map_err(|refused| {
            let why = with_similar(spec, refused).to_string();
            given.placed(setting, ConfigError::Invalid { setting, why })
        })?;
    }
    Ok(())
}

/// Adds members with a similar name to a refusal that knows none.
fn with_similar(spec: &StreamSpec, refused: PrivacyRefusal) -> PrivacyRefusal {
    match refused {
        PrivacyRefusal::Unknown { stream, path, near } if near.is_empty() => {
            let names = spec.fields.iter().map(|field| field.name);
            let like = names.filter(|name| strsim::damerau_levenshtein(name, &path) <= MISTYPED);
            let near = like.map(str::to_owned).collect();
            PrivacyRefusal::Unknown { stream, path, near }
        }
        PrivacyRefusal::Unknown { .. }
        | PrivacyRefusal::Needed { .. }
        | PrivacyRefusal::NoText { .. }
        | PrivacyRefusal::Volatile { .. }
        | PrivacyRefusal::Twice { .. }
        | PrivacyRefusal::Nested { .. } => refused,
    }
}
