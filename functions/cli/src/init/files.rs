//! The files that `init` writes.

use core::fmt::Write as _;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use deployment::config::{SETTINGS, SettingDefault, SettingForm, SettingName, file_name};

const HEAD: &str = "\
# Settings of harvest-lake for this folder and those below it. Flags and variables win over them.
# Secrets belong into .env beside this file. `harvest-lake help sync` has the whole help.
";

/// Text of the file of settings: those with a value, and all others as comments.
pub(super) fn text(value: impl Fn(SettingName) -> Option<String>) -> String {
    let mut text = HEAD.to_owned();
    for setting in SETTINGS.iter().copied() {
        // What is accepted is accepted for once.
        let once = setting.variable.starts_with("HARVEST_ACCEPT_");
        let Some(name) = file_name(setting).filter(|_| !once) else { continue };
        let line = match value(setting) {
            Some(value) => format!("{name} = {}", literal(setting, &value)),
            None => format!("# {name} = {}", example(setting)),
        };
        writeln!(text, "\n# {}\n{line}", setting.help).unwrap_or_default();
    }
    text
}

/// Returns a value as TOML. A basic string has the escapes of one of JSON.
fn literal(setting: SettingName, value: &str) -> String {
    match setting.form {
        SettingForm::Switch { .. } => value.to_owned(),
        SettingForm::Value { .. } | SettingForm::Variable { .. } => match value.parse::<u64>() {
            Ok(number) => number.to_string(),
            Err(_) => serde_json::Value::from(value).to_string(),
        },
    }
}

/// Returns the default as a value, or the form of a value beside the default in words.
fn example(setting: SettingName) -> String {
    match (setting.form, setting.default) {
        (_, SettingDefault::Text(default)) => literal(setting, default),
        (SettingForm::Value { placeholder, .. }, default) => {
            let words = match default {
                SettingDefault::Described(words) | SettingDefault::Found(words) => words,
                SettingDefault::Text(_) | SettingDefault::Unset | SettingDefault::Required => {
                    "none"
                }
            };
            format!("{}   # default: {words}", literal(setting, placeholder))
        }
        (SettingForm::Switch { .. } | SettingForm::Variable { .. }, _) => "true".to_owned(),
    }
}

/// Writes the file of settings.
pub(super) fn settings(
    file: &Path,
    value: impl Fn(SettingName) -> Option<String>,
) -> io::Result<()> {
    replace(file, &text(value))
}

/// Sets a variable in the file of secrets. Other lines stay as they are.
pub(super) fn secret(file: &Path, variable: &str, value: &str) -> io::Result<()> {
    let former = read(file)?;
    let is_other = |line: &&str| {
        let line = line.trim_start().trim_start_matches("export ");
        !line.strip_prefix(variable).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let mut lines: Vec<String> = former.lines().filter(is_other).map(str::to_owned).collect();
    // In single quotes nothing has a meaning, and a token has no quote.
    lines.push(format!("{variable}='{}'", value.trim()));
    replace(file, &(lines.join("\n") + "\n"))
}

/// Adds a file of the folder to its `.gitignore`, if the folder is in a repository of git and the
/// file is not listed. Returns whether it is listed now.
pub(super) fn ignore(folder: &Path, name: &str) -> io::Result<bool> {
    let real = folder.canonicalize()?;
    if !real.ancestors().any(|folder| folder.join(".git").exists()) {
        return Ok(false);
    }
    let file = folder.join(".gitignore");
    let former = read(&file)?;
    if former.lines().any(|line| line.trim().trim_start_matches('/') == name) {
        return Ok(true);
    }
    let mut open = OpenOptions::new().append(true).create(true).open(file)?;
    let gap = if former.is_empty() || former.ends_with('\n') { "" } else { "\n" };
    writeln!(open, "{gap}{name}")?;
    Ok(true)
}

/// Content of the file; empty where there is none.
fn read(file: &Path) -> io::Result<String> {
    match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}

/// Replaces the file by one that its owner alone may read.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let mut open: File =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    // Of a file that was there already.
    open.set_permissions(Permissions::from_mode(0o600))?;
    open.write_all(text.as_bytes())?;
    open.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_in_the_file_with_its_meaning() {
        let text =
            text(|setting| (setting == SettingName::LAKE).then(|| "s3://b/\"x\"".to_owned()));
        assert!(text.contains("\nlake = \"s3://b/\\\"x\\\"\"\n"), "{text}");
        assert!(text.contains("\n# sync_interval = \"1h\"\n"), "{text}");
        assert!(text.contains("\n# keep = false\n"), "{text}");
        for setting in SETTINGS.iter().filter(|setting| file_name(**setting).is_some()) {
            let once = setting.variable.starts_with("HARVEST_ACCEPT_");
            assert_eq!(text.contains(setting.help), !once, "{}", setting.variable);
        }
        assert!(!text.to_lowercase().contains("access_token ="), "{text}");
    }

    #[test]
    fn a_secret_replaces_its_own_line_alone_and_is_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".env");
        fs::write(&file, "A=1\nexport HARVEST_ACCESS_TOKEN = old\nHARVEST_ACCESS_TOKENS=2")
            .unwrap();
        secret(&file, "HARVEST_ACCESS_TOKEN", "new\n").unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text, "A=1\nHARVEST_ACCESS_TOKENS=2\nHARVEST_ACCESS_TOKEN='new'\n");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn secrets_are_kept_out_of_git_once() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("a");
        fs::create_dir(&below).unwrap();
        assert!(!ignore(&below, ".env").unwrap());
        assert!(!below.join(".gitignore").exists());
        fs::create_dir(folder.path().join(".git")).unwrap();
        fs::write(below.join(".gitignore"), "target").unwrap();
        for _ in 0..2 {
            assert!(ignore(&below, ".env").unwrap());
            assert_eq!(fs::read_to_string(below.join(".gitignore")).unwrap(), "target\n.env\n");
        }
    }
}
