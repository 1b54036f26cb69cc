use std::fs;

use super::*;
use crate::config::{DeploymentSettings, account, lake};

/// Settings of a folder with these files, below those that are given already.
fn added(given: GivenSettings, toml: &str, env: &str) -> Result<GivenSettings, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(SETTINGS_FILE);
    fs::write(&file, toml).unwrap();
    fs::write(folder.path().join(SECRETS_FILE), env).unwrap();
    let mut given = given;
    add(&mut given, &file, FileOrigin::Found)?;
    Ok(given)
}

fn of(toml: &str) -> Result<GivenSettings, ConfigError> {
    added(GivenSettings::default(), toml, "")
}

#[test]
fn every_setting_with_a_flag_has_a_name_in_the_file_and_no_other_has() {
    let mut names = std::collections::BTreeSet::new();
    for setting in SETTINGS.iter().copied().filter(|setting| *setting != SettingName::CONFIG) {
        let name = file_name(setting);
        assert_eq!(name.is_some(), setting.flag().is_some(), "{}", setting.variable);
        let Some(name) = name else {
            let refused = of(&format!(
                "{} = \"x\"",
                setting.variable.trim_start_matches(PREFIX).to_ascii_lowercase()
            ));
            let told = refused.unwrap_err().to_string();
            let functions = setting.scope == SettingScope::Functions;
            let expected = if functions { "functions" } else { setting.variable };
            assert!(told.contains(expected), "{told}");
            continue;
        };
        assert_eq!(
            of(&format!("{name} = \"7\"")).unwrap().get(setting).map(|text| text.ends_with('7')),
            Some(true)
        );
        assert!(names.insert(name), "{}", setting.variable);
    }
    assert!(of("config = \"x\"").unwrap_err().to_string().contains("names no other"));
}

#[test]
fn values_of_all_kinds_become_the_text_of_a_variable() {
    let given = of("account_id = 1_234_567\nkeep = true\nstart_date = 2024-01-31\n\
                    streams = [\"clients\", \"tasks\"]\nsync_interval = '6h'\n")
    .unwrap();
    for (setting, text) in [
        (SettingName::ACCOUNT, "1234567"),
        (SettingName::KEEP, "true"),
        (SettingName::START_DATE, "2024-01-31"),
        (SettingName::STREAMS, "clients,tasks"),
        (SettingName::SYNC_INTERVAL, "6h"),
    ] {
        assert_eq!(given.get(setting), Some(text));
    }
}

#[test]
fn what_is_given_elsewhere_wins_over_secrets_and_these_over_the_file() {
    let mut given = GivenSettings::default();
    given.set(SettingName::LAKE, "./from-a-variable");
    let toml = "lake = \"s3://b/x\"\ncontact = \"from the file\"\naccount_id = 1\n";
    let env = "HARVEST_LAKE=./x\nHARVEST_CONTACT='from .env'\nOTHER=1\nHARVEST_ACCESS_TOKEN=abc\n";
    let given = added(given, toml, env).unwrap();
    for (setting, text) in [
        (SettingName::LAKE, "./from-a-variable"),
        (SettingName::CONTACT, "from .env"),
        (SettingName::ACCOUNT, "1"),
        (SettingName::TOKEN, "abc"),
    ] {
        assert_eq!(given.get(setting), Some(text));
    }
}

#[test]
fn a_token_that_is_given_elsewhere_wins_over_every_way_to_one_in_a_file() {
    let mut given = GivenSettings::default();
    given.set(SettingName::TOKEN, "abc");
    let given = added(given, "token_file = \"t\"", "HARVEST_TOKEN_FILE=u").unwrap();
    assert_eq!(given.get(SettingName::TOKEN_FILE), None);
    let given = added(GivenSettings::default(), "token_file = \"t\"", "HARVEST_ACCESS_TOKEN=abc");
    assert_eq!(given.unwrap().get(SettingName::TOKEN_FILE), None);
}

#[test]
fn paths_of_the_file_are_relative_to_its_folder() {
    let given = of("lake = \"lake\"\nstate = \"/s.sqlite\"\n").unwrap();
    let folder = Path::new(given.get(SettingName::LAKE).unwrap());
    assert!(folder.is_absolute() && folder.ends_with("lake"), "{}", folder.display());
    assert_eq!(given.get(SettingName::STATE), Some("/s.sqlite"));
    assert_eq!(of("lake = \"s3://b/x\"").unwrap().get(SettingName::LAKE), Some("s3://b/x"));
    // Beside the current folder they stay as they were written.
    assert_eq!(beside(Path::new(SETTINGS_FILE), "./lake"), "./lake");
}

#[test]
fn a_mistake_is_told_with_its_line_and_the_nearest_name() {
    for (toml, words) in [
        ("lake = \"x\"\n\naccont_id = 1\n", &["harvest-lake.toml:3: ", "`account_id`"][..]),
        ("lake = \"x\"\nsomething_else = 1\n", &["harvest-lake.toml:2: ", "docs/settings.md"]),
        ("\nlake = \n", &["harvest-lake.toml:2: "]),
        ("lake = \"x\"\nlake = \"y\"\n", &["harvest-lake.toml:2: "]),
        ("[lake]\nplace = \"x\"\n", &["harvest-lake.toml:1: ", "name = value"]),
        ("access_token = \"abc\"\n", &[":1: ", "HARVEST_ACCESS_TOKEN", ".env"]),
        ("HARVEST_ACCESS_TOKEN = \"abc\"\n", &["set `HARVEST_ACCESS_TOKEN`", ".env"]),
        ("LAKE = \"x\"\n", &["write `lake` for `LAKE`"]),
        ("Streams = [\"tasks\"]\n", &["write `streams` for `Streams`"]),
        ("HARVEST_LAKE = \"x\"\n", &["write `lake` for `HARVEST_LAKE`"]),
    ] {
        let told = of(toml).unwrap_err().to_string();
        assert!(words.iter().all(|word| told.contains(word)), "{told}");
        assert!(!told.contains("abc"), "{told}");
    }
    let given = of("\n\nlake = \"gs://x\"\naccount_id = \"x\"\nstreams = [\"clientz\"]").unwrap();
    let told = lake(&given).unwrap_err().to_string();
    assert!(told.contains("harvest-lake.toml:3: ") && told.contains("scheme"), "{told}");
    let told = account(&given).unwrap_err().to_string();
    assert!(told.contains("harvest-lake.toml:4: "), "{told}");
    let mut given = given;
    given.set(SettingName::ACCOUNT, "1");
    let told = DeploymentSettings::parse(&given).unwrap_err().to_string();
    assert!(told.contains("harvest-lake.toml:5: ") && told.contains("`clients`"), "{told}");
    let told = of("lake = ''").unwrap().check().unwrap_err().to_string();
    assert!(told.contains("harvest-lake.toml:1: "), "{told}");
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_name() {
    let toml = "\u{feff}lake = \"s3://abc/x\"\n";
    let given =
        added(GivenSettings::default(), toml, "\u{feff}HARVEST_ACCESS_TOKEN=abc\n").unwrap();
    assert_eq!(given.get(SettingName::LAKE), Some("s3://abc/x"));
    assert_eq!(given.get(SettingName::TOKEN), Some("abc"));
}

#[test]
fn a_secret_is_in_no_error() {
    let bad =
        added(GivenSettings::default(), "", "# a\n\nHARVEST_ACCESS_TOKEN 'abc\n").unwrap_err();
    assert!(bad.to_string().contains(".env:3: write `NAME=value`"), "{bad}");
    assert!(!format!("{bad:?} {}", engine::causes::chained(&bad)).contains("abc"), "{bad}");
}

#[test]
fn the_nearest_file_above_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b");
    fs::create_dir_all(&deep).unwrap();
    fs::write(folder.path().join(SETTINGS_FILE), "").unwrap();
    assert_eq!(settings_file(&deep), Some(folder.path().join(SETTINGS_FILE)));
    fs::write(folder.path().join("a").join(SETTINGS_FILE), "").unwrap();
    assert_eq!(settings_file(&deep), Some(folder.path().join("a").join(SETTINGS_FILE)));
    assert_eq!(settings_file(&folder.path().join("a")), Some(PathBuf::from(SETTINGS_FILE)));
    add(&mut GivenSettings::default(), Path::new("/dev/null"), FileOrigin::Found).unwrap();
}

/// Only the administrator can make a file of another user.
#[test]
fn a_file_of_another_user_counts_only_if_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(SETTINGS_FILE);
    fs::write(&file, "lake = \"s3://b/x\"").unwrap();
    if std::os::unix::fs::chown(&file, Some(12_345), None).is_err() {
        return;
    }
    let mut given = GivenSettings::default();
    add(&mut given, &file, FileOrigin::Named).unwrap();
    let found = add(&mut GivenSettings::default(), &file, FileOrigin::Found).unwrap_err();
    assert!(found.to_string().contains("another user"), "{found}");
}
