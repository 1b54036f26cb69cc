use std::collections::BTreeSet;
use std::path::Path;

use engine::ids::AccountId;
use engine::time::SignedDuration;
use engine::window::{FixedFeeAmounts, WindowGrid};

use super::*;

fn given(values: &[(SettingName, &str)]) -> GivenSettings {
    let mut given = GivenSettings::default();
    given.set(SettingName::ACCOUNT, "7");
    for (setting, value) in values {
        given.set(*setting, *value);
    }
    given
}

fn parsed(values: &[(SettingName, &str)]) -> DeploymentSettings {
    DeploymentSettings::parse(&given(values)).unwrap()
}

fn refused(values: &[(SettingName, &str)]) -> String {
    DeploymentSettings::parse(&given(values)).unwrap_err().to_string()
}

#[test]
fn what_is_not_given_has_its_default() {
    let deployment = parsed(&[]);
    // The defaults of the table, parsed, are those with which `runtime` tests itself.
    assert_eq!(deployment.settings, Settings::new(AccountId(7)));
    assert_eq!(deployment.lake.to_string(), "./lake");
    assert_eq!(deployment.state.to_string(), "./lake/.state.sqlite");
    assert!(matches!(deployment.token(), Err(ConfigError::NoToken)));
    assert!(!deployment.base.is_loopback());
}

#[test]
fn what_is_hashed_needs_a_key_that_nobody_sees() {
    let key = "a key of many letters";
    let fields = (SettingName::HASH_FIELDS, "users.email, clients.name,");
    let settings = parsed(&[fields, (SettingName::HASH_KEY, key)]).settings;
    assert!(!format!("{settings:?}").contains(key));
    assert_eq!(settings.privacy.rules.keys().collect::<Vec<_>>(), [&"clients", &"users"]);
    assert!(refused(&[fields]).contains("HARVEST_HASH_KEY"));
    // The secret may hold the key beside the token, but only where the token is from a secret, too.
    let secret = (SettingName::SECRET, "arn:aws:secretsmanager:eu-west-1:1:secret:x");
    assert_eq!(parsed(&[fields, secret]).settings.privacy.key, None);
    let said = refused(&[fields, secret, (SettingName::TOKEN, "a.b")]);
    assert!(said.contains("HARVEST_HASH_KEY") && said.contains("`hash_key`"), "{said}");
    let short = refused(&[fields, (SettingName::HASH_KEY, "short")]);
    assert!(short.contains("16"), "{short}");
    let both = refused(&[
        fields,
        (SettingName::HASH_KEY, key),
        (SettingName::EXCLUDE_FIELDS, "users.email"),
    ]);
    assert!(both.contains("users.email") && both.contains("both"), "{both}");
    let number = refused(&[(SettingName::HASH_FIELDS, "users.id"), (SettingName::HASH_KEY, key)]);
    assert!(number.contains("which row"), "{number}");
}

#[test]
fn every_setting_is_read() {
    let deployment = parsed(&[
        (SettingName::TOKEN, " abc.def\n"),
        (SettingName::BASE_URL, "http://127.0.0.1:8080/v2"),
        (SettingName::CONTACT, "ops@example.com"),
        (SettingName::LAKE, "/srv/lake"),
        (SettingName::STREAMS, "clients, tasks,"),
        (SettingName::EXCLUDE, "tasks"),
        (SettingName::NO_CHANGES, "users, roles"),
        (SettingName::CHANGES_RETENTION, "13"),
        (SettingName::START_DATE, "2024-02-29"),
        (SettingName::SYNC_INTERVAL, "90m"),
        (SettingName::MAX_WORKERS, "3"),
        (SettingName::RETENTION, "2d"),
        (SettingName::KEEP, "yes"),
        (SettingName::ACCEPT_ROLE, "TRUE"),
        (SettingName::ACCEPT_DELETES, "1"),
        (SettingName::REPORT_WINDOW, "quarter"),
        (SettingName::REPORT_FIXED_FEES, "rates"),
        (SettingName::GENERAL, "100/1500ms"),
        (SettingName::REPORTS, "20/9s"),
        (SettingName::BUDGET_PERCENT, "50"),
    ]);
    let settings = &deployment.settings;
    assert!(deployment.token().is_ok());
    assert_eq!(deployment.contact, "ops@example.com");
    assert_eq!(deployment.state.to_string(), "/srv/lake/.state.sqlite");
    assert!(settings.includes("clients") && !settings.includes("tasks"));
    assert!(!settings.includes("users"));
    assert!(settings.keeps_changes("clients") && !settings.keeps_changes("users"));
    assert_eq!(settings.changes_retention, Some(13));
    let none = parsed(&[(SettingName::NO_CHANGES, "all")]).settings;
    assert!(!none.keeps_changes("clients"));
    assert_eq!(settings.start_date.unwrap().to_string(), "2024-02-29");
    assert_eq!(settings.sync_interval, SignedDuration::from_mins(90));
    assert_eq!(settings.retention, SignedDuration::from_hours(48));
    assert_eq!((settings.max_workers, settings.budget_percent), (3, 50));
    assert!(settings.keep && settings.accept_role && settings.accept_deletes);
    assert_eq!(settings.grid, WindowGrid::Quarter);
    assert_eq!(settings.fixed_fees, FixedFeeAmounts::Rates);
    assert_eq!(settings.general.to_string(), "100/1500ms");
    assert_eq!(settings.reports.to_string(), "20/9s");
}

#[test]
fn what_cannot_be_used_is_named_with_flag_and_variable() {
    for (setting, value) in [
        (SettingName::ACCOUNT, "acme"),
        (SettingName::ACCOUNT, "-1"),
        (SettingName::START_DATE, "2024-02-30"),
        (SettingName::START_DATE, "20240229"),
        (SettingName::SYNC_INTERVAL, "1"),
        (SettingName::SYNC_INTERVAL, "0s"),
        (SettingName::SYNC_INTERVAL, "1 h"),
        (SettingName::SYNC_INTERVAL, "-1h"),
        (SettingName::SYNC_INTERVAL, "99999999999999999d"),
        (SettingName::RETENTION, "59m"),
        (SettingName::MAX_WORKERS, "0"),
        (SettingName::MAX_WORKERS, "65"),
        (SettingName::BUDGET_PERCENT, "101"),
        (SettingName::KEEP, "perhaps"),
        (SettingName::REPORT_WINDOW, "week"),
        (SettingName::REPORT_FIXED_FEES, "true"),
        (SettingName::GENERAL, "100"),
        (SettingName::REPORTS, "0/9s"),
        (SettingName::LAKE, "s3://bucket/a b"),
        (SettingName::LAKE, "s3://b"),
        (SettingName::LAKE, "s3://bucket//x"),
        (SettingName::LAKE, "gs://bucket"),
        (SettingName::STATE, "dynamodb://"),
        (SettingName::STATE, "dynamodb://a/b"),
        (SettingName::STATE, "redis://x"),
        (SettingName::STREAMS, "client"),
        (SettingName::EXCLUDE, "clients,nothing"),
        (SettingName::NO_CHANGES, "clients,everything"),
        (SettingName::CHANGES_RETENTION, "0"),
    ] {
        let message = refused(&[(setting, value)]);
        assert!(message.contains(setting.flag().unwrap()), "{message}");
        assert!(message.contains(setting.variable), "{message}");
    }
    assert!(
        DeploymentSettings::parse(&GivenSettings::default())
            .unwrap_err()
            .to_string()
            .contains("--account-id")
    );
    assert!(refused(&[(SettingName::BASE_URL, "http://example.com/v2")]).contains("base URL"));
}

#[test]
fn streams_that_are_named_and_left_out_are_a_mistake() {
    let named = |exclude| {
        refused(&[(SettingName::STREAMS, "clients,tasks"), (SettingName::EXCLUDE, exclude)])
    };
    let message = named("tasks,clients,users");
    assert!(
        message.contains("--exclude") && message.contains("nothing would be read"),
        "{message}"
    );
    let one = parsed(&[(SettingName::STREAMS, "clients,tasks"), (SettingName::EXCLUDE, "tasks")]);
    assert!(one.settings.includes("clients") && !one.settings.includes("tasks"));
}

#[test]
fn a_lake_in_a_bucket_says_where_its_state_is() {
    let message = refused(&[(SettingName::LAKE, "s3://bucket/prefix")]);
    assert!(message.contains("--state dynamodb://table"), "{message}");
    let deployment = parsed(&[
        (SettingName::LAKE, "s3://my-bucket/a/b/"),
        (SettingName::STATE, "dynamodb://my-table"),
        (SettingName::SECRET, "arn:aws:secretsmanager:eu-west-1:1:secret:x"),
    ]);
    assert_eq!(deployment.lake.to_string(), "s3://my-bucket/a/b");
    assert_eq!(deployment.lake.locate("tables/x"), "s3://my-bucket/a/b/tables/x");
    assert_eq!(deployment.state, StatePlace::Table("my-table".to_owned()));
    assert!(matches!(deployment.token(), Ok(TokenPlace::Secret(_))));
    let whole =
        parsed(&[(SettingName::LAKE, "s3://bucket"), (SettingName::STATE, "dynamodb://table")]);
    assert_eq!(whole.lake.locate("tables/x"), "s3://bucket/tables/x");
}

#[test]
fn a_later_value_wins_and_an_empty_one_is_a_mistake() {
    let mut given = given(&[(SettingName::MAX_WORKERS, "3")]);
    given.set(SettingName::MAX_WORKERS, "4");
    assert_eq!(given.get(SettingName::MAX_WORKERS), Some("4"));
    for setting in SETTINGS {
        let mut given = given.clone();
        given.set(*setting, "  ");
        let message = DeploymentSettings::parse(&given).unwrap_err().to_string();
        assert!(message.contains(setting.variable) && message.contains("empty"), "{message}");
        given.unset(*setting);
        given.check().unwrap();
    }
    given.set(SettingName::MAX_WORKERS, "");
    given.set(SettingName::MAX_WORKERS, "5");
    assert_eq!(DeploymentSettings::parse(&given).unwrap().settings.max_workers, 5, "a flag, say");
}

#[test]
fn the_token_never_shows() {
    let given = given(&[(SettingName::TOKEN, "hush.hush")]);
    let deployment = DeploymentSettings::parse(&given).unwrap();
    assert!(!format!("{given:?} {deployment:?}").contains("hush"));
    let message = refused(&[(SettingName::TOKEN, "hush hush")]);
    assert!(!message.contains("hush") && message.contains("HARVEST_ACCESS_TOKEN"), "{message}");
}

#[test]
fn the_token_file_wins_and_is_named_when_it_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "from.file\n").unwrap();
    let file = file.to_str().unwrap();
    let deployment =
        parsed(&[(SettingName::TOKEN, "no token at all"), (SettingName::TOKEN_FILE, file)]);
    assert!(deployment.token().is_ok());
    let message = refused(&[(SettingName::TOKEN_FILE, "/nowhere/token")]);
    assert!(message.contains("/nowhere/token"), "{message}");
    // A mark of an editor is skipped, and a file without a token is named.
    for (text, is_token) in [("\u{feff}from.file\n", true), ("\u{feff}\n", false), ("a b", false)] {
        std::fs::write(file, text).unwrap();
        let told = token_file(Path::new(file)).map_err(|error| error.to_string());
        assert_eq!(told.is_ok(), is_token, "{told:?}");
        assert!(told.err().is_none_or(|told| told.contains(file)));
    }
}

#[test]
fn flags_and_variables_are_each_named_once() {
    let variables: BTreeSet<&str> = SETTINGS.iter().map(|setting| setting.variable).collect();
    assert_eq!(variables.len(), SETTINGS.len());
    assert!(SETTINGS.iter().all(|setting| setting.variable.starts_with("HARVEST_")));
    let flags: Vec<&str> = SETTINGS.iter().filter_map(|setting| setting.flag()).collect();
    assert_eq!(flags.iter().collect::<BTreeSet<_>>().len(), flags.len());
    assert!(flags.iter().all(|flag| flag.starts_with("--")));
}
