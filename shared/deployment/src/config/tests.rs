use std::collections::BTreeSet;

use engine::ids::AccountId;
use engine::time::SignedDuration;
use engine::window::Grid;

use super::*;

fn given(values: &[(Setting, &str)]) -> Given {
    let mut given = Given::default();
    given.set(Setting::ACCOUNT, "7");
    for (setting, value) in values {
        given.set(*setting, *value);
    }
    given
}

fn parsed(values: &[(Setting, &str)]) -> Deployment {
    Deployment::parse(&given(values)).unwrap()
}

fn refused(values: &[(Setting, &str)]) -> String {
    Deployment::parse(&given(values)).unwrap_err().to_string()
}

#[test]
fn what_is_not_given_has_its_default() {
    let deployment = parsed(&[]);
    assert_eq!(deployment.settings, Settings::new(AccountId(7)));
    assert_eq!(deployment.lake.to_string(), "./lake");
    assert_eq!(deployment.state.to_string(), "./lake/.state.sqlite");
    assert!(matches!(deployment.token(), Err(ConfigError::NoToken)));
    assert!(!deployment.base.is_loopback());
}

#[test]
fn what_is_hashed_needs_a_key_that_nobody_sees() {
    let key = "a key of many letters";
    let fields = (Setting::HASH_FIELDS, "users.email, clients.name,");
    let settings = parsed(&[fields, (Setting::HASH_KEY, key)]).settings;
    assert!(!format!("{settings:?}").contains(key));
    assert_eq!(settings.privacy.rules.keys().collect::<Vec<_>>(), [&"clients", &"users"]);
    assert!(refused(&[fields]).contains("HARVEST_HASH_KEY"));
    // The secret may hold the key beside the token, but only where the token is from a secret, too.
    let secret = (Setting::SECRET, "arn:aws:secretsmanager:eu-west-1:1:secret:x");
    assert_eq!(parsed(&[fields, secret]).settings.privacy.key, None);
    let said = refused(&[fields, secret, (Setting::TOKEN, "a.b")]);
    assert!(said.contains("HARVEST_HASH_KEY") && said.contains("`hash_key`"), "{said}");
    let short = refused(&[fields, (Setting::HASH_KEY, "short")]);
    assert!(short.contains("16"), "{short}");
    let both =
        refused(&[fields, (Setting::HASH_KEY, key), (Setting::EXCLUDE_FIELDS, "users.email")]);
    assert!(both.contains("users.email") && both.contains("both"), "{both}");
    let number = refused(&[(Setting::HASH_FIELDS, "users.id"), (Setting::HASH_KEY, key)]);
    assert!(number.contains("which row"), "{number}");
}

#[test]
fn every_setting_is_read() {
    let deployment = parsed(&[
        (Setting::TOKEN, " abc.def\n"),
        (Setting::BASE_URL, "http://127.0.0.1:8080/v2"),
        (Setting::CONTACT, "ops@example.com"),
        (Setting::LAKE, "/srv/lake"),
        (Setting::STREAMS, "clients, tasks,"),
        (Setting::EXCLUDE, "tasks"),
        (Setting::NO_CHANGES, "users, roles"),
        (Setting::CHANGES_RETENTION, "13"),
        (Setting::START_DATE, "2024-02-29"),
        (Setting::SYNC_INTERVAL, "90m"),
        (Setting::MAX_WORKERS, "3"),
        (Setting::RETENTION, "2d"),
        (Setting::KEEP, "yes"),
        (Setting::ACCEPT_ROLE, "TRUE"),
        (Setting::ACCEPT_DELETES, "1"),
        (Setting::REPORT_WINDOW, "quarter"),
        (Setting::GENERAL, "100/1500ms"),
        (Setting::REPORTS, "20/9s"),
        (Setting::BUDGET_PERCENT, "50"),
    ]);
    let settings = &deployment.settings;
    assert!(deployment.token().is_ok());
    assert_eq!(deployment.contact, "ops@example.com");
    assert_eq!(deployment.state.to_string(), "/srv/lake/.state.sqlite");
    assert!(settings.includes("clients") && !settings.includes("tasks"));
    assert!(!settings.includes("users"));
    assert!(settings.keeps_changes("clients") && !settings.keeps_changes("users"));
    assert_eq!(settings.changes_retention, Some(13));
    let none = parsed(&[(Setting::NO_CHANGES, "all")]).settings;
    assert!(!none.keeps_changes("clients"));
    assert_eq!(settings.start_date.unwrap().to_string(), "2024-02-29");
    assert_eq!(settings.sync_interval, SignedDuration::from_mins(90));
    assert_eq!(settings.retention, SignedDuration::from_hours(48));
    assert_eq!((settings.max_workers, settings.budget_percent), (3, 50));
    assert!(settings.keep && settings.accept_role && settings.accept_deletes);
    assert_eq!(settings.grid, Grid::Quarter);
    assert_eq!(settings.general.to_string(), "100/1500ms");
    assert_eq!(settings.reports.to_string(), "20/9s");
}

#[test]
fn what_cannot_be_used_is_named_with_flag_and_variable() {
    for (setting, value) in [
        (Setting::ACCOUNT, "acme"),
        (Setting::ACCOUNT, "-1"),
        (Setting::START_DATE, "2024-02-30"),
        (Setting::START_DATE, "20240229"),
        (Setting::SYNC_INTERVAL, "1"),
        (Setting::SYNC_INTERVAL, "0s"),
        (Setting::SYNC_INTERVAL, "1 h"),
        (Setting::SYNC_INTERVAL, "-1h"),
        (Setting::SYNC_INTERVAL, "99999999999999999d"),
        (Setting::RETENTION, "59m"),
        (Setting::MAX_WORKERS, "0"),
        (Setting::MAX_WORKERS, "65"),
        (Setting::BUDGET_PERCENT, "101"),
        (Setting::KEEP, "perhaps"),
        (Setting::REPORT_WINDOW, "week"),
        (Setting::GENERAL, "100"),
        (Setting::REPORTS, "0/9s"),
        (Setting::LAKE, "s3://bucket/a b"),
        (Setting::LAKE, "s3://b"),
        (Setting::LAKE, "s3://bucket//x"),
        (Setting::LAKE, "gs://bucket"),
        (Setting::STATE, "dynamodb://"),
        (Setting::STATE, "dynamodb://a/b"),
        (Setting::STATE, "redis://x"),
        (Setting::STREAMS, "client"),
        (Setting::EXCLUDE, "clients,nothing"),
        (Setting::NO_CHANGES, "clients,everything"),
        (Setting::CHANGES_RETENTION, "0"),
    ] {
        let message = refused(&[(setting, value)]);
        assert!(message.contains(setting.flag), "{message}");
        assert!(message.contains(setting.variable), "{message}");
    }
    assert!(Deployment::parse(&Given::default()).unwrap_err().to_string().contains("--account-id"));
    assert!(refused(&[(Setting::BASE_URL, "http://example.com/v2")]).contains("base URL"));
}

#[test]
fn a_lake_in_a_bucket_says_where_its_state_is() {
    let message = refused(&[(Setting::LAKE, "s3://bucket/prefix")]);
    assert!(message.contains("--state dynamodb://table"), "{message}");
    let deployment = parsed(&[
        (Setting::LAKE, "s3://my-bucket/a/b/"),
        (Setting::STATE, "dynamodb://my-table"),
        (Setting::SECRET, "arn:aws:secretsmanager:eu-west-1:1:secret:x"),
    ]);
    assert_eq!(deployment.lake.to_string(), "s3://my-bucket/a/b");
    assert_eq!(deployment.lake.locate("tables/x"), "s3://my-bucket/a/b/tables/x");
    assert_eq!(deployment.state, StatePlace::Table("my-table".to_owned()));
    assert!(matches!(deployment.token(), Ok(TokenPlace::Secret(_))));
    let whole = parsed(&[(Setting::LAKE, "s3://bucket"), (Setting::STATE, "dynamodb://table")]);
    assert_eq!(whole.lake.locate("tables/x"), "s3://bucket/tables/x");
}

#[test]
fn a_later_value_wins_and_an_empty_one_is_a_mistake() {
    let mut given = given(&[(Setting::MAX_WORKERS, "3")]);
    given.set(Setting::MAX_WORKERS, "4");
    assert_eq!(given.get(Setting::MAX_WORKERS), Some("4"));
    for setting in SETTINGS {
        let mut given = given.clone();
        given.set(*setting, "  ");
        let message = Deployment::parse(&given).unwrap_err().to_string();
        assert!(message.contains(setting.variable) && message.contains("empty"), "{message}");
        given.unset(*setting);
        given.check().unwrap();
    }
    given.set(Setting::MAX_WORKERS, "");
    given.set(Setting::MAX_WORKERS, "5");
    assert_eq!(Deployment::parse(&given).unwrap().settings.max_workers, 5, "a flag, say");
}

#[test]
fn the_token_never_shows() {
    let given = given(&[(Setting::TOKEN, "hush.hush")]);
    let deployment = Deployment::parse(&given).unwrap();
    assert!(!format!("{given:?} {deployment:?}").contains("hush"));
    let message = refused(&[(Setting::TOKEN, "hush hush")]);
    assert!(!message.contains("hush"), "{message}");
}

#[test]
fn the_token_file_wins_and_is_named_when_it_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "from.file\n").unwrap();
    let file = file.to_str().unwrap();
    let deployment = parsed(&[(Setting::TOKEN, "no token at all"), (Setting::TOKEN_FILE, file)]);
    assert!(deployment.token().is_ok());
    let message = refused(&[(Setting::TOKEN_FILE, "/nowhere/token")]);
    assert!(message.contains("/nowhere/token"), "{message}");
}

#[test]
fn flags_and_variables_are_each_named_once() {
    let variables: BTreeSet<&str> = SETTINGS.iter().map(|setting| setting.variable).collect();
    assert_eq!(variables.len(), SETTINGS.len());
    assert!(SETTINGS.iter().all(|setting| setting.variable.starts_with("HARVEST_")));
}
