//! The settings as texts: from flags, from the environment, from files.

#![expect(clippy::disallowed_methods, reason = "this module alone reads the environment")]

use std::collections::{BTreeMap, BTreeSet};

use etcetera::BaseStrategy as _;

use super::declared::SETTINGS;
use super::error::ConfigError;
use super::setting::{SettingDefault, SettingName};

/// The given settings, as texts. `Debug` shows no value, because one of them is the token.
#[derive(Clone, Default)]
pub struct GivenSettings {
    values: BTreeMap<SettingName, String>,
    /// Settings with an empty value.
    empty: BTreeSet<SettingName>,
    /// Places of those that a file gives: the file, and its line where that is known.
    places: BTreeMap<SettingName, String>,
}

impl core::fmt::Debug for GivenSettings {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.values.keys().map(|setting| setting.variable)).finish()
    }
}

impl GivenSettings {
    /// Reads the environment of a function. An empty variable counts as not set: a template has no
    /// other way to say so.
    ///
    /// # Errors
    /// Where a variable is no text.
    pub fn from_environment() -> Result<Self, ConfigError> {
        let mut given = Self::from_variables()?;
        given.empty.clear();
        Ok(given)
    }

    /// Adds the person's folder of logins, where no other is given.
    pub(super) fn with_logins(mut self) -> Self {
        let folder = SettingName::LOGIN_FOLDER;
        if !self.has(folder) {
            // Without a home there is no such folder, and a path that is no text cannot be a setting.
            let base = etcetera::choose_base_strategy().ok().map(|base| base.config_dir());
            let path =
                base.and_then(|base| base.join("harvest-lake").into_os_string().into_string().ok());
            if let Some(path) = path {
                self.set(folder, path);
            }
        }
        self
    }

    /// Reads the variables of the environment.
    ///
    /// # Errors
    /// Where a variable is no text.
    pub(super) fn from_variables() -> Result<Self, ConfigError> {
        let mut given = Self::default();
        for setting in SETTINGS {
            match std::env::var_os(setting.variable).map(std::ffi::OsString::into_string) {
                None => {}
                Some(Ok(value)) => given.set(*setting, value),
                Some(Err(_)) => {
                    return Err(ConfigError::NoText { variable: setting.variable });
                }
            }
        }
        Ok(given)
    }

    /// Sets `setting` in place of its former value. An empty value is recorded as a mistake.
    pub fn set(&mut self, setting: SettingName, value: impl Into<String>) {
        let value = value.into();
        self.unset(setting);
        if value.trim().is_empty() {
            self.empty.insert(setting);
        } else {
            self.values.insert(setting, value);
        }
    }

    /// Removes `setting`.
    pub fn unset(&mut self, setting: SettingName) {
        self.values.remove(&setting);
        self.empty.remove(&setting);
        self.places.remove(&setting);
    }

    /// Checks that every given setting has a value: an empty name of the lake, most likely from an
    /// unset variable, must not become the default lake.
    ///
    /// # Errors
    /// The first setting that is empty.
    pub fn check(&self) -> Result<(), ConfigError> {
        match self.empty.first() {
            Some(&setting) => Err(self.placed(setting, ConfigError::Empty { setting })),
            None => Ok(()),
        }
    }

    /// Whether the setting is given, be it empty.
    pub(super) fn has(&self, setting: SettingName) -> bool {
        self.values.contains_key(&setting) || self.empty.contains(&setting)
    }

    /// Notes that a file gives the setting, for its errors.
    pub(super) fn note_place(&mut self, setting: SettingName, place: String) {
        self.places.insert(setting, place);
    }

    /// Returns the error about `setting`, with the place of its value if that is a file.
    pub(super) fn placed(&self, setting: SettingName, error: ConfigError) -> ConfigError {
        match self.places.get(&setting) {
            Some(place) => ConfigError::InFile { place: place.clone(), why: error.to_string() },
            None => error,
        }
    }

    /// Returns the value of a setting that is given, without white space around it; `None` where its
    /// default counts.
    #[must_use]
    pub fn stated(&self, setting: SettingName) -> Option<&str> {
        self.values.get(&setting).map(|value| value.trim())
    }

    /// Returns the given value of `setting`, without white space around it, or its default; `None`:
    /// it is not given and its default has no text.
    #[must_use]
    pub fn get(&self, setting: SettingName) -> Option<&str> {
        let default = match setting.default {
            SettingDefault::Text(default) => Some(default),
            SettingDefault::Described(_)
            | SettingDefault::Found(_)
            | SettingDefault::Unset
            | SettingDefault::Required => None,
        };
        self.stated(setting).or(default)
    }
}

/// Whether the person wants no colours (`NO_COLOR` is set and not empty), or the terminal has none.
#[must_use]
pub fn refuses_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|value| value == "dumb")
}

/// Whether another server, such as an emulator, takes the place of AWS's S3.
#[must_use]
pub fn has_own_s3_endpoint() -> bool {
    let given = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    given("AWS_ENDPOINT_URL_S3") || given("AWS_ENDPOINT_URL")
}

/// Memory of the Lambda function that this process runs, in megabytes; `None`: it runs none.
pub(super) fn function_memory() -> Option<u64> {
    std::env::var_os("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")?.to_str()?.parse().ok()
}

/// Name of the Lambda function that this process runs; `None`: it runs none.
#[must_use]
pub fn function_name() -> Option<String> {
    let name = std::env::var_os("AWS_LAMBDA_FUNCTION_NAME")?.into_string().ok()?;
    (!name.is_empty()).then_some(name)
}
