//! The file of settings, `harvest-lake.toml`, and the file of secrets beside it, `.env`.
//!
//! A name in the file is that of the variable, without `HARVEST_` and in lower case. So the file
//! declares nothing of its own: it gives a text to settings that neither a flag nor a variable nor
//! `.env` gives, and the text is parsed as theirs is.
//!
//! The file may name the server that gets the token. A file that is found, and that another user has
//! put into a folder above, such as `/tmp`, is therefore an error; one that a person names is not.

#[cfg(test)]
mod tests;

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::declared::SETTINGS;
use super::error::ConfigError;
use super::given::GivenSettings;
use super::setting::{SettingForm, SettingName, SettingScope};
use crate::access::others_may_read;

/// Name of the file of settings.
pub const SETTINGS_FILE: &str = "harvest-lake.toml";
/// Name of the file of secrets, in the same folder.
pub const SECRETS_FILE: &str = ".env";
/// Beginning of the name of every variable.
const PREFIX: &str = "HARVEST_";
/// Settings that name a token: the one that is given nearest to the command line counts.
const TOKENS: [SettingName; 4] =
    [SettingName::TOKEN_FILE, SettingName::TOKEN, SettingName::PARAMETER, SettingName::SECRET];

/// Way to a file of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileOrigin {
    /// A person has named it.
    Named,
    /// It lies in the current folder or above.
    Found,
}

/// Returns the file of settings in the current `folder`, or in the nearest one above it.
#[must_use]
pub fn settings_file(folder: &Path) -> Option<PathBuf> {
    let found = folder.ancestors().find(|folder| folder.join(SETTINGS_FILE).is_file())?;
    // The name alone is how a person would write it.
    let near = found == folder;
    Some(if near { PathBuf::from(SETTINGS_FILE) } else { found.join(SETTINGS_FILE) })
}

/// Name of a setting in the file; `None` for one that the file cannot have: secrets, the settings of
/// functions, and the file itself.
#[must_use]
pub fn file_name(setting: SettingName) -> Option<String> {
    let has = match setting.form {
        SettingForm::Value { .. } | SettingForm::Switch { .. } => setting != SettingName::CONFIG,
        SettingForm::Variable { .. } => false,
    };
    has.then(|| setting.variable.trim_start_matches(PREFIX).to_ascii_lowercase())
}

impl GivenSettings {
    /// Reads the environment of a person, who may have logged in on this machine, and below it the
    /// file of settings: `config`, or the one that the environment names, or the nearest one in the
    /// current folder and those above it. An empty variable is a mistake that
    /// [`check`](Self::check) reports, unless a flag gives the setting a value.
    ///
    /// # Errors
    /// Where a variable is no text, or the file cannot be used.
    pub fn from_shell(config: Option<&str>) -> Result<Self, ConfigError> {
        let mut given = Self::from_variables()?;
        if let Some(config) = config {
            given.set(SettingName::CONFIG, config);
        }
        if let Some(file) = given.get(SettingName::CONFIG).map(PathBuf::from) {
            add(&mut given, &file, FileOrigin::Named)?;
        // An empty name is reported with the other mistakes.
        } else if !given.has(SettingName::CONFIG)
            && let Ok(folder) = std::env::current_dir()
            && let Some(file) = settings_file(&folder)
        {
            add(&mut given, &file, FileOrigin::Found)?;
        }
        Ok(given.with_logins())
    }
}

/// Adds what the file of settings and the `.env` beside it give, below what is given already.
///
/// # Errors
/// Fails if a file cannot be read, belongs to another user, or has a mistake.
pub(super) fn add(
    given: &mut GivenSettings,
    file: &Path,
    origin: FileOrigin,
) -> Result<(), ConfigError> {
    let text = read(file, origin)?;
    let secrets = file.with_file_name(SECRETS_FILE);
    if secrets.is_file() {
        let mut layer = Layer::above(given);
        for (name, value) in secrets_of(&secrets, origin)? {
            let known = SETTINGS.iter().find(|setting| setting.variable == name);
            // Other programs may have their variables there.
            if let Some(setting) = known {
                layer.give(*setting, value, secrets.display().to_string());
            }
        }
    }
    let place = |span: core::ops::Range<usize>| {
        let before = text.get(..span.start).unwrap_or_default();
        format!("{}:{}", file.display(), before.matches('\n').count().saturating_add(1))
    };
    let table = DeTable::parse(&text).map_err(|error| ConfigError::InFile {
        place: place(error.span().unwrap_or(0..0)),
        why: error.message().to_owned(),
    })?;
    let mut layer = Layer::above(given);
    for (key, value) in table.get_ref() {
        let (name, place) = (key.get_ref(), place(key.span()));
        let wrong = |why| ConfigError::InFile { place: place.clone(), why };
        let setting = setting(name).map_err(wrong)?;
        let wrong = |why| ConfigError::InFile { place: place.clone(), why };
        let text = text_of(value).map_err(wrong)?;
        let text = if is_path(setting) { beside(file, &text) } else { text };
        layer.give(setting, text, place);
    }
    Ok(())
}

/// Settings of one file, below those of all that count more.
struct Layer<'g> {
    given: &'g mut GivenSettings,
    has_token: bool,
}

impl<'g> Layer<'g> {
    fn above(given: &'g mut GivenSettings) -> Self {
        let has_token = TOKENS.iter().any(|setting| given.has(*setting));
        Self { given, has_token }
    }

    fn give(&mut self, setting: SettingName, text: String, place: String) {
        let outdone = self.has_token && TOKENS.contains(&setting);
        if !(outdone || self.given.has(setting)) {
            self.given.set(setting, text);
            self.given.note_place(setting, place);
        }
    }
}

/// Reads a file. One that was found has to belong to this user, or to the administrator of the
/// machine.
fn read(file: &Path, origin: FileOrigin) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::File { path: file.to_owned(), source };
    let owner = std::fs::metadata(file).map_err(unreadable)?.uid();
    let own = owner == 0 || owner == rustix::process::geteuid().as_raw();
    if !own && origin == FileOrigin::Found {
        return Err(ConfigError::InFile {
            place: file.display().to_string(),
            why: "the file belongs to another user of this machine, who could send your token \
                  elsewhere with it: if it is meant, name it with `--config`"
                .to_owned(),
        });
    }
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    Ok(without_mark(&text).to_owned())
}

/// Returns the text without the byte order mark that some editors put before it.
pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Names and values of `.env`.
fn secrets_of(file: &Path, origin: FileOrigin) -> Result<Vec<(String, String)>, ConfigError> {
    if others_may_read(file) {
        let file = file.display();
        tracing::warn!(
            "other users of this machine may read the secrets in `{file}`: `chmod 600` it"
        );
    }
    let text = read(file, origin)?;
    dotenvy::from_read_iter(text.as_bytes()).collect::<Result<_, _>>().map_err(|error| {
        // The text of an error has the line, and with it the secret.
        match error {
            dotenvy::Error::LineParse(wrong, _) => {
                let first = wrong.lines().next().unwrap_or_default();
                let line = text.lines().position(|line| line == first);
                let line = line.map(|place| format!(":{}", place.saturating_add(1)));
                ConfigError::InFile {
                    place: format!("{}{}", file.display(), line.unwrap_or_default()),
                    why: "write `NAME=value`, and a value with spaces, `#` or `$` as \
                          `NAME='value'`"
                        .to_owned(),
                }
            }
            dotenvy::Error::Io(source) => ConfigError::File { path: file.to_owned(), source },
            dotenvy::Error::EnvVar(_) | _ => {
                ConfigError::File { path: file.to_owned(), source: ErrorKind::InvalidData.into() }
            }
        }
    })
}

/// Returns the setting of this name in the file.
///
/// # Errors
/// A sentence that says where the setting belongs, or which one has a similar name.
fn setting(name: &str) -> Result<SettingName, String> {
    let names = || SETTINGS.iter().filter_map(|setting| Some((file_name(*setting)?, *setting)));
    if let Some((_, setting)) = names().find(|(known, _)| known == name) {
        return Ok(setting);
    }
    let (upper, lower) = (name.to_ascii_uppercase(), name.to_ascii_lowercase());
    let bare = upper.strip_prefix(PREFIX).unwrap_or(&upper);
    let variable = format!("{PREFIX}{bare}");
    let bare = lower.strip_prefix(&PREFIX.to_ascii_lowercase()).unwrap_or(&lower);
    if names().any(|(known, _)| known == bare) {
        return Err(format!("write `{bare}` for `{name}` in this file"));
    }
    match SETTINGS.iter().find(|setting| setting.variable == variable) {
        Some(setting) if setting.scope == SettingScope::Functions => {
            Err(format!("`{name}` is a setting of the deployed functions alone"))
        }
        Some(setting) if *setting == SettingName::CONFIG => {
            Err("a file of settings names no other".to_owned())
        }
        Some(_) => Err(format!(
            "`{name}` does not belong into this file: set `{variable}`, or write it into \
             `{SECRETS_FILE}` beside it"
        )),
        None => {
            let near = names().map(|(known, _)| (strsim::damerau_levenshtein(name, &known), known));
            let near = near.min().filter(|(distance, _)| *distance <= 3);
            let hint = near.map(|(_, known)| format!("; did you mean `{known}`?"));
            let hint = hint.unwrap_or_else(|| "; docs/settings.md lists them all".to_owned());
            Err(format!("there is no setting `{name}`{hint}"))
        }
    }
}

/// Returns the value as the text that a variable would have: a list with commas between.
///
/// # Errors
/// A sentence about a value that no variable could have.
fn text_of(value: &Spanned<DeValue<'_>>) -> Result<String, String> {
    Ok(match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(day) => day.to_string(),
        DeValue::Array(list) => list.iter().map(text_of).collect::<Result<Vec<_>, _>>()?.join(","),
        DeValue::Table(_) => return Err("a setting has no parts: write `name = value`".to_owned()),
    })
}

/// Whether the value of a setting is a path, unless it has a scheme.
fn is_path(setting: SettingName) -> bool {
    match setting.form {
        SettingForm::Value { placeholder, .. } => {
            ["PLACE", "FILE", "FOLDER"].contains(&placeholder)
        }
        SettingForm::Switch { .. } | SettingForm::Variable { .. } => false,
    }
}

/// Returns a path of the file as seen from the current folder: it is relative to the file's own one.
fn beside(file: &Path, text: &str) -> String {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !text.contains("://") && !text.trim().is_empty() => {
            folder.join(text).display().to_string()
        }
        Some(_) | None => text.to_owned(),
    }
}
